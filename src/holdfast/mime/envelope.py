"""ENVELOPE. RFC 3501 §7.4.2, RFC 9051 §7.5.2."""

from __future__ import annotations

from holdfast.mime.addresses import address_list
from holdfast.mime.imapform import for_people, on_one_line
from holdfast.mime.structure import Part, parse


def envelope(what: bytes | Part) -> bytes:
    """The s-expression, parentheses included, for a message or one parsed already.

    Encoded words stay as they are. Sender and Reply-To take From's value when missing or empty.
    """
    return envelope_of((parse(what) if isinstance(what, bytes) else what).known)


def envelope_of(known: dict[bytes, list[bytes]]) -> bytes:
    """From a header's ``known`` fields. Of a text that stands there twice the last one counts, as Dovecot
    has it; addresses are taken together."""
    get = known.get
    subject = get(b"subject")
    author = _addresses(get(b"from"))
    sender = _addresses(get(b"sender"))
    reply_to = _addresses(get(b"reply-to"))
    return b"(%b %b %b %b %b %b %b %b %b %b)" % (
        _text(get(b"date")),
        b"NIL" if subject is None else for_people(subject[-1]),
        author,
        author if sender == b"NIL" else sender,
        author if reply_to == b"NIL" else reply_to,
        _addresses(get(b"to")),
        _addresses(get(b"cc")),
        _addresses(get(b"bcc")),
        _text(get(b"in-reply-to")),
        _text(get(b"message-id")),
    )


def _text(values: list[bytes] | None) -> bytes:
    return b"NIL" if values is None else on_one_line(values[-1])


def _addresses(values: list[bytes] | None) -> bytes:
    return b"NIL" if values is None else address_list(values)
