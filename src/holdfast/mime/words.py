"""Encoded words and parameters as text. RFC 2047, RFC 2231, RFC 6532."""

from __future__ import annotations

import binascii
import re

from holdfast.mime import defects as d
from holdfast.mime.charsets import charset_text, guessed_text
from holdfast.mime.defects import Defect
from holdfast.mime.imapform import collapsed
from holdfast.model.limits import FIELD_BYTES

# RFC 2047 §2, with the language of RFC 2231 §5. The text may hold blanks: many programs write them.
_WORD = re.compile(rb"=\?([!-)+-;=>@-~]{1,64}?)(?:\*[!->@-~]*)?\?([bBqQ])\?([^?\r\n]*)\?=")
_BLANK_BETWEEN = re.compile(rb"(\?=)[ \t\r\n]+(?==\?[^? \t\r\n]+\?[bBqQ]\?)")
_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def decode_header(raw: bytes, defects: list[Defect] | None = None, offset: int = 0) -> str:
    """A header value as text on one line: unfolded, encoded words decoded, 8-bit bytes as UTF-8.

    Neighbouring encoded words of one charset are joined before they are decoded, for some programs
    cut in the middle of a character. What isn't well formed stays as it is and is a defect.
    """
    raw = collapsed(raw[:FIELD_BYTES])
    if b"=?" not in raw:
        return _shown(raw.decode("ascii") if raw.isascii() else guessed_text(raw))
    out: list[str] = []
    charset = b""
    pending = b""  # decoded bytes of that charset
    at = 0
    if b"?= =?" in raw:
        raw = _BLANK_BETWEEN.sub(rb"\1", raw)
    for match in _WORD.finditer(raw):
        begin = match.start()
        named, encoding, text = match.groups()
        if begin > at or named != charset or b"2022" in named:
            if pending:
                out.append(charset_text(pending, charset.decode("ascii"), defects, offset))
                pending = b""
            if begin > at:
                out.append(guessed_text(raw[at:begin]))
        charset = named
        pending += _word_bytes(encoding, text)
        at = match.end()
    if pending:
        out.append(charset_text(pending, charset.decode("ascii"), defects, offset))
    rest = raw[at:]
    if rest:
        if b"=?" in rest and defects is not None:
            defects.append(Defect(d.WORD_MALFORMED, offset))
        out.append(guessed_text(rest))
    return _shown("".join(out))


def _shown(text: str) -> str:
    """Control characters and line ends that came out of encoded words do no harm in one line of text."""
    if text.isprintable():
        return text
    return _CONTROLS.sub("\ufffd", text.replace("\r\n", " ").replace("\r", " ").replace("\n", " "))


def _word_bytes(encoding: bytes, text: bytes) -> bytes:
    if encoding in b"qQ":
        return binascii.a2b_qp(text, header=True)
    return base64_bytes(text)[0]


def _byte(match: re.Match[bytes]) -> bytes:
    return bytes((int(match[1], 16),))


def base64_bytes(text: bytes) -> tuple[bytes, bool]:
    """What base64 says, and whether it was whole: junk is skipped (RFC 2045 §6.8), padding completed."""
    try:
        return binascii.a2b_base64(text, strict_mode=True), True
    except binascii.Error:
        pass
    out = []
    whole = True
    for piece in text.split(b"="):  # padding in the middle: pieces put together by a program
        piece = _NOT_BASE64.sub(b"", piece)
        if len(piece) % 4 == 1:
            piece = piece[:-1]
            whole = False
        if piece:
            out.append(binascii.a2b_base64(piece + b"=" * (-len(piece) % 4)))
    return b"".join(out), whole


def parameter_text(parameters: tuple[tuple[bytes, bytes], ...], name: bytes) -> str | None:
    """A parameter as text, None when it isn't there: ``name*`` (RFC 2231 §4) before ``name``, in which
    encoded words are decoded, as many programs write them against RFC 2047 §5."""
    plain = None
    for key, value in parameters:
        key = key.lower()
        if key == name + b"*":
            return _shown(_extended(value))
        if key == name and plain is None:
            plain = decode_header(value)
    return plain


def _extended(value: bytes) -> str:
    charset, quote, rest = value.partition(b"'")
    _, second, text = rest.partition(b"'")
    if not quote or not second:
        charset, text = b"utf-8", value
    return charset_text(_PERCENT.sub(_byte, text), charset.decode("ascii", "replace"))
