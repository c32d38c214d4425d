"""The role watch: what it tries, how often, and where it writes. It needs no other process (WATCH-9)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection, Coroutine, Iterator, Sequence
from functools import partial

from holdfast.directory.writer import PeopleClient
from holdfast.model.errors import Refused, Unavailable
from holdfast.model.findings import BAD, Finding, Signal
from holdfast.model.limits import (
    CANARY_HASTY_S,
    CANARY_MAKE_S,
    CANARY_RETURNS_KNOWN,
    CANARY_S,
    DOOR_SILENT_S,
    SIGNALS_LOOK_S,
    SURE_S,
    VANTAGE_EVERY_S,
    WATCH_OPEN_S,
)
from holdfast.run import canaries, components, layout, mapping, parts
from holdfast.run.asking_vantages import Vantages
from holdfast.run.child import Start
from holdfast.run.config import Config
from holdfast.run.events import CANARIES_MADE, CANARIES_MISSING, WATCH_DOOR_SHUT
from holdfast.run.health import targets
from holdfast.run.remedying import Remedies
from holdfast.run.witness import Witness
from holdfast.watch.canaries.returns import Returns
from holdfast.watch.canaries.running import CANARIES, OUTSIDE
from holdfast.watch.canaries.words import COURSES, Account
from holdfast.watch.clients import Target
from holdfast.watch.components import PARTS, Checks
from holdfast.watch.depends import DependencyMap, Trial
from holdfast.watch.doors import finding_of, try_door
from holdfast.watch.incidents.door import IncidentDoor
from holdfast.watch.incidents.keeping import IncidentKeeper
from holdfast.watch.rota import Pace
from holdfast.watch.watching import Job, Met, Watching
from holdfast.world import World

_SIGNUP = "canary/signup"
_RARELY = 5.0  # what leaves more behind is used so many times less often
_RETRY_S = 5.0


async def run_watch(start: Start) -> None:
    world, config = start.world, start.config
    with contextlib.suppress(OSError):  # what can't be written there it says
        world.disk.make_folder(layout.watch_folder(config))
    keeper = IncidentKeeper(world, layout.watch_folder(config))
    watched = Watched(world, config)
    watching = Watching(
        world,
        keeper,
        layout.now_path(config),
        met=partial(_met, world, config, watched),
        remedy=Remedies(world, config).round,
    )
    watching.watch(*watched.all())
    writing = asyncio.ensure_future(keeper.run())
    with contextlib.suppress(TimeoutError):  # then it goes on in memory (INC-8)
        async with asyncio.timeout(WATCH_OPEN_S):
            await keeper.opened.wait()
    beside = [
        asyncio.ensure_future(each)
        for each in (_listen(world, config, keeper, watching), _make(watched, watching))
    ]
    try:
        await parts.until_stopped(start, watching.run())
    finally:
        for task in beside:
            task.cancel()
        await watched.vantages.close()
        await keeper.close()
        writing.cancel()
        await asyncio.gather(writing, *beside, return_exceptions=True)


async def _listen(world: World, config: Config, keeper: IncidentKeeper, watching: Watching) -> None:
    """Where others tell what they have, as soon as the disk has room for a socket."""
    path, told = layout.socket_path(config, "watch"), False
    while True:
        try:
            await world.net.listen(IncidentDoor(keeper, watching.look_at).session, path)
            return
        except OSError as error:
            if not told:
                world.journal.emit(WATCH_DOOR_SHUT, path=path, reason=str(error))
            told = True
            await world.clock.sleep(_RETRY_S)


def _met(world: World, config: Config, watched: Watched, known: DependencyMap) -> Met:
    witness = Witness(world, config, watched.processes, known)

    async def look() -> list[Signal]:
        found = await witness.look()
        watched.checks.suspect(component for each in found for component in each.meant)
        return found

    return Met(look, witness.outcomes, SIGNALS_LOOK_S, lambda: witness.changes, witness.uses)


async def _make(watched: Watched, watching: Watching) -> None:
    """Canaries' accounts where they are missing; from then on they are used."""
    if await watched.make_accounts():
        watching.watch(*watched.all())
        await watched.open_mailboxes()


# What there is to be tried


class Watched:
    """The map of this machine with what is tried of it, and how.

    ``processes``: what they are at, for all who look; ``checks``: of components, as they are now.
    """

    def __init__(self, world: World, config: Config) -> None:
        self._world = world
        self._config = config
        self.processes = components.running(world, config)
        self._host = config.service.hostname
        self.checks = self._new_checks()
        self._batches = Batches(world, config)
        self.vantages = Vantages(world, config)

    def all(self) -> tuple[DependencyMap, dict[str, Job]]:
        """What is in the map and never tried isn't among its trials: it would be unknown for ever."""
        accounts = self._accounts()
        known = self._map(accounts)
        jobs = {
            **self._checks(),
            **dict(self._doors(known, accounts)),
            **dict(self._canaries(known)),
            **dict(self._vantages(known)),
        }
        tried = {trial for job in jobs.values() for trial in job.trials}
        kept = [each for each in known.trials.values() if each.id in tried or _by_itself(each)]
        alone = DependencyMap(known.components.values(), known.needs, known.breaks, kept, known.reaches)
        return alone, jobs

    def _accounts(self) -> Sequence[Account]:
        return canaries.accounts(self._world, self._config) if self._config.watch.canaries else ()

    def _map(self, accounts: Sequence[Account]) -> DependencyMap:
        world, config = self._world, self._config
        folder = layout.domains_folder(config)

        def device(folder: str) -> object:
            found = world.disk.identity(folder)
            return None if found is None else found[0]

        return mapping.dependency_map(
            config,
            cells=sorted({each.cell for each in accounts if each.cell is not None}),
            canaries=canaries.cells_of(accounts),
            sessions=config.metrics.enabled,
            domains=world.disk.list(folder) if world.disk.exists(folder) else (),
            device=device,
        )

    # components

    def _new_checks(self) -> Checks:
        return Checks(self._world, components.places(self._world, self._config, self.processes), self._host)

    def _checks(self) -> dict[str, Job]:
        self.checks = self._new_checks()
        return {
            f"check/{part}": Job(Pace(every_s, 1.0, min(every_s, 5.0)), partial(self.checks.look, part))
            for part, every_s in PARTS.items()
        }

    # doors

    def _doors(self, known: DependencyMap, accounts: Sequence[Account]) -> Iterator[tuple[str, Job]]:
        every_s = self._config.watch.probe_s
        pace = Pace(every_s, min(0.5, every_s), every_s)
        account = (accounts[0].address, accounts[0].app) if accounts else None
        for role, doors in targets(self._config).items():
            for target in doors:
                trial = f"{role}/{target.door}"
                if trial in known.trials:
                    whom = account if role == "mx" else None
                    yield trial, self._door(known, trial, target._replace(account=whom), pace)
        yield from self._cells(known, accounts)

    def _cells(self, known: DependencyMap, accounts: Sequence[Account]) -> Iterator[tuple[str, Job]]:
        """Into each cell by one door: what the others need besides is tried without a cell."""
        mail = canaries.doors(self._config).mail
        target = mail.get("imap") or mail.get("pop3")
        every_s = self._config.watch.canary_s
        pace = Pace(every_s, 2.0, min(10.0, every_s), every_s, sure_s=SURE_S)  # many: never all at once
        for each in accounts:
            if target is None or each.cell is None:
                continue
            trial = f"{target.function}/{target.door}/cell-{each.cell:02d}"
            if trial in known.trials:
                mine = target._replace(account=(each.address, each.app))
                yield trial, self._door(known, trial, mine, pace, each.cell)

    def _door(
        self, known: DependencyMap, trial: str, target: Target, pace: Pace, cell: int | None = None
    ) -> Job:
        function = known.trials[trial].function

        async def run() -> list[Finding]:
            found = await try_door(self._world, target)
            return [finding_of(trial, function, each, at, cell, self._host) for each, at in found]

        return Job(pace, run, (trial,))

    # the same from elsewhere

    def _vantages(self, known: DependencyMap) -> Iterator[tuple[str, Job]]:
        pace = Pace(VANTAGE_EVERY_S, 0.5, VANTAGE_EVERY_S)
        for name, asker in self.vantages.askers(known):
            yield f"vantage/{name}", Job(pace, asker.look, asker.tries)

    # functions, as customers use them

    def _canaries(self, known: DependencyMap) -> Iterator[tuple[str, Job]]:
        every_s = self._config.watch.canary_s
        paces = {
            OUTSIDE: Pace(every_s / 2, min(3.0, every_s), min(6.0, every_s), hasty_s=CANARY_HASTY_S),
            _SIGNUP: Pace(every_s * _RARELY, min(5.0, every_s), min(10.0 * _RARELY, every_s), sure_s=SURE_S),
        }
        usual = Pace(every_s, min(5.0, every_s), min(10.0, every_s), sure_s=SURE_S)
        wanted: dict[str, list[str]] = {}
        for trial in CANARIES:
            if trial in known.trials and self._can(trial):
                name = trial if trial in paces else f"canary/{COURSES[trial].function}"
                wanted.setdefault(name, []).append(trial)
        for name, trials in wanted.items():
            run = partial(self._batches.run, tuple(trials))
            yield name, Job(paces.get(name, usual), run, tuple(trials))

    def _can(self, trial: str) -> bool:
        if trial == OUTSIDE:
            return bool(self._config.canary.outside)
        return trial != _SIGNUP or bool(canaries.joining(self._world, self._config).domain)

    async def make_accounts(self) -> bool:
        """Those that are missing, when people can be asked. True if there are others now than at first."""
        world, config = self._world, self._config
        told, missing = "", False
        while config.watch.canaries and not canaries.complete(world, config):
            missing = True
            client = PeopleClient(world, layout.socket_path(config, "people"))
            try:
                made = await canaries.set_up(world, config, client, anew=False)
                world.journal.emit(CANARIES_MADE, accounts=len(made))
            except (Refused, Unavailable, OSError) as error:
                if told != str(error):
                    world.journal.emit(CANARIES_MISSING, reason=str(error))
                told = str(error)
                await world.clock.sleep(CANARY_MAKE_S)
            finally:
                client.close()
        return missing

    async def open_mailboxes(self) -> None:
        """Of accounts that were just made, one by one: their first sign-in waits for the store to make them,
        and what is tried later must not."""
        accounts = self._accounts()
        for _, job in self._cells(self._map(accounts), accounts):
            await job.run()


def _by_itself(trial: Trial) -> bool:
    """Checks of components, and what comes without being tried."""
    return not trial.function or not trial.at_will


class Batches:
    """Canaries run one batch at a time (CANARY-5); whoever is due meanwhile is in the next one."""

    def __init__(self, world: World, config: Config) -> None:
        self._world = world
        self._config = config
        self._memory = canaries.Memory({}, Returns())
        self._turn = asyncio.Lock()
        self._coming: _Batch | None = None

    async def run(self, trials: Collection[str]) -> list[Finding]:
        """Raises ``Unavailable`` while somebody else runs canaries, ``Refused`` without accounts."""
        if OUTSIDE in trials:
            return list((await self._outside(trials)).values())
        if self._coming is None:
            self._coming = _Batch()
            self._coming.begin(self._run(self._coming))
        return await self._coming.found(trials)

    async def _outside(self, trials: Collection[str]) -> dict[str, Finding]:
        """Until it is known how long it takes, several times on end: from then on it is missed early."""
        for _ in range(CANARY_RETURNS_KNOWN):
            found = await self._go(trials)
            quick = found[OUTSIDE].state == "works" and found[OUTSIDE].took_s < CANARY_S
            if self._memory.returns.usual_s() is not None or not quick:
                break
        return found

    async def _run(self, batch: _Batch) -> dict[str, Finding]:
        async with self._turn:
            await self._world.clock.sleep(DOOR_SILENT_S)  # what is asked for at the same time comes along
            self._coming = None
            return await self._go(batch.trials, batch.hear)

    async def _go(
        self, trials: Collection[str], heard: Callable[[Finding], object] = lambda finding: None
    ) -> dict[str, Finding]:
        results = await canaries.run_trials(self._world, self._config, trials, self._memory, heard)
        return {each.finding.trial: each.finding for each in results}


class _Batch:
    """Trials that run together, and what each of them came to."""

    def __init__(self) -> None:
        self._heard: dict[str, asyncio.Future[Finding]] = {}

    @property
    def trials(self) -> Collection[str]:
        return self._heard.keys()

    def begin(self, work: Coroutine[None, None, dict[str, Finding]]) -> None:
        self._all = asyncio.ensure_future(work)

    def hear(self, finding: Finding) -> None:
        if not (heard := self._heard[finding.trial]).done():
            heard.set_result(finding)

    async def found(self, trials: Collection[str]) -> list[Finding]:
        """At the end, with what is said of the accounts; as soon as it is known where something fails: others
        may take long, and be tidied up after for as long again."""
        for each in trials:
            self._heard.setdefault(each, asyncio.get_running_loop().create_future())
        own = asyncio.gather(*(self._heard[each] for each in trials))
        try:
            await asyncio.wait((self._all, own), return_when=asyncio.FIRST_COMPLETED)
            if own.done() and any(each.state in BAD for each in own.result()):
                return own.result()
        finally:
            own.cancel()
        found = await asyncio.shield(self._all)
        return [found[each] for each in (*trials, "canary/accounts") if each in found]
