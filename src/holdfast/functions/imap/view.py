"""The selected mailbox as this session has told it to the client.

IMAPD-2 what the client can number is exactly ``uids``: an entry leaves it in the same step as its
EXPUNGE is written, and never while FETCH, STORE or SEARCH is answered.
IMAPD-3 what can't be read changes nothing here: reading comes first, then everything moves at once.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from holdfast.functions.imap.flags import RECENT, texts_for
from holdfast.model.errors import Unavailable
from holdfast.model.mail import Mailbox, MailboxId
from holdfast.model.uidset import EMPTY, UidSet
from holdfast.store.commands import Added, Flagged, MailboxGone, Removed
from holdfast.store.reader import AccountMail, Column
from holdfast.wire.imap import responses

_PAST_ALL_UIDS = 1 << 32
READINGS = 64  # kept by one process


class MailboxDeleted(Exception):
    """The selected mailbox was deleted by another session (RFC 2180 §3.3)."""


class Telling(NamedTuple):
    """How changes are told to this client now.

    ``expunges``: EXPUNGE may be sent (RFC 3501 §7.4.1); ``vanished``: as VANISHED (RFC 7162 §3.2.10).
    ``own``: modseq of the session's own flag change, which was answered already; 0 for none.
    """

    expunges: bool = True
    uid: bool = False
    modseq: bool = False
    vanished: bool = False
    own: int = 0


class News(NamedTuple):
    """What happened in a mailbox since it was last told, summed up."""

    added: UidSet
    flagged: UidSet
    removed: UidSet


class Reading(NamedTuple):
    """News and what goes with them, read at one time; shared by the sessions that lack the same."""

    news: News
    box: Mailbox
    uids: UidSet
    keywords: tuple[str, ...]


class Readings:
    """The latest readings of a process: a hundred sessions that idle on one mailbox read its index once."""

    __slots__ = ("_latest",)

    def __init__(self) -> None:
        self._latest: OrderedDict[tuple[MailboxId, int, int], Reading] = OrderedDict()

    def of(self, kept: AccountMail, mailbox: MailboxId, since: int, modseq: int, own: int) -> Reading:
        """What happened after ``since``, the account being at ``modseq``. Raises as ``View.sync`` does."""
        known = self._latest.get((mailbox, since, modseq)) if not own else None
        if known is not None:
            return known
        news = _read_news(kept, mailbox, since, own)
        selected = kept.selected(mailbox)
        if selected is None:
            raise MailboxDeleted
        reading = Reading(news, *selected, tuple(kept.keywords()))
        if not own:
            self._latest[mailbox, since, modseq] = reading
            if len(self._latest) > READINGS:
                self._latest.popitem(last=False)
        return reading


def _read_news(kept: AccountMail, mailbox: MailboxId, since: int, own: int) -> News:
    sets: dict[type, list[UidSet]] = {Added: [], Flagged: [], Removed: []}
    for change in kept.changes(mailbox, since):
        if isinstance(change, MailboxGone):
            raise MailboxDeleted
        if isinstance(change, Added | Flagged | Removed) and not (
            change.modseq == own and isinstance(change, Flagged)
        ):
            sets[type(change)].append(change.uids)
    return News(union(sets[Added]), union(sets[Flagged]), union(sets[Removed]))


class View:
    """``uids``: told to the client, in its numbering; the account's own object when equal.

    ``gone``: removed from the mailbox but not yet told; ``modseq``: all changes up to it are told, or
    in ``gone``; ``recent``: what this session shows as ``\\Recent``; ``owes_recent``: the store has not
    been told that they are taken; ``keywords``: how many the client was told of.
    """

    __slots__ = ("gone", "keywords", "mailbox", "modseq", "owes_recent", "read_only", "recent", "uids")

    def __init__(self, box: Mailbox, uids: UidSet, modseq: int, keywords: int, read_only: bool) -> None:
        self.mailbox: MailboxId = box.id
        self.read_only = read_only
        self.modseq = modseq
        self.uids = uids
        self.gone = EMPTY
        self.recent = recent_among(uids, box)
        self.owes_recent = bool(self.recent) and not read_only
        self.keywords = keywords

    # -- numbers ------------------------------------------------------------------

    def numbers(self, uids: Sequence[int]) -> Sequence[int]:
        """Message numbers of UIDs the client knows, in their order; quick when they lie side by side."""
        rank = self.uids.rank
        first = rank(uids[0]) + 1
        if rank(uids[-1]) - first + 2 == len(uids):
            return range(first, first + len(uids))
        return [rank(uid) + 1 for uid in uids]

    def uids_at(self, numbers: UidSet) -> UidSet:
        """UIDs of message numbers, cut to those there are."""
        return union([self.uids.slice(low - 1, high - 1) for low, high in numbers.ranges])

    def numbers_of(self, uids: UidSet) -> UidSet:
        """The inverse; ``uids`` are all known to the client."""
        rank = self.uids.rank
        return UidSet((rank(low) + 1, rank(high) + 1) for low, high in uids.ranges)

    # -- news ---------------------------------------------------------------------

    def sync(self, kept: AccountMail, telling: Telling, readings: Readings) -> list[bytes]:
        """Untagged responses for all that changed since the last time. RFC 3501 §5.2, §7.3-7.4.

        Raises ``Unavailable`` and ``MailboxDeleted``; then nothing has moved.
        """
        modseq = kept.modseq
        if modseq == self.modseq and not (telling.expunges and self.gone):
            return []
        if modseq < self.modseq:
            raise Unavailable(f"cell-{kept.cell:02d}/index", "the index is behind what was shown already")
        reading = readings.of(kept, self.mailbox, self.modseq, modseq, telling.own)
        lines: list[bytes] = []
        if len(reading.keywords) != self.keywords:
            lines.append(responses.flags(texts_for(reading.keywords).names))
        if any(reading.news) or (telling.expunges and self.gone):
            self._tell(kept, reading, telling, lines)
        self.modseq = modseq
        self.keywords = len(reading.keywords)
        return lines

    def _tell(self, kept: AccountMail, reading: Reading, telling: Telling, lines: list[bytes]) -> None:
        """Puts the news into ``lines``, and moves what the client knows."""
        news, box, shared, _ = reading
        if not (news.flagged or news.removed or self.gone) and self._only_new(news.added, box, shared, lines):
            return
        added = news.added - self.uids - news.removed
        uids = self.uids | added
        gone = self.gone | (news.removed & self.uids)
        fresh = recent_among(added, box)
        recent = self.recent | fresh
        if gone and telling.expunges:
            lines.append(responses.vanished(gone) if telling.vanished else responses.expunges(uids, gone))
            uids, recent, gone = uids - gone, recent - gone, EMPTY
        if added:
            lines.append(responses.exists(len(uids)) + responses.recent(len(recent)))
        flagged = (news.flagged & self.uids) - news.removed - self.gone
        before = self.uids, self.recent
        self.uids, self.recent = uids, recent  # the numbers of what follows
        try:
            if flagged:
                lines += self.flag_lines(kept, flagged, telling)
        except BaseException:
            self.uids, self.recent = before
            raise
        self.uids = shared if shared == uids else uids
        self.recent = recent or EMPTY
        self.gone = gone or EMPTY
        self.owes_recent = self.owes_recent or (bool(fresh) and not self.read_only)

    def _only_new(self, added: UidSet, box: Mailbox, shared: UidSet, lines: list[bytes]) -> bool:
        """The common case, new mail and nothing else, without making sets; False when it isn't that.

        Nothing is beyond ``added`` and the counts agree: so what is there is what was known and it.
        """
        uids = self.uids
        if uids and uids.last >= added.first:
            return False
        if not shared or shared.last != added.last or len(shared) != len(uids) + len(added):
            return False
        fresh = recent_among(added, box)
        self.uids = shared
        self.recent = self.recent | fresh
        self.owes_recent = self.owes_recent or (bool(fresh) and not self.read_only)
        lines.append(responses.exists(len(shared)) + responses.recent(len(self.recent)))
        return True

    def flag_lines(self, kept: AccountMail, uids: UidSet, telling: Telling) -> Iterator[bytes]:
        """``* n FETCH (FLAGS (…))`` for each, in chunks; such as are gone are left out."""
        texts = texts_for(tuple(kept.keywords()))
        form = b"* %d FETCH (" + (b"UID %d " if telling.uid else b"") + b"FLAGS %b"
        form += (b" MODSEQ (%d)" if telling.modseq else b"") + b")\r\n"
        columns = [Column.UID, Column.FLAGS, *([Column.MODSEQ] if telling.modseq else [])]
        for chunk in kept.rows(self.mailbox, uids, columns):
            told, flags, *modseqs = zip(*chunk)
            fields: list[Iterable[object]] = [self.numbers(told)]
            if telling.uid:
                fields.append(told)
            fields.append(map(texts.__getitem__, self.with_recent(told, flags)))
            yield b"".join(map(form.__mod__, zip(*fields, *modseqs)))

    def modseq_lines(self, kept: AccountMail, uids: UidSet, telling: Telling) -> Iterator[bytes]:
        """``* n FETCH (MODSEQ (…))`` for each: what a silent STORE still tells. RFC 7162 §3.1.3"""
        form = b"* %d FETCH (" + (b"UID %d " if telling.uid else b"") + b"MODSEQ (%d))\r\n"
        for chunk in kept.rows(self.mailbox, uids, (Column.UID, Column.MODSEQ)):
            told, modseqs = zip(*chunk)
            fields = (self.numbers(told), told, modseqs) if telling.uid else (self.numbers(told), modseqs)
            yield b"".join(map(form.__mod__, zip(*fields)))

    def with_recent(self, uids: Sequence[int], flags: Sequence[int]) -> Sequence[int]:
        """Kept flags with this session's ``\\Recent`` put in."""
        recent = self.recent
        if not recent or recent.first > uids[-1]:
            return flags
        return [flag | RECENT if uid in recent else flag for uid, flag in zip(uids, flags)]


def union(sets: list[UidSet]) -> UidSet:
    if len(sets) == 1:
        return sets[0]
    return UidSet(pair for each in sets for pair in each.ranges) if sets else EMPTY


def recent_among(uids: UidSet, box: Mailbox) -> UidSet:
    """Those nobody was told of as ``\\Recent`` yet."""
    if not uids or uids.last < box.first_recent_uid:
        return EMPTY
    if uids.first >= box.first_recent_uid:
        return uids
    return uids & UidSet([(box.first_recent_uid, _PAST_ALL_UIDS)])
