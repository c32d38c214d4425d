"""What all processes tell, put together in Prometheus' two forms (text 0.0.4 and OpenMetrics)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

import msgspec
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family

from holdfast.model.errors import Refused, Unavailable
from holdfast.watch.counting import Told
from holdfast.watch.words import METRICS, Metric
from holdfast.world import World
from holdfast.world.link import Link

ANSWER_S = 2.0  # a process that says nothing for so long is down, as far as monitoring goes

_decode = msgspec.msgpack.Decoder(list[Told]).decode


class Source(NamedTuple):
    """A process by name, the socket it answers at, and how long that is waited for."""

    process: str
    path: str
    patience_s: float = ANSWER_S


class Collected(NamedTuple):
    """By process; None: it didn't answer (WATCH-2)."""

    told: Mapping[str, list[Told] | None]


async def collect(world: World, sources: Iterable[Source]) -> Collected:
    """Asks all at once; who doesn't answer costs its patience, once."""
    return Collected({process: told for process, (told, _) in (await timed(world, sources)).items()})


async def timed(world: World, sources: Iterable[Source]) -> dict[str, tuple[list[Told] | None, float]]:
    """The same, each with how long it took (seconds)."""
    wanted = list(sources)
    found = await asyncio.gather(*(_ask(world, each) for each in wanted))
    return {each.process: answer for each, answer in zip(wanted, found)}


async def _ask(world: World, source: Source) -> tuple[list[Told] | None, float]:
    """Over a connection of its own: that a process can still take one is a part of the question."""
    link, began = Link(world, source.path, "metrics"), world.clock.monotonic()
    told = None
    try:
        async with asyncio.timeout(source.patience_s):
            told = _decode(await link.ask(b"", source.patience_s))
    except (Unavailable, Refused, OSError, TimeoutError, msgspec.DecodeError):
        pass
    finally:
        link.close()
    return told, world.clock.monotonic() - began


class _Families:
    """What ``generate_latest`` asks of a registry."""

    def __init__(self, families: Sequence[Family]) -> None:
        self._families = families

    def collect(self) -> Sequence[Family]:
        return self._families


def render(accept: str, collected: Collected, seen: Iterable[Told]) -> tuple[bytes, str]:
    """(page, its content type), in the form that ``accept`` asks for."""
    families: dict[str, Family] = {}
    for process, told in collected.told.items():
        for each in told or ():
            _add(families, each, process)
    for each in seen:
        _add(families, each, None)
    encoder, content_type = choose_encoder(accept)
    page: bytes = encoder(_Families(list(families.values())))
    return page, content_type


def _add(families: dict[str, Family], told: Told, process: str | None) -> None:
    """What isn't known here is left out: a process may be of another version for a moment."""
    metric = METRICS.get(told.metric)
    if metric is None:
        return
    family = families.get(metric.name)
    if family is None:
        family = families[metric.name] = _family(metric, process is not None)
    for labels, value in told.values:
        whole = labels if process is None else (process, *labels)
        with contextlib.suppress(ValueError, IndexError):
            _put(family, metric, list(whole), value)


def _family(metric: Metric, by_process: bool) -> Family:
    labels = ("process", *metric.labels) if by_process else metric.labels
    if metric.kind == "counter":
        return CounterMetricFamily(metric.name.removesuffix("_total"), metric.meaning, labels=labels)
    if metric.kind == "gauge":
        return GaugeMetricFamily(metric.name, metric.meaning, labels=labels)
    return HistogramMetricFamily(metric.name, metric.meaning, labels=labels)


def _put(family: Family, metric: Metric, labels: list[str], value: list[float]) -> None:
    if isinstance(family, HistogramMetricFamily):
        bounds = [*(str(each) for each in metric.bounds), "+Inf"]
        below = list(accumulate(value[:-1]))
        family.add_metric(labels, list(zip(bounds, below, strict=True)), value[-1])
    elif isinstance(family, CounterMetricFamily | GaugeMetricFamily):
        family.add_metric(labels, value[0])
