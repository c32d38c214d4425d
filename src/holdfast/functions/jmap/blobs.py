"""Blobs: whole messages, their parts decoded, and uploads, each under an id. RFC 8620 §6

``B…`` a message that stands in a mailbox of the account, ``P…`` a part of one, ``U…`` an upload;
``…__2_1`` part 2.1 of the message that another blob is. What is none of the account's is not there, as what
never was.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from holdfast import mime
from holdfast.functions.jmap.asking import Parts
from holdfast.functions.jmap.ids import MESSAGE_BLOB, number_of, read_part_blob
from holdfast.model.errors import Unavailable
from holdfast.model.people import Account
from holdfast.wire.jmap.bodies import Numbered, numbered

MESSAGE_TYPE = "message/rfc822"
INNER = "__"


class Blob(NamedTuple):
    """``type``: as far as it is known; ``application/octet-stream`` where nobody said."""

    data: bytes | memoryview
    type: str = "application/octet-stream"


async def read_blob(parts: Parts, account: Account, blob_id: str) -> Blob | None:
    """None: there is no such blob. Raises ``Unavailable`` for one that can't be read now, or is damaged."""
    outer, joint, number = blob_id.rpartition(INNER)
    if joint:
        around = await read_blob(parts, account, outer)
        if around is None:
            return None
        return await parts.world.offload(_part, bytes(around.data), number.replace("_", "."))
    if blob_id[:1] == "U":
        data = await parts.uploads.read(account.id, blob_id)
        return None if data is None else Blob(data)
    if (message := number_of(MESSAGE_BLOB, blob_id)) is not None:
        whole = await _message(parts, account, message)
        return None if whole is None else Blob(whole, MESSAGE_TYPE)
    if (named := read_part_blob(blob_id)) is not None:
        whole = await _message(parts, account, named[0])
        return None if whole is None else await parts.world.offload(_part, bytes(whole), named[1])
    return None


async def _message(parts: Parts, account: Account, message: int) -> bytes | memoryview | None:
    mail = parts.store.account(account.id, account.cell)
    found = mail.emails([message]).get(message)
    if found is None:
        return None
    (data,) = mail.messages([found.ref])
    if data is None:
        raise Unavailable("packs", "the message is damaged in every copy", retry_after_s=3600.0)
    return data


def _part(message: bytes, number: str) -> Blob | None:
    found = _find([numbered(mime.parse(message))], number)
    return None if found is None else Blob(mime.decode_bytes(found.part), found.type)


def _find(among: Sequence[Numbered], number: str) -> Numbered | None:
    for each in among:
        if each.number == number and not each.is_multipart:
            return each
        if number.startswith(each.number + ".") or not each.number:
            return _find(each.parts, number)
    return None
