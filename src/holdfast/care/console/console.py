"""The pages of the console.

CONSOLE-1 it needs no other process: it reads the ledger of incidents, what the watch wrote last, and files;
what it can't read it names, and shows the rest.
CONSOLE-4 what an operator writes is an entry of the incident with the operator's name, and is called written
only when it is durable; while nobody takes it, it is kept and told again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, NamedTuple

import msgspec
from starlette.exceptions import HTTPException
from starlette.responses import Response

from holdfast.care.console import cards, view
from holdfast.care.console.signing import Signing
from holdfast.care.console.story import FOLDER, Teller, texts
from holdfast.care.console.tokens import Tokens
from holdfast.care.reports.authorities import Duty, Thresholds, duties
from holdfast.care.status import pictures
from holdfast.care.status.page import headline
from holdfast.care.status.push import read_pushed
from holdfast.care.turns import Seen
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.limits import CONSOLE_INCIDENTS, CONSOLE_TEXT_LETTERS, CONSOLE_UNTOLD, RATIO_S
from holdfast.pages import MenuEntry, Site, Visit, Wrong
from holdfast.watch import picture
from holdfast.watch.colours import colours
from holdfast.watch.depends import DependencyMap
from holdfast.watch.incidents import record as r
from holdfast.watch.incidents.incidents import Incident
from holdfast.watch.remedies import Remedy

__all__ = ["FOLDER", "Backstage", "Console", "Look", "Looked"]

SHOWN = 10  # findings on the first page
_JUST_S = 10.0  # until what was confirmed is to be seen in the record

_PAGES = ("", "map", "findings", "incidents", "drills", "processes")
_WORD = ("console.nav.now", *(f"console.nav.{each}" for each in _PAGES[1:]))


class Looked(NamedTuple):
    """``trouble``: why the ledger can't be read; then ``seen`` has no incidents."""

    seen: Seen
    trouble: str = ""


Look = Callable[[], AbstractAsyncContextManager[Looked]]


class Backstage(NamedTuple):
    """What the console is given. ``look``: for one page at a time. ``processes``: as the supervisor tells
    them; raises ``Unavailable``. ``carry_out``: raises nothing. ``tell``: returns when it is durable, raises
    ``Unavailable``. ``admits``: whether somebody at that address may come here at all.
    ``drills``: folder of score cards. ``pushed``: file of how the status page got to its places."""

    look: Look
    known: Callable[[], Awaitable[DependencyMap]]
    processes: Callable[[], Awaitable[dict[str, Any]]]
    carry_out: Callable[[Remedy], Awaitable[r.Remedied]]
    tell: Callable[[Sequence[r.AnyEntry]], Awaitable[None]]
    admits: Callable[[str], bool]
    thresholds: Thresholds
    drills: str
    pushed: str
    version: str


class Console:
    """Mounts itself on ``site``, below ``/console``. As a part of care it tells what couldn't be told at
    once."""

    name = "console"
    every_s = 5.0

    def __init__(self, site: Site, tokens: Tokens, backstage: Backstage, time_zone: str) -> None:
        self._world = site.world
        self._site = site
        self._backstage = backstage
        self._texts = texts(time_zone)
        self._untold: list[r.AnyEntry] = []
        self._confirmed: dict[tuple[object, ...], float] = {}  # what, of which incident → when
        self._signing = Signing(site, tokens, backstage.admits)
        for path, word in zip(_PAGES, _WORD):
            site.menu.append(MenuEntry(f"/console/{path}".rstrip("/"), word))
        for path, handler in {
            "": self._now,
            "/map": self._map,
            "/findings": self._findings,
            "/incidents": self._incidents,
            "/incidents/{number:int}": self._incident,
            "/drills": self._drills,
            "/processes": self._processes,
        }.items():
            site.page(f"/console{path}", methods=("GET",))(self._signing.guarded(handler))
        for path, handler in {
            "/console/incidents/{number:int}": self._write,
            "/console/remedies": self._confirm,
        }.items():
            site.page(path, methods=("POST",))(self._signing.guarded(handler))
        site.page("/console/map.css", methods=("GET",))(_sheet)

    def add_page(self, path: str, word: str, handler: Callable[[Visit], Awaitable[Response]]) -> None:
        """One more, of another package, for who is signed in. ``word``: its name in the menu."""
        self._site.menu.append(MenuEntry(path, word))
        self._site.page(path, methods=("GET",))(self._signing.guarded(handler))

    async def turn(self, seen: Seen) -> list[r.AnyEntry]:
        """What operators wrote while nobody took it."""
        told, self._untold = self._untold, []
        return told

    # What is known

    async def _now(self, visit: Visit) -> Response:
        async with self._backstage.look() as looked:
            seen = looked.seen
            rows = view.rows(seen, self._texts.zone)
            open_ones = seen.incidents.open()
            return self.show(
                visit,
                "console_now.html",
                looked,
                rows=rows,
                headline=headline([each.line for each in rows]),
                open=open_ones,
                report=seen.now.report if seen.now is not None else None,
                promises=view.promises(open_ones),
                duties=self._duties(seen),
                proposed=self._to_confirm(view.proposed(seen.incidents)),
                in_force=self._to_confirm(view.in_force(seen.incidents)),
                bad=view.to_be_seen(seen.now.findings)[:SHOWN] if seen.now is not None else [],
                uses=seen.now.uses if seen.now is not None else (),
                use_minutes=round(RATIO_S / 60),
            )

    def _duties(self, seen: Seen) -> list[Duty]:
        """Reports to authorities that people have to decide on, or to hand in."""
        found = duties(seen.incidents, self._backstage.thresholds, self._texts.zone, seen.at)
        return [each for each in found if each.state != "filed"]

    async def _map(self, visit: Visit) -> Response:
        known = await self._backstage.known()
        async with self._backstage.look() as looked:
            seen = looked.seen
            findings, report = ((), None) if seen.now is None else (seen.now.findings, seen.now.report)
            states = colours(known, findings, report, seen.at)
            for row in view.rows(seen, self._texts.zone):
                states[f"function/{row.line.function}"] = row.line.state
            counts = {
                state: sorted(each for each in states if states[each] == state)
                for state in ("fails", "degraded", "unknown", "works")
            }
            drawn = picture.svg(known, states, inline=True)
            return self.show(visit, "console_map.html", looked, drawn=drawn, counts=counts)

    async def _findings(self, visit: Visit) -> Response:
        async with self._backstage.look() as looked:
            now = looked.seen.now
            found = view.ordered(now.findings) if now is not None else []
            return self.show(visit, "console_findings.html", looked, findings=found, stale=view.stale)

    async def _incidents(self, visit: Visit) -> Response:
        async with self._backstage.look() as looked:
            every = list(looked.seen.incidents)[::-1]
            return self.show(
                visit, "console_incidents.html", looked, incidents=every[:CONSOLE_INCIDENTS], count=len(every)
            )

    async def _incident(self, visit: Visit) -> Response:
        async with self._backstage.look() as looked:
            incident = looked.seen.incidents.get(int(visit.parts["number"]))
            if incident is None:
                raise HTTPException(404)
            return self._show_incident(visit, looked, incident)

    def _show_incident(
        self, visit: Visit, looked: Looked, incident: Incident, wrong: Wrong | None = None
    ) -> Response:
        incidents = looked.seen.incidents
        return self.show(
            visit,
            "console_incident.html",
            looked,
            wrong=wrong,
            incident=incident,
            again=incidents.recurrence(incident),
            proposed=[
                each
                for each in self._to_confirm(view.proposed(incidents))
                if each.remedy.incident == incident.number
            ],
        )

    async def _drills(self, visit: Visit) -> Response:
        found, lost = await self._world.offload(cards.cards, self._world, self._backstage.drills)
        async with self._backstage.look() as looked:
            return self.show(visit, "console_drills.html", looked, cards=found, lost=lost)

    async def _processes(self, visit: Visit) -> Response:
        service: dict[str, Any] | None = None
        why = ""
        try:
            service = await self._backstage.processes()
        except Unavailable as unavailable:
            why = unavailable.text
        pushed = await self._world.offload(read_pushed, self._world, self._backstage.pushed)
        async with self._backstage.look() as looked:
            return self.show(
                visit,
                "console_processes.html",
                looked,
                pushed=pushed,
                service=service,
                why=why,
                version=self._backstage.version,
            )

    def show(self, visit: Visit, template: str, looked: Looked, **values: object) -> Response:
        """A page within the console's frame."""
        language = visit.language
        teller = Teller(self._texts, language, looked.seen.incidents)
        return visit.show(
            template,
            200,
            teller=teller,
            other=Teller(self._texts, "de" if language == "en" else "en", looked.seen.incidents),
            looked=looked,
            seen=looked.seen,
            now=looked.seen.at,
            instant=lambda at: self._texts.instant(language, at),
            picture=partial(_interval, looked.seen.at),
            **values,
        )

    # What an operator does

    async def _write(self, visit: Visit) -> Response:
        """A note, something to be done, or that it is."""
        number, by = int(visit.parts["number"]), self._signing.name(visit)
        async with self._backstage.look() as looked:
            incident = looked.seen.incidents.get(number)
            if incident is None:
                raise HTTPException(404)
            try:
                entry = self._entry(visit, incident, by)
            except Wrong as wrong:
                return self._show_incident(visit, looked, incident, wrong)
        await self._tell(visit, entry)
        return visit.go(f"/console/incidents/{number}")

    def _entry(self, visit: Visit, incident: Incident, by: str) -> r.AnyEntry:
        """Raises ``Wrong``."""
        at, number = self._world.clock.now(), incident.number
        if done := visit.form.get("done"):
            if not done.isdecimal() or int(done) not in incident.actions:
                raise Wrong("console.wrong.action")
            return r.Done(at=at, incident=number, action=int(done), by=by)
        field = "plan" if "plan" in visit.form else "note"
        text = visit.form.get(field)
        if not text:
            raise Wrong("console.wrong.empty", field)
        if len(text) > CONSOLE_TEXT_LETTERS:
            raise Wrong("console.wrong.long", field, most=CONSOLE_TEXT_LETTERS)
        if field == "note":
            return r.Note(at=at, incident=number, text=text, by=by)
        action = max(incident.actions, default=0) + 1
        return r.Planned(at=at, incident=number, action=action, text=text, by=by)

    def _to_confirm(self, found: Sequence[view.Open]) -> list[view.Open]:
        """Without what was confirmed a moment ago."""
        since = self._world.clock.now() - _JUST_S
        self._confirmed = {what: at for what, at in self._confirmed.items() if at > since}
        return [each for each in found if each.remedy[:4] not in self._confirmed]

    async def _confirm(self, visit: Visit) -> Response:
        """Only what is proposed, or in force and to be taken back: nothing else can be asked for."""
        form = visit.form
        asked = form.get("incident"), form.get("component"), form.get("action")
        async with self._backstage.look() as looked:
            incidents = looked.seen.incidents
            found = self._to_confirm([*view.proposed(incidents), *view.in_force(incidents)])
            there = [each.remedy for each in found]
        remedy = next(
            (each for each in there if (str(each.incident), each.component, each.action) == asked), None
        )
        if remedy is None:
            raise Refused(Reason.NOT_ALLOWED, "it is no longer proposed")
        self._confirmed[remedy[:4]] = self._world.clock.now()
        done = await self._backstage.carry_out(remedy._replace(rule=view.OPERATOR))
        by = self._signing.name(visit)
        said = f"{by}: {done.said}" if done.said else by
        await self._tell(visit, msgspec.structs.replace(done, said=said), f"console.carried.{done.outcome}")
        return visit.go("/console")

    async def _tell(self, visit: Visit, entry: r.AnyEntry, key: str = "console.written") -> None:
        """CONSOLE-4."""
        try:
            await self._backstage.tell([entry])
        except Unavailable as unavailable:
            if len(self._untold) >= CONSOLE_UNTOLD:
                raise
            self._untold.append(entry)
            visit.notice("console.kept", "warn", why=unavailable.component)
            return
        tone = "warn" if key in ("console.carried.failed", "console.carried.refused") else "good"
        visit.notice(key, tone)


def _interval(now: float, incident: Incident, said: r.Estimated, title: str) -> str:
    return pictures.interval(incident.since, now, said.low, said.likely, said.high, title)


async def _sheet(visit: Visit) -> Response:
    """How the map looks: the same as in its file, as no page may bring styles of its own."""
    return Response(picture.STYLE, media_type="text/css")
