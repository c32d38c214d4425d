"""The part of care that makes the status page: when, of what, and what keeps it from none."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from holdfast.care.credits import Contract, Credit
from holdfast.care.credits.owing import Owing
from holdfast.care.customers import CustomerRow
from holdfast.care.parts.own_pages import OwnPagesPart, Theirs
from holdfast.care.parts.status import StatusPart
from holdfast.care.status.customer import token
from holdfast.care.status.feeds import Maintenance
from holdfast.care.status.shelf import Shelf
from holdfast.care.status.story import texts
from holdfast.care.turns import Part, Seen
from holdfast.model.errors import Unavailable
from holdfast.model.limits import STATUS_EVERY_S, STATUS_OWN_PAUSE_S
from holdfast.watch.diagnosis.report import NamedCause, Report
from holdfast.watch.incidents import Incidents
from holdfast.watch.incidents import record as r
from holdfast.watch.now import Now
from holdfast.world import World, real_world
from outage import LOOK, NOW, ZONE, findings, maintenance, named, past, present
from unit.care.snapshot import account, written

pytestmark = pytest.mark.slow
SAID = texts(ZONE)
WORKING = tuple(each._replace(state="works", step="", cell=None) for each in findings())


class Making:
    def __init__(self, folder: Path, *, customers: bool = False) -> None:
        self.world: World = real_world(level="error")
        self.folder = folder
        self.incidents = Incidents()
        self.plans: tuple[Maintenance, ...] | Exception = ()
        self.at = NOW
        self.shelf = Shelf()
        self.owing: list[Owing] = []
        watched = str(folder / "care" / "watched.json")
        self.parts: list[Part] = [StatusPart(self.world, LOOK, SAID, self._plans, watched, self.shelf)]
        if customers:
            people = [CustomerRow(1, "K-1", language="de"), CustomerRow(2, "K-2")]
            accounts = [account(1, 1, 3), account(2, 1, 4), account(3, 2, 5)]
            self.customers = written(self.world, folder, accounts, people)
            theirs = Theirs(self.customers, b"k", lambda contract: self.owing, lambda: len(self.owing))
            self.parts.append(OwnPagesPart(self.world, LOOK, SAID, theirs, self.shelf))

    def _plans(self) -> tuple[Maintenance, ...]:
        if isinstance(self.plans, Exception):
            raise self.plans
        return self.plans

    def turn(self, seconds: float, found: Sequence[Any] | None = WORKING) -> bool:
        """Whether there is a new page, so many seconds later."""
        self.at += seconds
        before = self.shelf.stand
        fresh = None
        if found is not None:
            fresh = Now(at=self.at, findings=tuple(each._replace(at=self.at) for each in found))
        for part in self.parts:
            asyncio.run(part.turn(Seen(self.incidents, fresh, self.at)))
        return self.shelf.stand is not before

    def states(self) -> set[str]:
        assert self.shelf.stand is not None
        told = json.loads(self.shelf.stand.read("summary.json"))
        return {each["status"] for each in told["components"]}

    def names(self, beginning: str) -> list[str]:
        assert self.shelf.stand is not None
        return sorted(each for each in self.shelf.stand.versions if each.startswith(beginning))


@pytest.fixture
def making(tmp_path: Path) -> Making:
    return Making(tmp_path)


def test_it_is_made_at_each_change_and_every_half_minute_anyway(making: Making) -> None:
    assert making.turn(0)
    assert not making.turn(STATUS_EVERY_S - 1)
    assert making.turn(2)
    assert making.turn(1, findings())  # something fails
    assert not making.turn(1, findings())
    making.incidents.apply(present())
    assert making.turn(1, findings())
    assert StatusPart.every_s + 2 <= 5 and STATUS_EVERY_S <= 30


def test_status_1_nothing_is_green_while_nobody_watches(making: Making) -> None:
    making.turn(0)
    assert making.states() == {"operational"}
    assert making.turn(1, None)
    assert "operational" not in making.states()


def test_plans_that_cannot_be_shown_keep_no_page_from_being_made(making: Making) -> None:
    vague = maintenance()._replace(titles={"en": "Back shortly", "de": "In Kürze zurück"})
    for plans in ((vague,), OSError("no such file")):
        making.plans = plans
        assert making.turn(STATUS_EVERY_S)
        assert making.states() == {"operational"}
    making.plans = (maintenance(),)
    assert making.turn(STATUS_EVERY_S)
    assert making.shelf.stand is not None
    assert b"moves to another disk" in making.shelf.stand.read("index.en.html")


def test_a_disk_that_takes_nothing_keeps_no_page_from_being_made(making: Making) -> None:
    (making.folder / "care").write_bytes(b"no folder")
    assert making.turn(0)
    assert making.turn(STATUS_EVERY_S)


def test_what_was_watched_is_known_after_a_restart(making: Making) -> None:
    making.turn(0)
    making.turn(STATUS_EVERY_S)
    other = Making(making.folder)
    other.at = making.at
    other.turn(STATUS_EVERY_S)
    kept = json.loads((making.folder / "care" / "watched.json").read_bytes())
    [span] = kept["imap"]
    assert span == {"since": NOW, "until": NOW + 2 * STATUS_EVERY_S}


def test_pages_of_past_incidents_stay_without_being_made_each_time(making: Making) -> None:
    making.incidents.apply(past())
    making.turn(0)
    assert making.shelf.stand is not None
    page = making.shelf.stand.files["incident-1.en.html"]
    making.turn(STATUS_EVERY_S)
    assert making.shelf.stand.files["incident-1.en.html"] is page
    making.incidents.apply([r.Done(at=making.at, incident=1, action=1)])
    making.turn(1)
    assert making.shelf.stand.files["incident-1.en.html"] is not page


def fails_in_cell_3() -> list[r.AnyEntry]:
    failing = (r.Failing(trial="imap/3", function="imap", state="fails", step="list", cell=3),)
    return [
        r.Opened(at=NOW, incident=2, since={"imap": NOW}),
        r.Found(at=NOW, incident=2, states={"imap": "fails"}, failing=failing, count=1),
        r.Diagnosed(at=NOW, incident=2, report=named("cell-03/index", "index", "imap")),
    ]


FAILING = [*WORKING, findings()[-1]._replace(state="fails")]


def test_customers_whom_it_hits_have_their_page_in_their_language_and_others_none(tmp_path: Path) -> None:
    making = Making(tmp_path, customers=True)
    making.turn(0)
    assert making.names("customer-") == []
    making.incidents.apply(fails_in_cell_3())
    assert making.turn(STATUS_OWN_PAUSE_S, FAILING)
    assert making.names("customer-") == [f"customer-{token(b'k', 1)}.html"]
    assert making.shelf.stand is not None
    page = making.shelf.stand.read(making.names("customer-")[0]).decode()
    assert "Ihre zwei Postfächer: eins betroffen, eins in Ordnung" in page
    assert "user1@example.org" in page and "user2@example.org" in page


def test_where_single_accounts_are_hit_each_mailbox_is_shown_by_itself(tmp_path: Path) -> None:
    making = Making(tmp_path, customers=True)
    met = r.Failing(trial="sessions/imap-0", function="imap", state="degraded", step="people")
    cause = NamedCause(component="copy/imap-0", since=NOW, hits={"imap": {"sign-in": ()}})
    report = Report(verdict="named", probability=0.99, causes=(cause,), kinds={"copy/imap-0": "copy"})
    making.incidents.apply(
        [
            r.Opened(at=NOW, incident=2, since={"imap": NOW}),
            r.Found(at=NOW, incident=2, states={"imap": "degraded"}, failing=(met,), count=1),
            r.Diagnosed(at=NOW, incident=2, report=report),
            r.Affected(at=NOW, incident=2, counts={}, accounts={"imap": (1,)}),
        ]
    )
    assert making.turn(STATUS_OWN_PAUSE_S, FAILING)
    assert making.shelf.stand is not None
    page = making.shelf.stand.read(f"customer-{token(b'k', 1)}.html").decode()
    assert "Ihre zwei Postfächer: eins betroffen, eins in Ordnung" in page


def test_a_customer_s_page_is_made_anew_when_what_it_says_changes_and_not_before(tmp_path: Path) -> None:
    making = Making(tmp_path, customers=True)
    making.incidents.apply(fails_in_cell_3())
    making.turn(0, FAILING)
    [name] = making.names("customer-")

    def version() -> object:
        assert making.shelf.stand is not None
        return making.shelf.stand.versions[name]

    first = version()
    making.turn(STATUS_OWN_PAUSE_S, FAILING)
    assert version() == first
    making.owing.append(Owing(2, Credit(Contract("K-1", 2990), "flat", "decided", ()), False))
    making.turn(STATUS_OWN_PAUSE_S, FAILING)
    second = version()
    assert second != first
    making.incidents.apply([r.Estimated(at=making.at, incident=2, estimate=1, reason="estimate.too_few")])
    making.turn(STATUS_OWN_PAUSE_S, FAILING)
    assert version() != second


def test_which_customers_have_pages_is_not_known_before_the_snapshot_was_read(tmp_path: Path) -> None:
    """So that a restart takes no page away that is there."""
    making = Making(tmp_path, customers=True)
    making.parts.reverse()
    Path(making.customers).rename(tmp_path / "away")
    making.incidents.apply(fails_in_cell_3())
    with pytest.raises(Unavailable):
        making.turn(0, FAILING)
    assert making.shelf.stand is None
    making.parts.reverse()
    with pytest.raises(Unavailable):
        making.turn(0, FAILING)
    assert making.shelf.stand is not None and making.shelf.stand.many is None
    (tmp_path / "away").rename(making.customers)
    making.turn(1, FAILING)
    assert making.shelf.stand.many is not None and len(making.names("customer-")) == 1


def test_without_the_snapshot_of_customers_everybody_s_page_is_made_all_the_same(tmp_path: Path) -> None:
    making = Making(tmp_path, customers=True)
    Path(making.customers).unlink()
    making.incidents.apply(fails_in_cell_3())
    with pytest.raises(Unavailable):
        making.turn(0)
    assert making.names("index.") == ["index.de.html", "index.en.html", "index.html"]
