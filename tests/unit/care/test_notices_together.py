"""A customer whom several incidents hit is told of all of them at once: TELL-7 and TELL-8."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import Gateway, gateway
from holdfast.care.customers import AccountRow, TenantRow
from holdfast.care.notices.due import NoticeDue, Said
from holdfast.care.notices.recipients import Account, Cells
from holdfast.care.notices.together import Along, Beside, Last, Other, Reading, along, reading
from holdfast.watch.incidents import record as r
from outage import hits, named
from unit.care.snapshot import account
from unit.care.telling import Told, go, people, phone, texts

NOW = 1_345_000_000.0
ALL = Cells(None, False)
MINE = [Account("a@example.org", 3, 1), Account("b@example.org", 4, 2)]


@pytest.fixture
def first() -> Iterator[Gateway]:
    with gateway() as made:
        yield made


def other(number: int, *functions: str, state: str = "open", cells: Cells = ALL, high: float = 0.0) -> Other:
    scopes = dict.fromkeys(functions, cells)
    said = Said(functions, (), 0.0, high, 1)
    return Other(number, state, said, scopes, NOW - number)  # type: ignore[arg-type]


def last(own: Other, *others: Other, at: float = NOW - 600) -> Beside:
    """What customer 7 was told last, and what is beside."""
    return Beside(last={7: Last(own.incident, 2, at, own, others)})


def opened(own: Other) -> NoticeDue:
    return NoticeDue("opened", own.said, 1, NOW + 1800)


CELL_3 = Cells((3,), False)


@pytest.mark.parametrize(
    ("told", "true", "adds"),
    [
        (other(1, "imap"), other(2, "imap"), False),
        (other(1, "imap", "pop3"), other(2, "imap"), False),
        (other(1, "imap"), other(2, "imap", "pop3"), True),  # another function
        (other(1, "imap", cells=CELL_3), other(2, "imap"), True),  # another mailbox
        (other(1, "imap"), other(2, "imap", cells=CELL_3), False),
        (other(1, "imap", high=NOW + 600), other(2, "imap"), True),  # an end that isn't known any more
        (other(1, "imap", high=NOW + 600), other(2, "imap", high=NOW + 900), True),
        (other(1, "imap", high=NOW + 600), other(2, "imap", high=NOW + 300), False),
        (other(1, "imap", cells=Cells(None, True)), other(2, "imap"), True),  # for certain now
        (other(1, "imap"), other(2, "imap", cells=Cells(None, True)), False),
        (other(1, "imap"), other(2, "imap", "signup"), False),  # who has a mailbox needs no other
    ],
)
def test_tell_7_an_incident_is_told_only_to_whom_it_adds_something(
    told: Other, true: Other, adds: bool
) -> None:
    beside = last(told)._replace(others=(told,))
    found = along(7, MINE, true, opened(true), beside, NOW)
    assert found == (None if adds else Along(7, 1, 2))
    assert along(8, MINE, true, opened(true), beside, NOW) is None  # nobody told that one of anything


def test_tell_7_an_end_that_is_expected_sooner_is_news_to_who_knew_of_it() -> None:
    own, a = other(2, "imap", high=NOW + 300), other(1, "pop3", high=NOW + 200)
    beside = last(other(2, "imap", high=NOW + 600), a)._replace(others=(a,))
    news = NoticeDue("update", own.said, 1, NOW + 1800, ("estimate",))
    assert along(7, MINE, own, news, beside, NOW) is None
    later = last(other(2, "imap", high=NOW + 600), other(1, "pop3", high=NOW + 900))
    beside = later._replace(others=(other(1, "pop3", high=NOW + 900),))
    assert along(7, MINE, own, NoticeDue("update", own.said, 1, 0.0, ("cause",)), beside, NOW) is None
    again = NoticeDue("update", own.said, 1, NOW + 1800, ("functions",))
    assert along(7, MINE, other(2, "imap", high=NOW + 600), again, beside, NOW) is not None


def test_tell_7_who_never_heard_of_an_incident_hears_no_news_of_it_when_it_hits_others() -> None:
    own = other(2, "imap", cells=Cells((7,), False))  # it might have been anybody, and adds nothing
    cause = NoticeDue("update", own.said, 1, NOW + 1800, ("cause",))
    a = other(1, "imap")
    assert along(7, MINE, own, cause, last(a)._replace(others=(a,)), NOW) == Along(7, 1, 2)
    of_both = last(a, other(2, "imap"))._replace(others=(a,))
    assert along(7, MINE, own, cause, of_both, NOW) is None


def test_tell_8_what_fails_by_another_is_not_said_to_work_again() -> None:
    own = other(1, "imap", "pop3", state="over")
    end = NoticeDue("ended", own.said)
    goes_on = other(2, "imap", cells=CELL_3)
    beside = Beside((goes_on,))
    assert reading(MINE, own.said, is_over=True, beside=beside) == Reading(("pop3",), ((2, ("imap",), ()),))
    assert reading(MINE[1:], own.said, is_over=True, beside=beside) == Reading(("imap", "pop3"))
    whole = Beside((other(2, "imap", "pop3", "password"),))
    assert along(7, MINE, own, end, whole, NOW) == Along(7, 2, 0)
    unheard = Beside((other(3, "imap", "pop3", state="silent"),))
    assert along(7, MINE, own, end, unheard, NOW) == Along(7, 3, 0)
    assert reading(MINE, own.said, is_over=True, beside=unheard).also == ()
    unsure = Beside((other(2, "pop3", cells=Cells(None, True)), other(3, "imap")))
    said = reading(MINE, Said(("password",)), is_over=False, beside=unsure)
    assert said.also == ((2, (), ("pop3",)), (3, ("imap",), ()))
    left = Beside(left=(other(5, "imap", state="over", cells=CELL_3),))  # whose end this one tells
    assert reading(MINE, own.said, is_over=True, beside=left) == Reading(("imap", "pop3"), (), NOW - 5)
    assert reading(MINE[1:], own.said, is_over=True, beside=left).since == 0


INCIDENTS = st.lists(
    st.tuples(
        st.sets(st.sampled_from(["imap", "pop3", "password"]), min_size=1),
        st.sampled_from(["open", "over", "silent"]),
        st.sampled_from([ALL, CELL_3, Cells((4,), True)]),
    ),
    max_size=4,
)


@settings(max_examples=50)
@given(INCIDENTS, st.sampled_from([MINE, MINE[:1], MINE[1:]]))
def test_tell_8_whatever_there_is_beside_nothing_that_fails_is_said_to_work(
    incidents: list[tuple[set[str], str, Cells]], mine: list[Account]
) -> None:
    others = [
        other(number, *sorted(those), state=state, cells=cells)
        for number, (those, state, cells) in enumerate(incidents, 2)
    ]
    own = other(1, "imap", "pop3", state="over")
    found = reading(mine, own.said, is_over=True, beside=Beside(tuple(others)))
    over = {each.incident for each in others if each.state == "over"}
    works = {*found.works, *(name for number, those, _ in found.also if number in over for name in those)}
    fails = {name for each in others if each.state != "over" for name in each.hits(mine)}
    assert not works & fails and set(own.said.functions) - fails <= works


# from the record to the gateway


def incident(
    number: int, at: float, function: str, cell: int | None = 3, customers: int = 1
) -> list[r.AnyEntry]:
    failing = r.Failing(trial=f"{function}/{cell}", function=function, state="fails", step="list", cell=cell)
    component = "process/people-0" if cell is None else f"cell-{cell:02}/index"
    return [
        r.Opened(at=at, incident=number, since={function: at - 5}),
        r.Found(at=at, incident=number, states={function: "fails"}, failing=(failing,), count=1),
        r.Promised(at=at, incident=number, promise=1, what="next_update", due=at + 1800),
        r.Diagnosed(at=at + 1, incident=number, report=named(component, "index", function)),
        r.Affected(
            at=at + 2,
            incident=number,
            counts={function: hits(customers, customers, customers, customers)},
        ),
    ]


def closed(number: int, at: float, function: str) -> r.Closed:
    return r.Closed(at=at, incident=number, until={function: at - 60})


def settle(
    folder: Path, of: Gateway, work: Callable[[Told], Awaitable[None]], accounts: Sequence[AccountRow] = ()
) -> dict[str, list[str]]:
    own = accounts or [account(1, 1, 3, made_at=0.0), account(2, 2, 4, made_at=0.0)]
    go(folder, of, own, people(2), work)
    return texts(of)


async def heard(told: Told, of: Gateway, count: int) -> None:
    """The gateway has so many messages, and nothing waits."""
    await told.until(lambda: len(of.requests) >= count)


@pytest.mark.slow
def test_tell_7_two_incidents_of_one_moment_are_one_message_and_each_counts_as_told(
    tmp_path: Path, first: Gateway
) -> None:
    async def work(told: Told) -> None:
        told.apply(*incident(1, told.at, "imap"), *incident(2, told.at, "password", None, 2))
        await told.turn(6)
        assert [(each.incident, each.about) for each in told.noticed()] == [(1, "opened"), (2, "opened")]
        await heard(told, first, 2)
        await told.turn(70)
        reached = [told.incidents.get(each).reached[1] for each in (1, 2)]  # type: ignore[union-attr]
        assert [(each.customers, each.of) for each in reached] == [(1, 1), (2, 2)]
        told.apply(closed(1, told.at, "imap"), closed(2, told.at + 1, "password"))
        await told.turn(2)
        await heard(told, first, 4)
        await told.turn(2)

    said = settle(tmp_path, first, work)
    [begin, end], [other_begin, other_end] = said[phone(1)], said[phone(2)]
    assert "out since" in begin and "IMAP" in begin and "Also out since" in begin and "password" in begin
    assert "IMAP" not in other_begin and "password" in other_begin
    assert "works again" in end and "IMAP" in end and "Works again since" in end and "password" in end
    assert "IMAP" not in other_end


@pytest.mark.slow
def test_tell_7_a_later_incident_is_told_with_all_that_fails_and_not_to_whom_it_adds_nothing(
    tmp_path: Path, first: Gateway
) -> None:
    async def work(told: Told) -> None:
        told.apply(*incident(1, told.at, "imap"))
        await told.turn(6)
        await heard(told, first, 1)
        told.apply(*incident(2, told.at + 100, "imap", None, 2))  # the same for customer 1; new to 2
        await told.turn(110)
        await heard(told, first, 2)
        told.apply(*incident(3, told.at + 100, "pop3"))
        await told.turn(110)
        await heard(told, first, 3)
        told.apply(closed(1, told.at + 10, "imap"))
        await told.turn(20)  # IMAP doesn't work for anybody by the other one
        told.apply(closed(3, told.at + 10, "pop3"))
        await told.turn(20)
        await heard(told, first, 4)
        told.apply(closed(2, told.at + 10, "imap"))
        await told.turn(20)
        await heard(told, first, 6)
        await told.turn(2)
        assert len(first.requests) == 6

    said = settle(tmp_path, first, work)
    imap, both, pop3_again, imap_again = said[phone(1)]
    assert "IMAP" in imap and "POP3" in both and "Also out since" in both and "IMAP" in both
    assert "works again" in pop3_again and pop3_again.index("POP3") < pop3_again.index("Also out since")
    assert "works again" in imap_again and "Also" not in imap_again
    assert len(said[phone(2)]) == 2


@pytest.mark.slow
def test_tell_8_who_is_left_to_an_incident_that_nobody_was_told_of_hears_its_end(
    tmp_path: Path, first: Gateway
) -> None:
    async def work(told: Told) -> None:
        told.apply(*incident(1, told.at, "imap"))
        await told.turn(6)
        await heard(told, first, 1)
        told.apply(*incident(2, told.at + 100, "imap")[:3])  # what is at fault isn't known yet
        told.apply(closed(1, told.at + 105, "imap"))
        await told.turn(110)
        assert [each.about for each in told.noticed()] == ["opened", "ended"]
        told.apply(closed(2, told.at + 10, "imap"))
        await told.turn(20)
        await told.turn(2)
        await heard(told, first, 2)
        await told.turn(2)
        assert len(first.requests) == 2

    [begin, end] = settle(tmp_path, first, work)[phone(1)]
    assert "out since" in begin and "works again since" in end


PUSHED = """
[status]
url = "https://status.example.org"
[brands.acme]
tenant = 17
[channels.whole]
kind = "push"
url = "%s/push"
body = '{"text": "{text}", "link": "{link}", "token": "{token}"}'
"""


@pytest.mark.slow
def test_tenant_1_a_tenants_customer_is_told_in_its_name_with_its_numbers_and_led_to_its_pages(
    tmp_path: Path, first: Gateway
) -> None:
    accounts = [account(1, 1, 3, made_at=0.0), account(2, 2, 3, made_at=0.0), account(3, 3, 4, made_at=0.0)]
    of_acme = [each._replace(tenant=17 if each.id != 2 else 0) for each in people(3)]
    acme = TenantRow(17, "acme", "Acme Post")

    async def work(told: Told) -> None:
        told.apply(*incident(1, told.at, "imap", customers=2))
        await told.turn(6)
        await heard(told, first, 4)
        joined = r.Failing(trial="imap/4", function="imap", state="fails", step="list", cell=4)
        both = (*told.incidents.get(1).failing, joined)  # type: ignore[union-attr]
        told.apply(
            r.Found(at=told.at, incident=1, states={"imap": "fails"}, failing=both, count=2),
            r.Affected(at=told.at + 1, incident=1, counts={"imap": hits(3, 3, 3, 3)}),
        )
        await told.turn(2)
        await heard(told, first, 6)
        told.apply(closed(1, told.at, "imap"))
        await told.turn(2)
        await heard(told, first, 12)

    go(tmp_path, first, accounts, of_acme, work, PUSHED % first.url, [acme])
    said = texts(first)
    assert [len(said[phone(each)]) for each in (1, 2, 3)] == [2, 2, 2]
    assert all(each.startswith("Acme Post: ") for each in (*said[phone(1)], *said[phone(3)]))
    assert all(each.startswith("Example: ") for each in said[phone(2)])
    pushed = [json.loads(each.body) for each in first.requests if each.path == "/push"]
    acmes = [each for each in pushed if each["link"].startswith("https://status.example.org/acme/customer-")]
    others = [each["text"] for each in pushed if each not in acmes]
    assert (len(acmes), len(others)) == (4, 2)
    assert "1 of 2 customers" in acmes[0]["text"] and not any("of 3" in each["text"] for each in acmes)
    assert any("2 of 3 customers" in each for each in others)


@pytest.mark.slow
def test_tell_7_after_a_restart_nobody_is_told_again_what_another_told_him(
    tmp_path: Path, first: Gateway
) -> None:
    entries: list[r.AnyEntry] = []

    async def work(told: Told) -> None:
        told.apply(*incident(1, told.at, "imap"), *incident(2, told.at, "imap"))
        await told.turn(6)
        await heard(told, first, 1)
        entries.extend(entry for each in told.incidents for entry in each.timeline)

    async def after(told: Told) -> None:
        told.apply(*entries)
        told.at = max(each.at for each in entries)
        await told.turn(60)
        told.apply(closed(1, told.at, "imap"), closed(2, told.at, "imap"))
        await told.turn(2)
        await heard(told, first, 2)
        await told.turn(2)
        assert len(first.requests) == 2

    settle(tmp_path, first, work)
    said = settle(tmp_path, first, after)
    assert [len(each) for each in said.values()] == [2]


@pytest.mark.slow
def test_what_everybody_reads_of_an_end_says_what_still_fails(tmp_path: Path, first: Gateway) -> None:
    async def work(told: Told) -> None:
        told.apply(*incident(1, told.at, "imap"), *incident(2, told.at, "imap", 4))
        await told.turn(6)
        await heard(told, first, 2)
        told.apply(closed(1, told.at, "imap"))
        await told.turn(2)
        public = told.noticed()[-1].texts["en"]
        assert public.startswith("This fault is over since") and "not work for all yet" in public
        await told.until(lambda: len(texts(first).get(phone(1), ())) == 2)

    said = settle(tmp_path, first, work)
    assert "works again since" in said[phone(1)][1]  # its mailbox isn't in the other's cell


@pytest.mark.slow
def test_a_file_of_before_can_be_read_and_written(tmp_path: Path, first: Gateway) -> None:
    """As version 1 had it, without those whom others tell."""
    import apsw

    async def work(told: Told) -> None:
        told.apply(*incident(1, told.at, "imap"))
        await told.turn(6)
        await heard(told, first, 1)

    settle(tmp_path, first, work)
    path = tmp_path / "data" / "care" / "notices.sqlite"
    with apsw.Connection(str(path)) as db:
        db.execute("DROP TABLE along; PRAGMA user_version = 1")
        for number, body in db.execute("SELECT number, body FROM notice").fetchall():
            old = {
                key: value
                for key, value in msgspec.msgpack.decode(body).items()
                if key not in ("others", "left", "readings")
            }
            db.execute("UPDATE notice SET body = ? WHERE number = ?", (msgspec.msgpack.encode(old), number))

    async def after(told: Told) -> None:
        told.apply(*incident(1, told.at, "imap"))
        told.apply(closed(1, told.at + 60, "imap"))
        await told.turn(70)
        await heard(told, first, 2)

    assert len(settle(tmp_path, first, after)[phone(1)]) == 2
