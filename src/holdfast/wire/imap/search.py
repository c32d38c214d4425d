"""SEARCH's arguments. RFC 3501 §6.4.4, RFC 4731 (RETURN), RFC 5032 (WITHIN), RFC 7162 §3.1.5 (MODSEQ)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from holdfast.model.limits import IMAP_SEARCH_DEPTH
from holdfast.model.mail import Flag
from holdfast.wire.imap.commands import (
    Compare,
    ReturnOption,
    Search,
    SearchAge,
    SearchAll,
    SearchAnd,
    SearchDate,
    SearchFlag,
    SearchHeader,
    SearchIds,
    SearchKey,
    SearchKeyword,
    SearchModseq,
    SearchNot,
    SearchOr,
    SearchRecent,
    SearchSize,
    SearchText,
)
from holdfast.wire.imap.dates import BadDate, parse_date
from holdfast.wire.imap.reader import MOST_NUMBER64, Malformed, Reader, as_text

# What a client may name after CHARSET, and the codec for it. RFC 3501 asks for US-ASCII only.
CHARSETS = {
    "US-ASCII": "utf-8",  # 8-bit text under the name of ASCII is UTF-8 nowadays
    "ASCII": "utf-8",
    "UTF-8": "utf-8",
    "ISO-8859-1": "latin-1",
    "ISO-8859-15": "iso-8859-15",
    "WINDOWS-1252": "cp1252",
}
_BADCHARSET = "BADCHARSET (US-ASCII UTF-8 ISO-8859-1 ISO-8859-15 WINDOWS-1252)"

_ALL = SearchAll()
_RETURN = {option.value.encode(): option for option in ReturnOption}
_COMPARE = {compare.value.encode(): compare for compare in Compare}
_BARE: dict[bytes, SearchKey] = {
    b"ALL": _ALL,
    b"NEW": SearchAnd((SearchRecent(), SearchFlag(Flag.SEEN, False))),
    b"OLD": SearchRecent(False),
    b"RECENT": SearchRecent(),
}
for _flag in Flag:
    _BARE[str(_flag.name).encode()] = SearchFlag(int(_flag))
    _BARE[b"UN" + str(_flag.name).encode()] = SearchFlag(int(_flag), False)


def parse_search(reader: Reader, uid: bool) -> Search:
    """Everything after the word SEARCH."""
    returns = None
    charset = ""
    reader.space("a search key")
    if reader.maybe(b"RETURN "):
        returns = _returns(reader)
        reader.space("a search key")
    if reader.maybe(b"CHARSET "):
        charset = as_text(reader.astring("a charset")).upper()
        if charset not in CHARSETS:
            raise Malformed("Charset not known", "NO", _BADCHARSET)
        reader.space("a search key")
    return Search(_program(reader, CHARSETS.get(charset, "utf-8")), uid, returns, charset)


def _returns(reader: Reader) -> frozenset[ReturnOption]:
    """``()`` means ``(ALL)``. RFC 4731 §3.1."""
    found: set[ReturnOption] = set()
    reader.literally(b"(", "'(' and result options after RETURN")
    while not reader.maybe(b")"):
        if found:
            reader.space("a result option")
        at = reader.at
        option = _RETURN.get(reader.word("a result option"))
        if option is None:
            reader.at = at
            raise reader.fail("MIN, MAX, ALL, COUNT or SAVE")
        found.add(option)
    return frozenset(found) or frozenset((ReturnOption.ALL,))


class _Open(NamedTuple):
    """A key that waits for its operands: ``wants`` of them, 0 for as many as come until ')' or the end."""

    wants: int
    keys: list[SearchKey]


def _program(reader: Reader, codec: str) -> SearchKey:
    """One or more keys, without recursion: depth is bounded by count, not by the stack (IMAP-5)."""
    open_keys = [_Open(0, [])]
    while True:
        found = _KEY.match(reader.text, reader.at)
        word = found[0].upper() if found else b""
        if word in _OPENS:
            reader.at += len(word)
            if word != b"(":
                reader.space("a search key")
            if len(open_keys) > IMAP_SEARCH_DEPTH:
                raise Malformed(f"Search keys nested deeper than {IMAP_SEARCH_DEPTH}", "NO", "LIMIT")
            open_keys.append(_Open(_OPENS[word], []))
            continue
        _close(open_keys, _leaf(reader, word, codec))
        while len(open_keys) > 1 and not open_keys[-1].wants and reader.maybe(b")"):
            _close(open_keys, _joined(open_keys.pop().keys))
        if len(open_keys) == 1 and reader.at_end():
            return _joined(open_keys[0].keys)
        reader.space("another search key" if open_keys[-1].wants or len(open_keys) == 1 else "a key or ')'")


_KEY = re.compile(rb"\(|[A-Za-z]+(?=[ )\r\n]|\Z)")
_OPENS = {b"(": 0, b"NOT": 1, b"OR": 2}  # how many operands


def _close(open_keys: list[_Open], key: SearchKey) -> None:
    """Gives ``key`` to whoever waits for it; what is complete by that goes to who waits for that."""
    while True:
        waiting = open_keys[-1]
        waiting.keys.append(key)
        if not waiting.wants or len(waiting.keys) < waiting.wants:
            return
        open_keys.pop()
        key = SearchNot(key) if waiting.wants == 1 else SearchOr(waiting.keys[0], key)


def _joined(keys: list[SearchKey]) -> SearchKey:
    return keys[0] if len(keys) == 1 else SearchAnd(tuple(keys))


def _leaf(reader: Reader, word: bytes, codec: str) -> SearchKey:
    bare = _BARE.get(word)
    if bare is not None:
        reader.at += len(word)
        return bare
    make = _WITH_ARGUMENT.get(word)
    if make is not None:
        reader.at += len(word)
        reader.space(f"the argument of {word.decode('ascii')}")
        return make(reader, word, codec)
    if reader.peek() in _SET_STARTS:
        return SearchIds(reader.sequence_set("a search key or sequence set"))
    raise reader.fail("a search key")


_SET_STARTS = frozenset(bytes([c]) for c in b"0123456789*$")


def _text(reader: Reader, codec: str) -> str:
    try:
        return reader.astring("a string").decode(codec)
    except UnicodeDecodeError:
        raise Malformed("Search string isn't in the charset named") from None


def _keyword(reader: Reader, word: bytes, codec: str) -> SearchKey:
    return SearchKeyword(reader.atom("a keyword").decode("ascii"), word == b"KEYWORD")


def _named_header(reader: Reader, word: bytes, codec: str) -> SearchKey:
    return SearchHeader(word.decode("ascii"), _text(reader, codec))


def _header(reader: Reader, word: bytes, codec: str) -> SearchKey:
    field = as_text(reader.astring("the name of a header field")).upper()
    reader.space("a string")
    return SearchHeader(field, _text(reader, codec))


def _body_or_text(reader: Reader, word: bytes, codec: str) -> SearchKey:
    return SearchText(_text(reader, codec), word == b"TEXT")


def _size(reader: Reader, word: bytes, codec: str) -> SearchKey:
    return SearchSize(reader.number("a size", MOST_NUMBER64), word == b"LARGER")


def _age(reader: Reader, word: bytes, codec: str) -> SearchKey:
    seconds = reader.number("seconds")
    if not seconds:
        raise Malformed(f"{word.decode('ascii')} wants 1 second or more (RFC 5032 3)")
    return SearchAge(seconds, word == b"YOUNGER")


def _date(reader: Reader, word: bytes, codec: str) -> SearchKey:
    sent = word.startswith(b"SENT")
    try:
        day = parse_date(reader.astring("a date"))
    except BadDate as error:
        raise Malformed(f"Date after {word.decode('ascii')}: {error}") from None
    return SearchDate(_COMPARE[word[4:] if sent else word], day, sent)


def _uid(reader: Reader, word: bytes, codec: str) -> SearchKey:
    return SearchIds(reader.sequence_set("a set of UIDs"), True)


def _modseq(reader: Reader, word: bytes, codec: str) -> SearchKey:
    entry = kind = ""
    if reader.peek() == b'"':
        entry = as_text(reader.string("an entry name"))
        reader.space("all, priv or shared")
        kind = reader.word("all, priv or shared").decode("ascii").lower()
        reader.space("a mod-sequence")
        if kind not in ("all", "priv", "shared"):
            raise Malformed("Expected all, priv or shared before the mod-sequence")
    return SearchModseq(reader.number("a mod-sequence", MOST_NUMBER64), entry, kind)


_WITH_ARGUMENT: dict[bytes, Callable[[Reader, bytes, str], SearchKey]] = {
    **dict.fromkeys((b"KEYWORD", b"UNKEYWORD"), _keyword),
    **dict.fromkeys((b"BCC", b"CC", b"FROM", b"SUBJECT", b"TO"), _named_header),
    b"HEADER": _header,
    **dict.fromkeys((b"BODY", b"TEXT"), _body_or_text),
    **dict.fromkeys((b"LARGER", b"SMALLER"), _size),
    **dict.fromkeys((b"YOUNGER", b"OLDER"), _age),
    **dict.fromkeys((b"BEFORE", b"ON", b"SINCE", b"SENTBEFORE", b"SENTON", b"SENTSINCE"), _date),
    b"UID": _uid,
    b"MODSEQ": _modseq,
}
