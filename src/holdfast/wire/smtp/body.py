"""A message on its way in: chunks collected, its end found, its form judged once at the end.

SMTP-1: only CR LF . CR LF ends DATA. SMTP-2: a CR or LF alone is refused after the whole
message was read, never taken for a line's end (RFC 5321 §2.3.8, CVE-2023-51764 to -51766).
SMTP-3: a message beyond the limit is read to its end without being held.
"""

from __future__ import annotations

import io

from holdfast.model.limits import KIB, SMTP_TEXT_LINE_BYTES
from holdfast.wire.smtp import replies
from holdfast.wire.smtp.replies import Reply

_END = b"\r\n.\r\n"
_DOT = b"\r\n."
_AT_ONCE = 256 * KIB
_SMALL = 4 * KIB
_SMALL_JOINED = 256 * KIB


class Body:
    """One message being received by DATA or BDAT."""

    __slots__ = ("_chunks", "_limit", "_refusal", "_stuffed", "_tail", "held")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._chunks: list[bytes | bytearray] = []
        self._tail = b"\r\n"  # the CRLF of the DATA command counts as the one before the dot
        self._refusal: Reply | None = None
        self._stuffed = False  # a line may begin with a dot
        self.held = 0  # bytes kept here

    def feed(self, chunk: bytes) -> int:
        """Takes more of DATA. Returns how many bytes of ``chunk`` belong to it; −1: all, and no end yet."""
        if not self.held and self._refusal is None:
            # The ordinary case: the end is this chunk's, and no line before it begins with a dot.
            # Searching backwards is twice as fast, and for two octets faster than for three; a dot behind
            # a bare LF is no such line, but then the message is refused anyway (SMTP-2).
            size = len(chunk)
            if chunk.endswith(_END) and chunk.rfind(b"\n.", 0, size - 3) < 0 and not chunk.startswith(b"."):
                self.keep(chunk)
                return size
        tail = self._tail
        self._stuffed = True
        at = (tail + chunk[:4]).find(_END)
        if at >= 0:
            end = at + 5 - len(tail)
        else:
            at = chunk.find(_END)
            if at < 0:
                self._tail = chunk[-4:] if len(chunk) > 3 else (tail + chunk)[-4:]
                self.keep(chunk)
                return -1
            end = at + 5
        self.keep(chunk[:end])
        return end

    def keep(self, chunk: bytes) -> None:
        """Takes octets of BDAT, or of DATA once their end is known."""
        if self._refusal is not None:
            return
        self.held += len(chunk)
        if self.held > self._limit + 3:  # three for the line with the dot, which isn't part of the message
            self.shed(replies.TOO_LARGE)
        elif len(chunk) >= _SMALL or not self._chunks:
            self._chunks.append(chunk)
        else:
            self._keep_small(chunk)

    def _keep_small(self, chunk: bytes) -> None:
        """A client that sends byte by byte must not cost an object for each."""
        last = self._chunks[-1]
        if isinstance(last, bytearray) and len(last) < _SMALL_JOINED:
            last += chunk
        else:
            self._chunks.append(bytearray(chunk))

    def shed(self, reply: Reply) -> None:
        """Lets go of what is held; the rest is read and dropped, and the message refused with ``reply``."""
        self._chunks.clear()
        self.held = 0
        self._refusal = reply

    @property
    def refusal(self) -> Reply | None:
        return self._refusal

    def finish_data(self) -> bytes | Reply:
        """The message sent by DATA, dots un-stuffed (RFC 5321 §4.5.2), or why it is refused."""
        if self._refusal is not None:
            return self._refusal
        data = b"".join(self._chunks)[:-3]
        fault = _fault(data, self._limit)
        if fault is not None:
            return fault
        if not self._stuffed:
            return data
        data = data.replace(_DOT, b"\r\n")
        return data[1:] if data.startswith(b".") else data

    def finish_bdat(self) -> bytes | Reply:
        """The message sent by BDAT, or why it is refused. A last line without CRLF is given one."""
        if self._refusal is not None:
            return self._refusal
        data = b"".join(self._chunks)
        fault = _fault(data, self._limit)
        if fault is not None:
            return fault
        return data if not data or data.endswith(b"\r\n") else data + b"\r\n"


def _fault(data: bytes, limit: int) -> Reply | None:
    if len(data) > limit:
        return replies.TOO_LARGE
    if has_bare_line_end(data):
        return replies.BARE_DATA
    if len(data) > SMTP_TEXT_LINE_BYTES and has_long_line(data):
        return replies.LONG_TEXT_LINE
    return None


def has_bare_line_end(data: bytes) -> bool:
    """Whether a CR or LF stands alone."""
    if len(data) <= _AT_ONCE:
        # the decoder notes the line ends it meets, in half the time that counting takes
        decoder = io.IncrementalNewlineDecoder(None, False)
        decoder.decode(data.decode("latin-1"), True)
        return decoder.newlines not in ("\r\n", None)
    line_ends = data.count(b"\r\n")
    return data.count(b"\n") != line_ends or data.count(b"\r") != line_ends


def has_long_line(data: bytes) -> bool:
    """Whether a line is longer than SMTP_TEXT_LINE_BYTES, with its CRLF; looks at little of it."""
    start, size = 0, len(data)
    while size - start > SMTP_TEXT_LINE_BYTES:
        end = data.rfind(b"\n", start, start + SMTP_TEXT_LINE_BYTES)
        if end < 0:
            return True
        start = end + 1
    return False
