"""`holdfast import`: mail from a Maildir or an mbox into an account, also while the service runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.cli import terminal
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.limits import MIB

if TYPE_CHECKING:
    from holdfast.cli.mailfiles import Bad, Found
    from holdfast.model.people import Account
    from holdfast.store import MailStore

BATCH_MESSAGES = 200
BATCH_BYTES = 8 * MIB

SkipKnown = Annotated[bool, typer.Option("--skip-known", help="Leave out what is in the mailbox already.")]
Owner = Annotated[str, typer.Argument(metavar="ACCOUNT", help="An address of the account that gets it.")]


def add_to(app: typer.Typer) -> None:
    words = typer.Typer(
        help="Mail from files: flags, folders, keywords and dates are kept.", no_args_is_help=True
    )
    words.command("maildir")(maildir)
    words.command("mbox")(mbox)
    app.add_typer(words, name="import")


def maildir(
    path: Annotated[Path, typer.Argument(help="The Maildir; Maildir++ folders below it come along.")],
    account: Owner,
    under: Annotated[str, typer.Option(help="Put all folders below this one.")] = "",
    skip_known: SkipKnown = False,
) -> None:
    """Imports a Maildir with all its folders."""
    from holdfast.cli import mailfiles

    total = mailfiles.maildir_count(path)
    found = (_below(each, under) for each in mailfiles.read_maildir(path))
    _run(found, total, account, skip_known)


def mbox(
    path: Annotated[Path, typer.Argument(help="The file.")],
    account: Owner,
    into: Annotated[str, typer.Option(help="The mailbox that gets it.")] = "INBOX",
    skip_known: SkipKnown = False,
) -> None:
    """Imports an mbox file into one mailbox."""
    from holdfast.cli import mailfiles

    if not path.is_file():
        raise Refused(Reason.BAD_NAME, f"{path}: no such file")
    _run(mailfiles.read_mbox(path, into), None, account, skip_known)


def _below(found: Found | Bad, under: str) -> Found | Bad:
    from holdfast.cli.mailfiles import Found

    if under and isinstance(found, Found):
        return found._replace(mailbox=under if found.mailbox == "INBOX" else f"{under}/{found.mailbox}")
    return found


def _run(found: Iterator[Found | Bad], total: int | None, login: str, skip_known: bool) -> None:
    from holdfast.cli.progress import Bar, progress
    from holdfast.run import doors
    from holdfast.world import real_world, run

    config = terminal.load_config()

    async def work(bar: Bar) -> Tally:
        world = real_world(level="warn")
        async with doors.people(world, config) as people, doors.store(world, config) as store:
            account = await people.account(login)
            tally = Tally()
            await _import(store, account, found, skip_known, tally, bar)
            return tally

    with progress("messages", total) as bar:
        tally = run(work(bar))
    terminal.say(f"{tally.done} imported, {tally.known} there already, {tally.bad} not possible")
    if tally.bad:
        raise typer.Exit(2)


class Tally:
    __slots__ = ("bad", "done", "known")

    def __init__(self) -> None:
        self.done = self.known = self.bad = 0


async def _import(
    store: MailStore,
    account: Account,
    found: Iterator[Found | Bad],
    skip_known: bool,
    tally: Tally,
    bar: object,
) -> None:
    """In batches, one group commit each; a message that is refused is named and the others go on."""
    from holdfast.cli.mailfiles import Bad
    from holdfast.cli.progress import Bar

    assert isinstance(bar, Bar)
    await store.open_account(account.id, account.cell)
    boxes: dict[str, Known] = {}
    batch: list[Found] = []
    size = 0
    for each in found:
        bar.advance()
        if isinstance(each, Bad):
            terminal.say(f"{each.place}: {each.why}")
            tally.bad += 1
            continue
        if each.mailbox not in boxes:
            boxes[each.mailbox] = await _open(store, account, each.mailbox, skip_known)
        if skip_known and boxes[each.mailbox].has(each):
            tally.known += 1
            continue
        batch.append(each)
        size += len(each.message)
        if len(batch) >= BATCH_MESSAGES or size >= BATCH_BYTES:
            await _append(store, account, batch, tally)
            batch, size = [], 0
    if batch:
        await _append(store, account, batch, tally)


async def _append(store: MailStore, account: Account, batch: Sequence[Found], tally: Tally) -> None:
    from holdfast.store import Append

    outcomes = await store.commit(
        [
            Append(
                account=account.id,
                cell=account.cell,
                mailbox=each.mailbox,
                message=each.message,
                flags=each.flags,
                keywords=each.keywords,
                internaldate=each.date,
            )
            for each in batch
        ]
    )
    for each, outcome in zip(batch, outcomes):
        if isinstance(outcome, Unavailable):
            raise outcome
        if isinstance(outcome, Refused):
            terminal.say(f"{each.place}: {outcome.text}")
            tally.bad += 1
        else:
            tally.done += 1


class Known:
    """What a mailbox held before: by size and date, and for those that agree by content."""

    def __init__(self) -> None:
        self._by_look: dict[tuple[int, int], list[tuple[int, ...]]] = {}
        self._read: object = None

    def fill(self, store: MailStore, account: Account, name: str) -> None:
        from holdfast.store import Column, MessageRef

        mail = store.account(account.id, account.cell)
        box = mail.mailbox(name)
        if box is None:
            return
        for rows in mail.rows(box.id, mail.uids(box), [Column.SIZE, Column.INTERNALDATE, Column.REF]):
            for size, date, *ref in rows:
                self._by_look.setdefault((size, int(date)), []).append(MessageRef(*ref))
        self._read = mail.messages

    def has(self, found: Found) -> bool:
        """Each message that was there counts once, so that two equal ones stay two."""
        refs = self._by_look.get((len(found.message), int(found.date or 0)), [])
        for at, ref in enumerate(refs):
            assert callable(self._read)
            body = self._read([ref])[0]
            if body is not None and bytes(body) == found.message:
                del refs[at]
                return True
        return False


async def _open(store: MailStore, account: Account, name: str, skip_known: bool) -> Known:
    """The mailbox, made and subscribed to when it isn't there, and what it holds."""
    from holdfast.store import MakeMailbox, Subscribe

    known = Known()
    if store.account(account.id, account.cell).mailbox(name) is None:
        await store.commit_one(MakeMailbox(account=account.id, cell=account.cell, name=name))
        await store.commit_one(Subscribe(account=account.id, cell=account.cell, name=name))
    elif skip_known:
        known.fill(store, account, name)
    return known
