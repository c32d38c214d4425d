"""The part of care that tells customers: it lays down the notices that are due, and says how far they got."""

from __future__ import annotations

import msgspec

from holdfast.care.events import NOTICE_HELD, NOTICE_PLANNED
from holdfast.care.notices.due import NoticeDue, Told, due, said_of
from holdfast.care.notices.kept import KeptNotices, Notice
from holdfast.care.notices.planning import Planner
from holdfast.care.notices.rounds import Round
from holdfast.care.notices.sending import Sending
from holdfast.care.turns import Seen
from holdfast.model.errors import Refused
from holdfast.model.limits import (
    INCIDENT_UPDATE_S,
    NOTICE_COUNTED_S,
    NOTICE_EARLY_S,
    NOTICE_ENDED_S,
    NOTICE_PATIENCE_S,
)
from holdfast.watch.incidents.incidents import Incident
from holdfast.watch.incidents.record import AnyEntry, Noticed, Reached
from holdfast.world import Thread, World


class NoticesPart:
    """``thread``: the one that ``kept`` is used from. Nobody else adds notices to ``kept``."""

    name = "notices"
    every_s = 2.0

    def __init__(
        self, world: World, kept: KeptNotices, thread: Thread, sending: Sending, planner: Planner
    ) -> None:
        self._world = world
        self._kept = kept
        self._thread = thread
        self._sending = sending
        self._planner = planner
        self._notices: dict[int, list[Notice]] = {}
        self._held: dict[int, str] = {}  # why, of the incident
        self._joined: dict[int, float] = {}  # the count by which it was looked for more customers
        self._none_left: set[int] = set()  # whose end nobody waits for who wasn't told of them
        self._counted: dict[tuple[int, int], tuple[float, bool]] = {}  # when, and whether it is at its end

    async def turn(self, seen: Seen) -> list[AnyEntry]:
        recent = [
            each for each in seen.incidents if not each.closed_at or seen.at - each.closed_at < NOTICE_ENDED_S
        ]
        round_ = Round(seen.at)
        for incident in recent:
            notices = await self._known(incident)
            what = due(incident, told(incident, notices, seen.at), seen.at)
            what = what or await self._left(incident, notices, seen.at)
            round_.add(incident, what, notices, is_held=incident.number in self._held)
        for incident in round_.ordered():
            await self._tell(seen, incident, round_)
        found: list[AnyEntry] = []
        for incident in recent:
            found += self._noticed(incident)
            found += await self._reached(seen, incident)
        return found

    async def _left(self, incident: Incident, notices: list[Notice], now: float) -> NoticeDue | None:
        """Its own end is told nobody, but that of others was left to it."""
        number = incident.number
        if not incident.closed_at:
            self._none_left.discard(number)
        elif number not in self._none_left:
            left = await self._thread.run(self._kept.left_to, number)
            if left and all(each.body.quiet for each in notices):
                return NoticeDue("ended", said_of(incident, now))
            self._none_left.add(number)
        return None

    async def _tell(self, seen: Seen, incident: Incident, round_: Round) -> None:
        what, notices = round_.due[incident.number], self._notices[incident.number]
        try:
            if what is not None:
                await self._lay_down(seen, incident, what, round_)
            elif notices and not incident.closed_at:
                await self._join(seen, incident, round_)
        except Refused as held:
            is_new = incident.number not in self._held
            self._held[incident.number] = held.text
            if is_new:
                about = what.about if what is not None else "update"
                self._world.journal.emit(NOTICE_HELD, incident=incident.number, about=about, reason=held.text)
                await self._sending.held(incident.number, held.text)
        else:
            self._held.pop(incident.number, None)

    async def _known(self, incident: Incident) -> list[Notice]:
        if incident.number not in self._notices:
            self._notices[incident.number] = await self._thread.run(self._kept.notices, incident.number)
        return self._notices[incident.number]

    async def _lay_down(self, seen: Seen, incident: Incident, what: NoticeDue, round_: Round) -> None:
        notices = self._notices[incident.number]
        before = set() if what.quiet else await self._thread.run(self._kept.customers, incident.number)
        beside = await self._thread.run(round_.beside, self._kept, incident, what)
        number = max([*incident.notices, *(each.number for each in notices)], default=0) + 1
        plan = await self._world.offload(self._planner.plan, seen, incident, what, number, before, beside)
        ways = self._sending.ways
        firsts = ways.firsts(plan.customers) + ways.for_all(quiet=what.quiet)
        await self._thread.run(self._kept.add, plan.notice, firsts, plan.alongs)
        notices.append(plan.notice)
        self._joined[incident.number] = incident.affected.at if incident.affected else 0.0
        self._world.journal.emit(
            NOTICE_PLANNED,
            incident=incident.number,
            notice=number,
            about=what.about,
            customers=len(plan.customers),
            quiet=what.quiet,
        )
        self._sending.laid_down(plan.notice, [each.customer for each in plan.alongs])

    async def _join(self, seen: Seen, incident: Incident, round_: Round) -> None:
        """Customers whom it hits since the last notice: fewer than are news to all, but they are told."""
        notices = self._notices[incident.number]
        counted = incident.affected.at if incident.affected else 0.0
        place = _joined_to(notices)
        if place is None or counted <= self._joined.get(incident.number, notices[place].at):
            return
        known = await self._thread.run(self._kept.customers, incident.number)
        beside = await self._thread.run(round_.beside, self._kept, incident, None)
        plan = await self._world.offload(self._planner.joining, seen, incident, notices[place], known, beside)
        if plan.customers or plan.alongs:
            firsts = self._sending.ways.firsts(plan.customers)
            await self._thread.run(self._kept.join, plan.notice, firsts, plan.alongs, seen.at)
            notices[place] = plan.notice
            self._sending.wake()
        self._joined[incident.number] = counted

    def _noticed(self, incident: Incident) -> list[AnyEntry]:
        return [
            Noticed(
                at=each.at,
                incident=incident.number,
                notice=each.number,
                about=each.about,
                promise=each.body.promise,
                texts={language: words.public for language, words in each.body.words.items()},
            )
            for each in self._notices[incident.number]
            if each.number not in incident.notices
        ]

    async def _reached(self, seen: Seen, incident: Incident) -> list[AnyEntry]:
        """How far each has come; at its end, and now and then until then."""
        found: list[AnyEntry] = []
        for notice in self._notices[incident.number]:
            of = (incident.number, notice.number)
            at, is_over = self._counted.get(of, (notice.at, False))
            if is_over or (at != notice.at and seen.at - at < NOTICE_COUNTED_S / 12):
                continue
            counts = await self._thread.run(self._kept.counts, *of)
            last = incident.reached.get(notice.number)
            entry = Reached(
                at=seen.at,
                incident=incident.number,
                notice=notice.number,
                customers=counts.reached,
                of=counts.customers,
                sent=counts.sent,
                failed=counts.failed,
                letters=counts.letters,
            )
            is_new = last is None or entry != msgspec.structs.replace(last, at=entry.at)
            waits = counts.waiting and last is not None and seen.at - last.at < NOTICE_COUNTED_S
            if is_new and not waits:
                found.append(entry)
            self._counted[of] = seen.at, not counts.waiting and not is_new
        return found


def _joined_to(notices: list[Notice]) -> int | None:
    """The place of the one that who is hit later gets: the last that people heard of. Where that said it is
    over, and it fails again: what was published since."""
    heard = next((at for at in reversed(range(len(notices))) if not notices[at].body.quiet), None)
    if heard is None or notices[heard].about != "ended":
        return heard
    return len(notices) - 1 if notices[-1].about != "ended" else None


def told(incident: Incident, notices: list[Notice], now: float) -> list[Told]:
    """Also those that only the ledger of incidents has: of these it isn't known what they said, so that is
    taken to be what is known now."""
    known = {each.number: each.told for each in notices}
    for number, noticed in incident.notices.items():
        if number not in known:
            promise = incident.promises.get(noticed.promise)
            next_at = promise.due if promise is not None else noticed.at + INCIDENT_UPDATE_S
            known[number] = Told(number, noticed.about, noticed.at, next_at, False, said_of(incident, now))
    return [known[number] for number in sorted(known)]


def next_due(incident: Incident, before: list[Told], now: float) -> tuple[NoticeDue | None, float]:
    """What is told next, as far as that is known now, and when."""
    later = before[-1].next_at - NOTICE_EARLY_S if before else incident.opened_at + NOTICE_PATIENCE_S
    for at in (now, max(now, later)):
        what = due(incident, before, at)
        if what is not None:
            return what, at
    return None, now
