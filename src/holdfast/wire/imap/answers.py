"""A server's responses as values, for the client's half. RFC 3501 §7, §9 response."""

from __future__ import annotations

import re
from binascii import Error as NotBase64
from binascii import a2b_base64
from collections.abc import Callable
from typing import Union

import msgspec

from holdfast.model.uidset import UidSet
from holdfast.wire.imap.names import BadName, decode_name

# NIL | number | atom | string | list in parentheses
Value = Union[None, int, str, bytes, "list[Value]"]

_VALUE = re.compile(
    rb'[ ]*(?:(\()|(\))|"((?:[^"\\\r\n]|\\[^\r\n])*)"|~?\{(\d{1,19})\}\r\n|([^ ()"{\r\n]+))', re.DOTALL
)
_ITEM = re.compile(rb" *([A-Za-z0-9.]+(?:\[[^\]\r\n{]*\](?:<\d+>)?)?) *")
_CODE = re.compile(rb"\[([^ \]]+)(?: ([^\]]*))?\] ?")
_HEAD = re.compile(rb"(\*|\+|[^ ]+) ?(?:(\d{1,19}) +)?([^ ]*) ?")
_DEEPEST = 1000


class NotUnderstood(ValueError):
    """A response that isn't as RFC 3501 §9 has it."""


class Code(msgspec.Struct, frozen=True):
    """A response code. ``arguments``: as written, without the brackets."""

    name: str
    arguments: str = ""

    @property
    def words(self) -> list[str]:
        return self.arguments.split()


class Tagged(msgspec.Struct, frozen=True):
    """The end of a command."""

    tag: bytes
    condition: str  # OK, NO, BAD
    code: Code | None
    text: str


class Untagged(msgspec.Struct, frozen=True):
    """``* OK``, NO, BAD, BYE, PREAUTH; the greeting is the first."""

    condition: str
    code: Code | None
    text: str


class Continuation(msgspec.Struct, frozen=True):
    """``+``: go on with ``Client.proceed()``, ``respond()`` or, idling, with nothing."""

    text: bytes

    @property
    def challenge(self) -> bytes:
        """The text decoded from base64; b'' when it isn't any."""
        try:
            return a2b_base64(self.text, strict_mode=True)
        except NotBase64:
            return b""


class Exists(msgspec.Struct, frozen=True):
    count: int


class Recent(msgspec.Struct, frozen=True):
    count: int


class Expunged(msgspec.Struct, frozen=True):
    number: int


class Vanished(msgspec.Struct, frozen=True):
    uids: UidSet
    earlier: bool


class FlagsData(msgspec.Struct, frozen=True):
    flags: tuple[str, ...]


class Fetched(msgspec.Struct, frozen=True):
    """``items``: by upper-case name, sections as the server wrote them: ``BODY[HEADER]<0>``."""

    number: int
    items: dict[str, Value]

    @property
    def uid(self) -> int:
        found = self.items.get("UID")
        return found if isinstance(found, int) else 0

    @property
    def flags(self) -> frozenset[str]:
        found = self.items.get("FLAGS")
        return frozenset(str(flag) for flag in found) if isinstance(found, list) else frozenset()

    @property
    def modseq(self) -> int:
        found = self.items.get("MODSEQ")
        return found[0] if isinstance(found, list) and found and isinstance(found[0], int) else 0

    def bytes_of(self, name: str) -> bytes | None:
        found = self.items.get(name)
        return found if isinstance(found, bytes) else None


class Listed(msgspec.Struct, frozen=True):
    """LIST or LSUB (``kind``). ``extended``: RFC 5258's data as values."""

    kind: str
    attributes: frozenset[str]
    separator: str
    mailbox: str
    extended: tuple[Value, ...] = ()


class StatusData(msgspec.Struct, frozen=True):
    mailbox: str
    values: dict[str, int]


class Searched(msgspec.Struct, frozen=True):
    numbers: tuple[int, ...]
    modseq: int = 0


class ExtendedSearched(msgspec.Struct, frozen=True):
    """ESEARCH. ``values``: MIN, MAX, COUNT, MODSEQ as numbers, ALL as a sequence set."""

    tag: str
    uid: bool
    values: dict[str, int | str]


class CapabilityData(msgspec.Struct, frozen=True):
    capabilities: frozenset[str]


class EnabledData(msgspec.Struct, frozen=True):
    capabilities: frozenset[str]


class IdData(msgspec.Struct, frozen=True):
    fields: dict[str, str | None]


class Other(msgspec.Struct, frozen=True):
    """Anything else that is well formed: NAMESPACE and what we don't know."""

    name: str
    number: int
    values: tuple[Value, ...]


class Broken(msgspec.Struct, frozen=True):
    """A response that can't be understood; ``text`` says why."""

    line: bytes
    text: str


Answer = (
    Tagged
    | Untagged
    | Continuation
    | Exists
    | Recent
    | Expunged
    | Vanished
    | FlagsData
    | Fetched
    | Listed
    | StatusData
    | Searched
    | ExtendedSearched
    | CapabilityData
    | EnabledData
    | IdData
    | Other
    | Broken
)

_CONDITIONS = frozenset((b"OK", b"NO", b"BAD", b"BYE", b"PREAUTH"))


def is_status(line: bytes) -> bool:
    """Whether a line is text for people, so that a ``{5}`` at its end is no literal."""
    head = _HEAD.match(line)
    return head is None or head[1] != b"*" or head[3].upper() in _CONDITIONS


def parse_answer(text: bytes, literals: list[bytes]) -> Answer:
    """One response; literals stay announced in ``text`` as in ``reader``. Never raises."""
    try:
        return _parse(text, literals)
    except (NotUnderstood, BadName) as error:
        return Broken(text, str(error))


def _parse(text: bytes, literals: list[bytes]) -> Answer:
    head = _HEAD.match(text)
    if not head:
        raise NotUnderstood("empty line")
    if head[1] == b"+":
        return Continuation(text[2:])
    name = head[3].upper()
    if head[1] != b"*":
        if name not in (b"OK", b"NO", b"BAD") or head[2]:
            raise NotUnderstood("tagged response without OK, NO or BAD")
        return Tagged(head[1], name.decode(), *_resp_text(text[head.end() :]))
    if name in _CONDITIONS and not head[2]:
        return Untagged(name.decode(), *_resp_text(text[head.end() :]))
    number = int(head[2] or 0)
    if name == b"FETCH":
        return Fetched(number, _fetched(text, head.end(), literals))
    numbered = _NUMBERED.get(name)
    if numbered:
        return numbered(number)
    values = parse_values(text, head.end(), literals)
    make = _DATA.get(name)
    return make(values) if make else Other(name.decode("ascii", "replace"), number, tuple(values))


def _resp_text(text: bytes) -> tuple[Code | None, str]:
    code = _CODE.match(text)
    if not code:
        return None, text.decode("utf-8", "replace")
    rest = text[code.end() :].decode("utf-8", "replace")
    name = code[1].decode("utf-8", "replace").upper()
    return Code(name, (code[2] or b"").decode("utf-8", "replace")), rest


def parse_values(text: bytes, at: int, literals: list[bytes], taken: int = 0) -> list[Value]:
    """All values from ``at`` on, without recursion; ``literals`` from number ``taken`` on."""
    values, end, _taken = _values(text, at, literals, taken, one=False)
    if end != len(text):
        raise NotUnderstood(f"no value at byte {end + 1}")
    return values


def _values(
    text: bytes, at: int, literals: list[bytes], taken: int, *, one: bool
) -> tuple[list[Value], int, int]:
    """Values up to the end, or the next one; and where it stopped, in text and literals."""
    top: list[Value] = []
    lists = [top]
    while True:
        found = _VALUE.match(text, at)
        if not found:
            if len(lists) > 1:
                raise NotUnderstood("list without ')'")
            return top, at, taken
        kind = found.lastindex
        if kind == 2 and len(lists) == 1:
            return top, at, taken
        at = found.end()
        if kind == 1:
            deeper: list[Value] = []
            lists[-1].append(deeper)
            lists.append(deeper)
            if len(lists) > _DEEPEST:
                raise NotUnderstood("lists nested too deeply")
        elif kind == 2:
            lists.pop()
        elif kind == 4:
            if taken >= len(literals):
                raise NotUnderstood("literal announced but not sent")
            lists[-1].append(literals[taken])
            taken += 1
        elif kind == 3:
            lists[-1].append(_unescaped(found[3]))
        else:
            lists[-1].append(_atom(found[5]))
        if one and len(lists) == 1:
            return top, at, taken


def _unescaped(value: bytes) -> bytes:
    return re.sub(rb"\\(.)", rb"\1", value, flags=re.DOTALL) if b"\\" in value else value


def _atom(word: bytes) -> int | str | None:
    if word.isdigit() and len(word) < 20:
        return int(word)
    return None if word.upper() == b"NIL" else word.decode("utf-8", "replace")


def _fetched(text: bytes, at: int, literals: list[bytes]) -> dict[str, Value]:
    if text[at : at + 1] != b"(" or text[-1:] != b")":
        raise NotUnderstood("FETCH without its list")
    at += 1
    taken = 0
    items: dict[str, Value] = {}
    while at < len(text) - 1:
        item = _ITEM.match(text, at)
        if not item:
            raise NotUnderstood(f"no fetch item at byte {at + 1}")
        values, at, taken = _values(text, item.end(), literals, taken, one=True)
        if not values:
            raise NotUnderstood(f"no value at byte {at + 1}")
        name, bracket, rest = item[1].partition(b"[")
        items[(name.upper() + bracket + rest).decode("utf-8", "replace")] = values[0]
    return items


def _words(values: list[Value]) -> list[str]:
    return [value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value) for value in values]


def _as_list(value: Value) -> list[Value]:
    if not isinstance(value, list):
        raise NotUnderstood("list expected")
    return value


def _as_name(value: Value) -> str:
    if isinstance(value, bytes):
        return decode_name(value)
    if isinstance(value, list):
        raise NotUnderstood("mailbox name expected")
    return decode_name(b"NIL" if value is None else str(value).encode())


def _as_int(value: Value) -> int:
    if not isinstance(value, int):
        raise NotUnderstood("number expected")
    return value


def _listed(kind: str) -> Callable[[list[Value]], Answer]:
    def make(values: list[Value]) -> Answer:
        if len(values) < 3:
            raise NotUnderstood(f"{kind} with fewer than three values")
        separator = values[1].decode("utf-8", "replace") if isinstance(values[1], bytes) else ""
        attributes = frozenset(_words(_as_list(values[0])))
        return Listed(kind, attributes, separator, _as_name(values[2]), tuple(values[3:]))

    return make


def _pairs(values: list[Value]) -> list[tuple[str, Value]]:
    if len(values) % 2:
        raise NotUnderstood("a name without a value")
    return list(zip(_words(values[::2]), values[1::2]))


def _status(values: list[Value]) -> Answer:
    if len(values) != 2:
        raise NotUnderstood("STATUS: a name and a list expected")
    pairs = _pairs(_as_list(values[1]))
    return StatusData(_as_name(values[0]), {name.upper(): _as_int(value) for name, value in pairs})


def _searched(values: list[Value]) -> Answer:
    modseq = 0
    if values and isinstance(values[-1], list):
        modseq = _as_int(values[-1][-1] if values[-1] else None)
        values = values[:-1]
    return Searched(tuple(map(_as_int, values)), modseq)


def _extended_searched(values: list[Value]) -> Answer:
    tag = ""
    if values and isinstance(values[0], list):
        tag = _words(values[0])[-1] if values[0] else ""
        values = values[1:]
    uid = bool(values) and str(values[0]).upper() == "UID"
    pairs = _pairs(values[1:] if uid else values)
    return ExtendedSearched(
        tag, uid, {name.upper(): value if isinstance(value, int) else str(value) for name, value in pairs}
    )


def _vanished(values: list[Value]) -> Answer:
    earlier = bool(values) and isinstance(values[0], list)
    try:
        ranges = [part.partition(":") for part in str(values[-1]).split(",")]
        return Vanished(UidSet((int(low), int(high or low)) for low, _, high in ranges), earlier)
    except (ValueError, IndexError):
        raise NotUnderstood("VANISHED: a set of UIDs expected") from None


def _id(values: list[Value]) -> Answer:
    if values == [None] or not values:
        return IdData({})
    pairs = _pairs(_as_list(values[0]))
    return IdData({name: None if value is None else _words([value])[0] for name, value in pairs})


_NUMBERED: dict[bytes, Callable[[int], Answer]] = {b"EXISTS": Exists, b"RECENT": Recent, b"EXPUNGE": Expunged}
_DATA: dict[bytes, Callable[[list[Value]], Answer]] = {
    b"FLAGS": lambda values: FlagsData(tuple(_words(_as_list(values[0] if values else None)))),
    b"LIST": _listed("LIST"),
    b"LSUB": _listed("LSUB"),
    b"STATUS": _status,
    b"SEARCH": _searched,
    b"ESEARCH": _extended_searched,
    b"CAPABILITY": lambda values: CapabilityData(frozenset(word.upper() for word in _words(values))),
    b"ENABLED": lambda values: EnabledData(frozenset(word.upper() for word in _words(values))),
    b"ID": _id,
    b"VANISHED": _vanished,
}
