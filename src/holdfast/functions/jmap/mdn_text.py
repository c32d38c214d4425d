"""A notification about a message as a message of its own: written and read. RFC 8098"""

from __future__ import annotations

import base64
from typing import Final, NamedTuple

from holdfast import mime
from holdfast.mime.structure import Part
from holdfast.model.limits import JMAP_MDN_ORIGINAL_BYTES
from holdfast.wire.jmap.headers import as_text
from holdfast.wire.jmap.mdn import Disposition, Notification

_TYPE: Final = ("message", "disposition-notification")
_SENDING: Final = {
    "mdn-sent-manually": "MDN-sent-manually",
    "mdn-sent-automatically": "MDN-sent-automatically",
}
_KNOWN: Final = frozenset(
    (
        *("reporting-ua", "mdn-gateway", "original-recipient", "final-recipient", "original-message-id"),
        *("disposition", "error"),
    )
)


class Letter(NamedTuple):
    """What surrounds a notification. ``original``: the message it is about, b'' for none of it."""

    author: str
    to: str
    date: str
    message_id: str
    boundary: str
    original: bytes = b""


def write(told: Notification, letter: Letter) -> bytes:
    """The message, lines ended by CRLF. RFC 8098 §3"""
    boundary = letter.boundary
    head = [
        f"From: {_line(letter.author)}",
        f"To: {_line(letter.to)}",
        f"Subject: {_encoded(told.subject or 'Your message was displayed')}",
        f"Date: {letter.date}",
        f"Message-ID: {letter.message_id}",
        "MIME-Version: 1.0",
        "Auto-Submitted: auto-replied",
        "Content-Type: multipart/report; report-type=disposition-notification;",
        f' boundary="{boundary}"',
    ]
    text = base64.encodebytes((told.text_body or "").replace("\n", "\r\n").encode()).decode()
    parts = [
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + text.replace("\n", "\r\n"),
        "Content-Type: message/disposition-notification\r\n\r\n" + _machine(told),
    ]
    whole = "\r\n".join(head) + "\r\n\r\n" + "".join(f"--{boundary}\r\n{part}\r\n" for part in parts)
    return whole.encode("utf-8", "replace") + _original(letter) + f"--{boundary}--\r\n".encode()


def _original(letter: Letter) -> bytes:
    """Whole, or its header alone where it is large."""
    if not letter.original:
        return b""
    end = letter.original.find(b"\r\n\r\n")
    whole = len(letter.original) <= JMAP_MDN_ORIGINAL_BYTES or end < 0
    kind = b"message/rfc822" if whole else b"text/rfc822-headers"
    given = letter.original if whole else letter.original[: end + 2]
    eight = b"" if given.isascii() else b"Content-Transfer-Encoding: 8bit\r\n"
    begin = b"--" + letter.boundary.encode() + b"\r\nContent-Type: " + kind + b"\r\n"
    return begin + eight + b"\r\n" + given + b"\r\n"


def _machine(told: Notification) -> str:
    """RFC 8098 §3.1"""
    fields: list[tuple[str, str | None]] = [
        ("Reporting-UA", told.reporting_ua),
        ("MDN-Gateway", told.mdn_gateway),
        ("Original-Recipient", _typed(told.original_recipient)),
        ("Final-Recipient", _typed(told.final_recipient)),
        ("Original-Message-ID", told.original_message_id),
        ("Disposition", _disposition(told.disposition)),
        *(("Error", each) for each in told.error or ()),
        *(told.extension_fields or {}).items(),
    ]
    return "".join(f"{_line(name)}: {_line(value)}\r\n" for name, value in fields if value)


def _disposition(what: Disposition) -> str:
    return f"{what.action_mode}/{_SENDING[what.sending_mode]}; {what.type}"


def _typed(address: str | None) -> str | None:
    if not address or ";" in address:
        return address
    return f"{'rfc822' if address.isascii() else 'utf-8'}; {address}"


def _line(text: str) -> str:
    """Nothing breaks a field."""
    return " ".join(text.split())


def _encoded(text: str) -> str:
    """As an unstructured field's value. RFC 2047"""
    plain = _line(text)
    if plain.isascii():
        return plain
    words, piece = [], ""
    for character in plain:
        if len((piece + character).encode()) > 42:
            words.append(piece)
            piece = ""
        piece += character
    return "\r\n ".join(f"=?utf-8?b?{base64.b64encode(each.encode()).decode()}?=" for each in (*words, piece))


# Reading


def read(message: bytes) -> Notification | None:
    """None: it is no notification. RFC 8098 §3, read generously"""
    root = mime.parse(message)
    report = next((each for each in root.children if (each.type, each.subtype) == _TYPE), None)
    if report is None:
        return None
    fields = _fields(mime.decode_bytes(report))
    disposition = _read_disposition(_only(fields, "disposition") or "")
    if disposition is None:
        return None
    others = {name: value for name, value in fields if name.lower() not in _KNOWN}
    return Notification(
        subject=_subject(root),
        text_body=_text(root),
        include_original_message=len(root.children) > 2,
        reporting_ua=_only(fields, "reporting-ua"),
        disposition=disposition,
        mdn_gateway=_only(fields, "mdn-gateway"),
        original_recipient=_only(fields, "original-recipient"),
        final_recipient=_only(fields, "final-recipient"),
        original_message_id=_only(fields, "original-message-id"),
        error=[value for name, value in fields if name.lower() == "error"] or None,
        extension_fields=others or None,
    )


def _fields(body: bytes) -> list[tuple[str, str]]:
    text = body.decode("utf-8", "replace").replace("\r\n", "\n").replace("\n ", " ").replace("\n\t", " ")
    pairs = (line.partition(":") for line in text.split("\n"))
    return [(name.strip(), _line(value)) for name, colon, value in pairs if colon and name.strip()]


def _only(fields: list[tuple[str, str]], wanted: str) -> str | None:
    return next((value for name, value in fields if name.lower() == wanted), None)


def _read_disposition(text: str) -> Disposition | None:
    """``manual-action/MDN-sent-manually; displayed``. RFC 8098 §3.2.6"""
    modes, _, kind = text.lower().partition(";")
    action, _, sending = (each.strip() for each in modes.partition("/"))
    kind = kind.partition("/")[0].strip()
    if action not in ("manual-action", "automatic-action") or sending not in _SENDING:
        return None
    if kind not in ("deleted", "dispatched", "displayed", "processed"):
        return None
    return Disposition(action_mode=action, sending_mode=sending, type=kind)  # type: ignore[arg-type]


def _subject(root: Part) -> str | None:
    values = [field.raw for field in root.fields() if field.name == b"subject"]
    return as_text(values[-1]).strip() if values else None


def _text(root: Part) -> str | None:
    """What its first part says to a person."""
    first = root.children[0] if root.children else None
    while first is not None and first.children:
        first = first.children[0]
    if first is None or first.type != "text":
        return None
    return mime.decode_text(first).replace("\r\n", "\n")
