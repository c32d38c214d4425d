"""How real use goes: by function, and where otherwise than for the rest; from what real counters tell."""

from __future__ import annotations

import timeit

import pytest

from holdfast.functions.imap.events import COMMAND, UNAVAILABLE
from holdfast.functions.jmap.events import CALL
from holdfast.model.limits import RATIO_FEW, RATIO_PLACES, RATIO_S
from holdfast.pages.events import PAGE_SERVED
from holdfast.watch.counting import Counts, Told
from holdfast.watch.ratios import Apart, Ratios, Used
from holdfast.watch.words import RELEASE
from holdfast.world import Entry

HERE, THERE = "192.0.2.7", "198.51.100.7"
OLD, NEW = ("1.0", "a" * 16), ("1.0", "b" * 16)


class Service:
    """Its processes count what happens. ``silent``: those that don't answer."""

    def __init__(self, *processes: str) -> None:
        self.counts: dict[str, Counts] = {}
        self.silent: set[str] = set()
        self.ratios = Ratios()
        self.at = 1000.0
        for each in processes:
            self.begin(each)
        self.look()

    def begin(self, process: str, release: tuple[str, str] = OLD) -> None:
        """Anew: it counts from nought."""
        counts = self.counts[process] = Counts()
        since = self.at
        counts.gauge(RELEASE, lambda: {release: since})

    def told(self) -> dict[str, list[Told] | None]:
        return {each: None if each in self.silent else counts.told() for each, counts in self.counts.items()}

    def look(self, after_s: float = 2.0) -> None:
        self.at += after_s
        self.ratios.look(self.told(), self.at)

    def read(
        self, times: int, peer: str = HERE, cell: int = 1, process: str = "imap-0", seconds: float = 0.002
    ) -> None:
        keys = {"command": "FETCH", "result": b"OK", "seconds": seconds, "peer": peer, "cell": cell}
        for _ in range(times):
            self.counts[process](Entry(self.at, COMMAND, keys))

    def miss(
        self, times: int, peer: str = HERE, cell: int | None = 1, process: str = "imap-0", of: str = "store"
    ) -> None:
        keys = {"command": "FETCH", "account": 1, "component": of, "text": "", "peer": peer, "cell": cell}
        for _ in range(times):
            self.counts[process](Entry(self.at, UNAVAILABLE, keys))

    def imap(self) -> Used:
        [found] = [each for each in self.ratios.all() if each.function == "imap"]
        return found

    def apart(self) -> dict[tuple[str, str], Apart]:
        return {(each.by, each.where): each for each in self.imap().apart}


def test_one_network_that_misses_what_others_get_stands_out_and_nearly_all_that_is_missed_is_there():
    service = Service("imap-0", "imap-1")
    service.read(100, THERE, cell=1)
    service.read(60, THERE, cell=2, process="imap-1")
    service.read(10, HERE, cell=1), service.miss(30, HERE, cell=1)
    service.miss(2, THERE, cell=2, process="imap-1")
    service.look()
    found = service.imap()
    assert (found.served, found.missed) == (170, 32) and found.well == pytest.approx(170 / 202)
    [line] = found.apart
    assert (line.by, line.where) == ("network", "192.0.2.0/24")
    assert (line.served, line.missed, line.well, line.nearly_all) == (10, 30, 0.25, True)


def test_one_cell_stands_out_whatever_networks_its_customers_are_in():
    service = Service("imap-0")
    for peer in (HERE, THERE):
        service.read(40, peer, cell=1), service.read(40, peer, cell=2), service.miss(15, peer, cell=7)
    service.miss(20, HERE, cell=None)  # whose mail lies nobody knows where
    service.look()
    line = service.apart()["cell", "cell-07"]
    assert (line.served, line.missed, line.nearly_all) == (0, 30, False)


def test_what_all_miss_alike_stands_out_nowhere():
    service = Service("imap-0")
    for peer, cell in ((HERE, 1), (THERE, 2)):
        service.read(30, peer, cell), service.miss(30, peer, cell)
    service.look()
    assert service.imap().well == 0.5 and service.imap().apart == ()


def test_ratio_1_few_tries_make_no_ratio_and_few_elsewhere_no_comparison():
    service = Service("imap-0")
    service.read(200, THERE, cell=2), service.miss(RATIO_FEW - 1, HERE, cell=1)
    service.look()
    assert service.apart() == {}
    service.miss(1, HERE, cell=1), service.look()
    assert set(service.apart()) == {("network", "192.0.2.0/24"), ("cell", "cell-01")}
    alone = Service("imap-0")
    alone.miss(200, HERE, cell=1), alone.read(RATIO_FEW - 1, THERE, cell=2), alone.look()
    assert alone.apart() == {}
    few = Service("imap-0")
    few.miss(3), few.look()
    assert few.imap().well is None and few.imap().missed == 3


def test_ratio_2_what_was_counted_before_anybody_looked_and_silence_say_nothing():
    service = Service()
    service.begin("imap-0")
    service.miss(50)
    service.look()
    assert service.ratios.all() == ()
    service.silent = {"imap-0"}
    service.miss(5), service.look()
    assert service.ratios.all() == ()
    service.silent = set()
    service.look()
    assert service.imap().missed == 5


def test_a_process_that_began_anew_counts_from_nought_even_where_it_has_counted_more_since():
    service = Service("imap-0")
    service.read(30), service.look()
    service.begin("imap-0")
    service.read(40), service.look()
    assert service.imap().served == 70


def test_it_is_of_the_last_minutes_and_then_nobody_used_it():
    service = Service("imap-0")
    service.miss(40), service.look()
    service.look(RATIO_S / 2)
    assert service.imap().missed == 40
    service.look(RATIO_S / 2)
    assert service.ratios.all() == ()


def test_while_a_release_follows_another_processes_of_one_role_are_compared_by_it():
    service = Service("imap-0", "imap-1")
    service.begin("imap-1", NEW), service.look()
    service.read(50), service.miss(20, process="imap-1")
    service.look()
    line = service.apart()["release", "1.0 bbbbbbbb"]
    assert (line.served, line.missed, line.nearly_all) == (0, 20, True)


def test_a_release_that_answers_far_slower_stands_out_and_one_that_is_a_little_slower_does_not():
    service = Service("imap-0", "imap-1")
    service.begin("imap-1", NEW), service.look()
    service.read(50), service.read(50, process="imap-1", seconds=0.02), service.look()
    assert service.apart() == {}, "nobody notices that"
    service.read(200, process="imap-1", seconds=0.4), service.look()
    line = service.apart()["release", "1.0 bbbbbbbb"]
    assert line.usual_s is not None and 0.25 < line.usual_s <= 0.5 and not line.nearly_all
    assert service.imap().usual_s is not None


def test_a_network_and_a_cell_whose_answers_are_late_stand_out_and_idle_is_never_late():
    service = Service("imap-0")
    service.read(50, HERE, 1), service.read(40, THERE, 2), service.read(15, THERE, 2, seconds=1.5)
    idle = {"command": "IDLE", "result": b"OK", "seconds": 900.0, "peer": HERE, "cell": 1}
    for _ in range(40):
        service.counts["imap-0"](Entry(service.at, COMMAND, idle))
    service.look()
    assert {place: (each.served, each.late) for place, each in service.apart().items()} == {
        ("cell", "cell-02"): (55, 15),
        ("network", "198.51.100.0/24"): (55, 15),
    }
    assert service.imap().late == 15
    service.read(20, THERE, 2), service.look()
    assert service.apart() == {}, "a fifth of them"


def test_roles_that_answer_otherwise_are_no_releases_that_differ():
    service = Service("jmap-0", "webmail-0")
    service.begin("webmail-0", NEW), service.look()
    call = {"account": 1, "method": "Email/get", "result": "ok", "seconds": 0.001, "peer": HERE, "cell": 1}
    page = {"function": "webmail", "page": "/", "method": "GET", "status": 200, "seconds": 9.0, "peer": HERE}
    for _ in range(50):
        service.counts["jmap-0"](Entry(0.0, CALL, call))
        service.counts["webmail-0"](Entry(0.0, PAGE_SERVED, page))
    service.look()
    [found] = service.ratios.all()
    assert (found.function, found.served, found.apart) == ("webmail", 100, ())


def test_who_asks_too_often_and_what_no_customer_uses_is_not_in_it():
    service = Service("imap-0", "admin-0")
    service.miss(50, of="auth/limit")
    page = {"function": "admin", "status": 200, "seconds": 0.1, "peer": HERE}
    for _ in range(50):
        service.counts["admin-0"](Entry(0.0, PAGE_SERVED, page))
    service.look()
    assert service.ratios.all() == ()


def test_the_worst_places_are_named_and_no_more_than_anybody_reads():
    service = Service("imap-0")
    service.read(3000, THERE, cell=0)
    for number in range(1, 3 * RATIO_PLACES):
        service.miss(20 + number, f"10.0.{number}.1", cell=0)
    service.look()
    most = 20 + 3 * RATIO_PLACES - 1
    assert [each.missed for each in service.imap().apart] == [most - at for at in range(RATIO_PLACES)]


@pytest.mark.timed
def test_a_look_at_twenty_processes_costs_about_a_millisecond():
    service = Service(*(f"imap-{number}" for number in range(20)))
    for process in service.counts:
        for number in range(40):
            service.read(1, f"10.0.{number}.1", cell=number, process=process)
    told = service.told()
    best = min(timeit.repeat(lambda: service.ratios.look(told, service.at), number=10, repeat=5)) / 10
    assert best < 10e-3  # ten times what it is: this machine is busy
