"""MDN/send and MDN/parse: that a message was displayed is told to who asked for it. RFC 9007

What is sent goes by the outbox, with the care of every other message; nothing is sent that the person who
reads hasn't asked for, and a message is answered once (``$mdnsent``).
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from holdfast.flow.trace import Dates
from holdfast.functions.jmap import mdn_text
from holdfast.functions.jmap.asking import Ask, Describe, Handler
from holdfast.functions.jmap.blobs import read_blob
from holdfast.functions.jmap.envelopes import read_envelope
from holdfast.functions.jmap.identities import IDENTITIES
from holdfast.functions.jmap.ids import EMAIL, number_of
from holdfast.functions.jmap.objects import ID_LETTERS, Stored
from holdfast.functions.jmap.objects import read as read_shape
from holdfast.functions.jmap.sendings import NOTICE, Sending, write_sending
from holdfast.mime.fields import iterate
from holdfast.model.errors import Refused, Unavailable
from holdfast.model.limits import HEADER_BYTES
from holdfast.model.mail import FIRST_KEYWORD_BIT
from holdfast.store import AccountMail, PutObject
from holdfast.wire.jmap import mdn as shapes
from holdfast.wire.jmap.core import Json
from holdfast.wire.jmap.errors import (
    MethodError,
    MethodFault,
    SetError,
    SetFault,
    SetRefused,
    set_error,
)
from holdfast.wire.jmap.headers import as_addresses, as_message_ids
from holdfast.wire.jmap.mail import SubmissionAddress, SubmissionEnvelope
from holdfast.wire.jmap.mdn import (
    MDN,
    Notification,
    NotificationParse,
    NotificationParseResult,
    NotificationSend,
    NotificationSendAll,
    NotificationSendResult,
)
from holdfast.wire.jmap.sets import with_real_ids
from holdfast.wire.jmap.standard import Set

_SENT: Final = "$mdnsent"
_NAME: Final = re.compile(r"[A-Za-z0-9-]{1,100}").fullmatch


async def send(ask: Ask, asked: NotificationSendAll) -> NotificationSendResult:
    mail = ask.mail()
    real = ask.server.real_id(asked.identity_id)
    identity = None if real is None else IDENTITIES.find(ask, mail, real)
    if identity is None:
        raise MethodError(MethodFault.INVALID_ARGUMENTS, "There is no such identity.")
    made: dict[str, tuple[str, Json, PutObject]] = {}
    refused: dict[str, SetError] = {}
    for name, value in asked.send.items():
        try:
            made[name] = _one(ask, mail, identity, with_real_ids(value, ask.server.real_id))
        except (Refused, Unavailable) as error:
            refused[name] = set_error(error)
    outcomes = await ask.commit([put for _, _, put in made.values()]) if made else []
    for name, outcome in zip(list(made), outcomes):
        if isinstance(outcome, Refused | Unavailable):
            refused[name] = set_error(outcome)
            del made[name]
    update = _updates(ask, asked, {name: email for name, (email, _, _) in made.items()})
    if update:
        await ask.implied("Email/set", Set(account_id=asked.account_id, update=update))
    return NotificationSendResult(
        account_id=ask.account_id,
        sent={name: told for name, (_, told, _) in made.items()} or None,
        not_sent=refused or None,
    )


def _updates(ask: Ask, asked: NotificationSendAll, done: dict[str, str]) -> dict[str, dict[str, object]]:
    """``onSuccessUpdateEmail``: by ``#creation`` here, or by the Email's id. RFC 9007 §2.1"""
    update: dict[str, Any] = {}
    for name, patch in (asked.on_success_update_email or {}).items():
        email = done.get(name[1:]) if name[:1] == "#" else name
        if email in done.values() and email is not None:
            update[email] = {**update.get(email, {}), **patch}
    return update


def _one(ask: Ask, mail: AccountMail, identity: Stored, value: Json) -> tuple[str, Json, PutObject]:
    """The Email's id, what the server set, and what keeps it. Raises ``SetRefused``, ``Unavailable``."""
    wanted: NotificationSend = read_shape(value, NotificationSend)
    message = _original(mail, wanted.for_email_id)
    header = message[: max(0, message.find(b"\r\n\r\n", 0, HEADER_BYTES)) + 2]
    named: dict[bytes, bytes] = {field.name: field.raw for field in iterate(message, 0, len(header))}
    to = [each.email for each in as_addresses(named.get(b"disposition-notification-to", b"")) if each.email]
    if not to:
        text = "Who wrote the message doesn't ask to be told."
        raise SetRefused(SetFault.INVALID_PROPERTIES, text, properties=["forEmailId"])
    sending = ask.parts.sending
    if sending is not None and (too_many := sending.check(ask.account.id, len(to))) is not None:
        raise SetRefused(SetFault.RATE_LIMIT, too_many.text)
    email = str(identity.value["email"])
    ids = as_message_ids(named.get(b"message-id", b"")) or []
    wrong = [each for each in wanted.extension_fields or () if _NAME(each) is None]
    if wrong:
        text = "A field's name has letters, digits and hyphens."
        raise SetRefused(SetFault.INVALID_PROPERTIES, text, properties=["extensionFields"])
    told = Notification(
        for_email_id=wanted.for_email_id,
        subject=wanted.subject,
        text_body=wanted.text_body,
        include_original_message=wanted.include_original_message,
        reporting_ua=wanted.reporting_ua,
        disposition=wanted.disposition,
        original_recipient=named.get(b"original-recipient", b"").decode("utf-8", "replace").strip() or None,
        final_recipient=wanted.final_recipient or f"rfc822; {email}",
        original_message_id=f"<{ids[0]}>" if ids else None,
        extension_fields=wanted.extension_fields,
    )
    world = ask.parts.world
    object_id = world.entropy.token(ID_LETTERS)
    letter = mdn_text.Letter(
        author=f"<{email}>",
        to=", ".join(f"<{each}>" for each in to),
        date=Dates().at(world.clock.now()),
        message_id=f"<{object_id}@{email.rpartition('@')[2]}>",
        boundary=f"hf-{object_id}",
        original=message if wanted.include_original_message else b"",
    )
    return wanted.for_email_id, _set_by_us(told, value), _kept(ask, object_id, told, letter, to)


def _original(mail: AccountMail, email_id: str) -> bytes:
    number = number_of(EMAIL, email_id)
    row = None if number is None else mail.emails([number]).get(number)
    if row is None:
        raise SetRefused(SetFault.NOT_FOUND, "There is no such Email.")
    names = [each.lower() for each in mail.keywords()]
    if _SENT in names and row.flags >> (FIRST_KEYWORD_BIT + names.index(_SENT)) & 1:
        raise SetRefused(SetFault.MDN_ALREADY_SENT, "It was told already.")
    (message,) = mail.messages([row.ref])
    if message is None:
        raise Unavailable("packs", "the message is damaged in every copy", retry_after_s=3600.0)
    return bytes(message)


def _set_by_us(told: Notification, value: Json) -> Json:
    whole: Json = msgspec.to_builtins(told)
    return {name: held for name, held in whole.items() if held is not None and value.get(name) != held}


def _kept(ask: Ask, object_id: str, told: Notification, letter: mdn_text.Letter, to: list[str]) -> PutObject:
    """The null sender: a notification is never answered by one. RFC 8098 §3"""
    text = mdn_text.write(told, letter)
    now = int(ask.parts.world.clock.now())
    envelope = SubmissionEnvelope(
        mail_from=SubmissionAddress(email=""), rcpt_to=[SubmissionAddress(email=each) for each in to]
    )
    read_envelope(envelope, now)
    sending = Sending(
        envelope=envelope,
        send_at=now,
        due=now,
        content=text.decode("latin-1"),
        size=len(text),
    )
    account = ask.account
    return PutObject(
        account=account.id,
        cell=account.cell,
        kind=NOTICE,
        id=object_id,
        data=write_sending(sending),
        due=now,
        if_modseq=0,
    )


async def parse(ask: Ask, asked: NotificationParse) -> NotificationParseResult:
    result = NotificationParseResult(account_id=ask.account_id)
    for blob_id in dict.fromkeys(asked.blob_ids):
        real = ask.server.real_id(blob_id)
        blob = None if real is None else await read_blob(ask.parts, ask.account, real)
        if blob is None:
            result.not_found = [*(result.not_found or ()), blob_id]
            continue
        told = await ask.parts.world.offload(mdn_text.read, bytes(blob.data))
        if told is None:
            result.not_parsable = [*(result.not_parsable or ()), blob_id]
        else:
            result.parsed = {**(result.parsed or {}), blob_id: told}
    return result


METHODS: Final = shapes.METHODS
CAPABILITIES: Final[dict[str, Describe]] = {MDN: lambda parts, account: {}}
HANDLERS: Final[dict[str, Handler]] = {"MDN/send": send, "MDN/parse": parse}
