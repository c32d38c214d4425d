"""Blobs as objects: made of data and of other blobs, read in part, looked up. RFC 9404"""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import UNSET, Meta, UnsetType, field

from holdfast.model.limits import JMAP_BLOB_SOURCES, JMAP_OBJECTS_GET, JMAP_UPLOAD_BYTES
from holdfast.wire.jmap.core import Arguments, Id, IdOrCreation, Shape, UnsignedInt
from holdfast.wire.jmap.errors import SetError
from holdfast.wire.jmap.server import Method

BLOB: Final = "urn:ietf:params:jmap:blob"
TYPES: Final = ("Email", "Mailbox", "Thread")
DIGESTS: Final = ("sha", "sha-256")

Objects = list[object]
Ids = list[str]


class BlobCapability(Shape, kw_only=True):
    """RFC 9404 §4"""

    max_size_blob_set: int = JMAP_UPLOAD_BYTES
    max_data_sources: int = JMAP_BLOB_SOURCES
    supported_type_names: tuple[str, ...] = TYPES
    supported_digest_algorithms: tuple[str, ...] = DIGESTS


class DataSource(Shape, kw_only=True, forbid_unknown_fields=True):
    """One of: text, bytes in base64, a range of another blob."""

    as_text: str | UnsetType | None = field(default=UNSET, name="data:asText")
    as_base64: str | UnsetType | None = field(default=UNSET, name="data:asBase64")
    blob_id: IdOrCreation | UnsetType | None = UNSET
    offset: UnsignedInt | None = None
    length: UnsignedInt | None = None


class NewBlob(Shape, kw_only=True):
    data: Annotated[list[DataSource], Meta(max_length=JMAP_BLOB_SOURCES)]
    type: str | None = None


class BlobUpload(Arguments, kw_only=True):
    """RFC 9404 §4.1. Each of ``create`` is a ``NewBlob``, read one by one."""

    account_id: Id
    create: dict[Id, dict[str, object]]

    def objects_changed(self) -> int:
        return len(self.create)


class BlobUploadResult(Shape, kw_only=True):
    account_id: str
    created: dict[str, object] | None = None
    not_created: dict[str, SetError] | None = None


class BlobGet(Arguments, kw_only=True):
    """RFC 9404 §4.2"""

    account_id: Id
    ids: Annotated[list[str], Meta(max_length=JMAP_OBJECTS_GET)]
    properties: list[str] | None = None
    offset: UnsignedInt = 0
    length: UnsignedInt | None = None

    def objects_read(self) -> int:
        return len(self.ids)


class BlobLookup(Arguments, kw_only=True):
    """RFC 9404 §4.3"""

    account_id: Id
    type_names: list[str]
    ids: list[str]

    def objects_read(self) -> int:
        return len(self.ids)


class BlobList(Shape, kw_only=True):
    """What /get and /lookup give."""

    account_id: str
    list: Objects
    not_found: Ids


METHODS: Final[dict[str, Method]] = {
    "Blob/upload": Method(BLOB, BlobUpload),
    "Blob/get": Method(BLOB, BlobGet),
    "Blob/lookup": Method(BLOB, BlobLookup),
}
