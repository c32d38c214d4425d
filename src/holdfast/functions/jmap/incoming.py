"""A request over HTTP, read only as far as it is needed, and the answer to it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from typing import NamedTuple
from urllib.parse import parse_qsl

import msgspec

from holdfast.model.errors import HASTE, Reason, Refused, Unavailable
from holdfast.wire.jmap.errors import PROBLEM_TYPE, Problem, RequestError, RequestFault
from holdfast.world.http import Receive, Scope, Send

JSON_TYPE = "application/json"
_STATUS = {
    Reason.BAD_CREDENTIALS: 401,
    Reason.NOT_ALLOWED: 403,
    Reason.USER_DISABLED: 403,
    Reason.NO_SUCH_USER: 404,
    Reason.NO_SUCH_MESSAGE: 404,
    Reason.TOO_LARGE: 413,
    Reason.OVER_QUOTA: 413,
    Reason.LIMIT: 429,
    Reason.TOO_MANY: 429,
}


class Reply(NamedTuple):
    """A whole answer. ``headers``: names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes | memoryview = b""


class Incoming:
    """``path``: decoded. ``raw_path``: as it came. ``peer``: the client's address. ``cell``: its account's,
    None until that is known."""

    __slots__ = (
        "_headers",
        "_receive",
        "begun",
        "cell",
        "method",
        "path",
        "peer",
        "raw_path",
        "scope",
        "secure",
        "send",
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.method: str = scope.get("method", "GET")
        self.path: str = scope["path"]
        self.raw_path: bytes = (scope.get("raw_path") or self.path.encode()).partition(b"?")[0]
        self.peer: str = scope["client"][0] if scope.get("client") else ""
        self.secure: bool = scope.get("scheme") in ("https", "wss")
        self.send = send
        self._receive = receive
        self.begun = False  # an answer has been
        self.cell: int | None = None
        self._headers: dict[str, str] | None = None

    @property
    def headers(self) -> dict[str, str]:
        if self._headers is None:
            self._headers = {
                name.decode("latin-1"): value.decode("latin-1") for name, value in self.scope["headers"]
            }
        return self._headers

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.scope["query_string"].decode("latin-1"), keep_blank_values=True))

    async def pieces(self, most: int, seconds: float, name: str) -> AsyncIterator[bytes]:
        """The body as it comes; raises ``RequestError`` limit ``name`` beyond ``most`` bytes, before they are
        read where the client says how many come."""
        said = self.headers.get("content-length", "")
        if said.isdecimal() and int(said) > most:
            raise too_large(most, name)
        size = 0
        async with asyncio.timeout(seconds):
            while True:
                message = await self._receive()
                if message["type"] == "http.disconnect":
                    raise Gone
                piece: bytes = message.get("body", b"")
                size += len(piece)
                if size > most:
                    raise too_large(most, name)
                if piece:
                    yield piece
                if not message.get("more_body", False):
                    return

    async def body(self, most: int, seconds: float, name: str) -> bytes:
        return b"".join([piece async for piece in self.pieces(most, seconds, name)])

    async def gone(self) -> None:
        """Returns when the client has closed the connection; the body must have been read."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def answer(self, reply: Reply, also: dict[str, str]) -> None:
        headers = reply.headers | also
        if reply.status not in (204, 304):
            headers["content-length"] = str(len(reply.body))
        await self.begin(reply.status, headers)
        body = b"" if self.method == "HEAD" else reply.body
        await self.send({"type": "http.response.body", "body": body})

    async def begin(self, status: int, headers: dict[str, str]) -> None:
        raw = [
            (name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()
        ]
        self.begun = True
        await self.send({"type": "http.response.start", "status": status, "headers": raw})


class Gone(Exception):
    """The client closed the connection before its request was whole: there is nobody to answer."""


def too_large(most: int, name: str) -> RequestError:
    return RequestError(RequestFault.LIMIT, f"At most {most} bytes are taken here.", name)


def json_reply(value: object, headers: dict[str, str] | None = None, *, status: int = 200) -> Reply:
    fields = {"content-type": JSON_TYPE, "cache-control": "no-store"} | (headers or {})
    return Reply(status, fields, msgspec.json.encode(value))


def problem_reply(problem: Problem, headers: dict[str, str] | None = None) -> Reply:
    fields = {"content-type": PROBLEM_TYPE, "cache-control": "no-store"} | (headers or {})
    return Reply(problem.status, fields, msgspec.json.encode(problem))


def plain_problem(status: int, detail: str, headers: dict[str, str] | None = None) -> Reply:
    return problem_reply(Problem(type="about:blank", status=status, detail=detail), headers)


def error_reply(error: Refused | Unavailable) -> Reply:
    """JMAPD-9: what is out of reach is 503 with the time to wait, never 401, 404 or an empty answer."""
    if isinstance(error, Unavailable):
        wait = str(max(1, math.ceil(error.retry_after_s)))
        status = 429 if error.component in HASTE else 503  # RFC 6585 §4
        return plain_problem(status, str(error), {"retry-after": wait})
    if isinstance(error, RequestError):
        return problem_reply(error.problem())
    return plain_problem(_STATUS.get(error.reason, 400), error.text)
