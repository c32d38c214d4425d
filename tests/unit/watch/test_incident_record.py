"""The ledger of incidents: what is folded from it, whoever reads it, and however much of it is left."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.model.errors import Unavailable
from holdfast.model.functions import FUNCTIONS
from holdfast.model.ledgers import INCIDENTS, Kind
from holdfast.packs import LedgerWriter, NewFrame
from holdfast.sim.loop import PowerCut
from holdfast.sim.world import SimWorld, simulated
from holdfast.watch.diagnosis.report import NamedCause, Report, Rival
from holdfast.watch.incidents import IncidentLedger, IncidentReader, Incidents
from holdfast.watch.incidents import incidents as folding
from holdfast.watch.incidents import record as r

FOLDER = "/data/watch"
NOON = 1_345_032_000.0


@pytest.fixture
def world():
    with simulated(1) as made:
        yield made


def named(*components: str, kind: str = "index") -> Report:
    return Report(
        verdict="named",
        probability=0.97,
        causes=tuple(NamedCause(component=each, since=NOON) for each in components),
        kinds=dict.fromkeys(components, kind),
    )


UNDECIDED = Report(
    verdict="undecided", probability=0.5, runners_up=(Rival(components=("a",), probability=0.5),)
)


def entries() -> st.SearchStrategy[r.AnyEntry]:
    """Any, in any order: the fold has to bear what a damaged ledger leaves of one."""
    head: dict[str, Any] = {"at": st.floats(NOON, NOON + 1e6), "incident": st.integers(1, 4)}
    number = st.integers(1, 3)
    function, cell = st.sampled_from(FUNCTIONS), st.sampled_from(["cell-01", "cell-02"])
    moments = st.dictionaries(st.sampled_from(FUNCTIONS), st.floats(NOON, NOON + 1e6), max_size=3)
    before = st.sampled_from(["", "mended", "corrected", "extended", "withdrawn"])
    reports = st.sampled_from([named("cell-01/index"), named("disk/v1", kind="disk"), UNDECIDED])
    return st.one_of(
        st.builds(r.Opened, since=moments, **head),
        st.builds(r.Joined, since=moments, **head),
        st.builds(r.Reopened, since=moments, **head),
        st.builds(r.Parted, functions=st.tuples(st.sampled_from(FUNCTIONS)), to=number, **head),
        st.builds(r.Found, states=st.just({"imap": "fails"}), **head),
        st.builds(r.Diagnosed, report=reports, before=before, **head),
        st.builds(r.Credited, policy=st.sampled_from(["a", "b"]), total=st.just({"EUR": 2990}), **head),
        st.builds(r.Affected, counts=st.just({"imap": (r.Hit(what="customers", count=7, of=99),)}), **head),
        st.builds(r.Estimated, estimate=number, high=st.floats(NOON, NOON + 1e6), **head),
        st.builds(r.Noticed, notice=number, about=st.just("update"), promise=number, **head),
        st.builds(r.Reached, notice=number, customers=number, of=number, **head),
        st.builds(r.Promised, promise=number, what=st.just("next_update"), due=st.just(NOON), **head),
        st.builds(r.Kept, promise=number, **head),
        st.builds(r.Missed, promise=number, **head),
        st.builds(r.Closed, until=moments, **head),
        st.builds(r.Linked, earlier=number, why=st.just("fingerprint"), **head),
        st.builds(
            r.Singled, function=function, by=st.just("cell"), where=cell, missed=number, of=number, **head
        ),
        st.builds(r.Planned, action=number, text=st.just("mend it"), **head),
        st.builds(r.Done, action=number, **head),
        st.builds(r.Reported, counts=st.just({"imap": 3}), first_at=st.floats(NOON, NOON + 1e6), **head),
        st.builds(r.Filed, report=st.just("nis2.early"), **head),
        st.builds(r.Note, text=st.text(max_size=20), **head),
    )


def whole(incidents: Incidents) -> list[str]:
    return [json.dumps(folding.told(incidents, each)) for each in incidents]


@given(st.lists(entries(), max_size=30), st.data())
@settings(max_examples=30, deadline=None)
def test_inc_1_folded_in_any_pieces_and_from_its_bytes_it_is_the_same(said, data):
    once, pieces = Incidents(), Incidents()
    once.apply(said)
    rest = [r.decode_entry(r.encode_entry(each)) for each in said]
    while rest:
        cut = data.draw(st.integers(1, len(rest)))
        pieces.apply(rest[:cut])
        rest = rest[cut:]
    assert whole(once) == whole(pieces)


def test_what_is_written_holds_and_is_read_by_others(world: SimWorld) -> None:
    async def main() -> None:
        ledger = await IncidentLedger.open(world, FOLDER)
        await ledger.write([r.Opened(at=NOON, incident=1, since={"imap": NOON - 5})])
        assert [each.number for each in ledger.incidents.open()] == [1]
        with pytest.raises(Unavailable):
            await IncidentLedger.open(world, FOLDER)
        reader = IncidentReader(world, FOLDER)
        await world.clock.sleep(2)
        assert [r.name_of(each) for each in reader.catch_up()] == ["opened"] and reader.catch_up() == []
        await ledger.write([r.Closed(at=NOON + 90, incident=1, until={"imap": NOON + 20})])
        await ledger.close()
        assert [r.name_of(each) for each in reader.catch_up()] == ["closed"]
        again = await IncidentLedger.open(world, FOLDER)
        assert whole(again.incidents) == whole(reader.incidents) and again.incidents.open() == []
        assert again.incidents.next_number == 2
        await again.close()

    world.run(main())


def test_where_there_is_no_ledger_nothing_has_happened(world: SimWorld) -> None:
    async def main() -> None:
        reader = IncidentReader(world, FOLDER)
        assert reader.catch_up() == [] and reader.read_all() == [] and len(reader.incidents) == 0

    world.run(main())


@pytest.mark.parametrize("seed", range(20))
def test_inc_3_after_a_power_cut_all_that_was_told_is_there(seed: int) -> None:
    with simulated(seed) as world:
        told: list[int] = []

        async def write() -> None:
            ledger = await IncidentLedger.open(world, FOLDER)
            world.platter.cut_power_at("sync", after=seed % 7)
            for n in range(1, 9):
                await ledger.write([r.Opened(at=NOON + n, incident=n, since={"imap": NOON})] * (1 + seed % 3))
                told.append(n)

        with pytest.raises(PowerCut):
            world.run(write())
        after = world.restart()

        async def read() -> None:
            alone = IncidentReader(after, FOLDER)
            alone.catch_up()
            assert {each.number for each in alone.incidents} <= {*told, len(told) + 1}
            ledger = await IncidentLedger.open(after, FOLDER)
            known = {each.number for each in ledger.incidents}
            assert set(told) <= known and known <= {*told, len(told) + 1}
            await ledger.write([r.Note(at=NOON, incident=1, text="power was gone")])
            await ledger.close()
            alone.catch_up()
            assert whole(alone.incidents) == whole(ledger.incidents)

        after.run(read())


def test_inc_3_what_can_t_be_read_hides_nothing_else(world: SimWorld) -> None:
    async def main() -> None:
        ledger = await LedgerWriter.open(world, FOLDER, INCIDENTS)
        bodies = [
            msgspec.msgpack.encode({"is": "later_version", "at": NOON, "incident": 1}),
            r.encode_entry(r.Note(at=NOON, incident=1, text="still here")),
        ]
        await ledger.append([NewFrame(Kind.INCIDENT, body) for body in bodies])
        await ledger.close()
        reader = IncidentReader(world, FOLDER)
        assert [r.name_of(each) for each in reader.read_all()] == ["note"]
        assert reader.lost == 1 and world.journal.named("incident_entry_lost")

    world.run(main())


# What became of what was said


def folded(*said: r.AnyEntry) -> folding.Incident:
    incidents = Incidents()
    incidents.apply(said)
    return next(iter(incidents))


OPENED = r.Opened(at=NOON, incident=1, since={"imap": NOON - 5})


def test_inc_2_a_diagnosis_that_was_taken_back_stays_in_sight():
    incident = folded(
        OPENED,
        r.Diagnosed(at=NOON + 3, incident=1, report=named("disk/v1", kind="disk")),
        r.Diagnosed(at=NOON + 9, incident=1, report=named("cell-01/index"), before="corrected"),
    )
    assert [(each.fate, each.until) for each in incident.opinions] == [("corrected", NOON + 9), ("", 0.0)]
    assert incident.opinion is incident.opinions[1] and incident.fingerprint == "imap/index"


def test_inc_2_promises_and_estimates_are_scored_and_never_replaced():
    incident = folded(
        OPENED,
        r.Promised(at=NOON, incident=1, promise=1, what="next_update", due=NOON + 1800),
        r.Promised(at=NOON, incident=1, promise=1, what="next_update", due=NOON + 9999),
        r.Missed(at=NOON + 1800, incident=1, promise=1),
        r.Kept(at=NOON + 1900, incident=1, promise=1),
        r.Estimated(at=NOON, incident=1, estimate=1, low=NOON + 10, high=NOON + 20),
        r.Estimated(at=NOON, incident=1, estimate=2, low=NOON + 10, high=NOON + 60),
        r.Estimated(at=NOON, incident=1, estimate=3, reason="estimate.few"),
        r.Closed(at=NOON + 100, incident=1, until={"imap": NOON + 40}),
    )
    assert incident.score() == {"next_update": {"kept": 0, "missed": 1, "open": 0}}
    assert [incident.outcome(each) for each in incident.estimates.values()] == ["late", "within", ""]


def test_the_same_in_another_cell_is_told_as_the_third_time_with_what_is_undone():
    incidents = Incidents()
    for number in (1, 2, 3):
        at = NOON + number * 30 * 86_400
        incidents.apply(
            [
                r.Opened(at=at, incident=number, since={"imap": at}),
                r.Diagnosed(at=at, incident=number, report=named(f"cell-0{number}/index")),
                r.Planned(at=at, incident=number, action=1, text="a second disk"),
                r.Planned(at=at, incident=number, action=2, text="a check"),
                r.Done(at=at, incident=number, action=2),
            ]
        )
        incident = incidents.get(number)
        assert incident is not None
        for each in incidents.alike(incident):
            incidents.apply([r.Linked(at=at, incident=number, earlier=each.number, why="fingerprint")])
    told = incidents.recurrence(incident)
    assert told is not None and (told.times, told.earlier) == (3, (1, 2))
    assert [(number, action.text) for number, action in told.undone] == [
        (1, "a second disk"),
        (2, "a second disk"),
    ]


def test_findings_go_first_from_a_timeline_that_becomes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "INCIDENT_ENTRIES", 5)
    incident = folded(
        OPENED,
        *(r.Found(at=NOON + n, incident=1, states={"imap": "fails"}) for n in range(9)),
        r.Note(at=NOON, incident=1, text="seen"),
    )
    assert [r.name_of(each) for each in incident.timeline] == ["opened", *["found"] * 3, "note"]
    assert incident.thinned == 6


def test_two_never_write_it_at_once(world: SimWorld) -> None:
    async def main() -> None:
        ledgers = await asyncio.gather(
            *(IncidentLedger.open(world, FOLDER) for _ in range(2)), return_exceptions=True
        )
        assert sum(isinstance(each, Unavailable) for each in ledgers) == 1
        for each in ledgers:
            if isinstance(each, IncidentLedger):
                await each.close()

    world.run(main())


def test_what_customers_reported_is_the_newest_count_and_how_long_before_them_it_was_known():
    incidents = Incidents()
    incidents.apply([r.Opened(at=NOON, incident=1, since={"imap": NOON - 5})])
    [incident] = incidents
    assert incident.lead_s is None
    for count in (1, 7):
        incidents.apply(
            [r.Reported(at=NOON + 90 + count, incident=1, counts={"imap": count}, first_at=NOON + 90)]
        )
    assert incident.reported.counts == {"imap": 7} and incident.lead_s == 90


def test_a_report_is_handed_in_once():
    incidents = Incidents()
    incidents.apply([r.Opened(at=NOON, incident=1, since={"imap": NOON})])
    incidents.apply(
        r.Filed(at=NOON + at, incident=1, report="nis2.early", by=by) for at, by in ((9, "a"), (99, "b"))
    )
    assert incidents.get(1).filed["nis2.early"].by == "a"


def test_how_far_a_notice_has_come_is_the_newest_that_says_so():
    noticed = r.Noticed(at=NOON, incident=1, notice=1, about="opened", sent={"sms": 1})
    found = Incidents()
    found.apply([r.Opened(at=NOON, incident=1, since={"imap": NOON}), noticed])
    [incident] = found
    assert incident.reach(noticed).sent == {"sms": 1}
    for count in (40, 90):
        entry = r.Reached(
            at=NOON + count,
            incident=1,
            notice=1,
            customers=count,
            of=90,
            sent={"sms": count},
            failed={"mail": 2},
        )
        found.apply([entry])
    assert incident.reach(noticed) == entry and incident.reach(noticed).sent == {"sms": 90}
    assert incident.notices == {1: noticed}
