"""The lexical rules of header values: RFC 5322 §3.2 with its obsolete forms, RFC 2045 §5.1.

A ``Scanner`` is forgiving by measure: it reads what Dovecot 2.3 reads, which is the reference
where the RFC leaves room. Each ``take_…`` returns what it read, or None when the text is broken
there; ``done`` tells that nothing is left.
"""

from __future__ import annotations

import re

# RFC 5322 §3.2.3 atext, with 8-bit bytes (RFC 6532 §3.1, and what old mail has raw).
ATEXT = rb"A-Za-z0-9!#$%&'*+\-/=?^_`{|}~\x80-\xff"
_ATOM = re.compile(rb"[" + ATEXT + rb"]*+").match
_ATOM_OR_DOT = re.compile(rb"[" + ATEXT + rb".]*+").match
# RFC 2045 §5.1: token is without tspecials, which atext has: / ? =
_TOKEN = re.compile(rb"[A-Za-z0-9!#$%&'*+\-^_`{|}~\x80-\xff.]*+").match
_BLANK = re.compile(rb"[ \t\r\n]*+").match
_COMMENT_TEXT = re.compile(rb"[^()\\]*+").match
_QUOTED_TEXT = re.compile(rb'[^"\\\r\n]*+').match
_LITERAL_TEXT = re.compile(rb"[^\]\\]*+").match
_WORD_START = frozenset(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-/=?^_`{|}~\"."
) | {*range(128, 256)}


class Scanner:
    """A header value and how far it is read."""

    __slots__ = ("at", "comment", "data", "end")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.end = len(data)
        self.comment = b""  # the last one read, without its outer parentheses

    @property
    def done(self) -> bool:
        return self.at >= self.end

    def at_byte(self, byte: int) -> bool:
        return self.at < self.end and self.data[self.at] == byte

    def skip(self) -> bool:
        """Blanks and comments (CFWS). False when a comment isn't closed: all is read then."""
        data = self.data
        while True:
            self.at = _BLANK(data, self.at).end()  # type: ignore[union-attr]
            if self.at >= self.end or data[self.at] != 0x28:
                return True
            if not self._skip_comment():
                return False

    def _skip_comment(self) -> bool:
        data = self.data
        level = 0
        text = []
        begin = self.at
        while True:
            at = _COMMENT_TEXT(data, begin).end()  # type: ignore[union-attr]
            text.append(data[begin:at])
            byte = data[at : at + 1]
            if byte == b"\\" and at + 1 < self.end:
                text.append(data[at + 1 : at + 2])
                begin = at + 2
                continue
            if byte in (b"", b"\\"):
                self.at = self.end
                self.comment = b""
                return False
            level += 1 if byte == b"(" else -1
            text.append(byte)
            begin = at + 1
            if level == 0:
                self.at = begin
                self.comment = b"".join(text)[1:-1]
                return True

    def take_atom(self) -> bytes | None:
        """1*atext [CFWS]."""
        begin = self.at
        self.at = _ATOM(self.data, begin).end()  # type: ignore[union-attr]
        if self.at == begin:
            return None
        atom = self.data[begin : self.at]
        return atom if self.skip() else None

    def take_token(self) -> bytes | None:
        """*token-char [CFWS]: may be empty."""
        begin = self.at
        self.at = _TOKEN(self.data, begin).end()  # type: ignore[union-attr]
        token = self.data[begin : self.at]
        return token if self.skip() else None

    def take_quoted(self) -> bytes | None:
        """quoted-string [CFWS], without its quotes, escapes and line ends. It begins at a quote."""
        data = self.data
        text = []
        self.at += 1
        while True:
            begin = self.at
            self.at = _QUOTED_TEXT(data, begin).end()  # type: ignore[union-attr]
            text.append(data[begin : self.at])
            if self.at >= self.end:
                return None
            byte = data[self.at]
            self.at += 1
            if byte == 0x22:
                return b"".join(text) if self.skip() else None
            if byte == 0x5C:
                if self.at >= self.end:
                    return None
                text.append(data[self.at : self.at + 1])
                self.at += 1
            elif byte == 0x0D and not self.at_byte(0x0A):
                text.append(b"\r")

    def take_dot_atom(self) -> bytes | None:
        """atom *("." atom) [CFWS], blanks and comments allowed around the dots (RFC 5322 §4.4)."""
        text = []
        while True:
            begin = self.at
            self.at = _ATOM(self.data, begin).end()  # type: ignore[union-attr]
            if self.at == begin:
                return None
            text.append(self.data[begin : self.at])
            if not self.skip():
                return None
            if not self.at_byte(0x2E):
                return b".".join(text)
            self.at += 1
            if not self.skip():
                return None

    @property
    def at_word(self) -> bool:
        """Whether an atom or a quoted string begins here."""
        return self.at < self.end and self.data[self.at] in _WORD_START and self.data[self.at] != 0x2E

    def take_phrase(self) -> tuple[bytes, bool]:
        """1*word, words joined by one space, and whether all was well. Dots pass (obs-phrase)."""
        if self.done:
            return b"", True
        if self.at_byte(0x2E):
            return b"", False
        words: list[bytes] = []
        while True:
            if self.at_byte(0x22):
                word = self.take_quoted()
            else:
                begin = self.at
                self.at = _ATOM_OR_DOT(self.data, begin).end()  # type: ignore[union-attr]
                word = self.data[begin : self.at]
                if not self.skip():
                    word = None
            if word is None:
                return b" ".join(words), False
            words.append(word)
            if self.done or self.data[self.at] not in _WORD_START:
                return b" ".join(words), True

    def take_domain(self) -> bytes | None:
        """dot-atom / domain-literal, behind the ``@`` at which it stands."""
        self.at += 1
        if not self.skip() or self.done:
            return None
        if not self.at_byte(0x5B):
            return self.take_dot_atom()
        begin = self.at
        while True:
            self.at = _LITERAL_TEXT(self.data, self.at).end()  # type: ignore[union-attr]
            if self.at >= self.end:
                return None
            if self.data[self.at] == 0x5C:
                self.at += 2
                continue
            self.at += 1
            literal = self.data[begin : self.at]
            return literal if self.skip() else None
