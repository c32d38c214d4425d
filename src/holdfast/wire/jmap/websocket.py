"""JMAP over a websocket: one text message is one request, answer or push. RFC 8887

The frames themselves (RFC 6455) are the HTTP server's; here are their messages.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

import msgspec

from holdfast.wire.jmap.core import WEBSOCKET, CoreLimits, Request
from holdfast.wire.jmap.errors import Problem, RequestError, RequestFault
from holdfast.wire.jmap.push import StateChange
from holdfast.wire.jmap.server import Method, Server, too_deep

SUBPROTOCOL: Final = "jmap"


class SocketRequest(Request, tag="Request", tag_field="@type", rename="camel"):
    """A request with an id of the client's, which the answer names."""

    id: str | None = None


class PushEnable(msgspec.Struct, tag="WebSocketPushEnable", tag_field="@type", rename="camel"):
    """Asks for state changes, from ``push_state`` on when that is given."""

    data_types: list[str] | None
    push_state: str | None = None


class PushDisable(msgspec.Struct, tag="WebSocketPushDisable", tag_field="@type"):
    pass


class SocketResponse(msgspec.Struct, rename="camel", tag="Response", tag_field="@type"):
    """An answer as a client reads it."""

    method_responses: list[tuple[str, msgspec.Raw, str]]
    session_state: str
    request_id: str | None = None
    created_ids: dict[str, str] | None = None


class SocketProblem(Problem, tag="RequestError", tag_field="@type", rename="camel"):
    request_id: str | None = None


class Exchange:
    """A request that came over the socket: ``server`` is worked on as any other, then ``take``."""

    __slots__ = ("request_id", "server")

    def __init__(self, server: Server, request_id: str | None) -> None:
        self.server = server
        self.request_id = request_id

    def take(self) -> str:
        """The message that answers it."""
        if self.server.error is not None:
            return _problem(self.server.error, self.request_id)
        mark = "" if self.request_id is None else f'"requestId":{_text(self.request_id)},'
        return '{"@type":"Response",' + mark + self.server.take().body[1:].decode()

    def refused(self, error: RequestError) -> str:
        """The message that says why it isn't worked on."""
        return _problem(error, self.request_id)


SocketEvent = Exchange | PushEnable | PushDisable | str

_Read = SocketRequest | PushEnable | PushDisable
_requests: msgspec.json.Decoder[_Read] = msgspec.json.Decoder(_Read)


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _problem(error: RequestError, request_id: str | None) -> str:
    problem = error.problem()
    return _text(
        SocketProblem(
            type=problem.type,
            status=problem.status,
            detail=problem.detail,
            limit=problem.limit,
            request_id=request_id,
        )
    )


class SocketServer:
    """One socket. ``receive`` each text message; what it gives is worked on in any order.

    Push is off until it is asked for; ``push`` gives the message to send, or None.
    """

    __slots__ = ("_capabilities", "_limits", "_methods", "_pushed", "_types")

    def __init__(
        self, methods: Mapping[str, Method], limits: CoreLimits, capabilities: Collection[str] = (WEBSOCKET,)
    ) -> None:
        self._methods = methods
        self._capabilities = capabilities
        self._limits = limits
        self._pushed = False
        self._types: frozenset[str] | None = None

    def receive(self, message: str, session_state: str) -> SocketEvent:
        """An Exchange to work on, a change of what is pushed, or (str) the answer to what is no request."""
        try:
            read = self._read(message)
        except RequestError as error:
            return _problem(error, _id_of(message, self._limits))
        if isinstance(read, PushEnable):
            self._pushed = True
            self._types = None if read.data_types is None else frozenset(read.data_types)
            return read
        if isinstance(read, PushDisable):
            self._pushed = False
            return read
        server = Server(self._methods, self._limits, session_state, self._capabilities)
        server.end_with(read)
        return Exchange(server, read.id)

    def _read(self, message: str) -> _Read:
        try:
            raw = message.encode()
            if len(raw) > self._limits.max_size_request:
                text = f"A request may have {self._limits.max_size_request} bytes."
                raise RequestError(RequestFault.LIMIT, text, "maxSizeRequest")
            if too_deep(raw):
                raise RequestError(RequestFault.LIMIT, "The request nests too deep.", "maxDepth")
            return _requests.decode(raw)
        except msgspec.ValidationError as error:
            fault = RequestFault.NOT_REQUEST if _is_json(message) else RequestFault.NOT_JSON
            raise RequestError(fault, f"The message is no request: {error}") from None
        except (UnicodeEncodeError, msgspec.DecodeError) as error:
            raise RequestError(RequestFault.NOT_JSON, f"The message is no JSON: {error}") from None

    def push(self, change: StateChange) -> str | None:
        wanted = change.only(self._types) if self._pushed else None
        return None if wanted is None else _text(wanted)


def _is_json(message: str) -> bool:
    try:
        msgspec.json.decode(message)
    except msgspec.DecodeError:
        return False
    return True


class _Named(msgspec.Struct):
    id: str


def _id_of(message: str, limits: CoreLimits) -> str | None:
    """The id of a message that is no request otherwise, so that the client knows which one failed."""
    if len(message) > limits.max_size_request:
        return None
    try:
        return msgspec.json.decode(message, type=_Named).id
    except (UnicodeEncodeError, msgspec.DecodeError, RecursionError):
        return None


SocketAnswer = SocketResponse | SocketProblem | StateChange
_answers: msgspec.json.Decoder[SocketAnswer] = msgspec.json.Decoder(SocketAnswer)


class SocketClient:
    """The other end: messages to send, and what comes as values."""

    __slots__ = ("_count",)

    def __init__(self) -> None:
        self._count = 0

    def send(self, request: Request) -> tuple[str, str]:
        """(request id, message)"""
        self._count += 1
        name = f"R{self._count}"
        sent = SocketRequest(request.using, request.method_calls, request.created_ids, name)
        return name, _text(sent)

    def enable_push(self, types: list[str] | None, push_state: str | None = None) -> str:
        return _text(PushEnable(types, push_state))

    def disable_push(self) -> str:
        return _text(PushDisable())

    def receive(self, message: str) -> SocketAnswer | None:
        """None: something this client doesn't know."""
        try:
            return _answers.decode(message)
        except msgspec.DecodeError:
            return None
