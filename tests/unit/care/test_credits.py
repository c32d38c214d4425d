"""Credits: the rules' own examples, by hand, to the cent; and what holds for any outage."""

from __future__ import annotations

import csv
import datetime
import io
import itertools
import json
import zoneinfo
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.care.credits import Contract, Daily, Flat, Policy, ProRata, Span, Suffered, Tiers
from holdfast.care.credits.billing import FOLDER, arithmetic, as_csv, as_json
from holdfast.care.credits.calendar import days, merged, midnight
from holdfast.care.credits.owing import Owed
from holdfast.care.credits.policies import TKG_58, Rule, Step, Tier
from holdfast.pages.texts import Texts

BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")


def at(text: str) -> float:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()


REPORTED = at("2012-08-15T08:00")
STORY = Span(REPORTED, at("2012-08-21T18:00"))
DAILY = Policy("daily", "voluntary, in the manner of § 58 (3) TKG", TKG_58)


def suffered(fee: int, *spans: Span, mailboxes: int = 1) -> Suffered:
    return Suffered(Contract("c1", fee, mailboxes=mailboxes), {"receive": spans}, REPORTED)


def by_day(policy: Policy, case: Suffered, now: float = at("2012-09-30T00:00")) -> dict[str, int]:
    return {item.first.isoformat(): item.amount for item in policy.credit(case, now).items}


@pytest.mark.parametrize(
    ("fee", "amounts"),
    [
        (2990, [500, 500, 1000, 1000]),
        (7990, [799, 799, 1598, 1598]),
        (5000, [500, 500, 1000, 1000]),
        (5010, [501, 501, 1002, 1002]),  # above 50.00 the share is the larger
        (4990, [500, 500, 1000, 1000]),
    ],
)
def test_reported_on_wednesday_days_count_from_saturday_on(fee, amounts):
    found = by_day(DAILY, suffered(fee, STORY))
    assert found == dict(zip(["2012-08-18", "2012-08-19", "2012-08-20", "2012-08-21"], amounts))


def test_what_was_mended_on_the_second_day_after_the_report_is_owed_nothing_for():
    assert by_day(DAILY, suffered(2990, Span(REPORTED, at("2012-08-17T23:59")))) == {}


def test_a_day_without_any_outage_in_between_is_not_counted():
    case = suffered(2990, Span(REPORTED, at("2012-08-18T03:00")), Span(at("2012-08-20T12:00"), STORY.end))
    assert list(by_day(DAILY, case)) == ["2012-08-18", "2012-08-20", "2012-08-21"]


def test_credit_2_four_mailboxes_of_one_contract_are_one():
    one = by_day(DAILY, suffered(2990, STORY))
    assert by_day(DAILY, suffered(2990, STORY, STORY, STORY, STORY, mailboxes=4)) == one
    several = Suffered(Contract("c1", 2990), {"receive": [STORY], "imap": [STORY]}, REPORTED)
    assert by_day(DAILY, several) == one


def test_only_the_functions_a_policy_names_count():
    case = Suffered(Contract("c1", 2990), {"signup": [STORY]}, REPORTED)
    assert by_day(DAILY._replace(functions=("receive", "imap")), case) == {}


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-10-24", 24)])
def test_days_are_those_of_berlin_over_a_change_of_the_clock(day, hours):
    date = datetime.date.fromisoformat(day)
    begin = midnight(date, BERLIN)
    end = midnight(date + datetime.timedelta(days=1), BERLIN)
    assert end - begin == hours * 3600
    assert days([Span(begin, end)], BERLIN) == [date]
    assert days([Span(begin - 1, end + 1)], BERLIN) == [
        date - datetime.timedelta(days=1),
        date,
        date + datetime.timedelta(days=1),
    ]


def test_daily_amounts_over_a_change_of_the_clock():
    reported = at("2026-10-22T12:00")
    case = Suffered(Contract("c1", 2990), {"imap": [Span(reported, at("2026-10-27T00:30"))]}, reported)
    assert by_day(DAILY, case, at("2026-11-01T00:00")) == {
        "2026-10-25": 500,
        "2026-10-26": 500,
        "2026-10-27": 1000,
    }


def test_pro_rata_is_the_share_of_the_month_and_credit_1_rounded_once():
    policy = Policy("pro rata", "terms, 7.2", ProRata())
    begin = at("2012-08-10T00:00")
    case = Suffered(Contract("c1", 3100), {"imap": [Span(begin, begin + 36 * 3600)]}, begin)
    assert [item.amount for item in policy.credit(case, STORY.end).items] == [150]  # 31.00 for 31 days
    half = Suffered(Contract("c1", 1), {"imap": [Span(begin, begin + 31 * 12 * 3600)]}, begin)
    assert policy.credit(half, at("2012-09-30T00:00")).amount == 1  # half a cent is one


def test_pro_rata_over_two_months_counts_each_with_its_own_length():
    policy = Policy("pro rata", "terms, 7.2", ProRata())
    span = Span(at("2026-01-31T00:00"), at("2026-02-02T00:00"))
    case = Suffered(Contract("c1", 3100), {"imap": [span]}, span.begin)
    assert by_day(policy, case, at("2026-03-01T00:00")) == {"2026-01-01": 100, "2026-02-01": 111}


SLA = Tiers(
    (Tier(Decimal("99.9"), Decimal(10)), Tier(Decimal(99), Decimal(25)), Tier(Decimal(95), Decimal(100)))
)


@pytest.mark.parametrize(("hours", "amount"), [(0.7, 0), (0.8, 299), (8, 748), (40, 2990)])
def test_tiers_give_more_the_less_was_available(hours, amount):
    begin = at("2012-08-10T00:00")
    case = Suffered(Contract("c1", 2990), {"imap": [Span(begin, begin + hours * 3600)]}, begin)
    assert Policy("sla", "agreement, annex 2", SLA).credit(case, STORY.end).amount == amount


def test_flat_is_given_once_from_its_least_on():
    policy = Policy("goodwill", "decided on 2012-08-22", Flat(500, 24 * 3600))
    assert policy.credit(suffered(2990, STORY), STORY.end).amount == 500
    assert policy.credit(suffered(2990, Span(REPORTED, REPORTED + 23 * 3600)), STORY.end).amount == 0


def test_credit_4_a_rule_gives_nothing_for_days_it_does_not_hold():
    policy = DAILY._replace(since=datetime.date(2012, 8, 20), until=datetime.date(2012, 8, 20))
    assert by_day(policy, suffered(2990, STORY)) == {"2012-08-20": 1000}


def test_credit_4_a_rule_that_holds_from_mid_month_on_counts_from_then_on():
    policy = Policy("pro rata", "terms", ProRata(), since=datetime.date(2012, 8, 21))
    assert by_day(policy, suffered(3100, STORY)) == {"2012-08-01": 75}  # 18 hours of 744, of 31.00


RULES = st.sampled_from([TKG_58, ProRata(), SLA, Flat(500, 3600), Daily((Step(1, Decimal("12.5"), 0),))])
HOUR = 3600
SPANS = st.lists(
    st.tuples(st.integers(0, 2000), st.integers(1, 300)).map(
        lambda pair: Span(REPORTED + pair[0] * HOUR, REPORTED + (pair[0] + pair[1]) * HOUR)
    ),
    max_size=6,
)


@given(
    rule=RULES, fee=st.integers(0, 20_000), spans=SPANS, first=st.integers(0, 2400), more=st.integers(0, 500)
)
def test_credit_3_what_is_owed_never_shrinks_as_time_goes_on(
    rule: Rule, fee: int, spans: list[Span], first: int, more: int
):
    policy = Policy("any", "any", rule)
    case = suffered(fee, *spans)
    early = policy.credit(case, REPORTED + first * HOUR).amount
    assert 0 <= early <= policy.credit(case, REPORTED + (first + more) * HOUR).amount


@given(spans=SPANS)
@settings(max_examples=50)
def test_credit_2_the_same_time_counts_once(spans: list[Span]):
    once = merged(spans)
    assert merged([*spans, *spans]) == once
    assert all(a.end < b.begin for a, b in itertools.pairwise(once))
    hours = {hour for begin, end in spans for hour in range(int(begin), int(end), HOUR)}
    assert sum(end - begin for begin, end in once) == len(hours) * HOUR


@given(rule=RULES, fee=st.integers(0, 20_000), spans=SPANS, more=SPANS)
@settings(max_examples=50)
def test_credit_2_the_same_outage_in_two_incidents_is_credited_once(
    rule: Rule, fee: int, spans: list[Span], more: list[Span]
):
    """An incident that lies within another one adds nothing; beside it, at most what it gives by itself."""
    policy = Policy("any", "any", rule)
    now = REPORTED + 4000 * HOUR
    first, both = suffered(fee, *spans), suffered(fee, *spans, *more)
    assert policy.credit(first, now, [both]).amount == 0
    again = policy.credit(suffered(fee, *more), now, [first]).amount
    assert 0 <= again <= policy.credit(suffered(fee, *more), now).amount


def test_credit_2_a_day_of_two_incidents_is_the_first_one_s():
    later = Suffered(
        Contract("c1", 2990), {"imap": [Span(at("2012-08-17T10:00"), at("2012-08-23T09:00"))]}, REPORTED
    )
    credit = DAILY.credit(later, at("2012-09-30T00:00"), [suffered(2990, STORY)])
    assert [item.first.isoformat() for item in credit.items] == ["2012-08-22", "2012-08-23"]


def test_credit_2_an_agreement_looks_at_the_whole_month_and_gives_what_is_missing():
    """Two outages, each below one per cent of the month, together above: 10 % by the first, 25 % in all."""
    begin, again = at("2012-08-10T00:00"), at("2012-08-20T00:00")
    first = Suffered(Contract("c1", 2990), {"imap": [Span(begin, begin + 4 * 3600)]}, begin)
    second = Suffered(Contract("c1", 2990), {"imap": [Span(again, again + 4 * 3600)]}, again)
    policy = Policy("sla", "agreement, annex 2", SLA)
    given_first = policy.credit(first, STORY.end).amount
    credit = policy.credit(second, STORY.end, [first])
    assert (given_first, credit.amount) == (299, 748 - 299)
    said = arithmetic(Texts([FOLDER], time_zone="Europe/Berlin"), "en", credit, credit.items[0])
    assert "25 % of €29.90 is €7.48, of which €2.99 is credited already: €4.49" in said


def test_the_arithmetic_is_said_in_both_languages():
    texts = Texts([FOLDER], time_zone="Europe/Berlin")
    credit = DAILY.credit(suffered(7990, STORY), STORY.end)
    assert arithmetic(texts, "de", credit, credit.items[0]).replace("\xa0", " ") == (
        "18. August 2012, Tag 3 nach der Meldung: 10 % von 79,90 € sind 7,99 €, mindestens 5,00 €: 7,99 €"
    )
    assert "10 % of €79.90 is €7.99, at least €5.00: €7.99" in arithmetic(
        texts, "en", credit, credit.items[0]
    )
    for rule in (ProRata(), SLA, Flat(500, 3600)):
        credit = Policy("p", "s", rule).credit(suffered(2990, STORY), STORY.end)
        for language in ("de", "en"):
            assert arithmetic(texts, language, credit, credit.items[0])


def test_billing_gets_one_row_for_each_item():
    texts = Texts([FOLDER], time_zone="Europe/Berlin")
    credit = DAILY.credit(suffered(2990, STORY), STORY.end)
    rows = list(csv.DictReader(io.StringIO(as_csv(texts, "de", [credit]))))
    assert [row["amount"] for row in rows] == ["5.00", "5.00", "10.00", "10.00"]
    assert sum(Decimal(row["amount"]) for row in rows) == Decimal(credit.amount) / 100
    owed = Owed(7, DAILY, STORY.end, False, (credit,), ("K-9",), False)
    told = json.loads(as_json(texts, "de", owed))
    assert told["credits"] == rows
    assert (told["incident"], told["total"], told["unknown"]) == (7, {"EUR": "30.00"}, ["K-9"])
