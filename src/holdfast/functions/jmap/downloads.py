"""Blobs in and out over HTTP. RFC 8620 §6.1, §6.2"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote_to_bytes

from holdfast.functions.jmap.asking import Parts, name_of
from holdfast.functions.jmap.blobs import read_blob
from holdfast.functions.jmap.incoming import Incoming, Reply, json_reply
from holdfast.functions.jmap.permits import Permits
from holdfast.model.errors import Reason, Refused
from holdfast.model.limits import WEB_UPLOAD_S
from holdfast.model.people import Account
from holdfast.wire.jmap.core import Shape

UPLOAD, DOWNLOAD = "/jmap/upload/", "/jmap/download/"
OCTETS = "application/octet-stream"
_TYPE = re.compile(
    r"[A-Za-z0-9!#$&^_.+-]{1,127}/[A-Za-z0-9!#$&^_.+-]{1,127}(?:; ?charset=[A-Za-z0-9_-]{1,40})?"
)
# What a browser would run in this origin's name, if it were ever shown instead of saved.
_ACTIVE = re.compile(r"html|xml|svg|script|pdf|flash", re.IGNORECASE)
NEVER_SHOWN = {
    "content-security-policy": "default-src 'none'; sandbox",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "cross-origin",
    "referrer-policy": "no-referrer",
}


class UploadResult(Shape, kw_only=True):
    account_id: str
    blob_id: str
    type: str
    size: int


class Blobs:
    """Both ways; each account may have so many uploads at once."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._uploads = Permits(parts.limits.max_concurrent_upload, "maxConcurrentUpload")

    async def upload(self, request: Incoming, account: Account) -> Reply:
        _check(request.path.removeprefix(UPLOAD).rstrip("/"), account)
        with self._uploads.one(account.id):
            upload = await self._parts.uploads.begin(account.id)
            try:
                most = self._parts.limits.max_size_upload
                async for piece in request.pieces(most, WEB_UPLOAD_S, "maxSizeUpload"):
                    await upload.add(piece)
                blob_id = await upload.end()
            except BaseException:
                upload.drop()
                raise
        kind = request.headers.get("content-type", OCTETS)
        result = UploadResult(account_id=name_of(account.id), blob_id=blob_id, type=kind, size=upload.size)
        return json_reply(result, status=201)

    async def download(self, request: Incoming, account: Account) -> Reply:
        """JMAPD-13: a file to save, whatever it is; nothing of it runs here."""
        segments = request.raw_path.decode("latin-1").removeprefix(DOWNLOAD).split("/", 2)
        if len(segments) != 3:
            raise Refused(Reason.NO_SUCH_MESSAGE, "the address has no account, blob and name")
        account_id, blob_id, name = (unquote_to_bytes(each).decode("utf-8", "replace") for each in segments)
        _check(account_id, account)
        headers = {
            **NEVER_SHOWN,
            "cache-control": "private, max-age=31536000, immutable",
            "content-disposition": _disposition(name),
            "etag": f'"{blob_id}"',
        }
        if request.headers.get("if-none-match") == headers["etag"] and blob_id.isascii():
            return Reply(304, headers)
        blob = await read_blob(self._parts, account, blob_id)
        if blob is None:
            raise Refused(Reason.NO_SUCH_MESSAGE, "there is no such blob")
        headers["content-type"] = _safe_type(request.query.get("type") or blob.type)
        return Reply(200, headers, blob.data)


def _check(account_id: str, account: Account) -> None:
    if account_id != name_of(account.id):
        raise Refused(Reason.NO_SUCH_USER, "no account of yours")


def _safe_type(kind: str) -> str:
    return kind if _TYPE.fullmatch(kind) and not _ACTIVE.search(kind) else OCTETS


def _disposition(name: str) -> str:
    """RFC 6266 §4.1, RFC 8187"""
    name = (
        "".join(each if each.isprintable() and each not in '/\\"' else "_" for each in name)[:200] or "file"
    )
    plain = name.encode("ascii", "replace").decode().replace("?", "_")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
