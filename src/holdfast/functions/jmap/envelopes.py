"""The envelope of a submission: what a client says of it, or what the message's header says. RFC 8621 §7

Its parameters are those of MAIL and RCPT, read by the same grammar as over SMTP; HOLDFOR and HOLDUNTIL
(RFC 4865) say when to send.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from typing import NamedTuple

from holdfast.mime.fields import Field, iterate
from holdfast.model import limits
from holdfast.model.address import Address
from holdfast.wire.jmap.errors import SetFault, SetRefused
from holdfast.wire.jmap.headers import as_addresses
from holdfast.wire.jmap.mail import EmailAddress, SubmissionAddress, SubmissionEnvelope
from holdfast.wire.smtp.events import MailParameters, Rcpt
from holdfast.wire.smtp.grammar import BadArgument, mail_argument, rcpt_argument

_HOLDFOR = re.compile(r"[0-9]{1,9}").fullmatch
_BCC = frozenset((b"bcc", b"resent-bcc"))


class Said(NamedTuple):
    """An envelope as it is understood. ``send_at``: UTC seconds."""

    sender: Address
    parameters: MailParameters
    recipients: tuple[Rcpt, ...]
    send_at: float


def read_envelope(envelope: SubmissionEnvelope, now: float) -> Said:
    """SetRefused invalidRecipients with all that are no addresses, invalidProperties for the rest."""
    parameters = dict(envelope.mail_from.parameters or {})
    send_at = _send_at(parameters, now)
    everybody = [envelope.mail_from, *envelope.rcpt_to]
    if not all(each.email.isascii() for each in everybody):
        parameters.setdefault("SMTPUTF8", None)
    try:
        sender, read = mail_argument(_argument("FROM", envelope.mail_from.email, parameters), extended=True)
    except BadArgument as error:
        raise _wrong(error.reply.text) from None
    recipients: list[Rcpt] = []
    wrong: list[str] = []
    for each in envelope.rcpt_to:
        try:
            said = _argument("TO", each.email, dict(each.parameters or {}))
            recipients.append(Rcpt(*rcpt_argument(said, extended=True, smtputf8=read.smtputf8)))
        except BadArgument as error:
            if each.parameters:
                raise _wrong(f"{each.email}: {error.reply.text}") from None
            wrong.append(each.email)
    if wrong:
        raise invalid_recipients(wrong, "These are no addresses.")
    if not recipients:
        raise SetRefused(SetFault.NO_RECIPIENTS, "Nobody is named who is to get it.")
    return Said(sender, read, tuple(recipients), send_at)


def invalid_recipients(wrong: list[str], why: str) -> SetRefused:
    refused = SetRefused(SetFault.INVALID_RECIPIENTS, f"{why} {', '.join(wrong[:10])}")
    refused.error.invalid_recipients = wrong
    return refused


def _argument(word: str, email: str, parameters: dict[str, str | None]) -> bytes:
    said = [f"{word}:<{email}>"]
    said += [name if value is None else f"{name}={value}" for name, value in parameters.items()]
    text = " ".join(said)
    if any(each in text for each in "\r\n\0"):
        raise _wrong("line ends in the envelope")
    return text.encode("utf-8", "surrogatepass")


def _send_at(parameters: dict[str, str | None], now: float) -> float:
    """RFC 4865 §4; taken out of the parameters. What is past is now."""
    found: list[float] = []
    for name in list(parameters):
        if name.upper() == "HOLDFOR":
            value = parameters.pop(name) or ""
            if _HOLDFOR(value) is None:
                raise _wrong("HOLDFOR is a number of seconds")
            found.append(now + int(value))
        elif name.upper() == "HOLDUNTIL":
            try:
                until = datetime.datetime.fromisoformat(parameters.pop(name) or "")
            except ValueError:
                raise _wrong("HOLDUNTIL is a date and time with its offset (RFC 3339)") from None
            if until.tzinfo is None:
                raise _wrong("HOLDUNTIL is a date and time with its offset (RFC 3339)")
            found.append(until.timestamp())
    if len(found) > 1:
        raise _wrong("HOLDFOR or HOLDUNTIL, not both")
    send_at = max(found[0], now) if found else now
    if send_at > now + limits.JMAP_DELAYED_SEND_S:
        raise _wrong(f"at most {limits.JMAP_DELAYED_SEND_S} seconds later")
    return send_at


def _wrong(text: str) -> SetRefused:
    return SetRefused(SetFault.INVALID_PROPERTIES, f"The envelope: {text}.", properties=["envelope"])


class Written(NamedTuple):
    """Who a message's header names. ``sender``: Sender, or the first author, or none."""

    authors: list[str]
    sender: str
    recipients: list[str]


def written(message: bytes) -> Written:
    named: dict[bytes, list[EmailAddress]] = {}
    for field in _header(message):
        if field.name in (b"from", b"sender", b"to", b"cc", b"bcc"):
            named.setdefault(field.name, []).extend(as_addresses(field.raw))
    authors = [each.email for each in named.get(b"from", ()) if each.email]
    senders = [each.email for each in named.get(b"sender", ()) if each.email]
    to = [each.email for name in (b"to", b"cc", b"bcc") for each in named.get(name, ()) if each.email]
    unique = {each.lower(): each for each in reversed(to)}
    recipients = [unique[each] for each in dict.fromkeys(each.lower() for each in to)]
    return Written(authors, (senders or authors or [""])[0], recipients)


def default_envelope(said: Written, mail_from: str) -> SubmissionEnvelope:
    """RFC 8621 §7 (envelope). ``mail_from``: the header's sender, or the identity's address."""
    return SubmissionEnvelope(
        mail_from=SubmissionAddress(email=mail_from),
        rcpt_to=[SubmissionAddress(email=each) for each in said.recipients],
    )


def without_bcc(message: bytes) -> bytes:
    """What is sent: nobody learns who is in Bcc. RFC 5322 §3.6.3, RFC 8621 §7.5"""
    kept: list[bytes] = []
    at = 0
    for field in _header(message):
        if field.name in _BCC:
            kept.append(message[at : field.start])
            at = field.end
    return b"".join((*kept, message[at:])) if kept else message


def _header(message: bytes) -> Iterator[Field]:
    end = message.find(b"\r\n\r\n", 0, limits.HEADER_BYTES)
    return iterate(message, 0, end + 2 if end >= 0 else min(len(message), limits.HEADER_BYTES))
