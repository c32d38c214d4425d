"""IMAP responses as Python values: lists, bytes (quoted or literal), int, None (NIL), str (other atoms)."""

from __future__ import annotations

from typing import Any

SPECIAL = b" ()\r\n"


def read_value(data: bytes, at: int = 0) -> tuple[Any, int]:
    """One value of ``data`` from offset ``at`` and the offset behind it. Raises ValueError when malformed.

    Strict as RFC 3501 §9 is: a quoted string has no CR, LF, NUL or 8-bit byte in it and escapes only
    ``"`` and ``\\``; a literal has no NUL.
    """
    stack: list[list[Any]] = []
    spaceable = False
    while True:
        byte = data[at : at + 1]
        if byte == b"":
            raise ValueError(f"ends at {at} inside {len(stack)} lists")
        if byte == b"(":
            stack.append([])
            spaceable = False
            at += 1
            continue
        if byte == b")":
            if not stack:
                raise ValueError(f"unexpected ) at {at}")
            value: Any = stack.pop()
            at += 1
        elif byte == b" ":
            if not spaceable:
                raise ValueError(f"unexpected space at {at}")
            spaceable = False
            at += 1
            continue
        elif byte == b'"':
            value, at = _quoted(data, at)
        elif byte == b"{":
            value, at = _literal(data, at)
        else:
            value, at = _atom(data, at)
        if not stack:
            return value, at
        stack[-1].append(value)
        spaceable = True


def read_only(data: bytes) -> Any:
    """The one value that ``data`` is."""
    value, end = read_value(data)
    if end != len(data):
        raise ValueError(f"{len(data) - end} bytes behind the value")
    return value


def _quoted(data: bytes, at: int) -> tuple[bytes, int]:
    out = bytearray()
    at += 1
    while True:
        byte = data[at]
        if byte == 0x22:
            return bytes(out), at + 1
        if byte == 0x5C:
            at += 1
            byte = data[at]
            if byte not in b'"\\':
                raise ValueError(f"bad escape at {at}")
        elif byte in (0, 10, 13) or byte > 127:
            raise ValueError(f"byte {byte} in a quoted string at {at}")
        out.append(byte)
        at += 1


def _literal(data: bytes, at: int) -> tuple[bytes, int]:
    end = data.index(b"}\r\n", at)
    size = int(data[at + 1 : end])
    value = data[end + 3 : end + 3 + size]
    if len(value) != size or b"\0" in value:
        raise ValueError(f"bad literal at {at}")
    return value, end + 3 + size


def _atom(data: bytes, at: int) -> tuple[Any, int]:
    end = at
    while end < len(data) and data[end] not in SPECIAL:
        end += 1
    text = data[at:end].decode("ascii")
    if end == at:
        raise ValueError(f"no atom at {at}")
    if text.upper() == "NIL":
        return None, end
    return (int(text) if text.isdecimal() else text), end


def plain(value: Any) -> Any:
    """The value with strings as text (Latin-1: one character a byte), for JSON."""
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value
