"""New messages into mailboxes: those a client wrote, and those it imports."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import NamedTuple

from holdfast.functions.jmap.asking import Ask
from holdfast.functions.jmap.ids import EMAIL, MAILBOX, MESSAGE_BLOB, THREAD, id_of
from holdfast.functions.jmap.keeping import GONE, make_so
from holdfast.functions.jmap.room import check_bytes
from holdfast.functions.jmap.rows import split
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.mail import MailboxId
from holdfast.model.uidset import UidSet
from holdfast.store import Append, Appended, Copy
from holdfast.wire.jmap.core import Json
from holdfast.wire.jmap.errors import SetFault, SetRefused

Made = Json | Refused | Unavailable


class New(NamedTuple):
    """``received`` None: now."""

    mailboxes: frozenset[MailboxId]
    keywords: frozenset[str]
    received: datetime.datetime | None
    message: bytes = b""


async def append_all(ask: Ask, new: Sequence[New]) -> list[Made]:
    """One commit for all, and one for the further mailboxes of some. Of each what the server sets (``id``,
    ``blobId``, ``threadId``, ``size``), or why it isn't there."""
    mail = ask.mail()
    names = {box.id: box.name for box in mail.mailboxes()}
    results: dict[int, Made] = {}
    commands: dict[int, Append] = {}
    size = 0
    for place, each in enumerate(new):
        try:
            command = _append(ask, each, names)
            check_bytes(ask, mail, size + len(each.message) * len(each.mailboxes))
            size += len(each.message) * len(each.mailboxes)
            commands[place] = command
        except Refused as error:
            results[place] = error
    made: dict[int, Appended] = {}
    for place, outcome in zip(commands, await ask.commit(list(commands.values())) if commands else ()):
        if isinstance(outcome, Appended):
            made[place] = outcome
        else:
            assert isinstance(outcome, Refused | Unavailable)
            results[place] = outcome
    results.update(await _copy(ask, new, made, names))
    rows = ask.mail().emails(each.message for each in made.values())
    for place, appended in made.items():
        row = rows.get(appended.message)
        results.setdefault(
            place,
            {
                "id": id_of(EMAIL, appended.message),
                "blobId": id_of(MESSAGE_BLOB, appended.message),
                "threadId": id_of(THREAD, appended.message if row is None else row.thread),
                "size": len(new[place].message),
            },
        )
    return [results[place] for place in range(len(new))]


def _append(ask: Ask, new: New, names: dict[MailboxId, str]) -> Append:
    if gone := [each for each in new.mailboxes if each not in names]:
        text = f"There is no mailbox “{id_of(MAILBOX, gone[0])}”."
        raise SetRefused(SetFault.INVALID_PROPERTIES, text, properties=["mailboxIds"])
    most = ask.parts.mail_limits.message_bytes
    if len(new.message) > most:
        raise Refused(Reason.TOO_LARGE, f"A message has at most {most} bytes.")
    flags, keywords = split(new.keywords)
    return Append(
        **ask.whose,
        mailbox=names[min(new.mailboxes)],
        message=new.message,
        flags=flags,
        keywords=keywords,
        internaldate=None if new.received is None else new.received.timestamp(),
    )


async def _copy(
    ask: Ask, new: Sequence[New], made: dict[int, Appended], names: dict[MailboxId, str]
) -> dict[int, Made]:
    """Into the mailboxes beside the first; what can't be there in all of them is in none. Gives those."""
    copies = [
        (place, Copy(**ask.whose, mailbox=it.mailbox, uids=UidSet.of([it.uid]).pack(), to=names[each]))
        for place, it in made.items()
        for each in sorted(new[place].mailboxes - {it.mailbox})
    ]
    if not copies:
        return {}
    outcomes = await ask.commit([command for _, command in copies])
    failed: dict[int, Made] = {
        place: outcome
        for (place, _), outcome in zip(copies, outcomes)
        if isinstance(outcome, Refused | Unavailable)
    }
    if failed:
        await make_so(ask, {made[place].message: lambda row, now: GONE for place in failed})
    return failed
