"""Email/import and Email/parse: messages that come as blobs. RFC 8621 §4.8, §4.9"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from typing import Final

import msgspec

from holdfast import mime
from holdfast.functions.jmap.appending import New, append_all
from holdfast.functions.jmap.asking import Ask, Handler
from holdfast.functions.jmap.blobs import INNER, read_blob
from holdfast.functions.jmap.email_get import wishes_of
from holdfast.functions.jmap.placing import keywords_of, mailboxes_of
from holdfast.mime.fields import iterate
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.limits import JMAP_RESPONSE_BYTES
from holdfast.wire.jmap.bodies import Numbered
from holdfast.wire.jmap.core import Json
from holdfast.wire.jmap.email import EmailReader
from holdfast.wire.jmap.errors import MethodError, MethodFault, SetError, SetFault, SetRefused, set_error
from holdfast.wire.jmap.headers import as_date
from holdfast.wire.jmap.mail import DEFAULT_EMAIL_PROPERTIES, KEPT_PROPERTIES, EmailImport
from holdfast.wire.jmap.methods import EmailImportAll, EmailImportResult, EmailParse, EmailParseResult
from holdfast.wire.jmap.sets import with_real_ids

_BARE_LF = re.compile(rb"(?<!\r)\n")
_PARSED: Final = tuple(name for name in DEFAULT_EMAIL_PROPERTIES if name not in KEPT_PROPERTIES)


async def import_(ask: Ask, asked: EmailImportAll) -> EmailImportResult:
    before = str(ask.mail().modseq)
    if asked.if_in_state not in (None, before):
        raise MethodError(MethodFault.STATE_MISMATCH, f"The state is “{before}” now.")
    failed: dict[str, SetError] = {}
    new: dict[str, New] = {}
    held = 0
    for creation, value in asked.emails.items():
        try:
            new[creation] = each = await _read(ask, value)
        except (Refused, Unavailable) as error:
            failed[creation] = set_error(error)
            continue
        held += len(each.message)
        if held > JMAP_RESPONSE_BYTES:
            raise MethodError(MethodFault.REQUEST_TOO_LARGE, "Import fewer at once.", Reason.TOO_LARGE)
    created: dict[str, object] = {}
    for creation, made in zip(new, await append_all(ask, list(new.values()))):
        if isinstance(made, dict):
            created[creation] = made
            ask.server.note_created(creation, str(made["id"]))
        else:
            failed[creation] = set_error(made)
    return EmailImportResult(
        account_id=ask.account_id,
        old_state=before,
        new_state=str(ask.mail().modseq),
        created=created or None,
        not_created=failed or None,
    )


async def _read(ask: Ask, value: Json) -> New:
    try:
        wanted = msgspec.convert(with_real_ids(value, ask.server.real_id), EmailImport)
    except msgspec.ValidationError as error:
        named = [name for name in value if f"$.{name}" in str(error)] or sorted(value)
        raise SetRefused(SetFault.INVALID_PROPERTIES, str(error), properties=named) from None
    mailboxes, keywords = mailboxes_of(dict(wanted.mailbox_ids)), keywords_of(dict(wanted.keywords))
    blob = await read_blob(ask.parts, ask.account, wanted.blob_id)
    if blob is None:
        missing = SetRefused(SetFault.BLOB_NOT_FOUND, "There is no such blob.", properties=["blobId"])
        missing.error.not_found = [wanted.blob_id]
        raise missing
    message = bytes(blob.data)
    if b"\r\n" not in message:
        message = _BARE_LF.sub(b"\r\n", message)
    header = iterate(message, 0, mime.parse(message).body_start)
    fields = {field.name: field.raw for field in reversed(list(header)) if field.name}
    if not fields:
        raise SetRefused(SetFault.INVALID_EMAIL, "This is no message: it has no header.")
    return New(mailboxes, keywords, wanted.received_at or _received(fields.get(b"received")), message)


def _received(field: bytes | None) -> datetime.datetime | None:
    """What the last server wrote: RFC 8621 §4.8 asks for it; None: now."""
    return None if field is None else as_date(field.rpartition(b";")[2])


async def parse(ask: Ask, asked: EmailParse) -> EmailParseResult:
    properties = _PARSED if asked.properties is None else asked.properties
    reader = EmailReader(properties, wishes_of(ask, asked))
    result = EmailParseResult(account_id=ask.account_id)
    parsed: dict[str, object] = {}
    not_parsable: list[str] = []
    not_found: list[str] = []
    held = 0
    for blob_id in dict.fromkeys(asked.blob_ids):
        blob = await read_blob(ask.parts, ask.account, ask.server.real_id(blob_id) or "")
        if blob is None:
            not_found.append(blob_id)
            continue
        held += len(blob.data)
        if held > JMAP_RESPONSE_BYTES:
            raise MethodError(MethodFault.REQUEST_TOO_LARGE, "Ask for fewer at once.", Reason.TOO_LARGE)
        email = await ask.parts.world.offload(_parsed, reader, blob_id, bytes(blob.data))
        if email is None:
            not_parsable.append(blob_id)
        else:
            parsed[blob_id] = {name: email[name] for name in properties}
    result.parsed, result.not_parsable, result.not_found = (
        parsed or None,
        not_parsable or None,
        not_found or None,
    )
    return result


def _parsed(reader: EmailReader, blob_id: str, message: bytes) -> Json | None:
    """None: no message, for it has no header."""
    root = mime.parse(message)
    if not any(field.name for field in root.fields()):
        return None
    kept: Json = dict.fromkeys(KEPT_PROPERTIES)
    kept.update(blobId=blob_id, size=len(message))
    return reader.read(root, kept, _inner(blob_id))


def _inner(blob_id: str) -> Callable[[Numbered], str]:
    return lambda what: f"{blob_id}{INNER}{what.number.replace('.', '_')}"


HANDLERS: Final[dict[str, Handler]] = {"Email/import": import_, "Email/parse": parse}
