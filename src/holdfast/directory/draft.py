"""What one group of requests adds to the ledger, already in effect in the writer's own tables.

Every plan runs within the writer's open transaction: what it adds is folded at once, under the
sequence it will have, so that later requests of the same group see it.
"""

from __future__ import annotations

import msgspec

from holdfast.directory import records as r
from holdfast.directory import requests as q
from holdfast.directory.copy import Copy
from holdfast.directory.names import name_key
from holdfast.model.errors import Reason, Refused
from holdfast.model.ledgers import Kind
from holdfast.model.limits import NAME_CHARACTERS, NOTE_CHARACTERS
from holdfast.model.mail import AccountId
from holdfast.model.people import Account, Domain
from holdfast.packs.words import NewFrame
from holdfast.world.entropy import Entropy


class Draft:
    """``by``, ``why``, ``once``: of the request that is being planned."""

    __slots__ = ("_records", "at", "by", "cells", "copy", "entropy", "frames", "once", "sequence", "why")

    def __init__(self, copy: Copy, next_sequence: int, at: float, cells: int, entropy: Entropy) -> None:
        self.copy = copy
        self.at = at
        self.cells = cells
        self.entropy = entropy
        self.frames: list[NewFrame] = []
        self._records: list[r.AnyRecord] = []
        self.sequence = next_sequence - 1
        self.by = self.why = self.once = ""

    def add(self, record: r.AnyRecord, cells: tuple[int, ...] = (), *, last: bool = True) -> int:
        """Its frame's sequence. Raises ``Refused``; then nothing was added.

        ``last``: this one is the request's last, and carries its key: of a torn group all is asked again.
        """
        once = self.once if last else ""
        if self.by or self.why or once:
            record = msgspec.structs.replace(record, by=self.by, why=self.why, once=once)
        self.copy.fold.apply(self.sequence + 1, record)
        self.sequence += 1
        account: AccountId = getattr(record, "account", 0)
        self.frames.append(NewFrame(Kind.PEOPLE, r.encode_record(record), account, cells))
        self._records.append(record)
        return self.sequence

    def take_back(self) -> None:
        """Forgets the last frame, whose effects the caller has undone."""
        self.frames.pop()
        self._records.pop()
        self.sequence -= 1
        self.copy.fold.sequence = self.sequence

    def back_to(self, frames: int) -> None:
        """Forgets all but the first ``frames``, with their effects: a request is carried out whole or not."""
        if len(self.frames) == frames:
            return
        fold = self.copy.fold
        fold.roll_back()
        fold.begin()
        first = self.sequence - len(self.frames) + 1
        del self.frames[frames:], self._records[frames:]
        for sequence, record in enumerate(self._records, first):
            fold.apply(sequence, record)
        self.sequence = fold.sequence = first + frames - 1

    def who(self, who: q.Who) -> AccountId:
        return find(self.copy, who)

    def account(self, account: AccountId) -> Account:
        return self.copy.lists.account(account)

    def domain(self, name: str) -> Domain:
        """By its folded name, removed or not. Raises ``Refused(NO_SUCH_DOMAIN)``."""
        domain = self.copy.lists.domain(name)
        if domain is None:
            raise Refused(Reason.NO_SUCH_DOMAIN, f"{name} is no domain of this service: add the domain first")
        return domain

    def need_why(self) -> None:
        if not self.why.strip():
            raise Refused(Reason.BAD_SYNTAX, "this wants a reason: say why in words")


def find(copy: Copy, who: q.Who) -> AccountId:
    """The account's id. Raises ``Refused(NO_SUCH_USER)``."""
    if isinstance(who, int):
        return who
    entry = copy.lookup.entry(name_key(who))
    if entry is None or entry[0] == 0:
        raise Refused(Reason.NO_SUCH_USER, f"{who} is no account's address")
    return entry[0]


def check_name(name: str, *, needed: str = "") -> None:
    """``needed``: what it is the name of, when there must be one."""
    if len(name) > NAME_CHARACTERS:
        raise Refused(Reason.TOO_LARGE, f"name longer than {NAME_CHARACTERS} characters")
    if needed and not name.strip():
        raise Refused(Reason.BAD_SYNTAX, f"a {needed} needs a name")


def check_note(text: str) -> None:
    if len(text) > NOTE_CHARACTERS:
        raise Refused(Reason.TOO_LARGE, f"text longer than {NOTE_CHARACTERS} characters: shorten it")


def check_count(value: int | None, what: str) -> None:
    if value is not None and not 0 <= value < 1 << 62:
        raise Refused(Reason.BAD_SYNTAX, f"{what} can't be {value}: 0 for none, or more")


def check_end(draft: Draft, expires_at: float) -> None:
    if expires_at and expires_at <= draft.at:
        raise Refused(Reason.BAD_SYNTAX, "it would be over already: give a time to come, or 0 for no end")
