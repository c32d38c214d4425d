"""What the index keeps of a message, made in one pass when it arrives."""

from __future__ import annotations

import re
from typing import NamedTuple

from holdfast.mime.bodystructure import bodystructure
from holdfast.mime.envelope import envelope_of
from holdfast.mime.structure import LEAF, MESSAGE, Part, Root, parse
from holdfast.mime.text import preview
from holdfast.mime.words import decode_header


class Summary(NamedTuple):
    """``envelope`` and ``bodystructure`` are IMAP as it is sent; ``preview`` one line of text.

    ``message_id``: without its angle brackets, b'' when there is none; ``references``: the ids of
    References, then of In-Reply-To, for threads. ``date``: the Date field as it stands.
    ``attachments``: how many leaves are no text of the message itself.
    """

    envelope: bytes
    bodystructure: bytes
    preview: str
    size: int
    message_id: bytes
    references: tuple[bytes, ...]
    subject: str
    sender: str
    date: bytes
    attachments: int


_ID = re.compile(rb"<([^<>\s]{1,998})>").findall
_REFERENCES = 100  # the last ones of a thread are enough


def summary(message: bytes, root: Root | None = None) -> Summary:
    """Never raises. ``root``: the structure when it is known already."""
    root = parse(message) if root is None else root
    known = root.known
    get = known.get
    ids = _ID(get(b"message-id", _NONE)[-1])
    earlier = _ID(get(b"references", _NONE)[-1]) + _ID(get(b"in-reply-to", _NONE)[-1])
    return Summary(
        envelope=envelope_of(known),
        bodystructure=bodystructure(root),
        preview=preview(root),
        size=len(message),
        message_id=ids[0] if ids else b"",
        references=tuple(dict.fromkeys(earlier[-_REFERENCES:])) if earlier else (),
        subject=decode_header(get(b"subject", _NONE)[-1]),
        sender=decode_header(get(b"from", _NONE)[0]),
        date=get(b"date", _NONE)[-1],
        attachments=_attachments(root),
    )


_NONE = (b"",)


def _attachments(root: Part) -> int:
    if root.kind == LEAF and root.declared is None:
        return 0
    count = 0
    for part in root.walk():
        if part.kind == MESSAGE or (part.kind == LEAF and part.type != "text"):
            count += 1
        elif part.kind == LEAF:
            typed = part.disposition
            count += typed is not None and typed.main == "attachment"
    return count
