"""A tenant's customers see its name, what concerns them, and their own numbers: TENANT-1, TENANT-2."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from holdfast.care.customers import CustomerRow, TenantRow
from holdfast.care.parts.own_pages import OwnPagesPart, Theirs
from holdfast.care.parts.status import StatusPart
from holdfast.care.parts.tenant_pages import TenantPagesPart
from holdfast.care.status.customer import token
from holdfast.care.status.push import FolderPlace, PushedFile, PushPart
from holdfast.care.status.shelf import Shelf
from holdfast.care.status.story import texts
from holdfast.care.status.tenants import Place
from holdfast.care.turns import Part, Seen
from holdfast.model.findings import Finding
from holdfast.model.functions import FUNCTIONS
from holdfast.model.limits import STATUS_TENANTS_S
from holdfast.watch.incidents import Incidents
from holdfast.watch.incidents import record as r
from holdfast.watch.now import Now
from holdfast.world import World, real_world
from outage import LOOK, NOW, ZONE, hits, named
from unit.care.snapshot import account, written

pytestmark = pytest.mark.slow
SAID = texts(ZONE)
ACME = TenantRow(
    17, "acme", "Acme Post", "#aa3300", "data:image/png;base64,AAAA", "https://acme.example/help", "+49 89 1"
)
BETA = TenantRow(18, "beta")
PLACES = {17: Place("acme", "https://status.acme.example/")}


def outage(cell: int, number: int = 1, function: str = "imap") -> list[r.AnyEntry]:
    at = NOW - 600
    failing = r.Failing(trial=f"{function}/{cell}", function=function, state="fails", step="list", cell=cell)
    return [
        r.Opened(at=at, incident=number, since={function: at - 5}),
        r.Found(at=at, incident=number, states={function: "fails"}, failing=(failing,), count=1),
        r.Promised(at=at, incident=number, promise=1, what="next_update", due=NOW + 900),
        r.Diagnosed(at=at + 3, incident=number, report=named(f"cell-{cell:02}/index", "index", function)),
        r.Affected(at=at + 5, incident=number, counts={function: hits(3, 3, 4, 4)}),
        r.Noticed(
            at=at + 6,
            incident=number,
            notice=1,
            about="opened",
            texts={"en": "3 of 4 customers.", "de": "3 von 4 Kunden."},
        ),
    ]


class House:
    """Customers 1 and 2 are Acme's, in cells 3 and 4; 3 is Beta's, in cell 4; 4 and 5 are the provider's."""

    def __init__(self, folder: Path) -> None:
        self.world: World = real_world(level="error")
        people = [CustomerRow(each, f"K-{each}", language="en") for each in range(1, 6)]
        people = [row._replace(tenant={1: 17, 2: 17, 3: 18}.get(row.id, 0)) for row in people]
        accounts = [account(each, each, {1: 3, 5: 6}.get(each, 4), made_at=0.0) for each in range(1, 6)]
        snapshot = written(self.world, folder, accounts, people, [ACME, BETA, TenantRow(19, "empty")])
        self.incidents, self.shelf, self.at = Incidents(), Shelf(), NOW
        watched = str(folder / "care" / "watched.json")
        theirs = Theirs(snapshot, b"k", lambda contract: [], lambda: 0, PLACES)
        self.parts: list[Part] = [
            StatusPart(self.world, LOOK, SAID, lambda: (), watched, self.shelf),
            TenantPagesPart(self.world, LOOK, SAID, lambda: (), watched, snapshot, PLACES, self.shelf),
            OwnPagesPart(self.world, LOOK, SAID, theirs, self.shelf),
        ]

    def turn(self, seconds: float = 0.0, *failing: tuple[str, int]) -> None:
        self.at += seconds
        found = [
            Finding(f"{each}/{cell}", each, "works", "", "", self.at, 0.1, cell)
            for each in FUNCTIONS
            for cell in (3, 4, 6)
            if (each, cell) not in failing
        ]
        found += [Finding(f"{f}/{c}", f, "fails", "list", "", self.at, 0.1, c) for f, c in failing]
        for part in self.parts:
            asyncio.run(part.turn(Seen(self.incidents, Now(at=self.at, findings=tuple(found)), self.at)))

    def read(self, name: str) -> str:
        assert self.shelf.stand is not None
        return self.shelf.stand.read(name).decode()

    def states(self, folder: str) -> dict[str, str]:
        return {
            each["id"]: each["status"]
            for each in json.loads(self.read(f"{folder}summary.json"))["components"]
        }


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_tenant_1_an_incident_is_shown_to_tenants_whose_customers_it_hits_and_to_no_others(
    house: House,
) -> None:
    house.incidents.apply(outage(3))
    house.turn(0, ("imap", 3))
    acme, beta = house.read("acme/index.en.html"), house.read("tenant-18/index.en.html")
    assert "incident-1.en.html" in acme and "incident-1." not in beta
    assert "incident-1." in house.read("acme/feed.de.atom") and "incident:1:" not in house.read(
        "tenant-18/feed.de.atom"
    )
    assert house.states("acme/")["imap"] == "partial_outage" == house.states("")["imap"]
    assert set(house.states("tenant-18/").values()) == {"operational"}
    assert "acme/incident-1.de.html" in house.shelf.stand.versions  # type: ignore[union-attr]
    assert "BEGIN:VCALENDAR" in house.read("acme/maintenance.ics")
    assert not [each for each in house.shelf.stand.versions if each.startswith("tenant-19/")]  # type: ignore[union-attr]


def test_tenant_1_its_pages_count_its_own_customers_in_its_own_name(house: House) -> None:
    house.incidents.apply(outage(4))
    house.turn(0, ("imap", 4))
    page, everybody = house.read("acme/incident-1.en.html"), house.read("incident-1.en.html")
    assert "3 of 4 customers." in everybody and "3 of 4 customers." not in page
    assert "Acme Post" in page and "Example Mail" not in page and ACME.logo in page
    assert ACME.support_url in page and ACME.support_phone in page and LOOK.brand.support_url not in page
    assert "aa3300" in house.read("acme/status.css")
    told = json.loads(house.read("acme/summary.json"))
    assert told["page"]["url"] == "https://status.acme.example/"
    [affected] = [each.affected for each in _seen(house) if each.affected is not None]
    assert affected.counts["imap"][0] == r.Hit(what="customers", count=1, of=2)


def _seen(house: House) -> Incidents:
    from holdfast.care import customers
    from holdfast.care.status import tenants
    from holdfast.care.status.page import Known

    part = house.parts[1]
    assert isinstance(part, TenantPagesPart)
    theirs = tenants.Theirs()
    known = Known(house.at, (), house.incidents, {}, house.at + 60)
    with customers.reading(house.world, part._snapshot) as db:
        [acme, _] = theirs.tenants(db)
        return theirs.known(db, acme, known).incidents


def test_tenant_2_what_fails_for_nobody_knows_whom_is_shown_to_all(house: House) -> None:
    house.incidents.apply(outage(3)[:3])  # not diagnosed
    house.turn(0, ("imap", 3))
    for folder in ("acme/", "tenant-18/"):
        assert "incident-1.en.html" in house.read(f"{folder}index.en.html")


def test_customers_own_pages_are_in_their_tenants_folder_and_in_its_brand(house: House) -> None:
    house.incidents.apply(outage(4))
    house.turn(0, ("imap", 4))
    name = f"customer-{token(b'k', 2)}.html"
    page = house.read(f"acme/{name}")
    assert "Acme Post" in page and "user2@example.org" in page
    assert house.shelf.stand is not None and name not in house.shelf.stand.versions
    assert f"customer-{token(b'k', 4)}.html" in house.shelf.stand.versions
    assert "Example Mail" in house.read(f"customer-{token(b'k', 4)}.html")


def test_they_are_made_when_something_changed_and_every_few_minutes_anyway(house: House) -> None:
    house.turn()
    first = house.read("acme/index.en.html")
    house.turn(STATUS_TENANTS_S - 1)
    assert house.read("acme/index.en.html") == first
    house.turn(2)
    assert house.read("acme/index.en.html") != first


def test_they_are_taken_to_a_place_with_their_folders_and_what_is_gone_is_taken_away_there(
    house: House, tmp_path: Path
) -> None:
    to = tmp_path / "www"

    def push(done: Callable[[PushPart], bool]) -> None:
        async def go() -> None:
            pushed = PushedFile(house.world, str(tmp_path / "pushed.json"))
            place = FolderPlace(house.world, str(to))
            part = PushPart(house.world, "here", str(to), place, house.shelf, pushed)
            while not done(part):
                await part.turn(Seen(house.incidents, None, house.at))

        asyncio.run(go())

    house.incidents.apply(outage(4))
    house.turn(0, ("imap", 4))
    push(lambda part: part.is_whole)
    assert (to / "acme" / "index.html").exists() and (to / "acme" / "incident-1.de.html").exists()
    house.incidents, house.shelf = Incidents(), Shelf()  # all else is new, as after a restart
    house.shelf.put({"index.html": b"new"})
    push(lambda part: part.is_whole)
    assert (to / "acme" / "incident-1.de.html").exists()  # what is to be there isn't known yet
    house.shelf.put_theirs({"acme/index.html": b"new"})
    push(lambda part: part.is_whole)
    assert not (to / "acme" / "incident-1.de.html").exists()
    assert (to / "acme" / "index.html").read_bytes() == b"new"
