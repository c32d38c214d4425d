"""Checks of single components: cheap, beside the canaries, so that a fault is seen before it is felt.

Each says *works*, *degraded* (it serves, and not for long or not well), *fails*, or *unknown*, with the step
that showed it. A trial is named by its component, as in the dependency map.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from holdfast.model.errors import ComponentId, Refused, Unavailable
from holdfast.model.findings import Finding, State
from holdfast.model.limits import (
    CHECK_S,
    CLOCK_APART_S,
    COPY_STALE_S,
    DISK_FREE_BYTES,
    DISK_FREE_LEAST_BYTES,
    DISK_SYNC_S,
    LOOP_LAG_S,
    MIB,
    QUEUE_AGE_S,
    QUEUE_GROWTH,
    UNMERGED_BYTES,
)
from holdfast.watch.canaries.visiting import Web
from holdfast.watch.canaries.words import Site
from holdfast.watch.clients import Target
from holdfast.watch.collecting import Source, collect
from holdfast.watch.talking import talking
from holdfast.world import World
from holdfast.world.dns import Resolver

_FILE = ".holdfast-check"
_FILE_BYTES = 4096


class Said(NamedTuple):
    """``step``, ``text``: '' where all is well."""

    state: State = "works"
    step: str = ""
    text: str = ""


WELL = Said()


class Ending(NamedTuple):
    """A certificate in its file. ``soon``: of the days that are warned of, 0 for none; ``ends_at`` None: it
    can't be read."""

    component: ComponentId
    path: str
    ends_at: float | None
    soon: int
    self_signed: bool


class Places(NamedTuple):
    """What there is to be checked. ``damaged``: what a sample of a ledger's frames shows, '' for nothing; it
    blocks. ``served``: a door in TLS, to be met with a certificate that a stranger believes."""

    disks: Mapping[ComponentId, str]
    ledgers: Mapping[ComponentId, Callable[[], str]]
    processes: Callable[[], Awaitable[Sequence[Source]]]
    endings: Callable[[], Sequence[Ending]]
    served: Target | None
    sites: Mapping[str, Site]
    resolver: Resolver
    names: Sequence[str]


# What is looked at together, and how often that is worth its cost (seconds).
PARTS: Mapping[str, float] = {
    "processes": 2.0,
    "disks": 5.0,
    "names": 15.0,
    "clock": 30.0,
    "ledgers": 30.0,
    "certificates": 60.0,
}


class Checks:
    """``look`` once, or again and again: what grows is seen by the second look."""

    def __init__(self, world: World, places: Places, vantage: str = "") -> None:
        self._world = world
        self._places = places
        self._vantage = vantage
        self._waiting: float | None = None  # messages in the queue at the last look

    async def look(self, *parts: str) -> list[Finding]:
        """Those of PARTS, or all; all at once, each component by itself (CANARY-6). Raises nothing."""
        places = self._places
        looks: dict[str, Callable[[], Awaitable[list[Finding]]]] = {
            "processes": self._processes,
            "disks": lambda: self._each(
                {name: self._world.offload(self._disk, folder) for name, folder in places.disks.items()}
            ),
            "names": lambda: self._each({"dns": self._names()} if places.names else {}),
            "clock": lambda: self._each({"machine": self._clock()}),
            "ledgers": lambda: self._each(
                {name: self._world.offload(_sample, look) for name, look in places.ledgers.items()}
            ),
            "certificates": self._certificates,
        }
        found = await asyncio.gather(*(looks[part]() for part in parts or PARTS))
        return [finding for each in found for finding in each]

    async def _each(self, work: Mapping[ComponentId, Awaitable[Said]]) -> list[Finding]:
        found = await asyncio.gather(*(self._one(name, each) for name, each in work.items()))
        return [finding for each in found for finding in each]

    async def _one(self, component: ComponentId, work: Awaitable[Said]) -> list[Finding]:
        began = self._world.clock.monotonic()
        try:
            async with asyncio.timeout(CHECK_S):
                said = await work
        except TimeoutError:
            said = Said("fails", "answer", f"nothing within {CHECK_S:g} s")
        except Exception as error:
            said = Said("unknown", "answer", f"the check itself failed: {error!r}")
        return [self._finding(component, said, self._world.clock.monotonic() - began)]

    def _finding(self, component: ComponentId, said: Said, took_s: float = 0.0) -> Finding:
        now = self._world.clock.now()
        return Finding(component, "", said.state, said.step, said.text, now, took_s, vantage=self._vantage)

    # disks

    def _disk(self, folder: str) -> Said:
        """Blocks. A small file is written, synced, read and removed."""
        disk, clock = self._world.disk, self._world.clock
        path, data = f"{folder}/{_FILE}", self._world.entropy.bytes(_FILE_BYTES)
        step = "room"
        try:
            free = disk.free_bytes(folder)
            step, began = "sync", clock.monotonic()
            file = disk.open(path, create=True)
            try:
                file.pwrite(0, data)
                file.sync()
                took = clock.monotonic() - began
                step = "read-back"
                whole = file.read_at(0, _FILE_BYTES) == data
            finally:
                file.close()
                disk.remove(path)
        except OSError as error:
            return Said("fails", step, f"{folder}: {error.strerror or error}")
        if not whole:
            return Said("fails", step, f"{folder}: other bytes come back than were written")
        if free < DISK_FREE_BYTES:
            state: State = "fails" if free < DISK_FREE_LEAST_BYTES else "degraded"
            return Said(state, "room", f"{folder}: {free // MIB} MiB free")
        if took > DISK_SYNC_S:
            return Said("degraded", "sync", f"{folder}: {took:.1f} s for a small file")
        return WELL

    # processes, and what they tell of themselves

    async def _processes(self) -> list[Finding]:
        try:
            async with asyncio.timeout(CHECK_S):
                sources = await self._places.processes()
        except (Unavailable, TimeoutError) as error:
            text = str(error) or "no answer in time"
            return [self._finding("supervisor", Said("fails", "answer", text))]
        each = await asyncio.gather(*(self._process(source) for source in sources))
        return [self._finding("supervisor", WELL), *(finding for found in each for finding in found)]

    async def _process(self, source: Source) -> list[Finding]:
        began = self._world.clock.monotonic()
        told = (await collect(self._world, [source])).told[source.process]
        took = self._world.clock.monotonic() - began
        component = f"metrics/{source.process}"
        if told is None:
            return [self._finding(component, Said("fails", "answer", "it doesn't answer"), took)]
        lag = Said("degraded", "lag", f"it answered after {took:.2f} s") if took > LOOP_LAG_S else WELL
        found = [self._finding(component, lag, took)]
        values = {each.metric: each.values for each in told}
        for _, [seconds] in values.get("holdfast_people_copy_stale_seconds", ()):
            stale = Said("degraded", "age", f"{seconds:.0f} s behind, or without its writer")
            found.append(self._finding(f"copy/{source.process}", stale if seconds > COPY_STALE_S else WELL))
        for labels, [size] in values.get("holdfast_intake_unmerged_bytes", ()):
            behind = Said("degraded", "shown", f"{size / MIB:.0f} MiB accepted and not shown yet")
            found.append(self._finding(f"ledger/{labels[0]}", behind if size > UNMERGED_BYTES else WELL))
        if "holdfast_queue_messages" in values:
            numbers = {name: each[0][1][0] for name, each in values.items() if "_queue_" in name and each}
            found.append(self._finding("ledger/queue", self._queue(numbers)))
        return found

    def _queue(self, numbers: Mapping[str, float]) -> Said:
        waiting, before = numbers["holdfast_queue_messages"], self._waiting
        self._waiting = waiting
        age = numbers.get("holdfast_queue_oldest_age_seconds", 0.0)
        if before is not None and waiting - before > QUEUE_GROWTH:
            return Said("degraded", "growth", f"{waiting:.0f} messages wait, {waiting - before:.0f} more")
        if age > QUEUE_AGE_S:
            return Said("degraded", "age", f"the oldest of {waiting:.0f} waits for {age / 3600:.1f} h")
        return WELL

    # certificates

    async def _certificates(self) -> list[Finding]:
        """Each by its file; the machine's own also as a door serves it."""
        served, found = self._places.served, list[Finding]()
        for each in await self._world.offload(self._places.endings):
            said = self._ending(each)
            if said == WELL and served is not None and each.component == f"certificate/{served.host}":
                found += await self._one(each.component, self._chain(each, served))
            else:
                found.append(self._finding(each.component, said))
        return found

    def _ending(self, each: Ending) -> Said:
        if each.ends_at is None:
            return Said("fails", "end", f"{each.path}: none that can be read")
        days = (each.ends_at - self._world.clock.now()) / 86_400
        if days <= 0:
            return Said("fails", "end", f"{each.path}: it has ended")
        return Said("degraded", "end", f"{each.path}: it ends in {days:.1f} days") if each.soon else WELL

    async def _chain(self, own: Ending, door: Target) -> Said:
        """As a stranger meets it. One that nobody vouches for is compared with its file alone."""
        trust = own.path if own.self_signed else None
        try:
            context = ssl.create_default_context(cafile=trust)
            async with talking(self._world, door.address, context, door.host) as talk:
                served = talk.certificate()
            kept = x509.load_pem_x509_certificate(self._world.disk.read(own.path))
        except ssl.SSLError as error:
            return Said("fails", "chain", f"{door.door}: {getattr(error, 'verify_message', '') or error}")
        except OSError as error:
            return Said("unknown", "chain", f"{door.door}: {error}")
        if served != kept.public_bytes(Encoding.DER):
            return Said("degraded", "chain", f"{door.door} serves another than {own.path} has")
        return WELL

    # names and clocks

    async def _names(self) -> Said:
        for name in self._places.names:
            try:
                found = await self._places.resolver.addresses(name)
            except (Unavailable, Refused) as error:
                return Said("fails", "own names", f"{name}: {error}")
            if not found:
                return Said("fails", "own names", f"{name} has no address")
        return WELL

    async def _clock(self) -> Said:
        """Against the Date of answers. Nobody to compare with is unknown."""
        said = Said("unknown", "clock", "no page answers, to compare with")
        for role, site in self._places.sites.items():
            web = Web(self._world, site)
            try:
                date = (await web.ask("GET", "/healthz/live")).headers["date"]
                apart = parsedate_to_datetime(date).timestamp() - self._world.clock.now()
            except (Unavailable, Refused, KeyError, ValueError):
                continue
            finally:
                await web.close()
            if abs(apart) > CLOCK_APART_S:
                return Said("degraded", "clock", f"{role} is {apart:+.0f} s apart from this clock")
            said = WELL
        return said


def _sample(look: Callable[[], str]) -> Said:
    text = look()
    return Said("fails", "frames", text) if text else WELL
