"""A process's counts: from its events as they happen, read when somebody asks.

Counting is a dictionary's entry and an addition; nothing is formatted, locked or sent before somebody
asks (WATCH-1). What the counts cost is in docs/reference/performance.md.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any

import msgspec

from holdfast.watch.words import COUNTED, METRICS, STEPS, Metric, Step
from holdfast.world import Entry, World
from holdfast.world.link import LinkPeer

LABEL_SETS = 500  # of one metric; what comes after is not counted (WATCH-3)
_GRAVE = ("warn", "error")
_EVENTS = "holdfast_events_total"

Labels = tuple[str, ...]
Reading = float | Mapping[Labels, float]


class Told(msgspec.Struct, frozen=True, array_like=True):
    """One metric of one process: values by labels, in the metric's order.

    A histogram's value is the count of each of its bounds and of what is above, and the sum.
    """

    metric: str
    values: list[tuple[Labels, list[float]]]


class Counts:
    """Subscribe it to the journal. Not for other threads than the loop's, but for harmless races."""

    def __init__(self) -> None:
        self._cells: dict[str, list[tuple[Step, dict[Any, Any]]]] = {each.name: [] for each in COUNTED}
        self._rules = {event: self._rule(steps) for event, steps in STEPS.items()}
        self._grave: dict[tuple[str, str], int] = {}
        self._gauges: dict[str, Callable[[], Reading]] = {}

    def __call__(self, entry: Entry) -> None:
        event = entry.event
        rule = self._rules.get(event.name)
        if rule is not None:
            for step in rule:
                step(entry.keys)
        if event.level in _GRAVE:
            at = (event.name, event.level)
            self._grave[at] = self._grave.get(at, 0) + 1

    def gauge(self, name: str, read: Callable[[], Reading]) -> None:
        """``read`` is called, from the loop, whenever somebody asks; one value, or one for each labels."""
        assert name in METRICS
        self._gauges[name] = read

    def told(self) -> list[Told]:
        found = [self._tell(METRICS[name], cells) for name, cells in self._cells.items()]
        found.append(Told(_EVENTS, [(at, [float(count)]) for at, count in self._grave.items()]))
        for name, read in self._gauges.items():
            try:
                value = read()
            except Exception:  # what can't be read now has no value now
                continue
            by_labels = value if isinstance(value, Mapping) else {(): value}
            found.append(Told(name, [(labels, [float(each)]) for labels, each in by_labels.items()]))
        return [each for each in found if each.values]

    def _tell(self, metric: Metric, cells: list[tuple[Step, dict[Any, Any]]]) -> Told:
        values: list[tuple[Labels, list[float]]] = []
        for step, cell in cells:
            names = _names(step)
            for at, value in list(cell.items()):
                said = (at,) if len(names) == 1 else at
                known = dict(zip(names, said)) | {
                    label: source[1:] for label, source in step.labels.items() if source.startswith("=")
                }
                labels = tuple(_text(known[label]) for label in metric.labels)
                values.append((labels, list(value) if isinstance(value, list) else [float(value)]))
        return Told(metric.name, values)

    def _rule(self, steps: tuple[Step, ...]) -> tuple[Callable[[dict[str, Any]], None], ...]:
        made = []
        for step in steps:
            cell: dict[Any, Any] = {}
            self._cells[step.metric].append((step, cell))
            bounds = METRICS[step.metric].bounds
            made.append(_observe(step, cell, bounds) if bounds else _count(step, cell))
        return tuple(made)


def _names(step: Step) -> list[str]:
    return [label for label, source in step.labels.items() if not source.startswith("=")]


def _where(step: Step) -> Callable[[dict[str, Any]], Any]:
    keys = [source for source in step.labels.values() if not source.startswith("=")]
    return itemgetter(*keys) if keys else lambda _: ()


def _count(step: Step, cell: dict[Any, Any]) -> Callable[[dict[str, Any]], None]:
    where, key = _where(step), step.key

    def count(keys: dict[str, Any]) -> None:
        at = where(keys)
        before = cell.get(at)
        if before is not None:
            cell[at] = before + (keys[key] if key else 1)
        elif len(cell) < LABEL_SETS:
            cell[at] = keys[key] if key else 1

    return count


def _observe(step: Step, cell: dict[Any, Any], bounds: tuple[float, ...]) -> Callable[[dict[str, Any]], None]:
    where, key = _where(step), step.key

    def observe(keys: dict[str, Any]) -> None:
        at = where(keys)
        value = keys[key]
        counts = cell.get(at)
        if counts is None:
            if len(cell) >= LABEL_SETS:
                return
            counts = cell[at] = [0.0] * (len(bounds) + 2)
        counts[bisect_left(bounds, value)] += 1
        counts[-1] += value

    return observe


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


_encode = msgspec.msgpack.Encoder().encode


async def tell_at(world: World, counts: Counts, path: str) -> bool:
    """Answers at the socket ``path`` with ``list[Told]``. False: there is no such socket to be had."""

    async def handle(peer: LinkPeer, payload: bytes) -> bytes:
        return _encode(counts.told())

    try:
        await world.net.listen(lambda: LinkPeer(handle), path)
    except OSError:
        return False
    return True
