"""What becomes of Emails, as few commands of the store: their keywords and the mailboxes they are in.

JMAPD-18 a change is told as done when a fresh look shows it: whoever moves a message at the same moment over
IMAP takes nothing away from it. Many Emails share a command per mailbox, and all commands one commit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from holdfast.functions.jmap.asking import Ask
from holdfast.functions.jmap.room import check_bytes
from holdfast.functions.jmap.rows import Keywords, split
from holdfast.model.errors import Refused, Unavailable
from holdfast.model.mail import MailboxId, MessageId
from holdfast.model.uidset import UidSet
from holdfast.store import AccountMail, AnyCommand, Copy, EmailRow, Expunge, Move, Place, StoreFlags
from holdfast.wire.jmap.errors import SetFault, SetRefused

ROUNDS: Final = 4  # tries, where somebody else changes the same
Error = Refused | Unavailable


class Wanted(NamedTuple):
    """How an Email shall be. No ``mailboxes``: gone."""

    mailboxes: frozenset[MailboxId]
    keywords: frozenset[str]


GONE: Final = Wanted(frozenset(), frozenset())
Decide = Callable[[EmailRow, frozenset[str]], Wanted]
"""From an Email and its keywords as they are now; may raise ``SetRefused``."""


async def make_so(ask: Ask, changes: Mapping[MessageId, Decide]) -> dict[MessageId, Error]:
    """Carries out all; what couldn't be, and why."""
    failed: dict[MessageId, Error] = {}
    seen: set[MessageId] = set()
    for _ in range(ROUNDS):
        mail = ask.mail()
        pending = [each for each in changes if each not in failed]
        with mail.moment():
            plan = _Plan(mail)
            rows, places = mail.emails(pending), mail.places(pending)
        for each in pending:
            if each not in rows:
                if each not in seen:
                    failed[each] = SetRefused(SetFault.NOT_FOUND, "There is no such Email.")
                continue
            seen.add(each)
            try:
                plan.add(rows[each], places[each], changes[each])
            except Refused as error:
                failed[each] = error
        if not plan.commands:
            return failed
        try:
            check_bytes(ask, mail, plan.more_bytes) if plan.more_bytes else None
            failed.update(await plan.carry_out(ask))
        except (Refused, Unavailable) as error:
            return failed | dict.fromkeys(plan.emails, error)
    late = Unavailable("store", "it is being changed by somebody else all the time", retry_after_s=1.0)
    return failed | dict.fromkeys(plan.emails, late)


class _Plan:
    """The commands of one round, each for as many Emails as can share it."""

    def __init__(self, mail: AccountMail) -> None:
        self._keywords = Keywords(mail.keywords())
        self._names = {box.id: box.name for box in mail.mailboxes()}
        self._groups: dict[tuple[int, Any], list[tuple[MessageId, int]]] = {}
        self.more_bytes = 0

    @property
    def commands(self) -> int:
        return len(self._groups)

    @property
    def emails(self) -> set[MessageId]:
        return {message for group in self._groups.values() for message, _ in group}

    def add(self, row: EmailRow, places: Sequence[Place], decide: Decide) -> None:
        now = frozenset(self._keywords.of(row.flags))
        wanted = decide(row, now)
        if wanted.mailboxes and wanted.keywords != now:
            on, off = split(wanted.keywords - now), split(now - wanted.keywords)
            for place in places:
                for mode, (bits, names) in (("add", on), ("remove", off)):
                    if bits or names:
                        self._put(0, (place.mailbox, mode, bits, names), row.id, [place.uid])
        self._move(row, places, wanted.mailboxes)

    def _move(self, row: EmailRow, places: Sequence[Place], wanted: frozenset[MailboxId]) -> None:
        """Into one mailbox for one out of another is a move, so that nothing is ever nowhere."""
        uids: dict[MailboxId, list[int]] = {}
        for place in places:
            uids.setdefault(place.mailbox, []).append(place.uid)
        come = sorted(wanted - uids.keys())
        leave = sorted(uids.keys() - wanted)
        if come and (gone := [each for each in come if each not in self._names]):
            raise SetRefused(SetFault.INVALID_PROPERTIES, f"No mailbox {gone[0]}.", properties=["mailboxIds"])
        first = places[0]
        while len(come) > len(leave):
            self._put(1, (first.mailbox, self._names[come.pop()]), row.id, [first.uid])
            self.more_bytes += row.size
        for mailbox in leave:
            one, *others = uids[mailbox]
            if come:
                self._put(2, (mailbox, self._names[come.pop()]), row.id, [one])
            else:
                others.append(one)
            if others:
                self._put(3, (mailbox,), row.id, others)

    def _put(self, kind: int, key: Any, message: MessageId, uids: Iterable[int]) -> None:
        self._groups.setdefault((kind, key), []).extend((message, uid) for uid in uids)

    async def carry_out(self, ask: Ask) -> dict[MessageId, Error]:
        """Flags first, then copies (which take them along), moves, and what goes."""
        groups = sorted(self._groups.items(), key=lambda group: group[0][0])
        commands = [_command(ask, kind, key, group) for (kind, key), group in groups]
        failed: dict[MessageId, Error] = {}
        for (_, group), outcome in zip(groups, await ask.commit(commands)):
            if isinstance(outcome, Refused | Unavailable):
                failed.update((message, outcome) for message, _ in group)
        return failed


def _command(ask: Ask, kind: int, key: Any, group: Iterable[tuple[MessageId, int]]) -> AnyCommand:
    uids = UidSet.of(sorted(uid for _, uid in group)).pack()
    if kind == 0:
        mailbox, mode, bits, names = key
        return StoreFlags(**ask.whose, mailbox=mailbox, uids=uids, mode=mode, flags=bits, keywords=names)
    if kind == 1:
        return Copy(**ask.whose, mailbox=key[0], uids=uids, to=key[1])
    if kind == 2:
        return Move(**ask.whose, mailbox=key[0], uids=uids, to=key[1])
    return Expunge(**ask.whose, mailbox=key[0], uids=uids, only_deleted=False)
