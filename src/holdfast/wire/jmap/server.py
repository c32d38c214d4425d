"""The server's machine of one request: bytes in, calls out; results in, the answer out. RFC 8620 §3."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Collection, Mapping
from typing import NamedTuple

import msgspec

from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.limits import JMAP_DEPTH, JMAP_RESPONSE_BYTES
from holdfast.wire.jmap.core import CORE, Arguments, CoreLimits, Json, Request, is_id
from holdfast.wire.jmap.errors import (
    PROBLEM_TYPE,
    MethodError,
    MethodFault,
    RequestError,
    RequestFault,
    method_error,
)
from holdfast.wire.jmap.references import resolved

JSON_TYPE = "application/json"


class Method(NamedTuple):
    """``capability``: which one a request must be ``using``. ``arguments``: their type; None: any object."""

    capability: str
    arguments: type[Arguments] | None


class Call(NamedTuple):
    """Stands until ``answer`` or ``fail``. ``arguments``: of the method's type, references resolved."""

    name: str
    arguments: Arguments | Json
    id: str


class Answer(NamedTuple):
    """``body`` holds the whole answer."""

    status: int
    content_type: str
    body: bytes


_encode = msgspec.json.Encoder().encode
_read_request = msgspec.json.Decoder(Request).decode
_read_object = msgspec.json.Decoder(dict[str, object]).decode
_BRACKET_OR_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|([\[{])|([\]}])', re.DOTALL)
_BY_REFERENCE = b'"#'
_BY_REFERENCE_ESCAPED = b'"\\u0023'


def too_deep(body: bytes) -> bool:
    """Whether arrays and objects lie deeper in each other than JMAP_DEPTH."""
    if body.count(b"[") + body.count(b"{") <= JMAP_DEPTH:
        return False
    depth = 0
    for match in _BRACKET_OR_STRING.finditer(body):
        kind = match.lastindex
        if kind == 1:
            depth += 1
            if depth > JMAP_DEPTH:
                return True
        elif kind == 2:
            depth -= 1
    return False


def read_request(body: bytes) -> Request:
    """RequestError notJSON, notRequest, or limit where it is nested too deep."""
    try:
        body.decode()
        if too_deep(body):
            text = f"The request nests deeper than {JMAP_DEPTH} levels."
            raise RequestError(RequestFault.LIMIT, text, "maxDepth")
        return _read_request(body)
    except msgspec.ValidationError as error:
        _read_or_not_json(body)
        raise RequestError(RequestFault.NOT_REQUEST, f"The body is no JMAP request: {error}") from None
    except (UnicodeDecodeError, msgspec.DecodeError, RecursionError) as error:
        raise RequestError(RequestFault.NOT_JSON, f"The body is no JSON: {error}") from None


def _read_or_not_json(body: bytes) -> None:
    try:
        msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise RequestError(RequestFault.NOT_JSON, f"The body is no JSON: {error}") from None


class Server:
    """One request. ``receive`` its body in any pieces, ``end``, then ``next_event`` until None, each Call
    answered in between; ``take`` gives the answer, whole.

    ``capabilities``: of the session object those that have no methods of their own, which a request may
    name nevertheless. ``created``: what the request's creations have made so far, by creation id.
    """

    __slots__ = (
        "_asks_created",
        "_body",
        "_calls",
        "_capabilities",
        "_ended",
        "_error",
        "_last_id",
        "_limits",
        "_methods",
        "_open",
        "_responses",
        "_results",
        "_size",
        "_state",
        "_using",
        "created",
    )

    def __init__(
        self,
        methods: Mapping[str, Method],
        limits: CoreLimits,
        session_state: str,
        capabilities: Collection[str] = (),
    ) -> None:
        self._methods = methods
        self._capabilities = capabilities
        self._limits = limits
        self._state = session_state
        self._body: list[bytes] = []
        self._size = 0
        self._ended = False
        self._error: RequestError | None = None
        self._calls: deque[tuple[str, msgspec.Raw, str]] = deque()
        self._using: frozenset[str] = frozenset()
        self._open: Call | None = None
        self._responses: list[bytes] = []
        self._results: dict[str, tuple[str, bytes]] = {}  # by call id, the first response
        self._last_id = ""
        self._asks_created = False
        self.created: dict[str, str] = {}

    # --- the request

    def receive(self, data: bytes) -> None:
        """More of the body. Beyond the limit nothing is held (JMAP-2)."""
        if self._error is not None or self._ended:
            return
        self._size += len(data)
        if self._size > self._limits.max_size_request:
            self._body.clear()
            text = f"A request may have {self._limits.max_size_request} bytes."
            self._error = RequestError(RequestFault.LIMIT, text, "maxSizeRequest")
        else:
            self._body.append(data)

    def end(self, content_type: str = JSON_TYPE) -> None:
        """The body is complete."""
        if self._ended:
            return
        self._ended = True
        body = b"".join(self._body)
        self._body.clear()
        try:
            if self._error is None:
                if content_type.partition(";")[0].strip().lower() != JSON_TYPE:
                    text = f"A request's Content-Type is {JSON_TYPE}."
                    raise RequestError(RequestFault.NOT_JSON, text)
                self._accept(read_request(body))
        except RequestError as error:
            self._error = error

    def end_with(self, request: Request) -> None:
        """A request that was read already, from a message of a websocket."""
        self._ended = True
        try:
            self._accept(request)
        except RequestError as error:
            self._error = error

    def _accept(self, request: Request) -> None:
        offered = {method.capability for method in self._methods.values()} | {CORE, *self._capabilities}
        for capability in request.using:
            if capability not in offered:
                text = f"This server doesn't know “{capability}”; the session object names what it knows."
                raise RequestError(RequestFault.UNKNOWN_CAPABILITY, text)
        if len(request.method_calls) > self._limits.max_calls_in_request:
            text = f"A request may have {self._limits.max_calls_in_request} calls."
            raise RequestError(RequestFault.LIMIT, text, "maxCallsInRequest")
        self._using = frozenset(request.using)
        self._calls.extend(request.method_calls)
        if request.created_ids is not None:
            self._asks_created = True
            self.created.update(request.created_ids)

    def is_using(self, capability: str) -> bool:
        """Whether the request named it."""
        return capability in self._using

    # --- the calls

    def next_event(self) -> Call | None:
        """The next call that can be carried out; None when all are answered. What can't is answered here."""
        if self._open is not None:
            return self._open
        while self._ended and self._error is None and self._calls:
            name, raw, call_id = self._calls.popleft()
            self._open = Call(name, {}, call_id)
            try:
                self._open = self._read(name, bytes(raw), call_id)
                return self._open
            except MethodError as error:
                self.fail(error)
        return None

    def _read(self, name: str, raw: bytes, call_id: str) -> Call:
        method = self._methods.get(name)
        if method is None or method.capability not in self._using:
            text = f"“{name}” is no method of the capabilities in “using”."
            raise MethodError(MethodFault.UNKNOWN_METHOD, text)
        if self._size_so_far() > JMAP_RESPONSE_BYTES:
            text = "The answers so far are too large for more; ask for less at once."
            raise MethodError(MethodFault.REQUEST_TOO_LARGE, text, Reason.TOO_LARGE)
        try:
            if method.arguments is None:
                return Call(name, _read_object(raw), call_id)
            if _BY_REFERENCE not in raw and _BY_REFERENCE_ESCAPED not in raw:
                arguments = msgspec.json.decode(raw, type=method.arguments)
            else:
                whole = resolved(_read_object(raw), self._results)
                arguments = msgspec.convert(whole, method.arguments, str_keys=True)
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            raise MethodError(MethodFault.INVALID_ARGUMENTS, str(error)) from None
        self._check_counts(arguments)
        return Call(name, arguments, call_id)

    def _check_counts(self, arguments: Arguments) -> None:
        for count, most in (
            (arguments.objects_read(), self._limits.max_objects_in_get),
            (arguments.objects_changed(), self._limits.max_objects_in_set),
        ):
            if count > most:
                text = f"{count} objects at once; at most {most} are possible."
                raise MethodError(MethodFault.REQUEST_TOO_LARGE, text, Reason.TOO_LARGE)

    def _size_so_far(self) -> int:
        return sum(map(len, self._responses))

    # --- the answers

    def answer(self, result: object, name: str = "") -> None:
        """The open call succeeded. ``name``: of the response, where it isn't the call's.

        A result that doesn't encode raises, and leaves the call open: to be failed.
        """
        encoded = _encode(result)
        call = self._close()
        self._respond(name or call.name, encoded, call.id)

    def also(self, name: str, result: object) -> None:
        """One more response of the call that was answered or failed last. RFC 8620 §3.4 (implicit calls)"""
        assert self._responses and self._open is None
        self._respond(name, _encode(result), self._last_id)

    def fail(self, error: Refused | Unavailable) -> None:
        """The open call failed; those after it go on (JMAP-1)."""
        call = self._close()
        self._respond("error", _encode(method_error(error)), call.id)

    def note_created(self, creation_id: str, real_id: str) -> None:
        """A creation of the open call succeeded; later calls may name it ``#creation_id``."""
        self.created[creation_id] = real_id

    def real_id(self, reference: str) -> str | None:
        """An id as it is; of ``#creation_id`` what that made, None where it made nothing."""
        if reference[:1] != "#":
            return reference if is_id(reference) else None
        return self.created.get(reference[1:])

    def take(self) -> Answer:
        """The answer, when ``next_event`` gave None."""
        assert self._ended and self._open is None and not self._calls
        if self._error is not None:
            problem = self._error.problem()
            return Answer(problem.status, PROBLEM_TYPE, _encode(problem))
        created = b',"createdIds":' + _encode(self.created) if self._asks_created else b""
        body = b'{"methodResponses":[%b],"sessionState":%b%b}'
        return Answer(200, JSON_TYPE, body % (b",".join(self._responses), _encode(self._state), created))

    @property
    def error(self) -> RequestError | None:
        """Why the whole request was refused."""
        return self._error

    def _close(self) -> Call:
        call = self._open
        assert call is not None, "no call is open"
        self._open = None
        return call

    def _respond(self, name: str, encoded: bytes, call_id: str) -> None:
        self._last_id = call_id
        self._results.setdefault(call_id, (name, encoded))
        self._responses.append(b"[%b,%b,%b]" % (_encode(name), encoded, _encode(call_id)))
