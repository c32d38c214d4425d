"""What a process tells of itself: counts at its socket, spans, and its name in the journal."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os.path
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from holdfast.run import layout, system
from holdfast.run.reading import digest
from holdfast.watch.counting import Reading, is_grave, tell_at
from holdfast.watch.events import SPANS_OFF
from holdfast.watch.spans import KINDS, Spans
from holdfast.watch.words import BUSY, RELEASE
from holdfast.world.journal import LineJournal

if TYPE_CHECKING:
    from holdfast.directory.auth import AuthService
    from holdfast.directory.people import People
    from holdfast.flow.queue import Queue
    from holdfast.run.child import Start
    from holdfast.store import StoreWriter


FLUSH_S = 1.0  # for the last spans, when a process ends


async def begin(start: Start) -> None:
    """From the process's loop, before its role. What can't be had keeps it from nothing (RUN-7)."""
    world, config = start.world, start.config
    journal = world.journal
    if isinstance(journal, LineJournal):
        journal.sign(process=start.name, function=start.role)
    if config.metrics.enabled:
        path = layout.metrics_path(config, start.name)
        try:
            system.make_folder(os.path.dirname(path))
        except OSError:
            return
        if await tell_at(world, start.counts, path) and isinstance(journal, LineJournal):
            journal.tap(start.counts.taps)
            journal.at(start.counts.note_grave, is_grave)
            start.counts.gauge("holdfast_journal_lost_lines_total", lambda: journal.lost)
            release: Reading = {(system.version(), digest(config)): world.clock.now()}
            start.counts.gauge(RELEASE, lambda: release)
            start.counts.gauge(BUSY, lambda: {(name,): busy for name, busy in world.threads.busy().items()})


def load_spans() -> None:
    """Loads what makes spans, before the first fork (RUN-5); without it each process says so."""
    with contextlib.suppress(ImportError):
        importlib.import_module("opentelemetry.sdk.trace.export")
        importlib.import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")


def trace(start: Start) -> Callable[[], object]:
    """Spans, where they are wanted. Returns what sends the last of them; it may block."""
    traces = start.config.traces
    if not traces.endpoint or not traces.share:
        return lambda: None
    quiet = logging.getLogger("opentelemetry")  # the journal says it, in registered words
    quiet.addHandler(logging.NullHandler())
    quiet.propagate = False
    try:
        spans = Spans.open(start.world, traces.endpoint, traces.share, start.name)
    except Exception as error:
        reason = f"{error}: install holdfast[otel]" if isinstance(error, ImportError) else repr(error)
        start.world.journal.emit(SPANS_OFF, reason=reason)
        return lambda: None
    if isinstance(start.world.journal, LineJournal):
        start.world.journal.at(spans, lambda event: event.name in KINDS)

    def flush() -> None:  # a collector that is away keeps no process from ending
        last = threading.Thread(target=spans.flush, daemon=True)
        last.start()
        last.join(FLUSH_S)

    return flush


def of_people(start: Start, people: People) -> None:
    """How old the copy is, as far as it can know, and how many are in it."""
    clock = start.world.clock
    fresh_at = clock.monotonic()

    def stale() -> float:
        nonlocal fresh_at
        now = clock.monotonic()
        if people.has_writer and not people.behind:
            fresh_at = now
        return now - fresh_at

    def counted(place: int) -> Callable[[], float]:
        return lambda: float(census[place]) if (census := people.census) is not None else 0.0

    start.counts.gauge("holdfast_people_copy_stale_seconds", stale)
    start.counts.gauge("holdfast_people_active_accounts", counted(0))
    start.counts.gauge("holdfast_people_left_accounts", counted(1))
    start.counts.gauge("holdfast_people_missing_accounts", counted(2))


def of_auth(start: Start, auth: AuthService) -> None:
    start.counts.gauge("holdfast_auth_wait_seconds", lambda: auth.checker.wait_s)
    start.counts.gauge("holdfast_auth_put_off", auth.shedding.put_off)


def of_queue(start: Start, queue: Queue) -> None:
    entries = queue.entries
    clock = start.world.clock

    def oldest() -> float:
        return max((clock.now() - entry.received_at for entry in entries.values()), default=0.0)

    def recipients() -> float:
        return sum(len(entry.recipients) for entry in entries.values())

    start.counts.gauge("holdfast_queue_messages", lambda: float(len(entries)))
    start.counts.gauge("holdfast_queue_recipients", recipients)
    start.counts.gauge("holdfast_queue_oldest_age_seconds", oldest)


def of_store(start: Start, store: StoreWriter) -> None:
    pack_bytes = start.config.volumes[layout.main_volume(start.config)].pack_bytes

    def unmerged() -> dict[tuple[str, ...], float]:
        return {
            (ledger,): float((until.pack - done.pack) * pack_bytes + until.offset - done.offset)
            for ledger, done, until in store.unmerged
        }

    def rebuilding(place: int) -> Callable[[], float]:
        def told() -> float:
            way = store.rebuilding
            return float(way[place].pack * pack_bytes + way[place].offset) if way is not None else 0.0

        return told

    start.counts.gauge("holdfast_index_behind_cells", lambda: float(len(store.behind)))
    start.counts.gauge("holdfast_index_rebuilt_bytes", rebuilding(0))
    start.counts.gauge("holdfast_index_rebuild_bytes", rebuilding(1))
    start.counts.gauge("holdfast_intake_unmerged_bytes", unmerged)
