"""Strings on the wire, written by both ends. RFC 3501 §4, §9."""

from __future__ import annotations

import re

_ATOM = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\\]]+\Z')
_ASTRING = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\]+\Z')
_QUOTABLE = re.compile(rb"[\x01-\x09\x0b\x0c\x0e-\x7f]*\Z")  # TEXT-CHAR: no NUL, CR, LF, no 8-bit
QUOTED_BYTES = 1000  # longer strings go out as literals


def is_atom(value: bytes) -> bool:
    return _ATOM.match(value) is not None


def can_be_quoted(value: bytes) -> bool:
    return len(value) <= QUOTED_BYTES and _QUOTABLE.match(value) is not None


def quoted(value: bytes) -> bytes:
    """Only for what ``can_be_quoted``."""
    if b"\\" in value or b'"' in value:
        value = value.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return b'"%b"' % value


def literal(value: bytes) -> bytes:
    return b"{%d}\r\n%b" % (len(value), value)


def string(value: bytes) -> bytes:
    """Quoted where that is possible, else a literal."""
    return quoted(value) if can_be_quoted(value) else literal(value)


def nstring(value: bytes | None) -> bytes:
    return b"NIL" if value is None else string(value)


def astring(value: bytes) -> bytes:
    """An atom where that is possible. ``NIL`` is quoted: old clients take the atom for no string."""
    if _ASTRING.match(value) and value.upper() != b"NIL":
        return value
    return string(value)
