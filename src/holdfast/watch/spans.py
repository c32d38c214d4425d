"""Events as OpenTelemetry's spans, made after the fact from what says how long it took.

A message's trace id is made from the id that its 250 named (``taken as …``), and so is whether it is
sampled: what several processes do with one message is one trace, without a word between them.
OpenTelemetry is loaded by ``Spans.open``, where spans are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

from holdfast.watch.events import SPANS_LOST
from holdfast.world import Entry, World

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

_WHOLE = 1 << 64
_NS = 1_000_000_000


class _Kind(NamedTuple):
    """``name``: of the span; ``detail``: a key whose value stands behind it. ``keys``: its attributes."""

    name: str
    keys: tuple[str, ...]
    detail: str = ""


KINDS: dict[str, _Kind] = {
    "message_accepted": _Kind("accept", ("function", "trace", "recipients", "bytes")),
    "mail_merged": _Kind("merge", ("ledger", "messages")),
    "relay_tried": _Kind("relay try", ("entry", "trace", "result")),
    "imap_command": _Kind("imap", ("command", "result"), "command"),
    "page_served": _Kind("page", ("function", "page", "method", "status"), "page"),
}


def trace_number(trace: str) -> int:
    """OpenTelemetry's trace id, 128 bits, of a message's."""
    return int.from_bytes(blake2b(trace.encode(), digest_size=16).digest(), "big")


class Spans:
    """Subscribe it to the journal."""

    def __init__(
        self,
        world: World,
        share: float,
        span: Callable[[int, str, float, float, dict[str, str | int]], None],
        flush: Callable[[], object],
    ) -> None:
        """Made by ``open``. ``span``: (trace id, name, begin and end in UTC seconds, attributes)."""
        self._world = world
        self._share = share
        self._span = span
        self.flush = flush

    @classmethod
    def open(cls, world: World, endpoint: str, share: float, process: str) -> Spans:
        """Raises ``ImportError`` without the extra ``otel``."""
        from opentelemetry.context import Context
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

        class Ids(RandomIdGenerator):
            trace_id = 0

            def generate_trace_id(self) -> int:
                return self.trace_id or super().generate_trace_id()

        ids = Ids()
        resource = Resource({"service.name": "holdfast", "service.instance.id": process})
        provider: TracerProvider = TracerProvider(id_generator=ids, resource=resource)
        exporter = _noting_losses(world, OTLPSpanExporter(endpoint=endpoint), endpoint)
        provider.add_span_processor(BatchSpanProcessor(exporter))
        tracer = provider.get_tracer("holdfast")
        root = Context()  # each is the first of its trace here

        def span(trace: int, name: str, begin: float, end: float, attributes: dict[str, str | int]) -> None:
            ids.trace_id = trace
            made = tracer.start_span(name, root, attributes=attributes, start_time=int(begin * _NS))
            made.end(int(end * _NS))

        return cls(world, share, span, provider.force_flush)

    def __call__(self, entry: Entry) -> None:
        kind = KINDS.get(entry.event.name)
        if kind is None:
            return
        keys = entry.keys
        trace = trace_number(keys["trace"]) if keys.get("trace") else 0
        sampled = trace >> 64 if trace else self._world.entropy.uniform(0, 1) * _WHOLE
        if sampled >= self._share * _WHOLE:
            return
        name = f"{kind.name} {keys[kind.detail]}" if kind.detail else kind.name
        attributes = {f"holdfast.{each}": _value(keys[each]) for each in kind.keys}
        self._span(trace, name, entry.at - keys["seconds"], entry.at, attributes)


def _value(value: object) -> str | int:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return value if isinstance(value, int) else str(value)


def _noting_losses(world: World, exporter: SpanExporter, endpoint: str) -> SpanExporter:
    """What can't be sent is lost, and said: no memory is kept for a collector that is away."""
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

    class Noting(SpanExporter):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            result = exporter.export(spans)
            if result is not SpanExportResult.SUCCESS:
                world.journal.emit(SPANS_LOST, endpoint=endpoint, spans=len(spans))
            return result

        def shutdown(self) -> None:
            exporter.shutdown()

    return Noting()
