"""What of an Email the index's ENVELOPE and BODYSTRUCTURE say: a list is shown without opening a message.

ENVELOPE says less than the header: an empty field is none, of a field that stands twice all addresses count,
and Sender and Reply-To aren't told from From where they are missing, so they aren't among these.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from holdfast.mime.addresses import Mailbox
from holdfast.mime.envelope_fields import BCC, CC, FROM, IN_REPLY_TO, MESSAGE_ID, SUBJECT, TO, fields
from holdfast.mime.words import parameter_text
from holdfast.wire.jmap.bodies import bodies
from holdfast.wire.jmap.core import Json
from holdfast.wire.jmap.headers import as_date, as_message_ids, as_text, listed

_ADDRESSES: Final = {"from": FROM, "to": TO, "cc": CC, "bcc": BCC}
_IDS: Final = {"messageId": MESSAGE_ID, "inReplyTo": IN_REPLY_TO}
ENVELOPE_PROPERTIES: Final = frozenset({*_ADDRESSES, *_IDS, "subject", "sentAt"})


def envelope_properties(envelope: bytes) -> Json:
    """All of ENVELOPE_PROPERTIES, of an ENVELOPE as ``mime`` writes it; {} where it isn't one."""
    found = fields(envelope)
    if not found:
        return {}
    made: Json = {
        name: None if found[place] is None else listed(Mailbox(*each) for each in found[place])
        for name, place in _ADDRESSES.items()
    }
    for name, place in _IDS.items():
        made[name] = None if found[place] is None else as_message_ids(found[place])
    made["subject"] = None if found[SUBJECT] is None else as_text(found[SUBJECT])
    made["sentAt"] = None if found[0] is None else as_date(found[0])
    return made


class _Part(NamedTuple):
    """A part as far as BODYSTRUCTURE tells where it is shown."""

    type: str
    subtype: str
    parts: tuple[_Part, ...]
    disposition: str | None
    name: str | None

    @property
    def is_multipart(self) -> bool:
        return self.type.startswith("multipart/")


def has_attachment(structure: bytes) -> bool:
    """``hasAttachment``, of a BODYSTRUCTURE as ``mime`` writes it."""
    if _PLAIN(structure):
        return False
    read = _read(structure)
    return bool(read) and bodies(_part(read[0])).has_attachment


def attachment_names(structure: bytes) -> list[str]:
    """The names of files, shown inline or not, of a BODYSTRUCTURE as ``mime`` writes it."""
    read = [] if _PLAIN(structure) else _read(structure)
    return list(_names(_part(read[0]))) if read else []


def _names(part: _Part) -> Iterator[str]:
    if part.name:
        yield part.name
    for each in part.parts:
        yield from _names(each)


# As most messages are: one text, or plain text and HTML as alternatives, without a name or a disposition.
_PARAMETERS = rb'(?:NIL|\((?![^()]*"name)[^()]*\))'
_TEXT = rb'\("text" "%b" ' + _PARAMETERS + rb" [^()]* NIL NIL NIL NIL\)"
_PLAIN = re.compile(
    rb"(?:%b|\(%b%b \"alternative\" %b NIL NIL NIL\))\Z"
    % (_TEXT % b"(?:plain|html)", _TEXT % b"plain", _TEXT % b"html", rb"(?:NIL|\([^()]*\))")
).match
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_TOKEN = re.compile(rb' *+(?:"((?:[^"\\]++|\\.)*+)"|(NIL|[0-9]++)|(\()|(\))|\{(\d+)\}\r\n)', re.DOTALL)


def _read(structure: bytes) -> list[Any]:
    """Its lists and strings; numbers and NIL are None."""
    top: list[Any] = []
    stack = [top]
    at = 0
    while token := _TOKEN.match(structure, at):
        at = token.end()
        kind = token.lastindex
        if kind == 1:
            text = token[1]
            stack[-1].append(_ESCAPED.sub(rb"\1", text) if b"\\" in text else text)
        elif kind == 2:
            stack[-1].append(None)
        elif kind == 3:
            stack.append([])
        elif kind == 4 and len(stack) > 1:
            done = stack.pop()
            stack[-1].append(done)
        elif kind == 5:
            stack[-1].append(structure[at : at + int(token[5])])
            at += int(token[5])
    return top


def _part(read: list[Any]) -> _Part:
    if read and isinstance(read[0], list):
        count = next((place for place, each in enumerate(read) if not isinstance(each, list)), len(read))
        subtype = _word(read, count)
        parts = tuple(map(_part, read[:count]))
        return _Part(f"multipart/{subtype}", subtype, parts, _disposition(read, count + 2)[0], None)
    kind, subtype = _word(read, 0), _word(read, 1)
    behind = 8 if kind == "text" else 10 if (kind, subtype) == ("message", "rfc822") else 7
    disposition, filename = _disposition(read, behind + 1)
    name = filename or _parameter(read[2] if len(read) > 2 else None, b"name")
    if not subtype:  # malformed: RFC 2045 §5.2
        kind, subtype = "text", "plain"
    return _Part(f"{kind}/{subtype}", subtype, (), disposition, name)


def _word(read: list[Any], place: int) -> str:
    value = read[place] if place < len(read) else None
    return value.decode("ascii", "replace").lower() if isinstance(value, bytes) else ""


def _disposition(read: list[Any], place: int) -> tuple[str | None, str | None]:
    value = read[place] if place < len(read) else None
    if not isinstance(value, list) or not value:
        return None, None
    return _word(value, 0), _parameter(value[1] if len(value) > 1 else None, b"filename")


def _parameter(parameters: Any, name: bytes) -> str | None:
    read = parameters if isinstance(parameters, list) else []
    pairs = tuple(
        (key, value)
        for key, value in zip(read[::2], read[1::2])
        if isinstance(key, bytes) and isinstance(value, bytes) and value
    )
    return parameter_text(pairs, name) or None
