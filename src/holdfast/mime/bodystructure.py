"""BODY and BODYSTRUCTURE. RFC 3501 §7.4.2, RFC 9051 §7.5.2."""

from __future__ import annotations

from holdfast.mime.envelope import envelope_of
from holdfast.mime.imapform import on_one_line, string
from holdfast.mime.media import disposition, languages, parameters_shown, transfer_encoding
from holdfast.mime.structure import MESSAGE, MULTIPART, Part

_FURTHER = frozenset({b"content-disposition", b"content-language", b"content-location"})
_EMPTY = b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0'


def bodystructure(part: Part, extended: bool = True) -> bytes:
    """The s-expression, parentheses included; not ``extended`` is what FETCH BODY answers.

    A multipart without parts gets one empty text part, for RFC 3501's grammar has no other.
    """
    if part.kind == MULTIPART:
        return _multipart(part, extended)
    known = part.known
    get = known.get
    typed = part.declared
    text = False
    if typed is not None:
        head = typed.shown
        text = typed.main == "text"
    elif part.kind == MESSAGE:
        head = b'"message" "rfc822" NIL'
    else:
        text = True
        head = b'"text" "plain" ("charset" "us-ascii")'
    encoding = transfer_encoding(get(b"content-transfer-encoding", ()))
    body = b"(%b %b %b %b %d" % (
        head,
        _first(get(b"content-id")),
        _first(get(b"content-description")),
        b'"7bit"' if encoding is None else string(encoding),
        part.end - part.body_start,
    )
    if text:
        body += b" %d" % part.lines
    elif part.kind == MESSAGE:
        child = part.children[0]
        body += b" %b %b %d" % (envelope_of(child.known), bodystructure(child, extended), part.lines)
    if not extended:
        return body + b")"
    return body + b" " + _first(known.get(b"content-md5")) + _common(known)


def _multipart(part: Part, extended: bool) -> bytes:
    typed = part.declared
    subtype = string(typed.subtype) if typed is not None else b'"mixed"'
    if part.children:
        children = b"".join([bodystructure(child, extended) for child in part.children])
    else:
        children = _EMPTY + (b" NIL NIL NIL NIL)" if extended else b")")
    if not extended:
        return b"(" + children + b" " + subtype + b")"
    parameters = b"NIL" if typed is None else parameters_shown(typed.parameters, False)
    return b"(" + children + b" " + subtype + b" " + parameters + _common(part.known)


def _first(values: list[bytes] | None) -> bytes:
    return b"NIL" if values is None else on_one_line(values[0])


def _common(known: dict[bytes, list[bytes]]) -> bytes:
    """Disposition, language, location and the closing parenthesis."""
    if _FURTHER.isdisjoint(known):
        return b" NIL NIL NIL)"
    typed = disposition(known.get(b"content-disposition", ()))
    shown = b"NIL" if typed is None else typed.shown
    tongue = b"NIL"
    if tags := languages(known.get(b"content-language", ())):
        tongue = b"(" + b" ".join([string(tag) for tag in tags]) + b")"
    return b" " + shown + b" " + tongue + b" " + _first(known.get(b"content-location")) + b")"
