"""Reading what a form sent, within bounds of size, time and number (PAGES-8)."""

from __future__ import annotations

import asyncio
import urllib.parse
from collections.abc import AsyncGenerator

from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from holdfast.model.errors import Reason, Refused
from holdfast.model.limits import (
    WEB_BODY_S,
    WEB_FIELDS,
    WEB_FORM_BYTES,
    WEB_UPLOAD_BYTES,
    WEB_UPLOAD_S,
)
from holdfast.pages.words import Form

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"


async def read_body(request: Request, most_bytes: int, most_s: float) -> bytes:
    """Raises ``Refused(TOO_LARGE)``; ``Refused(BAD_SYNTAX)`` for one that doesn't come to its end."""
    said = request.headers.get("content-length", "")
    if said.isdecimal() and int(said) > most_bytes:
        raise _too_large(most_bytes)
    body = bytearray()
    try:
        async with asyncio.timeout(most_s):
            async for piece in request.stream():
                body += piece
                if len(body) > most_bytes:
                    raise _too_large(most_bytes)
    except (TimeoutError, ClientDisconnect):
        raise Refused(Reason.BAD_SYNTAX, "what was sent did not come to its end: send it again") from None
    return bytes(body)


async def read_form(request: Request, *, files: bool) -> tuple[Form, bytes]:
    """The form and, where it is none (JSON), its bytes. ``files``: whether this page takes any.

    Raises ``Refused``.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == MULTIPART and files:
        return await _multipart(request), b""
    body = await read_body(request, WEB_FORM_BYTES, WEB_BODY_S)
    if kind == MULTIPART:
        return await _multipart(request, body), b""
    if kind != URLENCODED:
        return Form(), body
    try:
        pairs = urllib.parse.parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, max_num_fields=WEB_FIELDS, errors="strict"
        )
    except (ValueError, UnicodeDecodeError):
        raise Refused(Reason.BAD_SYNTAX, "this form can't be read: go back, load it anew") from None
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return Form(fields), b""


async def _multipart(request: Request, body: bytes | None = None) -> Form:
    if body is None:
        body = await read_body(request, WEB_UPLOAD_BYTES, WEB_UPLOAD_S)
    whole = body

    async def once() -> AsyncGenerator[bytes, None]:
        yield whole

    headers = Headers({"content-type": request.headers["content-type"]})
    parser = MultiPartParser(
        headers, once(), max_files=10, max_fields=WEB_FIELDS, max_part_size=WEB_FORM_BYTES
    )
    try:
        items = (await parser.parse()).multi_items()
    except (MultiPartException, KeyError, ValueError):
        raise Refused(Reason.BAD_SYNTAX, "this form can't be read: go back, load it anew") from None
    fields: dict[str, list[str]] = {}
    files: dict[str, bytes] = {}
    for name, value in items:
        if isinstance(value, UploadFile):
            files[name] = await value.read()
        else:
            fields.setdefault(name, []).append(value)
    return Form(fields, files)


def _too_large(most_bytes: int) -> Refused:
    return Refused(Reason.TOO_LARGE, f"more than {most_bytes // 1000} KB were sent")
