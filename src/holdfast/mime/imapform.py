"""Bytes as IMAP strings: quoted where RFC 3501 §9 allows it, else a literal. NIL for None.

MIME-4: what is written here is always valid IMAP. NUL can't stand in any IMAP string and is
written as U+FFFD, as Dovecot does.
"""

from __future__ import annotations

import re

_NOT_PLAIN = re.compile(rb'["\\\r\n\0\x80-\xff]').search
_NOT_QUOTABLE = re.compile(rb"[\r\n\0\x80-\xff]").search
_ESCAPED = re.compile(rb'(["\\])')
_REPLACEMENT = "\ufffd".encode()
_LINE_END = re.compile(rb"[\r\n]+")
_BLANKS = re.compile(rb"[ \t\r\n]+")


def string(value: bytes) -> bytes:
    """A quoted string, or a literal for CR, LF, NUL and 8-bit bytes."""
    if _NOT_PLAIN(value) is None:
        return b'"' + value + b'"'
    if _NOT_QUOTABLE(value) is None:
        return b'"' + _ESCAPED.sub(rb"\\\1", value) + b'"'
    value = value.replace(b"\0", _REPLACEMENT)
    return b"{%d}\r\n" % len(value) + value


def nstring(value: bytes | None) -> bytes:
    return b"NIL" if value is None else string(value)


def unfolded(value: bytes) -> bytes:
    """The value on one line: a line end vanishes before a blank, else it becomes a space."""
    if b"\n" not in value and b"\r" not in value:
        return value
    return _LINE_END.sub(_joint, value)


def _joint(match: re.Match[bytes]) -> bytes:
    following = match.string[match.end() : match.end() + 1]
    return b"" if following in (b" ", b"\t", b"", b"\0") else b" "


def on_one_line(value: bytes | None) -> bytes:
    """``nstring`` of the unfolded value."""
    if value is None:
        return b"NIL"
    if _NOT_PLAIN(value) is None:
        return b'"' + value + b'"'
    return string(unfolded(value))


_TIDY = re.compile(rb"(?:[!#-\[\]-~]++(?: (?! |\Z))?+)*+\Z").match


def for_people(value: bytes) -> bytes:
    """A string whose runs of blanks and line ends are one space each and none at its ends."""
    if _TIDY(value) is not None:
        return b'"' + value + b'"'
    return string(collapsed(value))


def collapsed(value: bytes) -> bytes:
    """Runs of blanks and line ends as one space each, none at the ends."""
    if b"  " in value or b"\n" in value or b"\t" in value or b"\r" in value:
        value = _BLANKS.sub(b" ", value)
    return value.strip(b" ")
