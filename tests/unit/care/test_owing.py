"""What all contracts are owed for an incident, and the part of care that writes it down."""

from __future__ import annotations

import asyncio
import datetime
import json
from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from holdfast.care.affected import digest
from holdfast.care.credits.billing import FOLDER
from holdfast.care.credits.fees import Fee, fees
from holdfast.care.credits.owing import Owed, owed
from holdfast.care.credits.policies import TKG_58, Flat, Policy, ProRata
from holdfast.care.customers import CustomerRow
from holdfast.care.parts.credits import CreditsPart, Terms
from holdfast.care.turns import Seen
from holdfast.model.errors import Refused, Unavailable
from holdfast.model.limits import CREDIT_TELL_S, INCIDENT_REOPEN_S
from holdfast.pages.texts import Texts
from holdfast.watch.diagnosis.report import NamedCause, Report
from holdfast.watch.incidents import Incident, Incidents
from holdfast.watch.incidents import record as r
from holdfast.world import real_world
from unit.care.snapshot import account, written

BERLIN = ZoneInfo("Europe/Berlin")
DAILY = Policy("daily", "voluntary, in the manner of § 58 (3) TKG", TKG_58)
FEES = {"K-1": Fee(2990, "EUR"), "K-2": Fee(7990, "EUR"), "K-3": Fee(2990, "CHF")}


def at(text: str) -> float:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()


BEGAN = at("2012-08-15T08:00")


class Provider:
    """Four contracts: K-1 with mailboxes in cells 3 and 4, K-2 and K-3 in 4, K-4 in 5. Cell 3 fails, or 4."""

    def __init__(self, folder: Path) -> None:
        self.world = real_world(level="error")
        self.folder = folder / "care"
        people = [CustomerRow(each, f"K-{each}") for each in (1, 2, 3, 4)]
        cells = {1: [3, 4, 4, 3], 2: [4], 3: [4], 4: [5]}
        accounts = [
            account(customer * 10 + place, customer, cell, made_at=0.0)
            for customer, of in cells.items()
            for place, cell in enumerate(of)
        ]
        self.path = written(self.world, folder, accounts, people)
        self.incidents = Incidents()
        self.fees: Mapping[str, Fee] = FEES

    def fails(self, cell: int, began: float, until: float = 0.0, function: str = "imap") -> Incident:
        number = self.incidents.next_number
        failing = r.Failing(
            trial=f"{function}/{cell}", function=function, state="fails", step="look", cell=cell
        )
        hits = {function: {"look": (cell,)}}
        cause = NamedCause(component=f"cell-{cell:02d}/index", since=began, hits=hits)
        report = Report(verdict="named", probability=0.99, causes=(cause,))
        told: list[r.AnyEntry] = [
            r.Opened(at=began, incident=number, since={function: began}),
            r.Found(at=began, incident=number, states={function: "fails"}, failing=(failing,), count=1),
            r.Diagnosed(at=began, incident=number, report=report),
        ]
        if until:
            told.append(r.Found(at=until, incident=number, states={function: "works"}))
            told.append(r.Closed(at=until, incident=number, until={function: until}))
        self.incidents.apply(told)
        incident = self.incidents.get(number)
        assert incident is not None
        return incident

    def owes(self, incident: Incident, policy: Policy, now: float) -> Owed:
        return owed(self.world, self.path, self.incidents, incident, policy, self.fees, now)


def amounts(found: Owed) -> dict[str, int]:
    return {each.contract.id: each.amount for each in found.credits}


@pytest.fixture
def provider(tmp_path: Path) -> Provider:
    return Provider(tmp_path)


def test_credit_2_four_mailboxes_in_two_cells_are_one_contract(provider: Provider) -> None:
    incident = provider.fails(3, BEGAN)
    found = provider.owes(incident, DAILY, at("2012-08-21T18:00"))
    assert amounts(found) == {"K-1": 3000}
    assert found.credits[0].contract.mailboxes == 4
    assert not found.final and not found.bounded


def test_credit_5_whose_mailboxes_lie_elsewhere_is_owed_nothing_and_an_unknown_fee_is_named(
    provider: Provider,
) -> None:
    provider.fees = {"K-2": Fee(7990, "EUR"), "K-3": Fee(2990, "CHF")}
    found = provider.owes(provider.fails(4, BEGAN), DAILY, at("2012-08-21T18:00"))
    assert amounts(found) == {"K-2": 799 + 799 + 1598 + 1598, "K-3": 3000}
    assert found.total == {"EUR": 4794, "CHF": 3000}
    assert found.unknown == ("K-1",)


def test_credit_5_where_single_accounts_were_hit_their_contracts_alone_are_owed(provider: Provider) -> None:
    met = r.Failing(trial="sessions/imap-0", function="imap", state="degraded", step="people")
    cause = NamedCause(component="copy/imap-0", since=BEGAN, hits={"imap": {"sign-in": ()}})
    report = Report(verdict="named", probability=0.99, causes=(cause,))
    provider.incidents.apply(
        [
            r.Opened(at=BEGAN, incident=1, since={"imap": BEGAN}),
            r.Found(at=BEGAN, incident=1, states={"imap": "degraded"}, failing=(met,), count=1),
            r.Diagnosed(at=BEGAN, incident=1, report=report),
            r.Affected(at=BEGAN, incident=1, counts={}, accounts={"imap": (20,)}),
        ]
    )
    incident = provider.incidents.get(1)
    assert incident is not None
    found = provider.owes(incident, DAILY, at("2012-08-21T18:00"))
    assert amounts(found).keys() == {"K-2"} and not found.bounded


def test_goodwill_that_no_fee_matters_for_is_given_without_one(provider: Provider) -> None:
    provider.fees = {}
    found = provider.owes(provider.fails(5, BEGAN), Policy("flat", "goodwill", Flat(500, 3600)), BEGAN + 7200)
    assert (amounts(found), found.unknown, found.total) == ({"K-4": 500}, (), {"EUR": 500})


def test_credit_2_a_day_that_two_incidents_have_in_common_is_credited_once(provider: Provider) -> None:
    first = provider.fails(4, BEGAN, at("2012-08-19T12:00"))
    second = provider.fails(4, at("2012-08-15T09:00"), at("2012-08-20T12:00"), function="pop3")
    now = at("2012-08-25T00:00")
    assert amounts(provider.owes(first, DAILY, now))["K-2"] == 799 + 799  # 18 and 19 August
    assert amounts(provider.owes(second, DAILY, now))["K-2"] == 1598  # 20 August alone
    other = provider.fails(3, at("2012-08-15T09:00"), at("2012-08-18T12:00"), function="send")
    # K-1 had the 18th by the first already, through another of its mailboxes
    assert amounts(provider.owes(other, DAILY, now)) == {}


def test_who_could_not_become_a_customer_is_owed_nothing(provider: Provider) -> None:
    incident = provider.fails(3, BEGAN, function="signup")
    assert amounts(provider.owes(incident, DAILY, at("2012-08-21T18:00"))) == {}


def test_an_incident_of_uncertain_cause_is_bounded(provider: Provider) -> None:
    provider.incidents.apply([r.Opened(at=BEGAN, incident=1, since={"imap": BEGAN})])
    incident = provider.incidents.get(1)
    assert incident is not None
    assert provider.owes(incident, DAILY, at("2012-08-18T10:00")).bounded


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("fee\n1", "contract,fee,currency"),
        ("contract,fee\nK-1,ten", "line 2"),
        ("contract,fee\nK-1,-1", "line 2"),
        ("contract,fee\nK-1,0.005", "line 2"),
        ("contract,fee\nK-1,5\nK-1,6", "line 3"),
    ],
)
def test_fees_that_cannot_be_understood_are_refused_with_their_line(text: str, what: str) -> None:
    with pytest.raises(Refused, match=what):
        fees(text.splitlines(), "EUR")


def test_fees_are_read_in_cents() -> None:
    assert fees(["contract,fee,currency", "K-1,29.90,", "K-2,5,chf"], "EUR") == {
        "K-1": Fee(2990, "EUR"),
        "K-2": Fee(500, "CHF"),
    }


class Crediting:
    """The part, turn by turn; the record numbers promises as the writer does."""

    def __init__(self, provider: Provider, *policies: Policy) -> None:
        self.provider = provider
        self.said: list[str] = []
        terms = Terms(policies or (DAILY,), lambda: provider.fees, "EUR", 30)
        texts = Texts([FOLDER], time_zone="Europe/Berlin")
        self.part = CreditsPart(provider.world, str(provider.folder), provider.path, terms, texts, "de")

    def turn(self, now: float) -> list[r.AnyEntry]:
        said = asyncio.run(self.part.turn(Seen(self.provider.incidents, None, now)))
        for number, each in enumerate(said, 1):
            if isinstance(each, r.Promised):
                said[number - 1] = msgspec.structs.replace(each, promise=number)
        self.provider.incidents.apply(said)
        self.said += [r.name_of(each) for each in said]
        return said


def test_what_is_owed_is_written_and_promised_while_it_lasts_and_kept_when_it_is_over(
    provider: Provider,
) -> None:
    incident = provider.fails(4, BEGAN)
    crediting = Crediting(provider)
    provider.fees = FEES
    assert crediting.turn(at("2012-08-17T12:00")) == []  # nothing is owed yet
    [credited] = crediting.turn(at("2012-08-18T12:00"))
    assert isinstance(credited, r.Credited)
    assert (credited.total, credited.contracts, credited.final) == ({"EUR": 1299, "CHF": 500}, 3, False)
    data = (provider.folder / credited.file).read_bytes()
    assert digest(data) == credited.digest
    told = json.loads((provider.folder / credited.file.replace(".csv", ".json")).read_bytes())
    assert told["total"] == {"EUR": "12.99", "CHF": "5.00"}
    [promised] = crediting.turn(at("2012-08-18T12:00") + 10)
    assert isinstance(promised, r.Promised) and promised.what == "credit"
    assert crediting.turn(at("2012-08-18T12:00") + CREDIT_TELL_S) == []  # as much as before

    until = at("2012-08-19T23:00")
    provider.incidents.apply([r.Closed(at=until, incident=1, until={"imap": until})])
    assert [(each.credit.amount, each.final) for each in crediting.part.of("K-1")] == [(500, False)]
    crediting.turn(until + INCIDENT_REOPEN_S - 1)
    [final] = crediting.turn(until + INCIDENT_REOPEN_S + 60)
    assert isinstance(final, r.Credited) and final.final and final.total == {"EUR": 2598, "CHF": 1000}
    crediting.turn(until + INCIDENT_REOPEN_S + 65)
    assert [each.settled for each in incident.promises.values()] == ["kept"]
    assert crediting.turn(until + 2 * INCIDENT_REOPEN_S) == []
    assert [(each.credit.amount, each.final) for each in crediting.part.of("K-1")] == [(1000, True)]


def test_what_grows_by_the_minute_is_written_down_by_the_hour(provider: Provider) -> None:
    provider.fails(4, BEGAN)
    crediting = Crediting(provider, Policy("share", "terms, 7.2", ProRata()))
    for minute in range(0, 150, 10):
        crediting.turn(BEGAN + 3600 + minute * 60)
    assert crediting.said.count("credited") == 3


def test_without_the_customers_nothing_is_said_of_amounts(provider: Provider) -> None:
    provider.fails(4, BEGAN)
    Path(provider.path).unlink()
    with pytest.raises(Unavailable):
        Crediting(provider).turn(at("2012-08-18T12:00"))
