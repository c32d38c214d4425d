"""The pages of the role care: where customers report what doesn't work, and operators' console.

They are there with every other process dead: no directory, no mail, no sign-in of customers is needed.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

import msgspec

from holdfast.care import customers
from holdfast.care.console import console
from holdfast.care.reports import intake as reports
from holdfast.care.reports.clustering import Matching
from holdfast.care.reports.desk import Desk
from holdfast.care.reports.kept import CustomerReport, KeptReports
from holdfast.care.status.page import Look
from holdfast.care.status.tenants import look_of
from holdfast.care.turns import Part, Seen, Sight
from holdfast.model.errors import Unavailable
from holdfast.model.networks import network_of
from holdfast.model.people import Brand
from holdfast.pages import Site, Visit
from holdfast.run import consoling, keys, layout, publishing, web
from holdfast.run.child import Start
from holdfast.run.config import Config
from holdfast.watch.incidents import Incident, Incidents
from holdfast.watch.incidents.record import AnyEntry
from holdfast.watch.now import read_now
from holdfast.world import World


class CareSite(NamedTuple):
    """``parts``: those of the pages, to take their turns with the others."""

    site: Site
    parts: Sequence[Part]


def make(start: Start) -> CareSite:
    """``web.serve(start, make(start).site.app)`` serves it."""
    brands = Brands(start.world, start.config)
    site = web.site(start, [reports.FOLDER, console.FOLDER], brand=brands.brand, key=_key(start))
    kept = KeptReports(start.world, layout.reports_path(start.config))
    looking = Looking(start.world, start.config)
    reports.Intake(site, kept, network_of=network_of, known=looking.incident_of, status_url=brands.status_url)
    console_ = consoling.console(start, site, looking.look)
    Desk(start.world, kept, console_, looking.look)
    return CareSite(site, [console_, brands])


class Looking:
    """At the ledger and at how it is now: for one page at a time, as what is new is folded in."""

    def __init__(self, world: World, config: Config) -> None:
        self._world = world
        self._now_path = layout.now_path(config)
        self._sight = Sight(world, layout.watch_folder(config), self._now_path)
        self._turn = asyncio.Lock()
        # one thread, as a page that is left while it looks can't stop it: nobody else looks meanwhile
        self._thread = world.thread("looking")

    @contextlib.asynccontextmanager
    async def look(self) -> AsyncIterator[console.Looked]:
        async with self._turn:
            yield await self._thread.run(self._seen)

    async def incident_of(self, report: CustomerReport) -> Incident | None:
        """Raises ``Unavailable``."""
        async with self._turn:
            known = (await self._thread.run(self._sight)).incidents
            return known.get(Matching(known).of(report))

    def _seen(self) -> console.Looked:
        try:
            return console.Looked(self._sight())
        except Unavailable as error:
            now = read_now(self._world, self._now_path)
            return console.Looked(Seen(Incidents(), now, self._world.clock.now()), error.text)


class Brands:
    """That of the status page that leads here, a tenant's or everybody's. A part that keeps them in memory:
    no page waits for a disk."""

    name = "brands"
    every_s = 15.0

    def __init__(self, world: World, config: Config) -> None:
        self._world = world
        self._snapshot = layout.customers_path(config)
        self._everybody = publishing.look(config)
        self._places = publishing.tenants(config)
        self._looks: dict[int, Look] = {}

    async def turn(self, seen: Seen) -> list[AnyEntry]:
        if await self._world.offload(self._world.disk.exists, self._snapshot):
            self._looks = await self._world.offload(self._read)
        return []

    def brand(self, visit: Visit) -> Brand:
        look = self._of(visit)
        return msgspec.structs.replace(look.brand, title=look.name)

    def status_url(self, visit: Visit) -> str:
        return self._of(visit).url

    def _of(self, visit: Visit) -> Look:
        return self._looks.get(reports.tenant_of(visit), self._everybody)

    def _read(self) -> dict[int, Look]:
        with customers.reading(self._world, self._snapshot) as db:
            return {each.id: look_of(each, self._everybody, self._places) for each in customers.tenants(db)}


def _key(start: Start) -> bytes:
    """The pages' own, else one for as long as this process lives: a form then outlives no restart."""
    try:
        return keys.key_of(start.config, keys.PAGES)
    except Unavailable:
        return start.world.entropy.bytes(keys.KEY_BYTES)
