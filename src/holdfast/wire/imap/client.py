"""The client's machine: commands in, bytes out; bytes in, answers out. For canaries, tests and benches."""

from __future__ import annotations

import re
from binascii import b2a_base64
from collections import deque

from holdfast.model.limits import FRAME_BODY_BYTES, MIB
from holdfast.wire.imap.answers import (
    Answer,
    Broken,
    CapabilityData,
    Tagged,
    Untagged,
    is_status,
    parse_answer,
)
from holdfast.wire.imap.build import ALL_AT_ONCE, LITERAL_MINUS, NONE_AT_ONCE, build
from holdfast.wire.imap.commands import Command

_ANNOUNCED = re.compile(rb"~?\{(\d{1,19})\}\Z")
MOST_LINE_BYTES = 64 * MIB  # SEARCH of millions is one line
MOST_LITERAL_BYTES = FRAME_BODY_BYTES


class Client:
    """One connection, seen from the client. Commands may be sent before earlier ones are answered.

    A literal that must wait holds back what is sent after it: ``send`` returns what may go out now,
    ``proceed`` (after a ``Continuation``) the next piece.
    """

    __slots__ = (
        "_buffer",
        "_count",
        "_held",
        "_literals",
        "_pieces",
        "_scanned",
        "_text",
        "_wanted",
        "broken",
        "capabilities",
        "prefix",
    )

    def __init__(self, prefix: bytes = b"a") -> None:
        self.prefix = prefix  # of the tags
        self.capabilities: frozenset[str] = frozenset()  # as last told by the server
        self.broken = False  # the server sent more than the limits allow: nothing is read any more
        self._count = 0
        self._held: deque[bytes] = deque()
        self._buffer = bytearray()
        self._scanned = 0
        self._text = b""
        self._literals: list[bytes] = []
        self._pieces: list[bytes] | None = None  # not None: within a literal
        self._wanted = 0

    # --- sending

    def send(self, command: Command) -> tuple[bytes, bytes]:
        """(tag, what to write now)."""
        self._count += 1
        tag = self.prefix + b"%d" % self._count
        first, *later = build(tag, command, self._most_at_once())
        if self._held:
            self._held[-1] += first  # goes with the end of the command before
            first = b""
        self._held.extend(later)
        return tag, first

    def _most_at_once(self) -> int:
        if "LITERAL+" in self.capabilities:
            return ALL_AT_ONCE
        return LITERAL_MINUS if "LITERAL-" in self.capabilities else NONE_AT_ONCE

    @property
    def waits_to_send(self) -> bool:
        """Whether a ``Continuation`` is to be answered with ``proceed()``."""
        return bool(self._held)

    def proceed(self) -> bytes:
        return self._held.popleft() if self._held else b""

    def forget_literal(self) -> None:
        """The server refused a literal with a tagged NO: its bytes aren't sent."""
        self._held.clear()

    @staticmethod
    def respond(data: bytes) -> bytes:
        """The answer to a challenge of AUTHENTICATE."""
        return b2a_base64(data, newline=False) + b"\r\n"

    @staticmethod
    def give_up() -> bytes:
        """Ends AUTHENTICATE. RFC 3501 §6.2.2"""
        return b"*\r\n"

    @staticmethod
    def done() -> bytes:
        """Ends IDLE. RFC 2177"""
        return b"DONE\r\n"

    # --- receiving

    def receive(self, data: bytes) -> None:
        if self.broken:
            return
        if self._pieces is not None and not self._buffer and len(data) <= self._wanted:
            self._pieces.append(data)
            self._wanted -= len(data)
        else:
            self._buffer += data

    def next_event(self) -> Answer | None:
        while not self.broken:
            if self._pieces is not None and not self._literal():
                return None
            end = self._buffer.find(b"\n", self._scanned)
            if end < 0:
                self._scanned = len(self._buffer)
                return self._break("line without an end") if self._scanned > MOST_LINE_BYTES else None
            line = bytes(self._buffer[: end - 1 if end and self._buffer[end - 1] == 13 else end])
            del self._buffer[: end + 1]
            self._scanned = 0
            announced = _ANNOUNCED.search(line) if line[-1:] == b"}" else None
            if announced and (self._text or not is_status(line)):
                self._text += line + b"\r\n"
                self._wanted = int(announced[1])
                if self._wanted > MOST_LITERAL_BYTES or len(self._text) > MOST_LINE_BYTES:
                    return self._break(f"literal of {self._wanted} bytes")
                self._pieces = []
                continue
            answer = parse_answer(self._text + line, self._literals)
            self._text = b""
            self._literals = []
            self._note(answer)
            return answer
        return None

    def _literal(self) -> bool:
        pieces = self._pieces or []
        if self._wanted and self._buffer:
            pieces.append(bytes(self._buffer[: self._wanted]))
            del self._buffer[: len(pieces[-1])]
            self._wanted -= len(pieces[-1])
        if self._wanted:
            self._pieces = pieces
            return False
        self._literals.append(b"".join(pieces))
        self._pieces = None
        self._scanned = 0
        return True

    def _break(self, text: str) -> Answer:
        self.broken = True
        self._buffer.clear()
        return Broken(b"", text)

    def _note(self, answer: Answer) -> None:
        if isinstance(answer, CapabilityData):
            self.capabilities = answer.capabilities
        elif isinstance(answer, Tagged | Untagged) and answer.code and answer.code.name == "CAPABILITY":
            self.capabilities = frozenset(word.upper() for word in answer.code.words)
