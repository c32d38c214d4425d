"""What holds for all mail of our customers, whichever way it is sent: how much, and what it can't be without.

SUB-4 nobody sends to more recipients within a day than he may; what comes too soon is asked to come again.
"""

from __future__ import annotations

import datetime
import re
from typing import NamedTuple, Protocol

from holdfast.flow import events
from holdfast.flow.sent import Sent
from holdfast.flow.trace import Dates
from holdfast.model.errors import Unavailable
from holdfast.model.limits import HEADER_BYTES, INTAKE_TRACE_LETTERS, SENT_TELL_S
from holdfast.model.mail import AccountId
from holdfast.world import World

_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:")
_DATE = re.compile(rb"\ndate[ \t]*:")
_MESSAGE_ID = re.compile(rb"\nmessage-id[ \t]*:")


class DailyLimits(Protocol):
    """What ``directory.People`` gives."""

    def daily_recipients_of(self, account: AccountId) -> int:
        """0 for no limit."""
        ...


class TooMany(NamedTuple):
    """``again_at``: UTC seconds, when one more may be sent to."""

    text: str
    again_at: float


class SendingLimits:
    """One process's. ``function``: whose, for the journal."""

    def __init__(self, world: World, people: DailyLimits, sent: Sent, function: str = "submission") -> None:
        self._world = world
        self._people = people
        self._sent = sent
        self._function = function
        self._told: dict[AccountId, float] = {}

    def check(self, account: AccountId, recipients: int, peer: str = "") -> TooMany | None:
        """Why the account may not send to so many more now, if it may not."""
        try:
            limit = self._people.daily_recipients_of(account)
        except Unavailable:
            return None  # what can't be looked up holds nothing back
        if not limit or (count := self._sent.count(account)) + recipients <= limit:
            return None
        again_at = self._sent.free_at(account, limit)
        self._tell(account, count, limit, again_at, peer)
        when = datetime.datetime.fromtimestamp(again_at, datetime.UTC)
        then = f"it goes on at {when:%Y-%m-%d %H:%M} UTC"
        if count < limit:
            then = f"{limit - count} more at most now"
        text = f"you may send to {limit} recipients within 24 hours and have sent to {count}: {then}"
        return TooMany(text, again_at)

    def take(self, account: AccountId, recipients: int) -> TooMany | None:
        """Counts a message's recipients, unless they are too many."""
        refused = self.check(account, recipients)
        if refused is None:
            self._sent.add(account, recipients)
        return refused

    def _tell(self, account: AccountId, count: int, limit: int, again_at: float, peer: str) -> None:
        now = self._world.clock.monotonic()
        if now - self._told.get(account, -SENT_TELL_S) < SENT_TELL_S:
            return
        self._told = {each: at for each, at in self._told.items() if now - at < SENT_TELL_S}
        self._told[account] = now
        self._world.journal.emit(
            events.SENDING_LIMIT,
            function=self._function,
            account=account,
            recipients=count,
            limit=limit,
            again_at=again_at,
            peer=peer,
        )


class Completing:
    """Date and Message-ID are added where missing. RFC 6409 §8.1, §8.2."""

    def __init__(self, world: World, hostname: str) -> None:
        self._world = world
        self._hostname = hostname
        self._dates = Dates()
        self._prefix = world.entropy.token(INTAKE_TRACE_LETTERS)
        self._count = 0

    def complete(self, data: bytes, domain: str) -> bytes:
        """``domain``: the sender's, '' for none."""
        end = data.find(b"\r\n\r\n", 0, HEADER_BYTES)
        if not _FIELD.match(data) and not data.startswith(b"\r\n"):
            present, gap = b"", b"\r\n"  # no header at all: what is there is the body
        else:
            present, gap = b"\n" + data[: end + 2 if end >= 0 else HEADER_BYTES].lower(), b""
            if data.startswith(b"\r\n"):
                present = b""
        added = b""
        if not _DATE.search(present):
            added += f"Date: {self._dates.at(self._world.clock.now())}\r\n".encode()
        if not _MESSAGE_ID.search(present):
            self._count += 1
            added += f"Message-ID: <{self._prefix}.{self._count:x}@{domain or self._hostname}>\r\n".encode()
        return added + gap + data if added else data
