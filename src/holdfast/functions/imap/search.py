"""SEARCH: keys over the selected mailbox, the cheapest first, each on what the ones before it left.

What an index row tells (flags, sizes, dates, ENVELOPE) is decided in bulk, column by column; only what
is left then has its message read, in joined batches. RFC 3501 §6.4.4, RFC 5032, RFC 7162 §3.1.5.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import islice
from typing import Any

from holdfast.functions.imap.fetch import batches
from holdfast.functions.imap.flags import keyword_bit
from holdfast.functions.imap.opened import Opened
from holdfast.functions.imap.view import View
from holdfast.mime import envelope_fields as envelopes
from holdfast.model.uidset import UidSet
from holdfast.store.reader import AccountMail, Column, MessageRef
from holdfast.wire.imap import commands as c

Uids = set[int]
Steps = Generator[None, None, Uids]  # a yield is a place where others may have their turn
_DAY_S = 86_400
_EPOCH = 719_163  # datetime.date(1970, 1, 1).toordinal()
_COMPARISONS: dict[c.Compare, Callable[[int, int], bool]] = {
    c.Compare.BEFORE: int.__lt__,
    c.Compare.ON: int.__eq__,
    c.Compare.SINCE: int.__ge__,
}


class Searching:
    """One SEARCH under way.

    ``resolve(ids, uid)`` gives the UIDs a client's set names; ``now``: UTC seconds.
    """

    __slots__ = ("_columns", "_kept", "_keywords", "_now", "_resolve", "_view")

    def __init__(
        self, view: View, kept: AccountMail, resolve: Callable[[c.SequenceSet, bool], UidSet], now: float
    ) -> None:
        self._view = view
        self._kept = kept
        self._resolve = resolve
        self._now = now
        self._keywords = kept.keywords()
        self._columns: dict[Column, dict[int, Any]] = {}

    def run(self, key: c.SearchKey) -> Steps:
        """UIDs of all messages that match. Raises ``Unavailable``."""
        return (yield from self._find(key, set(self._view.uids - self._view.gone)))

    def modseq_of(self, found: Uids) -> Generator[None, None, int]:
        """The highest modseq among the found; 0 for none."""
        values = yield from self._values(Column.MODSEQ, found)
        return max((values.get(uid, 0) for uid in found), default=0)

    def _find(self, key: c.SearchKey, among: Uids) -> Steps:
        if not among:
            return among
        if isinstance(key, c.SearchAnd):
            for each in sorted(key.keys, key=cost):
                among = yield from self._find(each, among)
            return among
        if isinstance(key, c.SearchOr):
            first, second = sorted((key.left, key.right), key=cost)
            found = yield from self._find(first, among)
            return found | (yield from self._find(second, among - found))
        if isinstance(key, c.SearchNot):
            return among - (yield from self._find(key.key, among))
        if isinstance(key, c.SearchHeader) and key.field in _PLACES:
            return (yield from self._header(key, among))
        if isinstance(key, c.SearchDate) and key.sent:
            return (yield from self._sent(key, among))
        if isinstance(key, c.SearchHeader | c.SearchText):
            return (yield from self._read(key, among))
        if type(key) in _TOLD:
            return _TOLD[type(key)](self, key, among)
        return (yield from _ROWS[type(key)](self, key, among))

    def _values(self, column: Column, among: Uids) -> Generator[None, None, dict[int, Any]]:
        """UID → value, for at least those of ``among`` that still exist."""
        known = self._columns.setdefault(column, {})
        missing = among.difference(known) if known else among
        if missing:
            for chunk in self._kept.rows(self._view.mailbox, UidSet.of(missing), (Column.UID, column)):
                if len(chunk) < len(missing):
                    yield
                known.update(chunk)
        return known

    # -- what the index tells -----------------------------------------------------

    def _all(self, _: c.SearchAll, among: Uids) -> Uids:
        return among

    def _flag(self, key: c.SearchFlag, among: Uids) -> Steps:
        return (yield from self._flagged(key.flag, key.present, among))

    def _keyword(self, key: c.SearchKeyword, among: Uids) -> Steps:
        return (yield from self._flagged(keyword_bit(self._keywords, key.keyword), key.present, among))

    def _flagged(self, bit: int, present: bool, among: Uids) -> Steps:
        values = yield from self._values(Column.FLAGS, among)
        if present:
            return {uid for uid in among if values.get(uid, 0) & bit}
        return {uid for uid in among if not values.get(uid, 0) & bit}

    def _recent(self, key: c.SearchRecent, among: Uids) -> Uids:
        recent = self._view.recent
        return {uid for uid in among if (uid in recent) is key.present} if recent or key.present else among

    def _ids(self, key: c.SearchIds, among: Uids) -> Uids:
        return among.intersection(self._resolve(key.ids, key.uid))

    def _size(self, key: c.SearchSize, among: Uids) -> Steps:
        values = yield from self._values(Column.SIZE, among)
        if key.larger:
            return {uid for uid in among if values.get(uid, 0) > key.size}
        return {uid for uid in among if values.get(uid, 0) < key.size}

    def _date(self, key: c.SearchDate, among: Uids) -> Steps:
        matches = _COMPARISONS[key.compare]
        day = key.day.toordinal()
        values = yield from self._values(Column.INTERNALDATE, among)
        return {uid for uid in among if matches(int(values.get(uid, 0)) // _DAY_S + _EPOCH, day)}

    def _age(self, key: c.SearchAge, among: Uids) -> Steps:
        values = yield from self._values(Column.INTERNALDATE, among)
        line = self._now - key.seconds
        if key.younger:
            return {uid for uid in among if values.get(uid, 0) >= line}
        return {uid for uid in among if values.get(uid, 0) <= line}

    def _modseq(self, key: c.SearchModseq, among: Uids) -> Steps:
        values = yield from self._values(Column.MODSEQ, among)
        return {uid for uid in among if values.get(uid, 0) >= key.modseq}

    def _header(self, key: c.SearchHeader, among: Uids) -> Steps:
        """A field that ENVELOPE has. Most messages are ruled out by its bytes alone."""
        place = _PLACES[key.field]
        needle = key.value.casefold()
        values = yield from self._values(Column.ENVELOPE, among)
        words = _WORDS.findall(needle.encode()) if needle.isascii() else ()
        found = set()
        for some in _turns(among):
            possible: Iterable[int] = some
            for word in words:
                possible = [uid for uid in possible if _may_say(values.get(uid, b""), word)]
            for uid in possible:
                text = envelopes.field_text(values[uid], place) if uid in values else None
                if text is not None and needle in text.casefold():
                    found.add(uid)
            if len(some) == _TURN:
                yield
        return found

    def _sent(self, key: c.SearchDate, among: Uids) -> Steps:
        matches, day = _COMPARISONS[key.compare], key.day.toordinal()
        values = yield from self._values(Column.ENVELOPE, among)
        found = set()
        for looked, uid in enumerate(among, 1):
            sent_on = envelopes.sent_day(values[uid]) if uid in values else None
            if sent_on is not None and matches(sent_on, day):
                found.add(uid)
            if looked % _TURN == 0:
                yield
        return found

    # -- what only the message tells ----------------------------------------------

    def _read(self, key: c.SearchKey, among: Uids) -> Steps:
        matches = _matcher(key)
        found: Uids = set()
        columns = (Column.UID, Column.REF)
        for chunk in self._kept.rows(self._view.mailbox, UidSet.of(among), columns):
            for batch in batches(chunk):
                messages = self._kept.messages([MessageRef(*row[1:]) for row in batch])
                for row, message in zip(batch, messages):
                    if message is not None and matches(Opened.of(message)):
                        found.add(row[0])
                yield
        return found


_WORDS = re.compile(rb"[a-z0-9]+")  # what stands between them may be written otherwise in ENVELOPE
_PLACES = {**envelopes.ADDRESS_PLACES, **envelopes.TEXT_PLACES}
_TURN = 500  # envelopes looked at before others may have their turn
_ROW, _ENVELOPE, _READING, _READING_ALL = range(4)


def cost(key: c.SearchKey) -> int:
    """How far a key must look: index row, ENVELOPE, the message's header, all of the message."""
    if isinstance(key, c.SearchAnd):
        return max(map(cost, key.keys))
    if isinstance(key, c.SearchOr):
        return max(cost(key.left), cost(key.right))
    if isinstance(key, c.SearchNot):
        return cost(key.key)
    if isinstance(key, c.SearchHeader):
        return _ENVELOPE if key.field in _PLACES else _READING
    if isinstance(key, c.SearchText):
        return _READING_ALL
    return _ENVELOPE if isinstance(key, c.SearchDate) and key.sent else _ROW


def _turns(among: Uids) -> Iterator[list[int]]:
    left = iter(among)
    while some := list(islice(left, _TURN)):
        yield some


def _may_say(envelope: bytes, word: bytes) -> bool:
    return word in envelope.lower() or b"=?" in envelope


def _matcher(key: c.SearchKey) -> Callable[[Opened], bool]:
    if isinstance(key, c.SearchHeader):
        field, value = key.field.lower().encode(), key.value.casefold()
        return lambda message: message.has_header(field, value)
    assert isinstance(key, c.SearchText)
    needle, headers = key.value.casefold(), key.headers
    return lambda message: message.has_text(needle, headers)


_TOLD: dict[type, Callable[[Searching, Any, Uids], Uids]] = {
    c.SearchAll: Searching._all,
    c.SearchRecent: Searching._recent,
    c.SearchIds: Searching._ids,
}
_ROWS: dict[type, Callable[[Searching, Any, Uids], Steps]] = {
    c.SearchFlag: Searching._flag,
    c.SearchKeyword: Searching._keyword,
    c.SearchSize: Searching._size,
    c.SearchDate: Searching._date,
    c.SearchAge: Searching._age,
    c.SearchModseq: Searching._modseq,
}


def walk(key: c.SearchKey) -> Iterator[c.SearchKey]:
    """A key and all within it."""
    yield key
    if isinstance(key, c.SearchAnd):
        inner: tuple[c.SearchKey, ...] = key.keys
    elif isinstance(key, c.SearchOr):
        inner = (key.left, key.right)
    else:
        inner = (key.key,) if isinstance(key, c.SearchNot) else ()
    for each in inner:
        yield from walk(each)
