"""An Email's row in the index as the properties that need no message. RFC 8621 §4.1.1"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from typing import Final

from holdfast.functions.jmap.ids import EMAIL, MAILBOX, MESSAGE_BLOB, THREAD, id_of
from holdfast.model.limits import JMAP_SHOWN
from holdfast.model.mail import FIRST_KEYWORD_BIT, Flag
from holdfast.store import EmailRow
from holdfast.wire.jmap.core import Json
from holdfast.wire.jmap.indexed import ENVELOPE_PROPERTIES, envelope_properties, has_attachment
from holdfast.wire.jmap.mail import KEPT_PROPERTIES

INDEXED: Final = KEPT_PROPERTIES | ENVELOPE_PROPERTIES | {"hasAttachment", "preview"}
SYSTEM: Final = {
    "$seen": Flag.SEEN,
    "$answered": Flag.ANSWERED,
    "$flagged": Flag.FLAGGED,
    "$draft": Flag.DRAFT,
}


class Keywords:
    """The keywords of an account by their bits. ``names``: of ``AccountMail.keywords``."""

    __slots__ = ("_bits", "_shown")

    def __init__(self, names: Sequence[str]) -> None:
        self._bits: dict[str, int] = {name: int(flag) for name, flag in SYSTEM.items()}
        for place, name in enumerate(names):
            self._bits.setdefault(name.lower(), 1 << (FIRST_KEYWORD_BIT + place))
        self._shown: dict[int, tuple[str, ...]] = {}

    def bit(self, name: str) -> int:
        """0: no Email has it."""
        return self._bits.get(name.lower(), 0)

    def of(self, flags: int) -> dict[str, bool]:
        if flags not in self._shown:
            self._shown[flags] = tuple(name for name, bit in self._bits.items() if flags & bit)
        return dict.fromkeys(self._shown[flags], True)


def split(names: Iterable[str]) -> tuple[int, tuple[str, ...]]:
    """Keywords as the store takes them: system flags as bits, the names of the others."""
    bits = 0
    others: list[str] = []
    for name in names:
        flag = SYSTEM.get(name.lower())
        if flag is None:
            others.append(name.lower())
        else:
            bits |= flag
    return bits, tuple(sorted(others))


def kept(row: EmailRow, keywords: Keywords, properties: Collection[str]) -> Json:
    """What the index says, of ``properties`` all that it can say."""
    found: Json = {
        "id": id_of(EMAIL, row.id),
        "blobId": id_of(MESSAGE_BLOB, row.id),
        "threadId": id_of(THREAD, row.thread),
        "mailboxIds": {id_of(MAILBOX, each): True for each in row.mailboxes},
        "keywords": keywords.of(row.flags),
        "size": row.size,
        "receivedAt": utc(row.received),
        "preview": row.preview,
    }
    if not ENVELOPE_PROPERTIES.isdisjoint(properties):
        found.update(_of_envelope(row.envelope))
    if "hasAttachment" in properties:
        found["hasAttachment"] = _of_structure(row.structure)
    return found


_of_envelope = lru_cache(JMAP_SHOWN)(envelope_properties)  # what it gives is shared: never changed
_of_structure = lru_cache(JMAP_SHOWN)(has_attachment)


def utc(seconds: int) -> datetime.datetime:
    """A UTCDate; what no year of four digits can say is the nearest that one can."""
    least, most = -62_135_596_800, 253_402_300_799
    return _EPOCH + datetime.timedelta(seconds=min(max(seconds, least), most))


_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
