"""`holdfast export`: all mail of an account in one file that other programs read."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Annotated

import typer

from holdfast.cli import terminal
from holdfast.model.errors import Reason, Refused


def add_to(app: typer.Typer) -> None:
    app.command("export")(export)


def export(
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="An address of the account.")],
    file: Annotated[Path, typer.Argument(metavar="FILE.zip", help="Where to; it must not exist yet.")],
    removed: Annotated[
        bool, typer.Option("--removed", help="Also what was removed, however long ago: removed.mbox.")
    ] = False,
) -> None:
    """Writes all mail of an account into a ZIP file: mbox files and mail.json; 2 when some can't be read.

    Works while the service runs, and while its store does not. Nothing is marked as read.
    """
    from holdfast.cli.progress import progress
    from holdfast.run import doors
    from holdfast.store import export as form
    from holdfast.world import real_world, run

    config = terminal.load_config()
    if file.exists():
        raise Refused(Reason.EXISTS, f"{file} exists: name another file, or remove it")
    unfinished = file.with_name(file.name + ".part")
    unreadable: list[form.Unreadable] = []

    async def work() -> int:
        world = real_world(level="warn")
        async with doors.people(world, config) as people:
            owner = await people.account(account)
        unfinished.unlink(missing_ok=True)
        unfinished.touch(mode=0o600, exist_ok=False)  # nobody else's to read, from its first byte
        mail = doors.reading(world, config).account(owner.id, owner.cell)
        with progress("messages", mail.usage().messages) as bar, unfinished.open("wb") as out:
            for piece in form.archive(
                mail,
                removed_since=0.0 if removed else None,
                unreadable=unreadable,
                on_message=bar.advance,
            ):
                out.write(piece)
            return bar.done

    try:
        count = run(work())
        unfinished.rename(file)
    except OSError as error:
        raise Refused(Reason.NOT_ALLOWED, f"{file} can't be written: {error.strerror}") from error
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
    terminal.say(f"{count} messages in {file}")
    for each in unreadable:
        terminal.say(f"{each.mailbox}, UID {each.uid}: damaged, left out")
    if unreadable:
        raise typer.Exit(2)
