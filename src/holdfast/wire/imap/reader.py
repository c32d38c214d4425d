"""The tokens of a client's command. RFC 3501 §9.

A command is its text and its literals: in the text a literal is its announcement,
``{5}\\r\\n``, and the next of ``literals`` its bytes. No other CRLF is in the text.
"""

from __future__ import annotations

import re
from functools import lru_cache

from holdfast.model.limits import KEYWORD_BYTES, MAILBOX_NAME_BYTES
from holdfast.wire.imap.commands import SAVED, STAR, SequenceSet
from holdfast.wire.imap.names import BadName, decode_name

MOST_NUMBER = 2**32 - 1
MOST_NUMBER64 = 2**63 - 1  # RFC 7162 §7 mod-sequence-value

_ATOM = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\\]]+')
# Groups: atom, quoted without escapes, literal, quoted with escapes. 8-bit in quotes is let through:
# RFC 3501 forbids it, but people's passwords and subjects have it.
_ASTRING = re.compile(
    rb'([^\x00-\x20\x7f-\xff(){%*"\\]+)|"([^"\\\r\n\x00]*)"|~?\{(\d+)\+?\}\r\n|"((?:[^"\\\r\n\x00]|\\["\\])*)"'
)
_LIST_ATOM = re.compile(rb'[^\x00-\x20\x7f-\xff(){"\\]+')
_LITERAL = re.compile(rb"~?\{(\d+)\+?\}\r\n")
_NUMBER = re.compile(rb"\d{1,20}")
_SEQUENCE_SET = re.compile(rb"\$|[0-9*][0-9*:,]*")
_SIMPLE_SET = re.compile(rb"([1-9]\d{0,8})(?::([1-9]\d{0,8}|\*))?\Z")
_RANGES = re.compile(
    rb"(?:\*|[1-9]\d{0,9})(?::(?:\*|[1-9]\d{0,9}))?(?:,(?:\*|[1-9]\d{0,9})(?::(?:\*|[1-9]\d{0,9}))?)*"
)
_FLAG = re.compile(rb'\\?[^\x00-\x20\x7f-\xff(){%*"\\\]]+')
_SHORT_LIST = re.compile(rb"\([^()\r\n]{0,100}\)")
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_END = re.compile(rb" *\Z")
_SHOWN = 24

SYSTEM_FLAGS = {b"\\SEEN": 1, b"\\ANSWERED": 2, b"\\FLAGGED": 4, b"\\DELETED": 8, b"\\DRAFT": 16}


class Malformed(Exception):
    """``text`` says what was expected where; ``condition`` is NO for what is well formed but can't be."""

    def __init__(self, text: str, condition: str = "BAD", code: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.condition = condition
        self.code = code


class Reader:
    """A place in a command's text. All methods raise ``Malformed``."""

    __slots__ = ("at", "literals", "secret", "taken", "text")

    def __init__(self, text: bytes, at: int = 0, literals: list[bytes] | None = None) -> None:
        self.text = text
        self.at = at
        self.literals = literals or []
        self.taken = 0
        self.secret = False  # errors must not show what was found: it may be a password

    def fail(self, expected: str) -> Malformed:
        found = "the end of the line" if self.at >= len(self.text) else self._found()
        return Malformed(f"Expected {expected} at byte {self.at + 1}, found {found}")

    def _found(self) -> str:
        if self.secret:
            return "something else"
        piece = self.text[self.at : self.at + _SHOWN]
        return "'" + "".join(chr(c) if 32 <= c < 127 else "?" for c in piece) + "'"

    def peek(self) -> bytes:
        return self.text[self.at : self.at + 1]

    def space(self, before: str) -> None:
        """One space; ``before``: what is expected after it."""
        if self.text[self.at : self.at + 1] != b" ":
            raise self.fail(f"a space and {before}")
        self.at += 1

    def literally(self, wanted: bytes, meaning: str = "") -> None:
        if not self.text.startswith(wanted, self.at):
            raise self.fail(meaning or f"'{wanted.decode('ascii')}'")
        self.at += len(wanted)

    def maybe(self, wanted: bytes) -> bool:
        """Takes ``wanted`` (upper case) when it is next, in any case of letters."""
        end = self.at + len(wanted)
        if self.text[self.at : end].upper() != wanted:
            return False
        self.at = end
        return True

    def at_end(self) -> bool:
        """Nothing more. Spaces at the end of a line are forgiven."""
        return _END.match(self.text, self.at) is not None

    def end(self) -> None:
        if not self.at_end():
            raise self.fail("the end of the command")

    def atom(self, meaning: str) -> bytes:
        found = _ATOM.match(self.text, self.at)
        if not found:
            raise self.fail(meaning)
        self.at = found.end()
        return found[0]

    def word(self, meaning: str) -> bytes:
        """An atom in upper case."""
        return self.atom(meaning).upper()

    def _next_literal(self) -> bytes:
        if self.taken >= len(self.literals):
            raise Malformed("Literal announced but not sent")
        value = self.literals[self.taken]
        self.taken += 1
        return value

    def astring(self, meaning: str) -> bytes:
        found = _ASTRING.match(self.text, self.at)
        if not found:
            raise self.fail(meaning)
        self.at = found.end()
        kind = found.lastindex
        if kind == 3:
            value = self._next_literal()
            if b"\0" in value:
                raise Malformed(f"NUL in a literal, expected {meaning}")
            return value
        if kind == 4:
            return _ESCAPED.sub(rb"\1", found[4])
        return found[kind or 0]

    def string(self, meaning: str) -> bytes:
        """Quoted or literal."""
        if self.peek() not in (b'"', b"{", b"~"):
            raise self.fail(meaning)
        return self.astring(meaning)

    def nstring(self, meaning: str) -> bytes | None:
        if self.maybe(b"NIL"):
            return None
        return self.string(meaning)

    def literal(self, meaning: str) -> bytes:
        """A literal with whatever bytes."""
        found = _LITERAL.match(self.text, self.at)
        if not found:
            raise self.fail(meaning)
        self.at = found.end()
        return self._next_literal()

    def number(self, meaning: str, most: int = MOST_NUMBER) -> int:
        found = _NUMBER.match(self.text, self.at)
        if not found or int(found[0]) > most:
            raise self.fail(f"{meaning} (a number up to {most})")
        self.at = found.end()
        return int(found[0])

    def sequence_set(self, meaning: str = "a sequence set") -> SequenceSet:
        found = _SEQUENCE_SET.match(self.text, self.at)
        if not found:
            raise self.fail(meaning)
        text = found[0]
        simple = _SIMPLE_SET.match(text)
        if simple:
            first, last = simple.groups()
            low = int(first)
            self.at = found.end()
            return SequenceSet(((low, low if last is None else STAR if last == b"*" else int(last)),))
        if text == b"$":
            self.at += 1
            return SAVED
        if not _RANGES.fullmatch(text):
            raise self.fail(f"{meaning} of numbers from 1 to {MOST_NUMBER}")
        ranges = tuple([_range(piece) for piece in text.split(b",")])
        if max(map(max, ranges)) > MOST_NUMBER:
            raise self.fail(f"{meaning} of numbers from 1 to {MOST_NUMBER}")
        self.at = found.end()
        return SequenceSet(ranges)

    def mailbox(self, meaning: str = "a mailbox name") -> str:
        return as_mailbox(self.astring(meaning))

    def list_mailbox(self) -> str:
        """A name that may have wildcards. RFC 3501 §9 list-mailbox."""
        found = _LIST_ATOM.match(self.text, self.at)
        if not found:
            return as_mailbox(self.string("a mailbox pattern"))
        self.at = found.end()
        return as_mailbox(found[0])

    def flag(self, recent: bool = False) -> tuple[int, str]:
        """One flag: its bit and '', or 0 and a keyword. ``recent``: \\Recent is passed over as (0, '')."""
        found = _FLAG.match(self.text, self.at)
        if not found:
            raise self.fail("a flag")
        word = found[0]
        if word[0] != 92:
            if len(word) > KEYWORD_BYTES:
                raise Malformed(f"Keyword longer than {KEYWORD_BYTES} bytes", "NO", "LIMIT")
            self.at = found.end()
            return 0, word.decode("ascii")
        bit = SYSTEM_FLAGS.get(word.upper(), 0)
        if not bit and not (recent and word.upper() == b"\\RECENT"):
            raise self.fail(r"\Seen, \Answered, \Flagged, \Deleted, \Draft or a keyword")
        self.at = found.end()
        return bit, ""

    def flag_list(self, recent: bool = False) -> tuple[int, tuple[str, ...]]:
        """``(\\Seen work)`` → bits and keywords, each keyword once."""
        short = _SHORT_LIST.match(self.text, self.at)
        if short:
            try:
                found = _cached_flags(short[0], recent)
            except Malformed:
                pass  # read again below, so that the error has its place in the line
            else:
                self.at = short.end()
                return found
        return self._flag_list(recent)

    def _flag_list(self, recent: bool) -> tuple[int, tuple[str, ...]]:
        self.literally(b"(", "a list of flags in parentheses")
        if self.maybe(b")"):
            return 0, ()
        found = self.flags(recent)
        self.literally(b")", "a flag or ')'")
        return found

    def flags(self, recent: bool = False) -> tuple[int, tuple[str, ...]]:
        """Flags with one space between."""
        bits = 0
        keywords: dict[str, None] = {}
        while True:
            bit, keyword = self.flag(recent)
            bits |= bit
            if keyword:
                keywords[keyword] = None
            if self.peek() != b" " or not self.text[self.at + 1 : self.at + 2].strip():
                return bits, tuple(keywords)
            self.at += 1


def _range(text: bytes) -> tuple[int, int]:
    low, colon, high = text.partition(b":")
    first = STAR if low == b"*" else int(low)
    return first, (STAR if high == b"*" else int(high)) if colon else first


@lru_cache(maxsize=512)
def _cached_flags(text: bytes, recent: bool) -> tuple[int, tuple[str, ...]]:
    """The same few lists come all day."""
    return Reader(text)._flag_list(recent)


def as_mailbox(wire: bytes) -> str:
    if len(wire) > MAILBOX_NAME_BYTES:
        raise Malformed(f"Mailbox name longer than {MAILBOX_NAME_BYTES} bytes", "NO", "CANNOT")
    try:
        return decode_name(wire)
    except BadName as error:
        raise Malformed(f"Mailbox name {error}", "NO", "CANNOT") from None


def as_text(value: bytes) -> str:
    """What a person typed: UTF-8, else taken for Latin-1, which any bytes are."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")
