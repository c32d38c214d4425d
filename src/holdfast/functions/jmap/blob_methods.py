"""Blob/copy (RFC 8620 §6.3); Blob/upload, Blob/get, Blob/lookup (RFC 9404)."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Final

import msgspec
from msgspec import UNSET

from holdfast.functions.jmap.asking import Ask, Describe, Handler
from holdfast.functions.jmap.blobs import Blob, read_blob
from holdfast.functions.jmap.ids import (
    EMAIL,
    MAILBOX,
    MESSAGE_BLOB,
    THREAD,
    id_of,
    number_of,
    read_part_blob,
)
from holdfast.model.errors import Refused, Unavailable
from holdfast.wire.jmap.blobs import (
    BLOB,
    DIGESTS,
    METHODS,
    TYPES,
    BlobCapability,
    BlobGet,
    BlobList,
    BlobLookup,
    BlobUpload,
    BlobUploadResult,
    DataSource,
    NewBlob,
)
from holdfast.wire.jmap.core import Json
from holdfast.wire.jmap.errors import MethodError, MethodFault, SetError, SetFault, SetRefused, set_error
from holdfast.wire.jmap.methods import BlobCopy, BlobCopyResult

__all__ = ["CAPABILITIES", "HANDLERS", "METHODS"]

_DATA = ("data", "data:asText", "data:asBase64")
_DIGEST = {"digest:sha": hashlib.sha1, "digest:sha-256": hashlib.sha256}
_KNOWN = frozenset({*_DATA, *_DIGEST, "size"})
assert len(_DIGEST) == len(DIGESTS)


async def copy(ask: Ask, asked: BlobCopy) -> BlobCopyResult:
    """From the account to itself, as it is the only one that a request may name."""
    ask.check(asked.from_account_id, MethodFault.FROM_ACCOUNT_NOT_FOUND)
    result = BlobCopyResult(from_account_id=asked.from_account_id, account_id=asked.account_id)
    for blob_id in dict.fromkeys(asked.blob_ids):
        if await read_blob(ask.parts, ask.account, blob_id) is None:
            result.not_copied = result.not_copied or {}
            result.not_copied[blob_id] = SetError(type=SetFault.NOT_FOUND.value)
        else:
            result.copied = result.copied or {}
            result.copied[blob_id] = blob_id
    return result


async def upload(ask: Ask, asked: BlobUpload) -> BlobUploadResult:
    result = BlobUploadResult(account_id=asked.account_id)
    for creation_id, value in asked.create.items():
        try:
            made = await _made(ask, value)
        except (Refused, Unavailable) as error:
            result.not_created = result.not_created or {}
            result.not_created[creation_id] = set_error(error)
            continue
        ask.server.note_created(creation_id, str(made["id"]))
        result.created = result.created or {}
        result.created[creation_id] = made
    return result


async def _made(ask: Ask, value: Json) -> Json:
    try:
        new = msgspec.convert(value, NewBlob)
    except msgspec.ValidationError as error:
        raise SetRefused(SetFault.INVALID_PROPERTIES, str(error), properties=["data"]) from None
    data = bytearray()
    for source in new.data:
        data += await _data_of(ask, source)
        if len(data) > ask.parts.limits.max_size_upload:
            raise SetRefused(SetFault.TOO_LARGE, f"at most {ask.parts.limits.max_size_upload} bytes")
    blob_id = await ask.parts.uploads.put(ask.account.id, bytes(data))
    return {"id": blob_id, "type": new.type, "size": len(data)}


async def _data_of(ask: Ask, source: DataSource) -> bytes | memoryview:
    given = [each for each in (source.as_text, source.as_base64, source.blob_id) if each not in (UNSET, None)]
    if len(given) != 1:
        raise SetRefused(SetFault.INVALID_PROPERTIES, "one kind of data each", properties=["data"])
    if isinstance(source.as_text, str):
        return source.as_text.encode()
    if isinstance(source.as_base64, str):
        try:
            return base64.b64decode(source.as_base64, validate=True)
        except (binascii.Error, ValueError):
            raise SetRefused(SetFault.INVALID_PROPERTIES, "no base64", properties=["data"]) from None
    assert isinstance(source.blob_id, str)
    real = ask.server.real_id(source.blob_id)
    blob = await read_blob(ask.parts, ask.account, real) if real is not None else None
    if blob is None:
        raise SetRefused(SetFault.BLOB_NOT_FOUND, f"there is no blob “{source.blob_id}”")
    start = source.offset or 0
    end = len(blob.data) if source.length is None else start + source.length
    if end > len(blob.data):
        raise SetRefused(SetFault.INVALID_PROPERTIES, "the blob is shorter", properties=["data"])
    return blob.data[start:end]


async def get(ask: Ask, asked: BlobGet) -> BlobList:
    """RFC 9404 §4.2"""
    properties = ["data", "size"] if asked.properties is None else asked.properties
    if strange := [each for each in properties if each not in _KNOWN]:
        raise MethodError(MethodFault.INVALID_ARGUMENTS, f"There is no property {', '.join(strange)}.")
    result = BlobList(account_id=asked.account_id, list=[], not_found=[])
    for given in dict.fromkeys(asked.ids):
        real = ask.server.real_id(given)
        blob = await read_blob(ask.parts, ask.account, real) if real is not None else None
        if blob is None:
            result.not_found.append(given)
        else:
            result.list.append({"id": real} | _shown(blob, properties, asked))
    return result


def _shown(blob: Blob, properties: list[str], asked: BlobGet) -> Json:
    whole = bytes(blob.data)
    end = len(whole) if asked.length is None else asked.offset + asked.length
    part = whole[asked.offset : end]
    shown: Json = {}
    if end > len(whole) or asked.offset > len(whole):
        shown["isTruncated"] = True
    for name in properties:
        if name == "size":
            shown["size"] = len(whole)
        elif name in _DIGEST:
            shown[name] = base64.b64encode(_DIGEST[name](part).digest()).decode()
        elif name == "data:asBase64":
            shown[name] = base64.b64encode(part).decode()
        else:
            shown |= _as_text(part, either=name == "data")
    return shown


def _as_text(part: bytes, *, either: bool) -> Json:
    """As text where it is some; else in base64, or null with the mark that says why."""
    try:
        return {"data:asText": part.decode()}
    except UnicodeDecodeError:
        if either:
            return {"data:asBase64": base64.b64encode(part).decode()}
        return {"data:asText": None, "isEncodingProblem": True}


async def lookup(ask: Ask, asked: BlobLookup) -> BlobList:
    """RFC 9404 §4.3: where each stands."""
    if strange := [each for each in asked.type_names if each not in TYPES]:
        raise MethodError(MethodFault.INVALID_ARGUMENTS, f"{', '.join(strange)}: not to be looked up.")
    result = BlobList(account_id=asked.account_id, list=[], not_found=[])
    messages = {each: _message_of(each) for each in asked.ids}
    rows = ask.mail().emails([each for each in messages.values() if each is not None])
    for blob_id, message in messages.items():
        row = rows.get(message) if message is not None else None
        if row is None and await read_blob(ask.parts, ask.account, blob_id) is None:
            result.not_found.append(blob_id)
            continue
        found = (
            {"Email": [], "Thread": [], "Mailbox": []}
            if row is None
            else {
                "Email": [id_of(EMAIL, row.id)],
                "Thread": [id_of(THREAD, row.thread)],
                "Mailbox": [id_of(MAILBOX, each) for each in row.mailboxes],
            }
        )
        matched = {each: found[each] for each in asked.type_names}
        result.list.append({"id": blob_id, "matchedIds": matched})
    return result


def _message_of(blob_id: str) -> int | None:
    part = read_part_blob(blob_id)
    return number_of(MESSAGE_BLOB, blob_id) if part is None else part[0]


HANDLERS: Final[dict[str, Handler]] = {
    "Blob/copy": copy,
    "Blob/upload": upload,
    "Blob/get": get,
    "Blob/lookup": lookup,
}
CAPABILITIES: Final[dict[str, Describe]] = {BLOB: lambda parts, account: BlobCapability()}
