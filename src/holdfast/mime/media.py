"""Values of the Content-… fields. RFC 2045 §5, RFC 2183, RFC 2231, RFC 3282.

Parameters come out as BODYSTRUCTURE shows them: RFC 2231 pieces are joined but stay encoded
(``name*`` → ``utf-8''…``), as Dovecot does. ``words.parameter_text`` decodes them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from holdfast.mime.grammar import Scanner
from holdfast.mime.imapform import string
from holdfast.model.limits import FIELD_BYTES

Parameters = tuple[tuple[bytes, bytes], ...]

_CACHED_BYTES = 120  # longer values are parsed each time: they hardly repeat, and the cache stays small


class Typed(NamedTuple):
    """A value with parameters. ``subtype`` is b'' for a Content-Disposition. ``main`` and ``minor`` are
    ``type`` and ``subtype`` as text in lower case, ``shown`` is how BODYSTRUCTURE has it all (made here
    because the same few values come with nearly every message), ``charset`` the parameter or its default."""

    type: bytes
    subtype: bytes
    parameters: Parameters
    well_formed: bool
    main: str
    minor: str
    shown: bytes
    charset: str = "us-ascii"


def _typed(name: bytes, subtype: bytes, parameters: Parameters, well_formed: bool) -> Typed:
    main = name.decode("latin-1").lower()
    minor = subtype.decode("latin-1").lower()
    if (main, minor) == ("message", "rfc822"):
        head = b'"message" "rfc822" '
    else:
        head = string(name) + b" " + string(subtype) + b" "
    shown = head + parameters_shown(parameters, main == "text")
    named = next((value for key, value in parameters if key.lower() == b"charset"), b"us-ascii")
    charset = named.decode("ascii", "replace")
    return Typed(name, subtype, parameters, well_formed, main, minor, shown, charset)


def parameters_shown(parameters: Parameters, text: bool) -> bytes:
    """As BODYSTRUCTURE has them. Text without a charset gets the default one (RFC 2045 §5.2)."""
    pairs = [string(name) + b" " + string(value) for name, value in parameters]
    if text and not any(name.lower() == b"charset" for name, _ in parameters):
        pairs.append(b'"charset" "us-ascii"')
    return b"(" + b" ".join(pairs) + b")" if pairs else b"NIL"


_T = rb"A-Za-z0-9!#$%&'+\-^_`{|}~."
_USUAL_TYPE = re.compile(rb"([" + _T + rb"]++)/([" + _T + rb"]++)").match
_USUAL_PARAMETER = re.compile(
    rb"[ \t\r\n]*+;[ \t\r\n]*+(["
    + _T
    + rb"]++)=(?:\"([^\"\\\r\n]*+)\"|(["
    + _T
    + rb"]++))(?=[ \t\r\n]*+(?:;|\Z))"
).match
_BLANKS = b" \t\r\n"


def content_type(value: bytes) -> Typed:
    """``type/subtype; parameters``. Never fails: what can't be read is left out."""
    return _content_type_cached(value) if len(value) <= _CACHED_BYTES else _content_type(value)


def _content_type(value: bytes) -> Typed:
    value = value[:FIELD_BYTES]
    match = _USUAL_TYPE(value)
    if match is not None:
        parameters = _usual_parameters(value, match.end())
        if parameters is not None:
            return _typed(match[1], match[2], parameters, True)
    scanner = Scanner(value[:FIELD_BYTES])
    scanner.skip()
    name, subtype, good = _take_type(scanner)
    return _typed(name, subtype, _parameters(scanner) if good else (), good)


_content_type_cached = lru_cache(4096)(_content_type)


def _usual_parameters(value: bytes, at: int) -> Parameters | None:
    """The parameters when all of them are of the plain form, else None."""
    found: list[tuple[bytes, bytes]] = []
    end = len(value)
    while at < end:
        match = _USUAL_PARAMETER(value, at)
        if match is None:
            return None if value[at:].strip(_BLANKS) else tuple(found)
        name, quoted, token = match.groups()
        found.append((name, token if quoted is None else quoted))
        at = match.end()
    return tuple(found)


def _take_type(scanner: Scanner) -> tuple[bytes, bytes, bool]:
    """A type alone is taken as it is; anything else that is no ``type/subtype`` is none at all."""
    begin = scanner.at
    name = scanner.take_token()
    if name is None:  # an open comment behind it
        return scanner.data[begin:].partition(b"(")[0].rstrip(_BLANKS), b"", False
    if not name:
        return b"", b"", False
    if scanner.done:
        return name, b"", False
    if not scanner.at_byte(0x2F):
        return b"", b"", False
    scanner.at += 1
    subtype = scanner.take_token() if scanner.skip() else None
    if not subtype or not (scanner.done or scanner.at_byte(0x3B)):
        return b"", b"", False
    return name, subtype, True


def disposition(values: Sequence[bytes]) -> Typed | None:
    """RFC 2183: the first with parameters, else the last. None when there is nothing to show."""
    found = None
    for value in values:
        typed = _disposition_cached(value) if len(value) <= _CACHED_BYTES else _disposition(value)
        found = typed or found
        if found is not None and found.parameters:
            break
    return found


def _disposition(value: bytes) -> Typed | None:
    value = value[:FIELD_BYTES]
    scanner = Scanner(value)
    scanner.skip()
    name = scanner.take_token()
    if name is None:
        return None
    usual = _usual_parameters(value, scanner.at)
    parameters = _parameters(scanner) if usual is None else usual
    shown = b"(" + string(name) + b" " + parameters_shown(parameters, False) + b")"
    return Typed(name, b"", parameters, True, name.decode("latin-1").lower(), "", shown)


_disposition_cached = lru_cache(1024)(_disposition)


def transfer_encoding(values: Sequence[bytes]) -> bytes | None:
    """RFC 2045 §6.1: the first value that is one token, None when there is none."""
    for value in values:
        token = _one_token_cached(value) if len(value) <= _CACHED_BYTES else _one_token(value)
        if token:
            return token
    return None


def _one_token(value: bytes) -> bytes | None:
    scanner = Scanner(value[:FIELD_BYTES])
    scanner.skip()
    token = scanner.take_token()
    return token if scanner.done else None


_one_token_cached = lru_cache(256)(_one_token)


def languages(values: Sequence[bytes]) -> list[bytes]:
    """RFC 3282 §2: the tags of the first value that has any."""
    for value in values:
        found = _languages(value)
        if found:
            return found
    return []


def _languages(value: bytes) -> list[bytes]:
    scanner = Scanner(value[:FIELD_BYTES])
    found: list[bytes] = []
    scanner.skip()
    while True:
        tag = scanner.take_atom()
        if tag is None:
            return found
        found.append(tag)
        if not scanner.at_byte(0x2C):
            return found
        scanner.at += 1
        scanner.skip()


def _parameters(scanner: Scanner) -> Parameters:
    """``*(";" parameter)``; what can't be read is skipped to the next semicolon."""
    found: list[tuple[bytes, bytes]] = []
    while not scanner.done:
        pair = _take_parameter(scanner)
        if pair is not None:
            found.append(pair)
            continue
        if scanner.done:
            break
        following = scanner.data.find(b";", scanner.at + 1)
        if following < 0:
            break
        scanner.at = following
    return _joined(found)


def _take_parameter(scanner: Scanner) -> tuple[bytes, bytes] | None:
    if not scanner.at_byte(0x3B):
        return None
    scanner.at += 1
    if not scanner.skip() or scanner.done:
        return None
    name = scanner.take_token()
    if name is None or not scanner.at_byte(0x3D):
        return None
    scanner.at += 1
    if not scanner.skip():
        return None
    if scanner.done:
        return name, b""
    if scanner.at_byte(0x22):
        value = scanner.take_quoted()
    elif scanner.at_byte(0x3D):
        value = _take_raw(scanner)
    else:
        value = scanner.take_token()
    return None if value is None else (name, value)


_RAW = re.compile(rb"[^; \t\r\n]*+").match


def _take_raw(scanner: Scanner) -> bytes:
    """An unquoted encoded word (``name==?utf-8?…``), as some programs write it."""
    begin = scanner.at
    scanner.at = _RAW(scanner.data, begin).end()  # type: ignore[union-attr]
    return scanner.data[begin : scanner.at]


_PIECE = re.compile(rb"([^*]*+)\*(\d*+)(\*?)\Z").match


def _joined(pairs: list[tuple[bytes, bytes]]) -> Parameters:
    """RFC 2231 §3: pieces ``name*0``, ``name*1*`` … become one parameter, ``name*`` if any is encoded."""
    plain: list[tuple[bytes, bytes]] = []
    pieces: list[tuple[bytes, int, bool, bytes]] = []
    for name, value in pairs:
        match = _PIECE(name) if b"*" in name else None
        if match is None:
            plain.append((name, value))
        elif name.endswith(b"*") and not match[3]:
            pieces.append((match[1], 0, True, value))
        else:
            pieces.append((match[1], int(match[2][:9] or 0), bool(match[3]), value))
    if not pieces:
        return tuple(plain)
    pieces.sort(key=lambda piece: piece[:2])
    at = 0
    while at < len(pieces):
        key = pieces[at][0].lower()
        until = at
        while until < len(pieces) and pieces[until][0].lower() == key:
            until += 1
        group = pieces[at:until]
        at = until
        plain.extend(_group(group))
    return tuple(plain)


def _group(group: list[tuple[bytes, int, bool, bytes]]) -> list[tuple[bytes, bytes]]:
    if any(index != number for number, (_, index, _, _) in enumerate(group)):
        return [(b"%b*%d%b" % (name, index, b"*" * encoded), value) for name, index, encoded, value in group]
    if not any(encoded for _, _, encoded, _ in group):
        return [(group[0][0], b"".join(piece[3] for piece in group))]
    text = [b"" if group[0][2] else b"''"]
    text += [value if encoded else value.replace(b"%", b"%25") for _, _, encoded, value in group]
    return [(group[0][0] + b"*", b"".join(text))]
