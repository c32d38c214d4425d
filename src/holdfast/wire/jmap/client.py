"""The client's end: calls to a request's bytes, an answer's bytes to results. For canaries and tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeVar

import msgspec

from holdfast.wire.jmap.core import Arguments, Json, Request, Response
from holdfast.wire.jmap.errors import Problem
from holdfast.wire.jmap.references import ResultReference
from holdfast.wire.jmap.server import JSON_TYPE

T = TypeVar("T")


class Ref(NamedTuple):
    """A call of a request that is being made; ``result`` points into what it will give."""

    id: str
    name: str

    def result(self, path: str) -> ResultReference:
        return ResultReference(result_of=self.id, name=self.name, path=path)


class Failed(msgspec.Struct):
    """One call failed."""

    type: str
    description: str | None = None


class Broken(NamedTuple):
    """The answer is no JMAP answer."""

    text: str


class Result(NamedTuple):
    """One response; ``name`` is ``error`` where the call failed."""

    name: str
    raw: msgspec.Raw
    call_id: str

    def as_(self, kind: type[T]) -> T:
        """Its arguments as such an object. msgspec.ValidationError when they aren't one."""
        return msgspec.json.decode(self.raw, type=kind)

    @property
    def value(self) -> Json:
        return msgspec.json.decode(self.raw, type=dict[str, object])

    @property
    def failed(self) -> Failed | None:
        return self.as_(Failed) if self.name == "error" else None


class Results(NamedTuple):
    """All responses of a request, in their order."""

    results: list[Result]
    session_state: str
    created_ids: dict[str, str] | None

    def of(self, call: Ref) -> list[Result]:
        """Of one call: usually one."""
        return [each for each in self.results if each.call_id == call.id]


class Client:
    """One request: ``call`` what it shall do, send ``body`` as ``content_type``, ``read`` the answer."""

    __slots__ = ("_calls", "_created_ids", "_using")

    content_type = JSON_TYPE

    def __init__(self, *using: str, created_ids: dict[str, str] | None = None) -> None:
        self._using = list(using)
        self._calls: list[tuple[str, msgspec.Raw, str]] = []
        self._created_ids = created_ids

    def call(self, name: str, arguments: Arguments | Mapping[str, object]) -> Ref:
        """Of an ``Arguments`` what isn't set beyond its default isn't sent. In a mapping, a value made by
        ``Ref.result`` becomes a result reference by itself."""
        if isinstance(arguments, Arguments):
            shown: dict[str, object] = {
                field.encode_name: value
                for field in msgspec.structs.fields(arguments)
                if (value := getattr(arguments, field.name)) != field.default
            }
        else:
            shown = {
                f"#{key}" if isinstance(value, ResultReference) else key: value
                for key, value in arguments.items()
            }
        ref = Ref(f"c{len(self._calls)}", name)
        self._calls.append((name, msgspec.Raw(msgspec.json.encode(shown)), ref.id))
        return ref

    @property
    def request(self) -> Request:
        return Request(self._using, self._calls, self._created_ids)

    def body(self) -> bytes:
        request = {"using": self._using, "methodCalls": self._calls}
        if self._created_ids is not None:
            request["createdIds"] = self._created_ids
        return msgspec.json.encode(request)

    @staticmethod
    def read(status: int, body: bytes) -> Results | Problem | Broken:
        try:
            if status != 200:
                return msgspec.json.decode(body, type=Problem)
            answer = msgspec.json.decode(body, type=Response)
        except (msgspec.DecodeError, RecursionError) as error:
            return Broken(f"{status}: {error}")
        created = answer.created_ids if isinstance(answer.created_ids, dict) else None
        return Results([Result(*each) for each in answer.method_responses], answer.session_state, created)
