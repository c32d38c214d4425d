"""A process's counts: from its events as they happen, read when somebody asks.

Counting is a dictionary's entry and an addition; nothing is formatted, locked or sent before somebody
asks (WATCH-1).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any

import msgspec

from holdfast.model.errors import HASTE
from holdfast.model.events import Event
from holdfast.model.limits import USE_LATE_S
from holdfast.model.networks import SITE, network_of
from holdfast.watch.words import BY, IN_CELLS, METRICS, STEPS, USES, Step, Use, used
from holdfast.world import Entry, World
from holdfast.world.link import LinkPeer

LABEL_SETS = 500  # of one metric; what comes after is not counted (WATCH-3)
PLACES = 160  # known by name: a process serves three functions at most
OTHER = "other"
_MET = 4096
_GRAVE = ("warn", "error")
_EVENTS = "holdfast_events_total"

Labels = tuple[str, ...]
Tap = Callable[[dict[str, Any]], object]
Reading = float | Mapping[Labels, float]


class Told(msgspec.Struct, frozen=True, array_like=True):
    """One metric of one process: values by labels, in the metric's order.

    A histogram's value is the count of each of its bounds and of what is above, and the sum.
    """

    metric: str
    values: list[tuple[Labels, list[float]]]


class _Kept:
    """What is known of one event: for each set of labels how often, its sums, and one histogram's counts."""

    __slots__ = ("bounds", "cells", "names", "observed", "steps", "sums")

    def __init__(self, steps: tuple[Step, ...]) -> None:
        self.steps = steps
        self.cells: dict[Any, list[float]] = {}
        dynamic = {key for step in steps for key in step.labels.values() if not key.startswith("=")}
        self.names = sorted(dynamic)
        observing = [step for step in steps if METRICS[step.metric].bounds]
        assert len(observing) <= 1, "one histogram an event"
        self.observed = observing[0].key if observing else ""
        self.bounds = METRICS[observing[0].metric].bounds if observing else ()
        summed = [step.key for step in steps if step.key and not METRICS[step.metric].bounds]
        self.sums = {key: place for place, key in enumerate(summed, 2)}

    def counter(self) -> Callable[[dict[str, Any]], None]:
        """What is called with the event's keys. A cell: times, the histogram's sum, sums, its counts."""
        cells, observed, bounds = self.cells, self.observed, self.bounds
        where = itemgetter(*self.names) if self.names else _nowhere
        sums = tuple(self.sums.items())
        first = 2 + len(sums)
        empty = [0.0] * (first + len(bounds) + 1)

        def count(keys: dict[str, Any]) -> None:
            at = where(keys)
            cell = cells.get(at)
            if cell is None:
                if len(cells) >= LABEL_SETS:
                    return
                cell = cells[at] = empty.copy()
            cell[0] += 1
            for key, place in sums:
                cell[place] += keys[key]
            if observed:
                value = keys[observed]
                cell[1] += value
                cell[first + bisect_left(bounds, value)] += 1

        return count

    def tell(self, step: Step) -> Told:
        """One metric: the cells that its labels don't tell apart are added up."""
        metric, first = METRICS[step.metric], 2 + len(self.sums)
        values: dict[Labels, list[float]] = {}
        for at, cell in list(self.cells.items()):
            said = dict(zip(self.names, (at,) if len(self.names) == 1 else at))
            sources = [step.labels[label] for label in metric.labels]
            labels = tuple(each[1:] if each.startswith("=") else _text(said[each]) for each in sources)
            if metric.bounds:
                value = [*cell[first:], cell[1]]
            else:
                value = [cell[self.sums[step.key]] if step.key else cell[0]]
            before = values.get(labels)
            values[labels] = value if before is None else [x + y for x, y in zip(before, value)]
        return Told(step.metric, list(values.items()))


class _Places:
    """Labels of where clients come from, or where their mail lies: the first PLACES that are met by name, the
    others together (WATCH-3)."""

    def __init__(self, name_of: Callable[[Any], str]) -> None:
        self._name_of = name_of
        self._known: set[str] = set()
        self.labels: dict[Any, str] = {}  # of what was met of late

    def label(self, met: object) -> str:
        """What isn't among ``labels``."""
        name = self._name_of(met) or OTHER
        if name not in self._known and len(self._known) < PLACES:
            self._known.add(name)
        if len(self.labels) >= _MET:
            self.labels.clear()
        found = self.labels[met] = name if name in self._known else OTHER
        return found


class _Uses:
    """Who was served and who was not, by where they came from and where their mail lies."""

    def __init__(self) -> None:
        self._networks = _Places(lambda peer: network_of(peer or "", SITE))
        self._cells = _Places(lambda cell: f"cell-{cell:02d}")
        self._counts: dict[str, dict[Labels, float]] = {
            used(what, by): {} for what in ("served", "missed", "late") for by in BY
        }

    def counter(self, use: Use) -> Tap:
        networks, cells = self._networks, self._cells
        by_network, by_cell = (self._counts[used(use.what, by)] for by in BY)
        late_by_network, late_by_cell = (self._counts[used("late", by)] for by in BY)
        timed, untimed = use.timed, use.untimed
        went_well, constant = use.went_well, use.function[1:] if use.function[:1] == "=" else ""
        missed = use.what == "missed"

        def count(keys: dict[str, Any]) -> None:
            if went_well is not None and not went_well(keys):
                return
            if missed and keys["component"] in HASTE:
                return
            function, peer = constant or keys[use.function], keys["peer"]
            at = (function, networks.labels.get(peer) or networks.label(peer))
            by_network[at] = by_network.get(at, 0) + 1
            late = timed and keys["seconds"] > USE_LATE_S and keys.get("command") not in untimed
            if late:
                late_by_network[at] = late_by_network.get(at, 0) + 1
            cell = keys.get("cell")
            if cell is not None and function in IN_CELLS:
                at = (function, cells.labels.get(cell) or cells.label(cell))
                by_cell[at] = by_cell.get(at, 0) + 1
                if late:
                    late_by_cell[at] = late_by_cell.get(at, 0) + 1

        return count

    def told(self) -> list[Told]:
        return [
            Told(metric, [(at, [float(count)]) for at, count in list(counts.items())])
            for metric, counts in self._counts.items()
        ]


class Counts:
    """Give ``taps`` to the journal, and subscribe ``note_grave`` to what warns.

    Not for other threads than the loop's, but for harmless races.
    """

    def __init__(self) -> None:
        self._kept = {event: _Kept(steps) for event, steps in STEPS.items()}
        self._uses = _Uses()
        taps = {event: kept.counter() for event, kept in self._kept.items()}
        self.taps = taps | {event: _both(taps[event], self._uses.counter(use)) for event, use in USES.items()}
        self._grave: dict[tuple[str, str], int] = {}
        self._gauges: dict[str, Callable[[], Reading]] = {}

    def __call__(self, entry: Entry) -> None:
        """An event that is already at hand."""
        if (tap := self.taps.get(entry.event.name)) is not None:
            tap(entry.keys)
        if is_grave(entry.event):
            self.note_grave(entry)

    def note_grave(self, entry: Entry) -> None:
        at = (entry.event.name, entry.event.level)
        self._grave[at] = self._grave.get(at, 0) + 1

    def gauge(self, name: str, read: Callable[[], Reading]) -> None:
        """``read`` is called, from the loop, whenever somebody asks; one value, or one for each labels."""
        assert name in METRICS
        self._gauges[name] = read

    def told(self) -> list[Told]:
        found = [kept.tell(step) for kept in self._kept.values() for step in kept.steps]
        found += self._uses.told()
        found.append(Told(_EVENTS, [(at, [float(count)]) for at, count in self._grave.items()]))
        for name, read in self._gauges.items():
            try:
                value = read()
            except Exception:  # what can't be read now has no value now
                continue
            by_labels = value if isinstance(value, Mapping) else {(): value}
            found.append(Told(name, [(labels, [float(each)]) for labels, each in by_labels.items()]))
        return [each for each in found if each.values]


def _both(first: Tap, then: Tap) -> Tap:
    def tap(keys: dict[str, Any]) -> None:
        first(keys)
        then(keys)

    return tap


def is_grave(event: Event) -> bool:
    return event.level in _GRAVE


def _nowhere(keys: dict[str, Any]) -> tuple[()]:
    return ()


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
