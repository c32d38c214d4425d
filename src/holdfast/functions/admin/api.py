"""The administration interface over HTTP: an ASGI application made from the catalogue, and nothing else.

Routes, rights and shapes are the catalogue's; here is how a request becomes a call and its outcome an answer.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import traceback
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

import msgspec

from holdfast.functions.admin import openapi
from holdfast.functions.admin.bearer import Bearers
from holdfast.functions.admin.catalogue import OPERATIONS
from holdfast.functions.admin.desk import Desk
from holdfast.functions.admin.events import ADMIN_FAILED, ADMIN_UNAVAILABLE
from holdfast.functions.admin.kept import Answer, Kept
from holdfast.functions.admin.operation import Operation
from holdfast.functions.admin.oversight import Raw
from holdfast.functions.admin.permissions import Actor
from holdfast.functions.admin.problems import MEDIA_TYPE, Problem, of_error, problem
from holdfast.model.errors import Refused, Unavailable
from holdfast.model.limits import ADMIN_BODY_BYTES, IMPORT_BYTES, WEB_BODY_S, WEB_UPLOAD_S
from holdfast.world.http import Message, Receive, Scope, Send

PREFIX = "/v1/"
DOCUMENT = "/v1/openapi.json"
COPY_HEADER = "x-holdfast-copy"
_JSON = ("application/json", "application/merge-patch+json")
_KEY_CHARACTERS = 255
_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


class Failed(Exception):
    """An answer that is a problem."""

    def __init__(self, problem: Problem, headers: dict[str, str] | None = None) -> None:
        super().__init__(problem.detail)
        self.problem = problem
        self.headers = headers or {}


class Request(msgspec.Struct, frozen=True):
    """``fields``: of the path. ``headers``: names in lower case."""

    operation: Operation
    fields: dict[str, str]
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes
    target: bytes
    peer: str


Routes = list[tuple[tuple[str, ...], dict[str, Operation]]]


def _routes() -> Routes:
    found: dict[str, dict[str, Operation]] = {}
    for operation in OPERATIONS:
        found.setdefault(operation.path, {})[operation.method] = operation
    # Words before fields: what is named is not taken for a value.
    ordered = sorted(found.items(), key=lambda item: [each.startswith("{") for each in item[0].split("/")])
    return [(tuple(path.split("/")[1:]), methods) for path, methods in ordered]


class Api:
    """``app(scope, receive, send)``; everything below ``/v1/``."""

    def __init__(self, desk: Desk, kept: Kept) -> None:
        self._desk = desk
        self._kept = kept
        self._bearers = Bearers(desk.world, desk.people)
        self._routes = _routes()
        self._working: set[bytes] = set()
        self._bodies = {each.id: openapi.body_of(each) for each in OPERATIONS}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        head_only = scope["method"] == "HEAD"
        try:
            answer = await self._answer(scope, receive)
        except Failed as failed:
            answer = _of_problem(failed.problem, failed.headers)
        except Refused as refused:
            answer = _of_error(refused)
        except Unavailable as unavailable:
            self._desk.world.journal.emit(
                ADMIN_UNAVAILABLE,
                operation=_asked(scope),
                component=unavailable.component,
                text=unavailable.text,
            )
            answer = _of_error(unavailable)
        except Exception as error:
            answer = self._of_bug(scope, error)
        if isinstance(answer, Answer):
            await _send_whole(send, answer, head_only)
        else:
            await _send_pieces(send, answer, head_only)

    def _of_bug(self, scope: Scope, error: Exception) -> Answer:
        """The person gets a reference, the journal what happened."""
        reference = self._desk.world.entropy.token(8)
        where = "".join(traceback.format_exception(error)[-5:])
        self._desk.world.journal.emit(
            ADMIN_FAILED,
            operation=_asked(scope),
            reference=reference,
            error=repr(error)[:500],
            where=where,
        )
        text = f"this is a fault of the program: its journal has it under {reference}"
        return _of_problem(problem(500, "internal", text, reference=reference))

    async def _answer(self, scope: Scope, receive: Receive) -> Answer | Raw:
        target: bytes = scope.get("raw_path") or scope["path"].encode()
        target = target.partition(b"?")[0]
        if target.decode("latin-1") == DOCUMENT and scope["method"] in ("GET", "HEAD"):
            return Answer(200, _HEADERS | {"content-type": "application/json"}, openapi.text().encode())
        operation, fields = self._route(target, scope["method"])
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        peer = scope["client"][0] if scope.get("client") else ""
        actor = self._bearers.actor(headers, peer)
        body = await _read_body(operation, headers, receive)
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        request = Request(operation, fields, query, headers, body, target, peer)
        if operation.changes and "idempotency-key" in headers:
            return await self._once(actor, request)
        return await self._carry_out(actor, request, "")

    def _route(self, target: bytes, method: str) -> tuple[Operation, dict[str, str]]:
        segments = target.decode("latin-1").split("/")[1:]
        for words, methods in self._routes:
            fields = _match(words, segments)
            if fields is None:
                continue
            operation = methods.get("GET" if method == "HEAD" else method)
            if operation is None:
                allow = ", ".join(sorted([*methods, "HEAD"] if "GET" in methods else methods))
                text = f"{method} does nothing here; {allow} do"
                raise Failed(problem(405, "method_not_allowed", text), {"allow": allow})
            return operation, fields
        raise Failed(problem(404, "not_found", f"nothing is here; {DOCUMENT} says what there is"))

    async def _once(self, actor: Actor, request: Request) -> Answer | Raw:
        """draft-ietf-httpapi-idempotency-key-header-07: asked again under its key, nothing more happens."""
        word = request.headers["idempotency-key"]
        if not 0 < len(word) <= _KEY_CHARACTERS or not word.isprintable():
            text = f"Idempotency-Key has 1 to {_KEY_CHARACTERS} characters that can be printed"
            raise Failed(problem(400, "malformed", text))
        key = hashlib.sha256(f"{actor.by}\0{word}".encode()).digest()
        query = repr(request.query).encode()
        parts = (request.operation.method.encode(), request.target, query, request.body)
        of = hashlib.sha256(b"\0".join(parts)).digest()
        if key in self._working:
            raise Failed(problem(409, "key_in_use", "the first request under this key is still worked on"))
        known = self._kept.ask(key, of, actor.secret)
        if known is not None and known.of != of:
            text = "another request was made under this Idempotency-Key: draw a new one for each"
            raise Failed(problem(422, "key_reused", text))
        if known is not None and known.answer is not None:
            before = known.answer
            return Answer(before.status, before.headers | {"idempotency-replayed": "true"}, before.body)
        self._working.add(key)
        try:
            answer = await self._carry_out(actor, request, f"api:{key.hex()}")
        except (Failed, Refused) as error:
            self._kept.forget(key)  # nothing happened
            raise error
        finally:
            self._working.discard(key)
        if isinstance(answer, Answer):
            self._kept.answer(key, answer, actor.secret)
        return answer

    async def _carry_out(self, actor: Actor, request: Request, once: str) -> Answer | Raw:
        asked = self._asked(request)
        given = await self._desk.carry_out(actor, request.operation, asked, once=once, peer=request.peer)
        headers = dict(_HEADERS)
        if not self._desk.people.has_writer:
            headers[COPY_HEADER] = "local"
        if isinstance(given, Raw):
            return given
        if request.operation.gives is None:
            return Answer(request.operation.status, headers, b"")
        headers["content-type"] = "application/json"
        return Answer(request.operation.status, headers, msgspec.json.encode(given))

    def _asked(self, request: Request) -> Any:
        """The operation's own struct, from path, query and body."""
        operation = request.operation
        try:
            values = _plain(operation, request.fields, request.query)
            body_type = self._bodies[operation.id]
            if body_type is not None:
                body = msgspec.convert(_counted(msgspec.json.decode(request.body or b"{}")), body_type)
                values |= {name: getattr(body, name) for name in operation.body_fields}
        except msgspec.ValidationError as error:
            raise Failed(problem(422, "malformed", str(error))) from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Failed(problem(400, "malformed", f"the body is not JSON: {error}")) from None
        if operation.takes:
            values["content"] = request.body
        return operation.asks(**values)


def _plain(operation: Operation, fields: dict[str, str], query: list[tuple[str, str]]) -> dict[str, Any]:
    """Fields of path and query as their types want them. Raises ``msgspec.ValidationError``."""
    texts: dict[str, str] = dict(fields)
    for name, value in query:
        if name not in operation.query_fields or name == "content":
            raise msgspec.ValidationError(f"no such parameter here: `{name[:100]}`")
        if name in texts:
            raise msgspec.ValidationError(f"`{name}` is given twice")
        texts[name] = value
    found = msgspec.convert(texts, _PLAIN[operation.id], strict=False)
    return {name: getattr(found, name) for name in found.__struct_fields__}


_PLAIN = {each.id: openapi.plain_of(each) for each in OPERATIONS}


def _counted(value: Any) -> Any:
    """JSON has one kind of number: 3.0 is a whole one (RFC 8259 §6, JSON Schema 2020-12 §6.1.1)."""
    match value:
        case float() if value.is_integer() and abs(value) < 2**53:
            return int(value)
        case dict():
            return {name: _counted(each) for name, each in value.items()}
        case list():
            return [_counted(each) for each in value]
    return value


def _match(words: tuple[str, ...], segments: list[str]) -> dict[str, str] | None:
    if len(words) != len(segments):
        return None
    fields = {}
    for word, segment in zip(words, segments):
        if word.startswith("{"):
            try:
                text = unquote_to_bytes(segment).decode()
            except UnicodeDecodeError:
                return None
            if not text:
                return None
            fields[word[1:-1]] = text
        elif word != segment:
            return None
    return fields


async def _read_body(operation: Operation, headers: dict[str, str], receive: Receive) -> bytes:
    """Bounded in size and time; in the type that the operation takes."""
    if operation.method in ("GET", "DELETE"):
        return b""
    most = IMPORT_BYTES if operation.takes else ADMIN_BODY_BYTES
    said = headers.get("content-length", "")
    if said.isdecimal() and int(said) > most:
        raise Failed(problem(413, "too_large", f"a body here has at most {most} bytes"))
    body = bytearray()
    try:
        async with asyncio.timeout(WEB_UPLOAD_S if operation.takes else WEB_BODY_S):
            while True:
                message: Message = await receive()
                if message["type"] == "http.disconnect":
                    raise Failed(problem(400, "malformed", "the body ended before its end"))
                body += message.get("body", b"")
                if len(body) > most:
                    raise Failed(problem(413, "too_large", f"a body here has at most {most} bytes"))
                if not message.get("more_body", False):
                    break
    except TimeoutError:
        raise Failed(problem(408, "too_slow", "the body took too long to arrive")) from None
    _check_type(operation, headers, bool(body))
    return bytes(body)


def _check_type(operation: Operation, headers: dict[str, str], has_body: bool) -> None:
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    wanted = (operation.takes,) if operation.takes else _JSON
    if (has_body or kind) and kind not in wanted:
        accept = {"accept-patch" if operation.method == "PATCH" else "accept-post": ", ".join(wanted)}
        text = f"the body is {wanted[0]}, and says so in Content-Type"
        raise Failed(problem(415, "unsupported_media_type", text), accept)


def _of_problem(found: Problem, headers: dict[str, str] | None = None) -> Answer:
    fields = _HEADERS | {"content-type": MEDIA_TYPE} | (headers or {})
    if found.status == 401:
        fields["www-authenticate"] = 'Bearer realm="holdfast"'
    if found.retry_after_s:
        fields["retry-after"] = str(max(1, math.ceil(found.retry_after_s)))
    return Answer(found.status, fields, msgspec.json.encode(found))


def _asked(scope: Scope) -> str:
    return f"{scope['method']} {scope['path'][:200]}"


def _of_error(error: Refused | Unavailable) -> Answer:
    return _of_problem(of_error(error))


def _raw(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]


async def _send_whole(send: Send, answer: Answer, head_only: bool) -> None:
    headers = dict(answer.headers)
    if answer.status != 204:
        headers["content-length"] = str(len(answer.body))
    await send({"type": "http.response.start", "status": answer.status, "headers": _raw(headers)})
    await send({"type": "http.response.body", "body": b"" if head_only else answer.body})


async def _send_pieces(send: Send, answer: Raw, head_only: bool) -> None:
    headers = _HEADERS | {
        "content-type": answer.media_type,
        "content-disposition": f'attachment; filename="{answer.name}"',
    }
    await send({"type": "http.response.start", "status": 200, "headers": _raw(headers)})
    if isinstance(answer.content, bytes):
        await send({"type": "http.response.body", "body": b"" if head_only else answer.content})
        return
    pieces: AsyncIterator[bytes] = answer.content
    if not head_only:
        async for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
