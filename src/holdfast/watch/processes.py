"""What the supervisor knows of the processes, what each of them tells, and what is to be made of it.

A process that runs and answers may be at fault all the same; so these checks prove nothing by going well.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from holdfast.model.errors import ComponentId, Unavailable
from holdfast.model.findings import State
from holdfast.model.limits import (
    BULK_LEAST,
    BULK_SHARE,
    COPY_STALE_S,
    CRASH_AGAIN_S,
    CRASH_LOOP,
    CRASH_LOOP_S,
    CRASH_OUTLIVED_S,
    FRAME_COPY_S,
    LOOP_LAG_S,
    LOOP_SILENT_S,
    MIB,
    PEOPLE_LEFT_LEAST,
    PEOPLE_LEFT_SHARE,
    PUT_OFF_FEW,
    PUT_OFF_S,
    QUEUE_AGE_S,
    QUEUE_GROWTH,
    READY_LATE_S,
    RUNNING_FRESH_S,
    SIGN_IN_WAIT_S,
    SIGNALS_S,
    SILENT_ANSWER_S,
    THREAD_STUCK_S,
    UNMERGED_BYTES,
)
from holdfast.watch.checking import WELL, Said
from holdfast.watch.collecting import Collected, Source, timed
from holdfast.watch.counting import Labels, Told
from holdfast.watch.words import BUSY
from holdfast.world import World
from holdfast.world.threads import OFFLOADED


class Ended(msgspec.Struct, frozen=True):
    """Unasked. ``at``: UTC; ``how``: its exit status, negative for a signal; ``where``: it stood, or ''."""

    at: float
    how: int
    lived_s: float = 0.0
    where: str = ""

    @property
    def text(self) -> str:
        """``ended by signal 9 (SIGKILL)``; with where it stood."""
        if self.how < 0:
            known = -self.how in signal.valid_signals()
            name = f" ({signal.Signals(-self.how).name})" if known else ""
            said = f"ended by signal {-self.how}{name}"
        else:
            said = f"ended with status {self.how}"
        return f"{said} at {self.where}" if self.where else said


class Ran(msgspec.Struct, frozen=True):
    """``pid``: None while it doesn't run, and it is started again in ``again_in_s``. ``silent_s``: how long
    its loop has stood still. ``ends``: how many nobody asked for, lately. ``ending``: it was asked to.
    ``lacking``: how many descriptors it may have, where all are in use, else 0. ``out``: it was taken out of
    service."""

    process: str
    pid: int | None
    ready: bool
    since: float
    again_in_s: float | None = None
    silent_s: float | None = None
    ends: int = 0
    ended: Ended | None = None
    ending: bool = False
    lacking: int = 0
    out: bool = False


class Status(msgspec.Struct, frozen=True):
    """Of the supervisor. ``since``: UTC, when it began.

    ``configuration``: a digest of the one in force; where that was read again, at ``configured_at``.
    """

    version: str
    since: float
    processes: tuple[Ran, ...]
    configuration: str = ""
    configured_at: float = 0.0


class Running(NamedTuple):
    """``status``: None, and ``why``, where the supervisor doesn't answer. ``told``: what each process counts,
    None where it doesn't answer, and how long that took (seconds)."""

    status: Status | None
    why: str
    told: Mapping[str, tuple[list[Told] | None, float]]


class Processes:
    """Asks the supervisor and all processes, at most every RUNNING_FRESH_S: whoever looks shares it. One that
    was silent is waited for less the next time: what the others tell is wanted just then.

    ``supervisor`` raises ``Unavailable``; ``source``: where a process tells; ``ever``: those that have ever
    told, for while the supervisor is gone.
    """

    def __init__(
        self,
        world: World,
        supervisor: Callable[[], Awaitable[Status]],
        source: Callable[[str], Source],
        ever: Callable[[], Sequence[str]],
    ) -> None:
        self._world = world
        self._supervisor = supervisor
        self._source = source
        self._ever = ever
        self._asking: asyncio.Task[Running] | None = None
        self._asked_at = float("-inf")
        self._silent: set[str] = set()

    async def look(self) -> Running:
        """Raises nothing."""
        now = self._world.clock.monotonic()
        if self._asking is None or (self._asking.done() and now - self._asked_at > RUNNING_FRESH_S):
            self._asked_at = now
            self._asking = asyncio.get_running_loop().create_task(self._ask())
        return await asyncio.shield(self._asking)

    async def counts(self) -> Collected:
        """What all tell, for ``signals``."""
        return Collected({process: told for process, (told, _) in (await self.look()).told.items()})

    async def _ask(self) -> Running:
        status, why = None, ""
        try:
            status = await self._supervisor()
            names: Sequence[str] = [each.process for each in status.processes if not each.out]
        except Unavailable as error:
            why, names = str(error), self._ever()
        found = await timed(self._world, [self._patiently(self._source(each)) for each in names])
        self._silent = {process for process, (told, _) in found.items() if told is None}
        return Running(status, why, found)

    def _patiently(self, source: Source) -> Source:
        return source._replace(patience_s=SILENT_ANSWER_S) if source.process in self._silent else source


def of_process(ran: Ran, now: float) -> Said:
    """``process/…``, the steps ``runs`` and ``descriptors``: one that has none left takes nobody."""
    if ran.out:
        return Said("unknown", "runs", "it is out of service")
    lately = ran.ended is not None and now - ran.ended.at <= CRASH_LOOP_S
    how = f"{ran.ended.text}, {ran.ends} times within 5 minutes" if ran.ended is not None and lately else ""
    again = lately and _comes_again(ran) and not _lasts(ran, now)
    if ran.pid is None and (again or ran.again_in_s != 0):
        return Said("fails", "runs", f"it doesn't run; {how or 'nobody knows why'}")
    if again:
        return Said("degraded", "runs", how)
    if ran.pid is None or ran.ending:
        return Said("unknown", "runs", "it is started anew")
    if ran.silent_s is not None and ran.silent_s > LOOP_SILENT_S:
        return Said("fails", "runs", f"its loop has stood still for {ran.silent_s:.0f} s")
    if not ran.ready:
        if now - ran.since > READY_LATE_S:
            return Said("fails", "runs", f"not ready {now - ran.since:.0f} s after its start")
        return Said("unknown", "runs", "it is only starting")
    if ran.lacking:
        return Said("fails", "descriptors", f"of all {ran.lacking} that it may have hardly one is free")
    return WELL


def _comes_again(ran: Ran) -> bool:
    """Whether it ends again and again."""
    soon = ran.ends >= 2 and ran.ended is not None and ran.ended.lived_s < CRASH_AGAIN_S
    return soon or ran.ends >= CRASH_LOOP


def _lasts(ran: Ran, now: float) -> bool:
    """Whether it has long outlived its last life: what ended it is over."""
    lived_s = ran.ended.lived_s if ran.ended is not None else 0.0
    return ran.pid is not None and ran.ready and now - ran.since > CRASH_OUTLIVED_S + 3 * lived_s


def of_answer(told: list[Told] | None, took_s: float) -> Said:
    """``metrics/…``."""
    if told is None:
        return Said("fails", "answer", "it doesn't answer")
    if took_s > LOOP_LAG_S:
        return Said("degraded", "lag", f"it answered after {took_s:.2f} s")
    return WELL


def of_told(process: str, told: list[Told]) -> Iterator[tuple[str, Said]]:
    """(component, what is to be said of it) from what a process counts, but for the queue's."""
    values = {each.metric: each.values for each in told}
    yield from _of_threads(process, values.get(BUSY, ()))
    yield from _of_people(process, values)
    for labels, [size] in values.get("holdfast_intake_unmerged_bytes", ()):
        behind = Said("degraded", "shown", f"{size / MIB:.0f} MiB accepted and not shown yet")
        yield f"ledger/{labels[0]}", behind if size > UNMERGED_BYTES else WELL
    for _, [seconds] in values.get("holdfast_auth_wait_seconds", ()):
        put_off = {labels[0]: number for labels, [number] in values.get("holdfast_auth_put_off", ())}
        yield "load/sign-in", _of_sign_ins(seconds, put_off)


def _of_sign_ins(wait_s: float, put_off: Mapping[str, float]) -> Said:
    """``load/sign-in``: whether more passwords are to be checked than can be."""
    if wait_s > SIGN_IN_WAIT_S or put_off.get("full", 0) > PUT_OFF_FEW:
        return Said("fails", "wait", f"a password check waits for {wait_s:.0f} s, or is put off")
    if (shed := put_off.get("shed", 0)) > PUT_OFF_FEW:
        return Said("degraded", "put off", f"{shed / PUT_OFF_S:.0f} sign-ins a second and more are put off")
    return WELL


def _of_threads(process: str, busy: Sequence[tuple[Labels, list[float]]]) -> Iterator[tuple[str, Said]]:
    """What a process whose loop runs and that answers may stand still in all the same: its threads."""
    for [name], [seconds] in busy:
        stuck = seconds > THREAD_STUCK_S
        if name == OFFLOADED and stuck:
            text = f"for {seconds:.0f} s none of its threads has become free"
            yield f"process/{process}", Said("fails", "threads", text)
        elif name.startswith(_COMMITS):
            text = f"{process} has been at one commit for {seconds:.0f} s"
            ledger = name.rpartition("/")[2]
            yield f"ledger/{ledger}", Said("fails", "commit", text) if stuck else WELL


_COMMITS = "packs "  # threads of ledgers, as ``packs.writer`` calls them


def _of_people(
    process: str, values: Mapping[str, Sequence[tuple[Labels, list[float]]]]
) -> Iterator[tuple[str, Said]]:
    """Its copy of the people, and what all copies were told: many who are gone at once may be an error."""
    told = {
        metric: numbers[0] for metric, each in values.items() if "_people_" in metric for _, numbers in each
    }
    if (seconds := told.get("holdfast_people_copy_stale_seconds")) is None:
        return
    active, left, missing = (
        told.get(f"holdfast_people_{which}_accounts", 0.0) for which in ("active", "left", "missing")
    )
    copy = WELL
    if missing:
        copy = Said(
            "fails", "size", f"{missing:.0f} of {active:.0f} accounts that it was told of aren't in it"
        )
    elif seconds > COPY_STALE_S:
        copy = Said("degraded", "age", f"{seconds:.0f} s behind, or without its writer")
    yield f"copy/{process}", copy
    yield "ledger/people", _of_leaving(active, left)


def _of_leaving(active: float, left: float) -> Said:
    """So many that the copies don't believe it (PEOPLE-4), or that somebody should know."""
    share = left / max(active + left, 1.0)
    text = f"{left:.0f} of {active + left:.0f} accounts were disabled or removed within an hour, unannounced"
    if left >= BULK_LEAST and share > 1 - BULK_SHARE:
        return Said("fails", "size", f"{text}; that they are gone isn't believed")
    if left >= PEOPLE_LEFT_LEAST and share >= PEOPLE_LEFT_SHARE:
        return Said("degraded", "size", text)
    return WELL


class FramesLook:
    """What readers meet in ledgers: frames that nobody has whole, and such as only a copy has.

    Each place is met once by each process, so what was met is said for a while: as long as it proves how
    things are, or long enough for somebody to read it. ``packs``: in which of a ledger's damage was met, for
    whoever looks at them next.
    """

    _METRICS: Mapping[str, tuple[float, State, str, str]] = {
        "holdfast_frames_repaired_total": (
            FRAME_COPY_S,
            "degraded",
            "copy",
            "{} read {:.0f} from a copy alone",
        ),
        "holdfast_frames_bad_total": (SIGNALS_S, "fails", "frames", "{} met {:.0f} that no copy has whole"),
    }

    def __init__(self) -> None:
        self.packs: dict[ComponentId, set[int]] = {}
        self._counted: dict[tuple[str, str, Labels], float] = {}
        self._asked: set[str] = set()  # of those it is known where counting stood
        self._met: dict[tuple[ComponentId, str], tuple[float, Said]] = {}  # until when it is said

    def __call__(
        self, told: Mapping[str, list[Told] | None], now: float
    ) -> Iterator[tuple[ComponentId, Said]]:
        """``now``: seconds of any clock. What is no longer said is well, once."""
        for process, each in told.items():
            if each is not None:
                self._note(process, each, now)
        over = {component for (component, _), (until, _) in self._met.items() if until <= now}
        self._met = {place: met for place, met in self._met.items() if met[0] > now}
        for (component, _), (_, said) in self._met.items():
            yield component, said
        for component in over - {component for component, _ in self._met}:
            yield component, WELL

    def _note(self, process: str, told: list[Told], now: float) -> None:
        for each in told:
            for labels, [count] in each.values if each.metric in self._METRICS else ():
                at = (process, each.metric, labels)
                before = self._counted.get(at, 0.0 if process in self._asked else count)
                self._counted[at] = count
                if more := count - (before if count >= before else 0.0):  # one that began anew counts from 0
                    lasts_s, state, step, text = self._METRICS[each.metric]
                    said = Said(state, step, text.format(process, more))
                    ledger, pack = f"ledger/{labels[0].rpartition('/')[2]}", int(labels[1])
                    self._met[ledger, step] = now + lasts_s, said
                    self.packs.setdefault(ledger, set()).add(pack)
        self._asked.add(process)


class QueueLook:
    """What is to be said of the queue: how it has grown since the look before."""

    def __init__(self) -> None:
        self._waiting: float | None = None

    def __call__(self, told: list[Told]) -> Said | None:
        """None where that process has none."""
        numbers = {
            each.metric: each.values[0][1][0] for each in told if "_queue_" in each.metric and each.values
        }
        if "holdfast_queue_messages" not in numbers:
            return None
        waiting, before = numbers["holdfast_queue_messages"], self._waiting
        self._waiting = waiting
        age = numbers.get("holdfast_queue_oldest_age_seconds", 0.0)
        if before is not None and waiting - before > QUEUE_GROWTH:
            return Said("degraded", "growth", f"{waiting:.0f} messages wait, {waiting - before:.0f} more")
        if age > QUEUE_AGE_S:
            return Said("degraded", "age", f"the oldest of {waiting:.0f} waits for {age / 3600:.1f} h")
        return WELL
