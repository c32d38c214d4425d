"""The week, told: the real watchers over the simulated provider, the real parts of care over what they find.

Time passes in virtual time: second by second where something changes, by the hour where nothing does. What is
made is written into a folder, as it would have been.
"""

from __future__ import annotations

import datetime
import os.path
import zoneinfo
from collections.abc import Iterable
from typing import NamedTuple

from holdfast.care.credits import billing
from holdfast.care.credits.policies import TKG_58, Policy
from holdfast.care.estimate import Progress
from holdfast.care.events import NOTICE_PLANNED
from holdfast.care.notices.kept import KeptNotices
from holdfast.care.notices.part import NoticesPart
from holdfast.care.notices.planning import Planner
from holdfast.care.notices.sending import Quiet, Sending, Ways
from holdfast.care.notices.words import texts as notice_texts
from holdfast.care.notices.writing import Writer
from holdfast.care.parts.affected import AffectedPart
from holdfast.care.parts.credits import CreditsPart, Terms
from holdfast.care.parts.estimate import EstimatePart
from holdfast.care.turns import Part, Seen
from holdfast.model.limits import INCIDENT_REOPEN_S
from holdfast.pages.texts import Texts
from holdfast.run.reaching import running
from holdfast.sim.drills.simulated import known, trying
from holdfast.sim.drills.simulated import provider as p
from holdfast.sim.drills.simulated.watchers import Errors, Watchers, sessions
from holdfast.sim.drills.story import people, week, writing
from holdfast.sim.drills.story.channels import Heard
from holdfast.sim.seed import stream
from holdfast.sim.world import EPOCH, Simulation
from holdfast.watch.incidents.incidents import Incident, Incidents
from holdfast.watch.incidents.record import AnyEntry, Planned
from holdfast.watch.judging import settle
from holdfast.watch.now import Now
from holdfast.world import Entry, World
from holdfast.world.disk import RealDisk

_CLOSE_S = 40.0  # from each change on: every half second …
_AFTER_S = (70.0, 100.0, 130.0, 160.0, 200.0, 260.0)  # … and then once each
_TURN_S = 3600.0  # what care does, where nothing changes; what is promised comes when it is due
_BEFORE_S = 120.0  # it is due, care takes its turns
_PAGE_S = 24 * 3600.0  # what is tried, and the status page that is kept
_WORKS_S = 540.0  # between two looks at what works again
_SENDING_S = 5.0  # until what is laid down has been sent

POLICY = Policy("tkg-58-3", "§ 58 (3) TKG", TKG_58)


class Told(NamedTuple):
    """``incident``: that of August."""

    incidents: Incidents
    incident: Incident
    files: int


def tell(folder: str, seed: int = 1, count: int = 100_000, reachable: int = 2_000) -> Told:
    """Writes the week into the folder. Blocks; raises ``OSError``. ``reachable``: who left a way to them."""
    simulation = Simulation(seed)
    there = simulation.world("care")
    there.clock.skew = week.episodes()[0].since - 3600.0 - EPOCH
    world = World(there.clock, RealDisk(), there.net, there.entropy, there.journal, there.threads)
    return simulation.run(_Story(world, folder, seed, people.People(count, reachable)).run())


class _Story:
    def __init__(self, world: World, folder: str, seed: int, many: people.People) -> None:
        self._world = world
        self._kept = os.path.join(folder, "data")
        self._seed = seed
        tries = trying.tries()
        map = known.dependency_map([each.trial for each in tries.values()])
        self._incidents = Incidents()
        self._incidents.apply(week.earlier(stream(seed, "earlier")))
        self._watchers = Watchers(
            map, tries, seed, Errors(), self._incidents, begin=world.clock.now(), judge_s=5.0
        )
        self._random = stream(seed, "sessions")
        self._zone = zoneinfo.ZoneInfo(week.ZONE)
        self._laid_down = False
        snapshot = os.path.join(self._kept, "customers.sqlite")
        self._fees = people.write(world, snapshot, many, week.BEGAN - 3600.0, stream(seed, "people"))
        read = (people.HOUSEHOLD, people.ENGLISH)
        self._heard = [Heard(world, "sms", read, quiet=True), Heard(world, "mail", read, quiet=False)]
        self._pages = writing.Pages(world, folder, snapshot)
        self._snapshot = snapshot

    async def run(self) -> Told:
        world = self._world
        parts: list[Part] = [
            AffectedPart(world, self._kept, self._snapshot),
            EstimatePart(world, os.path.join(self._kept, "repairs.json"), _nothing_tells),
            self._notices(),
        ]
        credits = self._credits()
        for episode in week.episodes():
            await self._live(episode, parts, credits)
        august = self._incidents.open()[-1:] or list(self._incidents)[-1:]
        self._pages.end(self._incidents, august[0], self._heard, POLICY, world.clock.now())
        return Told(self._incidents, august[0], self._pages.written)

    async def _live(self, episode: week.Episode, parts: list[Part], credits: CreditsPart) -> None:
        """From a minute before it to its end and what is done after it."""
        moments = sorted({at for each in episode.faults for at in (each.begins, each.ends)})
        ends = episode.until + INCIDENT_REOPEN_S + 2 * _TURN_S
        conditions = p.Conditions(episode.faults)
        is_last = episode.until == week.PAGES_BACK
        day = -1
        for now in _course(episode.since - 60.0, ends, moments):
            await self._promised(now.at, parts)
            await self._until(now.at)
            await self._step(conditions, now, parts)
            if is_last and now.page:
                if self._day() != day:
                    day = self._day()
                    await self._turn([credits])
                self._pages.page(self._seen(), credits)
        if is_last:
            await self._turn([credits])
        number = max(each.number for each in self._incidents)
        planned = enumerate(episode.actions, 1)
        self._incidents.apply(
            Planned(at=self._world.clock.now(), incident=number, action=n, text=text, due=due, by="betrieb")
            for n, (text, due) in planned
        )

    async def _step(self, conditions: p.Conditions, now: _Moment, parts: list[Part]) -> None:
        at = self._world.clock.now()
        if now.look:
            there = conditions.at(at)
            signals = sessions(there, self._random, at) if there else ()
            self._watchers.look(at, there, signals, judging=not now.quiet)
        else:
            settle(self._watchers.judge, lambda: self._incidents, at, self._incidents.apply)
        if now.turn:
            await self._turn(parts)

    async def _promised(self, until: float, parts: list[Part]) -> None:
        """The updates that are due before then."""
        while True:
            due = min((self._due(each) for each in self._incidents.open()), default=until)
            if not self._world.clock.now() < due < until - 1.0:
                return
            await self._until(due)
            settle(self._watchers.judge, lambda: self._incidents, due, self._incidents.apply)
            await self._turn(parts)

    @staticmethod
    def _due(incident: Incident) -> float:
        updates = (each for each in incident.promises.values() if each.what == "next_update")
        return min((each.due - _BEFORE_S for each in updates if not each.settled), default=float("inf"))

    def _day(self) -> int:
        return datetime.datetime.fromtimestamp(self._world.clock.now(), self._zone).day

    async def _turn(self, parts: Iterable[Part]) -> None:
        for part in parts:
            entries: list[AnyEntry] = await part.turn(self._seen())
            self._incidents.apply(entries)
        if self._laid_down:
            self._laid_down = False
            with running(self._sending.run()):
                await self._world.clock.sleep(_SENDING_S)

    def _seen(self) -> Seen:
        at, watchers = self._world.clock.now(), self._watchers
        now = Now(at=at, findings=tuple(watchers.newest), report=watchers.judge.told)
        return Seen(self._incidents, now, at)

    async def _until(self, at: float) -> None:
        await self._world.clock.sleep(max(at - self._world.clock.now(), 0.0))

    def _notices(self) -> NoticesPart:
        world, said = self._world, notice_texts(week.ZONE)
        kept, thread = KeptNotices(world, os.path.join(self._kept, "notices.sqlite")), world.thread("notices")
        writer = Writer(world, self._snapshot, said, writing.link, "de")
        ways, quiet = Ways(self._heard), Quiet("", said.zone)
        self._sending = Sending(world, kept, thread, writer, ways, at_once=50, quiet=quiet)
        world.journal.at(self._note)
        planner = Planner(world, self._snapshot, said, writing.NAME, 1.0)
        return NoticesPart(world, kept, thread, self._sending, planner)

    def _note(self, entry: Entry) -> None:
        """What is laid down is sent after that turn, and not looked for all week."""
        self._laid_down = self._laid_down or entry.event is NOTICE_PLANNED

    def _credits(self) -> CreditsPart:
        terms = Terms((POLICY,), lambda: self._fees, "EUR", 30)
        texts = Texts([billing.FOLDER], time_zone=week.ZONE)
        return CreditsPart(self._world, self._kept, self._snapshot, terms, texts, "de")


async def _nothing_tells(incident: Incident) -> Progress | None:
    """How far the repair is: nobody could say in that week."""
    return None


class _Moment(NamedTuple):
    """``look``: what is due is tried; ``turn``: care takes its turns; ``page``: the status page is kept;
    ``quiet``: nothing has changed, and nothing is judged anew."""

    at: float
    look: bool
    turn: bool
    page: bool
    quiet: bool = False


def _course(begins: float, ends: float, changes: list[float]) -> list[_Moment]:
    """Closely after each change, and where nothing changes as seldom as is honest: what works has to be seen
    to go on working."""
    found: dict[float, _Moment] = {}
    last_but_one = changes[-2]
    for place in range(int((ends - last_but_one) / _WORKS_S)):
        at = last_but_one + place * _WORKS_S
        found[at] = _Moment(at, True, False, False, quiet=True)
    for place in range(int((ends - begins) / _TURN_S) + 1):
        at = begins + place * _TURN_S
        page = place * _TURN_S % _PAGE_S == 0
        found[at] = _Moment(at, page, True, page)
    for change in changes:
        for half in range(-4, int(_CLOSE_S * 2) + 1):
            found[change + half / 2] = _Moment(change + half / 2, True, half % 10 == 0, half == _CLOSE_S * 2)
        for after_s in _AFTER_S:
            found[change + after_s] = _Moment(change + after_s, True, True, after_s == _AFTER_S[-1])
    return [found[at] for at in sorted(found)]
