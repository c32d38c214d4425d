"""Mailbox names on the wire: modified UTF-7 (RFC 3501 §5.1.3) and LIST's wildcards (§6.3.8)."""

from __future__ import annotations

import re
from binascii import Error as NotBase64
from binascii import a2b_base64, b2a_base64
from functools import lru_cache

SEPARATOR = "/"
INBOX = "INBOX"

_SHIFTED = re.compile(rb"&([A-Za-z0-9+,]*)-")
_DIRECT = re.compile(r"[\x20-\x25\x27-\x7e]*\Z")  # printable ASCII but '&'
_RUNS = re.compile(r"(&)|([^\x20-\x7e]+)")
_CACHED_NAME_BYTES = 200  # longer names are decoded each time, so that the cache stays small


class BadName(ValueError):
    """The bytes aren't modified UTF-7, or not the one form of it that encodes this name."""


def encode_name(name: str) -> bytes:
    """``Entwürfe`` → ``Entw&APw-rfe``. Lone surrogates are not possible: raises ``BadName``."""
    if _DIRECT.match(name):
        return name.encode("ascii")
    try:
        return _RUNS.sub(_shift, name).encode("ascii")
    except UnicodeEncodeError as error:
        raise BadName(str(error)) from error


def _shift(run: re.Match[str]) -> str:
    if run[1]:
        return "&-"
    packed = b2a_base64(run[2].encode("utf-16-be"), newline=False).rstrip(b"=").replace(b"/", b",")
    return f"&{packed.decode('ascii')}-"


def decode_name(wire: bytes) -> str:
    """The inverse of ``encode_name``; ``inbox`` in any case is ``INBOX``. Raises ``BadName``.

    Only what ``encode_name`` makes is taken (IMAP-8): two spellings of one name would be two
    mailboxes for the client and one for us.
    """
    if len(wire) > _CACHED_NAME_BYTES:
        return _decode(wire)
    return _decode_cached(wire)


def _decode(wire: bytes) -> str:
    if not wire.isascii():
        raise BadName("has 8-bit characters: modified UTF-7 expected (RFC 3501 5.1.3)")
    if b"&" not in wire:
        name = wire.decode("ascii")
        if not _DIRECT.match(name):
            raise BadName("has control characters")
        return INBOX if name.upper() == INBOX else name
    parts: list[str] = []
    at = 0
    for run in _SHIFTED.finditer(wire):
        parts.append(wire[at : run.start()].decode("ascii"))
        parts.append(_unshift(run[1]) if run[1] else "&")
        at = run.end()
    parts.append(wire[at:].decode("ascii"))
    name = "".join(parts)
    if encode_name(name) != wire:
        raise BadName("is not proper modified UTF-7 (RFC 3501 5.1.3)")
    return name


_decode_cached = lru_cache(maxsize=1024)(_decode)


def _unshift(packed: bytes) -> str:
    try:
        return a2b_base64(packed.replace(b",", b"/") + b"=" * (-len(packed) % 4)).decode("utf-16-be")
    except (NotBase64, UnicodeDecodeError) as error:
        raise BadName("is not proper modified UTF-7 (RFC 3501 5.1.3)") from error


def full_pattern(reference: str, pattern: str) -> str:
    """LIST's two arguments as one pattern: the reference is a prefix (RFC 3501 §6.3.8)."""
    if not reference or pattern.startswith(SEPARATOR):
        return pattern.lstrip(SEPARATOR) if reference else pattern
    return reference + pattern


class Pattern:
    """One pattern of LIST: ``*`` is anything, ``%`` anything within one level; ``inbox`` is INBOX.

    Takes O(name) steps however many wildcards there are: no expression that tries all splits.
    """

    __slots__ = ("_character", "_expression", "_percent", "_star", "_wild", "text")

    def __init__(self, text: str) -> None:
        text = re.sub(r"%+", "%", re.sub(r"[*%]*\*[*%]*", "*", text))
        head, separator, rest = text.partition(SEPARATOR)
        self.text = INBOX + separator + rest if head.upper() == INBOX else text
        self._expression: re.Pattern[str] | None = None
        self._star = self._percent = self._wild = 0
        self._character: dict[str, int] = {}
        if sum(map(self.text.count, "*%")) <= 1:
            body = re.escape(self.text).replace(r"\*", ".*").replace("%", f"[^{SEPARATOR}]*")
            self._expression = re.compile(body + r"\Z", re.DOTALL)
            return
        for at, character in enumerate(self.text):
            if character == "*":
                self._star |= 1 << at
            elif character == "%":
                self._percent |= 1 << at
            else:
                self._character[character] = self._character.get(character, 0) | 1 << at
        self._wild = self._star | self._percent

    def matches(self, name: str) -> bool:
        if self._expression:
            return self._expression.match(name) is not None
        # Bit n of ``reached``: the first n characters of the pattern can have eaten all of the name so far.
        reached = 1
        for character in name:
            reached |= (reached & self._wild) << 1
            stay = self._star if character == SEPARATOR else self._wild
            reached = (reached & self._character.get(character, 0)) << 1 | reached & stay
            if not reached:
                return False
        reached |= (reached & self._wild) << 1
        return bool(reached >> len(self.text))
