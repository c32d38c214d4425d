"""Checks of single components: cheap, beside the canaries, so that a fault is seen before it is felt.

Each says *works*, *degraded* (it serves, and not for long or not well), *fails*, or *unknown*, with the step
that showed it. A trial is named by its component, as in the dependency map.
"""

from __future__ import annotations

import asyncio
import math
import ssl
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from holdfast.model.errors import ComponentId, Refused, Unavailable
from holdfast.model.findings import Finding, State
from holdfast.model.limits import (
    CHECK_S,
    CLOCK_APART_S,
    DISK_FREE_BYTES,
    DISK_FREE_LEAST_BYTES,
    DISK_FULL_S,
    DISK_SAMPLE_S,
    DISK_SAMPLES,
    DISK_SYNC_S,
    DISK_TREND_S,
    FILES_S,
    LOCK_HELD_S,
    MAKING_S,
    MIB,
)
from holdfast.watch import processes, speeds
from holdfast.watch.canaries.visiting import Web
from holdfast.watch.canaries.words import Site
from holdfast.watch.checking import WELL, Said
from holdfast.watch.clients import Target
from holdfast.watch.collecting import ANSWER_S
from holdfast.watch.processes import FramesLook, Processes, QueueLook
from holdfast.watch.scores import full_in_s
from holdfast.watch.signals import function_of
from holdfast.watch.speeds import Speeds
from holdfast.watch.talking import talking
from holdfast.watch.ways import Way
from holdfast.world import World
from holdfast.world.dns import Resolver
from holdfast.world.link import ping

_FILE = ".holdfast-check"
_FILE_BYTES = 4096
_MAKES = "store-"  # every index, as soon as it begins
GONE = "it isn't there any more"
_GRAVE = {"degraded": 1, "fails": 2}


class Ending(NamedTuple):
    """A certificate in its file. ``soon``: of the days that are warned of, 0 for none; ``ends_at`` None: it
    can't be read."""

    component: ComponentId
    path: str
    ends_at: float | None
    soon: int
    self_signed: bool


class Places(NamedTuple):
    """What there is to be checked.

    ``ledgers``, ``files``: what a look at a ledger's frames, of some packs first, or at a file, shows, '' for
    nothing and None for no such file. ``writers``: which process holds the lock that writing to a database
    takes; ``missing``: which database is gone that is always there. All of these block. ``sockets``: where a
    role answers the others. ``served``: a door in TLS, to be met with a certificate that a stranger believes.
    ``outside``: a name that the resolver is asked for, '' for none; ``names``: our own. ``ways``: to
    partners.
    """

    disks: Mapping[ComponentId, str]
    ledgers: Mapping[ComponentId, Callable[[Collection[int]], str]]
    files: Mapping[ComponentId, Callable[[], str | None]]
    writers: Callable[[], Mapping[ComponentId, int]]
    missing: Callable[[], Sequence[ComponentId]]
    processes: Processes
    sockets: Mapping[ComponentId, str]
    endings: Callable[[], Sequence[Ending]]
    served: Target | None
    sites: Mapping[str, Site]
    resolver: Resolver
    outside: str
    names: Sequence[str]
    ways: Mapping[ComponentId, Way]


# What is looked at together, and how often that is worth its cost (seconds).
PARTS: Mapping[str, float] = {
    "processes": 2.0,
    "sockets": 2.0,
    "disks": 2.0,
    "files": 5.0,
    "databases": 2.0,
    "missing": 2.0,
    "ways": 10.0,
    "names": 15.0,
    "clock": 30.0,
    "speeds": 10.0,
    "ledgers": 30.0,
    "certificates": 60.0,
}
_SAME = {"missing": "files"}  # by whom what it says is said: they look at the same


class Checks:
    """``look`` once, or again and again: what grows is seen by the second look."""

    def __init__(self, world: World, places: Places, vantage: str = "") -> None:
        self._world = world
        self._places = places
        self._vantage = vantage
        self._queue = QueueLook()
        self._frames = FramesLook()
        self._file_at: dict[ComponentId, float] = {}  # when each was last looked at
        self._files_seen: set[ComponentId] = set()
        self._damaged: set[ComponentId] = set()
        self._locked: set[ComponentId] = set()
        self._ill: dict[ComponentId, dict[str, int]] = {}  # which parts say so of what, and how grave it is
        self._speeds = Speeds()
        self._free: dict[str, deque[tuple[float, float]]] = {}  # of each folder, with the time

    async def look(self, *parts: str) -> list[Finding]:
        """Those of PARTS, or all; all at once, each component by itself (CANARY-6). Raises nothing."""
        places, offload = self._places, self._world.offload
        looks: dict[str, Callable[[], Awaitable[list[Finding]]]] = {
            "processes": self._running,
            "sockets": lambda: self._each({name: self._ping(path) for name, path in places.sockets.items()}),
            "disks": lambda: self._each(
                {name: offload(self._disk, folder) for name, folder in places.disks.items()}
            ),
            "files": lambda: self._files(FILES_S if parts else math.inf),
            "databases": self._locks,
            "missing": self._missing,
            "ways": lambda: self._each({name: way() for name, way in places.ways.items()}),
            "names": lambda: self._each(self._names()),
            "clock": lambda: self._each({"machine": self._clock()}),
            "speeds": self._speed,
            "ledgers": lambda: self._each(
                {
                    name: offload(_frames, look, self._frames.packs.pop(name, ()))
                    for name, look in places.ledgers.items()
                }
            ),
            "certificates": self._certificates,
        }
        chosen = parts or tuple(PARTS)
        found = await asyncio.gather(*(looks[part]() for part in chosen))
        return [
            one
            for part, each in zip(chosen, found, strict=True)
            for one in self._spoken(_SAME.get(part, part), each)
        ]

    def suspect(self, components: Iterable[ComponentId]) -> None:
        """Somebody finds fault with them: where they are files, they are looked at next."""
        self._damaged.update(self._places.files.keys() & set(components))

    def _spoken(self, part: str, found: Iterable[Finding]) -> Iterator[Finding]:
        """CANARY-8: what one part finds ill no other calls well, or ill by less: it hasn't looked at that. Of
        those that find the same the first goes on saying so, while it does."""
        for each in found:
            grave, ill = _GRAVE.get(each.state, 0), self._ill.setdefault(each.trial, {})
            if grave:
                ill[part] = grave
            elif each.state == "works":
                ill.pop(part, None)
            gravest = max((known for by, known in ill.items() if by != part), default=0)
            if grave > gravest or not gravest or (grave == gravest and part == next(iter(ill))):
                yield each

    def _names(self) -> dict[ComponentId, Awaitable[Said]]:
        outside = self._places.outside
        found: dict[ComponentId, Awaitable[Said]] = {"dns": self._resolver(outside)} if outside else {}
        return found | {f"name/{name}": self._name(name) for name in self._places.names}

    async def _each(self, work: Mapping[ComponentId, Awaitable[Said]]) -> list[Finding]:
        found = await asyncio.gather(*(self._one(name, each) for name, each in work.items()))
        return [finding for each in found for finding in each]

    async def _one(self, component: ComponentId, work: Awaitable[Said]) -> list[Finding]:
        began = self._world.clock.monotonic()
        try:
            async with asyncio.timeout(CHECK_S):
                said = await work
        except TimeoutError:
            said = Said(
                "unknown" if component in self._places.files else "fails",
                "answer",
                f"nothing within {CHECK_S:g} s",
            )
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
        return self._filling(folder, free)

    def _filling(self, folder: str, free: float) -> Said:
        """A warning long before: it isn't evidence that the disk is at fault now."""
        now, samples = (
            self._world.clock.monotonic(),
            self._free.setdefault(folder, deque(maxlen=DISK_SAMPLES)),
        )
        if not samples or now - samples[-1][0] >= DISK_SAMPLE_S:
            samples.append((now, free))
        left = full_in_s(list(samples))
        if left is None or left > DISK_FULL_S or samples[-1][0] - samples[0][0] < DISK_TREND_S:
            return WELL
        return Said("degraded", "filling", f"{folder}: full in {left / 3600:.1f} h, if it goes on like this")

    # processes, and what they tell of themselves

    async def _running(self) -> list[Finding]:
        running, now = await self._places.processes.look(), self._world.clock.now()
        status = running.status
        found = [
            self._finding("supervisor", Said("fails", "answer", running.why) if status is None else WELL)
        ]
        said: list[tuple[ComponentId, Said]] = [
            (f"process/{ran.process}", processes.of_process(ran, now))
            for ran in (status.processes if status is not None else ())
        ]
        for process, (told, took) in running.told.items():
            found.append(self._finding(f"metrics/{process}", processes.of_answer(told, took), took))
            said += processes.of_told(process, told or [])
            if (queue := self._queue(told or [])) is not None:
                said.append(("ledger/queue", queue))
        counts = {process: told for process, (told, _) in running.told.items()}
        said += self._frames(counts, self._world.clock.monotonic())
        gravest: dict[ComponentId, Said] = {}
        for component, each in sorted(said, key=lambda one: _GRAVE.get(one[1].state, 0)):
            gravest[component] = each
        return found + [self._finding(component, each) for component, each in gravest.items()]

    async def _speed(self) -> list[Finding]:
        """Of real traffic, beside its own last hours: only what is slow, or no longer so."""
        told = (await self._places.processes.counts()).told
        return [
            self._finding(f"{speeds.PREFIX}{process}", said)._replace(function=function_of(process))
            for process, said in self._speeds.findings(told).items()
        ]

    async def _ping(self, path: str) -> Said:
        try:
            await ping(self._world, path, ANSWER_S)
        except OSError as error:
            return Said("fails", "answer", str(error) or "no answer in time")
        return WELL

    # files, as many as there is time for, and those first that weren't well

    async def _files(self, seconds: float) -> list[Finding]:
        """One that was never there isn't needed yet, and isn't mentioned."""
        clock, found, unmade = self._world.clock, list[Finding](), await self._unmade()
        until = clock.monotonic() + seconds
        due = sorted(
            self._places.files, key=lambda name: (name not in self._damaged, self._file_at.get(name, 0.0))
        )
        for place, name in enumerate(due):
            if place and clock.monotonic() >= until:
                break
            self._file_at[name] = clock.monotonic()
            [finding] = await self._one(name, self._world.offload(_whole, self._places.files[name]))
            if finding.state == "fails" and name in unmade:
                continue
            if finding.said != GONE or name in self._files_seen:
                self._files_seen.add(name)
                found.append(finding)
        self._damaged -= {each.trial for each in found}
        self._damaged |= {each.trial for each in found if each.state == "fails"}
        return found

    # databases, all at once: what costs next to nothing to see

    async def _missing(self) -> list[Finding]:
        gone = set(await self._world.offload(self._places.missing)) - set(await self._unmade())
        self._damaged.update(gone)  # so that they are the next that are looked at
        return await self._files(FILES_S) if gone else []

    async def _unmade(self) -> Sequence[ComponentId]:
        """Of databases that are always there those that aren't yet: who makes them has only just begun."""
        status, now = (await self._places.processes.look()).status, self._world.clock.now()
        begins = status is not None and any(
            ran.process.startswith(_MAKES) and (not ran.ready or now - ran.since < MAKING_S)
            for ran in status.processes
        )
        return await self._world.offload(self._places.missing) if begins else ()

    async def _locks(self) -> list[Finding]:
        """Only of databases that somebody else than the service writes to, and keeps from writing, or has of
        late: whether one that we write to ourselves is well is for others to say."""
        held = await self._strangers()
        if held:
            await self._world.clock.sleep(LOCK_HELD_S)
            held = dict(held.items() & (await self._strangers()).items())
        free, self._locked = self._locked - held.keys(), set(held)
        text = "process {}, which isn't one of ours, holds its lock: nobody else can write to it"
        locked = [self._finding(each, Said("fails", "lock", text.format(pid))) for each, pid in held.items()]
        return locked + [self._finding(each, WELL) for each in sorted(free)]

    async def _strangers(self) -> dict[ComponentId, int]:
        """Who of them writes to which database."""
        status = (await self._places.processes.look()).status
        if status is None:  # then nobody knows who is one of us
            return {}
        ours = {ran.pid for ran in status.processes}
        held = await self._world.offload(self._places.writers)
        return {component: pid for component, pid in held.items() if pid not in ours}

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

    async def _resolver(self, name: str) -> Said:
        """That there is no such name is an answer, too."""
        try:
            await self._places.resolver.addresses(name)
        except Unavailable as error:
            return Said("fails", "answer", error.text)
        except Refused:
            pass
        return WELL

    async def _name(self, name: str) -> Said:
        """Nobody who can be asked is no news of the name."""
        try:
            await self._places.resolver.addresses(name)
        except Unavailable as error:
            return Said("unknown", "address", error.text)
        except Refused as refused:
            return Said("fails", "address", refused.text)
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


def _frames(look: Callable[[Collection[int]], str], packs: Collection[int]) -> Said:
    text = look(packs)
    return Said("fails", "frames", text) if text else WELL


def _whole(look: Callable[[], str | None]) -> Said:
    text = look()
    if text is None:
        return Said("unknown", "whole", GONE)
    return Said("fails", "whole", text) if text else WELL
