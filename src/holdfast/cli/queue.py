"""`holdfast queue`: mail to elsewhere that waits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from holdfast.cli import terminal
from holdfast.model.errors import Reason, Refused

if TYPE_CHECKING:
    from holdfast.flow.queue import Entry
    from holdfast.flow.relay_door import RelayClient

T = TypeVar("T")
Ids = Annotated[list[str] | None, typer.Argument(help="Entries, as `queue list` names them.")]


def add_to(app: typer.Typer) -> None:
    words = typer.Typer(help="Mail to elsewhere that waits: list it, try now, give up.", no_args_is_help=True)
    words.command("list")(list_)
    words.command("retry")(retry)
    words.command("rm")(rm)
    words.command("resend")(resend)
    app.add_typer(words, name="queue")


def _with_queue(work: Callable[[RelayClient], Awaitable[T]]) -> T:
    from holdfast.run import doors
    from holdfast.world import real_world, run

    async def go() -> T:
        async with doors.queue(real_world(level="warn"), terminal.load_config()) as queue:
            return await work(queue)

    return run(go())


def list_(as_json: terminal.Json = False) -> None:
    """Lists what waits, for whom, since when, what was answered, and when it is tried again."""

    async def work(queue: RelayClient) -> list[Entry]:
        return await queue.entries()

    rows = [
        {
            "id": entry.id,
            "sender": entry.sender,
            "recipient": recipient.address,
            "since": moment(entry.received_at),
            "tries": recipient.tries,
            "next": "failed" if recipient.failed else moment(recipient.next_at),
            "reply": recipient.reply,
        }
        for entry in _with_queue(work)
        for recipient in entry.recipients.values()
    ]
    terminal.show(rows, ["id", "sender", "recipient", "since", "tries", "next", "reply"], as_json)


def moment(at: float) -> str:
    """``2026-11-22T17:40:00Z``, '' for never."""
    import datetime

    if not at:
        return ""
    return datetime.datetime.fromtimestamp(int(at), datetime.UTC).isoformat().replace("+00:00", "Z")


def retry(
    ids: Ids = None, everything: Annotated[bool, typer.Option("--all", help="All that waits.")] = False
) -> None:
    """Tries again now."""
    _some(ids, everything)
    count = _with_queue(lambda queue: queue.retry(ids or []))
    terminal.say(f"{count} tried now")


def rm(
    ids: Ids = None,
    everything: Annotated[bool, typer.Option("--all", help="All that waits.")] = False,
    bounce: Annotated[bool, typer.Option(help="Tell the senders.")] = True,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
) -> None:
    """Gives up; the senders are told, unless --no-bounce."""
    _some(ids, everything)
    terminal.confirm("Give up on all that waits?" if everything else f"Give up on {len(ids or [])}?", yes)
    count = _with_queue(lambda queue: queue.remove(ids or [], bounce))
    terminal.say(f"{count} given up")


Since = Annotated[str, typer.Option(help="What was taken from then on: 2012-08-15T10:02+02:00.")]
Until = Annotated[str, typer.Option(help="And up to then; '' is now.")]


def resend(
    since: Since,
    until: Until = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what that would be.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    as_json: terminal.Json = False,
) -> None:
    """Sends once more what another server took and dropped: the same messages, to the same recipients."""
    from holdfast.world import real_world

    begin = terminal.time_of("--since", since)
    end = terminal.time_of("--until", until) if until else real_world().clock.now()
    found = _with_queue(lambda queue: queue.resend(begin, end, only_look=True))
    rows = [
        {"id": entry.id, "sender": entry.sender, "recipient": address}
        for entry in found
        for address in entry.recipients
    ]
    terminal.show(rows, ["id", "sender", "recipient"], as_json)
    if dry_run or not rows:
        return
    terminal.confirm(f"Send {len(rows)} once more? Who got them gets them twice.", yes)
    sent = _with_queue(lambda queue: queue.resend(begin, end))
    terminal.say(f"{sum(len(each.recipients) for each in sent)} wait to be sent once more")


def _some(ids: list[str] | None, everything: bool) -> None:
    if not ids and not everything:
        raise Refused(Reason.BAD_SYNTAX, "name entries (see `holdfast queue list`), or say --all")
