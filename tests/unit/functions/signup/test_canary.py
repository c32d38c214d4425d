"""The sign-up canary is exempt from what it can't have, and nobody else by its name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.testclient import TestClient

import holdfast.functions.signup
from holdfast.functions.signup.choosing import Rules, rules_of
from holdfast.functions.signup.details import Asked, Details
from holdfast.functions.signup.names import Reserved
from holdfast.functions.signup.pages import Hints, Pages
from holdfast.functions.signup.requests import Step, WantedAccount
from holdfast.functions.signup.signups import Standing
from holdfast.model import canary_pass
from holdfast.model.limits import CANARY_PASS_S, CANARY_SIGNUPS_DAY
from holdfast.pages import Site
from holdfast.watch.canaries.visiting import Page
from holdfast.world import real_world

pytestmark = pytest.mark.slow

FOLDER = Path(holdfast.functions.signup.__file__).parent
KEY = b"c" * 32
PASSWORD = "twelve green bottles"
OPEN, FIRM = "example.org", "firm.example"
A_DAY = 2  # accounts from one network


class People:
    """Everything is free, and these domains are ours."""

    def domain(self, name: str) -> Any:
        return SimpleNamespace(name=name, removed_at=0.0)

    def reserved(self, name: str, domain: str) -> bool:
        return False

    def is_free(self, address: str) -> bool:
        return True

    def account(self, number: int) -> None:
        return None


class SignUps:
    """Keeps what was asked for, by network."""

    def __init__(self) -> None:
        self.made: list[tuple[str, WantedAccount]] = []

    async def holds(self, address: str) -> bool:
        return False

    async def counts(self, network: str, contact: str) -> tuple[int, int]:
        return sum(each == network for each, _ in self.made), 0

    async def standing(self, ticket: str) -> Standing | None:
        found = (wanted.address for _, wanted in self.made if wanted.ticket == ticket)
        return next((Standing(Step.DONE, each, 0.0, 0.0, "", "") for each in found), None)

    async def submit(self, wanted: WantedAccount, network: str, spend: Any) -> None:
        self.made.append((network, wanted))


class Rig:
    """``channels``: by which a code may go, () proves nothing."""

    def __init__(self, channels: tuple[str, ...] = ("phone", "address")) -> None:
        self.signups = SignUps()
        self.world = real_world(level="error")
        site = Site(self.world, function="signup", key=bytes(32), packages=[FOLDER], secure=False)
        asked = Asked(
            channels, "", lambda number: None, lambda domain: False, frozenset(), "", "", lambda *_: ""
        )
        rules = Rules(rules_of([OPEN], [], [FIRM]), Reserved(), 3, A_DAY, 3, 0.0, lambda: KEY)
        people: Any = People()
        signups: Any = self.signups
        Pages(site, people, SimpleNamespace(), signups, None, Details(asked), rules, Hints(OPEN))  # type: ignore[arg-type]
        self.app = site.app

    def visitor(self) -> TestClient:
        return TestClient(self.app, base_url="http://signup.example", follow_redirects=False)

    def pass_for(self, address: str) -> str:
        return canary_pass.made(KEY, address, self.world.clock.now())


def send(client: TestClient, path: str, **fields: str) -> Any:
    page = Page(client.get(path).content)
    return client.post(path, data={**page.hidden, **fields})


def name(client: TestClient, address: str, known_by: str = "") -> Any:
    local, _, domain = address.partition("@")
    return send(client, "/", name=local, domain=domain, canary=known_by)


def go(client: TestClient, address: str, known_by: str = "") -> Any:
    """From the name to the last button."""
    if (answer := name(client, address, known_by)).status_code != 303:
        return answer
    send(client, "/details", name="Canary", password=PASSWORD, repeat=PASSWORD, spoken="en")
    return send(client, "/summary")


@pytest.fixture
def rig() -> Rig:
    return Rig()


def addresses(domain: str = OPEN) -> Iterator[str]:
    return (f"canary-abcdefgh{number}@{domain}" for number in range(1000, 9999))


@pytest.mark.parametrize("domain", [OPEN, FIRM])
def test_signup_8_the_canary_needs_no_code_and_no_contract_and_counts_in_no_network(
    rig: Rig, domain: str
) -> None:
    each = addresses(domain)
    for _ in range(A_DAY + 2):
        address = next(each)
        answer = go(rig.visitor(), address, rig.pass_for(address))
        assert answer.status_code == 303 and answer.headers["location"].startswith("/request/")
    assert {network for network, _ in rig.signups.made} == {"canaries"}
    assert not any(wanted.contract or wanted.channel for _, wanted in rig.signups.made)


def test_signup_8_without_its_pass_nobody_has_a_canarys_name_or_is_exempt(rig: Rig) -> None:
    ours, other = "canary-abcdefgh1000@example.org", "canary-abcdefgh2000@example.org"
    for known_by in (
        "",
        "1.2",
        rig.pass_for(other),
        canary_pass.made(b"x" * 32, ours, rig.world.clock.now()),
    ):
        assert go(rig.visitor(), ours, known_by).status_code != 303
    for known_by in ("", rig.pass_for("anna@example.org"), rig.pass_for(ours)):
        client = rig.visitor()
        assert name(client, "anna@example.org", known_by).status_code == 303
        assert name(rig.visitor(), f"anna@{FIRM}", known_by).headers["location"] == "/entry"
        fields = {"name": "Anna", "password": PASSWORD, "repeat": PASSWORD, "spoken": "en"}
        assert send(client, "/details", **fields).status_code != 303  # a phone or another address
    assert rig.signups.made == []


def test_signup_8_who_passed_once_and_takes_another_name_is_a_visitor(rig: Rig) -> None:
    client, ours = rig.visitor(), next(addresses())
    assert name(client, ours, rig.pass_for(ours)).status_code == 303
    assert name(client, f"anna@{FIRM}").headers["location"] == "/entry"
    assert client.get("/summary").headers["location"] == "/entry"
    assert rig.signups.made == []


def test_signup_8_a_draft_is_exempt_no_longer_than_its_pass(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, ours = rig.visitor(), next(addresses())
    name(client, ours, rig.pass_for(ours))
    send(client, "/details", name="Canary", password=PASSWORD, repeat=PASSWORD, spoken="en")
    clock = rig.world.clock
    later = SimpleNamespace(now=lambda: clock.now() + CANARY_PASS_S + 1, monotonic=clock.monotonic)
    monkeypatch.setattr(rig.world, "clock", later)
    rig.signups.made = [("testclient", WantedAccount("t", "o", "a@b", "A", "c", "en"))] * A_DAY
    assert send(client, "/summary").status_code != 303
    assert len(rig.signups.made) == A_DAY


def test_signup_8_passes_make_a_bounded_number_of_accounts_a_day(rig: Rig) -> None:
    rig.signups.made = [("canaries", WantedAccount("t", "o", "a@b", "A", "c", "en"))] * CANARY_SIGNUPS_DAY
    ours = next(addresses())
    assert go(rig.visitor(), ours, rig.pass_for(ours)).status_code != 303
    assert len(rig.signups.made) == CANARY_SIGNUPS_DAY


def test_signup_6_and_8_canaries_take_nothing_from_what_a_network_may_make() -> None:
    rig = Rig(channels=())
    for address in list(addresses())[: A_DAY + 1]:
        assert go(rig.visitor(), address, rig.pass_for(address)).status_code == 303
    visits = [go(rig.visitor(), f"anna{number}@{OPEN}").status_code for number in range(A_DAY + 1)]
    assert visits == [*[303] * A_DAY, 422]
