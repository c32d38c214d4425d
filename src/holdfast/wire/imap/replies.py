"""Status responses and their codes. RFC 3501 §7.1, RFC 5530; the one table from reason to reply."""

from __future__ import annotations

from holdfast.model.errors import Reason, Refused, Unavailable

CRLF = b"\r\n"

# Reason → (condition, response code). RFC 5530 §3 unless said otherwise. IMAP-4: AUTHENTICATIONFAILED
# is for BAD_CREDENTIALS alone, and nothing that may pass by itself is in this table.
REFUSALS: dict[Reason, tuple[bytes, bytes]] = {
    Reason.NO_SUCH_USER: (b"NO", b""),
    Reason.NO_SUCH_DOMAIN: (b"NO", b""),
    Reason.USER_DISABLED: (b"NO", b"CONTACTADMIN"),
    Reason.BAD_CREDENTIALS: (b"NO", b"AUTHENTICATIONFAILED"),
    Reason.NOT_ALLOWED: (b"NO", b"NOPERM"),
    Reason.NO_SUCH_MAILBOX: (b"NO", b"NONEXISTENT"),
    Reason.MAILBOX_EXISTS: (b"NO", b"ALREADYEXISTS"),
    Reason.BAD_NAME: (b"NO", b"CANNOT"),
    Reason.HAS_CHILDREN: (b"NO", b"HASCHILDREN"),  # RFC 9051 §7.1
    Reason.NO_SUCH_MESSAGE: (b"NO", b"EXPUNGEISSUED"),
    Reason.UNREADABLE: (b"NO", b"CORRUPTION"),
    Reason.TOO_LARGE: (b"NO", b"TOOBIG"),  # RFC 4469 §4.2
    Reason.TOO_MANY: (b"NO", b"LIMIT"),
    Reason.OVER_QUOTA: (b"NO", b"OVERQUOTA"),
    Reason.LIMIT: (b"NO", b"LIMIT"),
    Reason.BAD_SYNTAX: (b"BAD", b"CLIENTBUG"),
    Reason.EXISTS: (b"NO", b"ALREADYEXISTS"),
    Reason.CHANGED: (b"NO", b""),
}
_MAKE_IT_FIRST = frozenset(("APPEND", "COPY", "MOVE"))  # RFC 3501 §7.1 TRYCREATE
_TEXT_CHARACTERS = 400
_NOT_FIRST = ("", " ", "[")


def text_bytes(text: str) -> bytes:
    """Any text as ``resp-text``: one line of printable ASCII, never empty (IMAP-7, RFC 3501 §9 text)."""
    if text.isascii() and text.isprintable() and len(text) <= _TEXT_CHARACTERS and text[:1] not in _NOT_FIRST:
        return text.encode("ascii")  # as nearly all are
    plain = "".join(c if " " <= c <= "~" else "?" for c in text[:_TEXT_CHARACTERS])
    # A text must not begin as a response code does.
    return plain.lstrip("[ ").encode("ascii") or b"-"


def status(tag: bytes, condition: bytes, text: str, code: bytes = b"") -> bytes:
    if code:
        return b"%b %b [%b] %b\r\n" % (tag, condition, code, text_bytes(text))
    return b"%b %b %b\r\n" % (tag, condition, text_bytes(text))


def ok(tag: bytes, text: str = "Done.", code: bytes = b"") -> bytes:
    return status(tag, b"OK", text, code)


def no(tag: bytes, text: str, code: bytes = b"") -> bytes:
    return status(tag, b"NO", text, code)


def bad(tag: bytes, text: str, code: bytes = b"") -> bytes:
    return status(tag, b"BAD", text, code)


def bye(text: str, code: bytes = b"") -> bytes:
    return status(b"*", b"BYE", text, code)


def untagged_ok(text: str, code: bytes = b"") -> bytes:
    return status(b"*", b"OK", text, code)


def failure_code(error: Refused | Unavailable, command: str = "") -> tuple[bytes, bytes]:
    """(condition, code) for what a command met. ``Unavailable`` is always NO [UNAVAILABLE] (IMAP-4)."""
    if isinstance(error, Unavailable):
        return b"NO", b"UNAVAILABLE"
    if error.reason is Reason.NO_SUCH_MAILBOX and command in _MAKE_IT_FIRST:
        return b"NO", b"TRYCREATE"
    return REFUSALS[error.reason]


def failed(tag: bytes, error: Refused | Unavailable, command: str = "") -> bytes:
    """The tagged reply. ``command``: its name, because APPEND, COPY and MOVE invite to create."""
    condition, code = failure_code(error, command)
    if isinstance(error, Unavailable):
        text = f"Temporarily not available ({error.component}), try again in {error.retry_after_s:.0f} s."
        return status(tag, condition, text, code)
    return status(tag, condition, error.text[:1].upper() + error.text[1:], code)
