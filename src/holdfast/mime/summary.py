"""What the index keeps of a message, made in one pass when it arrives; the rest when it is asked for."""

from __future__ import annotations

import re

from holdfast.mime.bodystructure import bodystructure
from holdfast.mime.envelope import envelope_of
from holdfast.mime.structure import LEAF, MESSAGE, Part, Root, parse
from holdfast.mime.text import preview
from holdfast.mime.words import decode_header
from holdfast.model.limits import REFERENCES

_ID = re.compile(rb"<([^<>\s]{1,998})>").findall
_REFERENCES = 100  # the last ones of a thread are enough
_NONE = (b"",)


class Summary:
    """``envelope`` and ``bodystructure`` are IMAP as it is sent; ``preview`` one line of text.

    It holds the message; keep the values, not the summary.
    """

    __slots__ = ("_root", "bodystructure", "envelope", "preview")

    def __init__(self, root: Root) -> None:
        self._root = root
        self.envelope = envelope_of(root.known)
        self.bodystructure = bodystructure(root)
        self.preview = preview(root)

    @property
    def size(self) -> int:
        return len(self._root.message)

    @property
    def message_id(self) -> bytes:
        """Without its angle brackets, b'' when there is none."""
        ids = _ID(self._last(b"message-id"))
        return ids[0] if ids else b""

    @property
    def references(self) -> tuple[bytes, ...]:
        """For threads: the ids of References, then of In-Reply-To."""
        earlier = _ID(self._last(b"references")) + _ID(self._last(b"in-reply-to"))
        return tuple(dict.fromkeys(earlier[-_REFERENCES:]))

    @property
    def ancestry(self) -> tuple[bytes, ...]:
        """Its own id, then those it answers, the nearest first: of the last ones of a long thread."""
        known = self._root.known
        names = [*_ID(known[b"message-id"][-1])[:1]] if b"message-id" in known else []
        for field in (b"in-reply-to", b"references"):
            if field in known:
                names += reversed(_ID(known[field][-1])[-REFERENCES:])
        return tuple(dict.fromkeys(names))[: REFERENCES + 2]

    @property
    def subject(self) -> str:
        return decode_header(self._last(b"subject"))

    @property
    def sender(self) -> str:
        return decode_header(self._root.known.get(b"from", _NONE)[0])

    @property
    def date(self) -> bytes:
        """The Date field as it stands."""
        return self._last(b"date")

    @property
    def attachments(self) -> int:
        """How many leaves are no text of the message itself."""
        return _attachments(self._root)

    def _last(self, name: bytes) -> bytes:
        return self._root.known.get(name, _NONE)[-1]


def summary(message: bytes, root: Root | None = None) -> Summary:
    """Never raises. ``root``: the structure when it is known already."""
    return Summary(parse(message) if root is None else root)


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
