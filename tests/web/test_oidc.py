"""Signing in by a provider elsewhere: a real provider, a real browser, the real service."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from e2e.service import Service, password
from holdfast.model.people import FactorKind
from web.browser import aside, by_keyboard, check_accessible, screen
from web.provider import RealProvider
from web.self_service import asked

pytestmark = pytest.mark.slow

BUTTON = "Sign in with Example Works"


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealProvider]:
    made = RealProvider(tmp_path_factory.mktemp("provider"))
    yield made
    made.stop()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, provider: RealProvider) -> Iterator[Service]:
    config = provider.section(by_address="true")
    made = Service(
        Path(tmp_path_factory.mktemp("service")), people=("anna",), config=config, web=["password"]
    )
    made.prepare()
    aside(made.start)
    provider.start(back(made))
    yield made
    made.close()


@pytest.fixture
def visit(open_page: Callable[..., Page]) -> Callable[..., Page]:
    """Pages for which the provider's own pages find no fonts elsewhere."""

    def make(**keys: object) -> Page:
        page = open_page(**keys)
        page.route(
            re.compile("fonts.g"), lambda route: route.fulfill(status=200, content_type="text/css", body="")
        )
        return page

    return make


@pytest.fixture
def page(visit: Callable[..., Page]) -> Page:
    return visit()


def back(service: Service) -> str:
    return service.url("password") + "/sign-in/with/works/back"


def sign_in_there(page: Page, name: str) -> None:
    page.locator("input[name=login]").fill(name)
    page.locator("input[name=password]").fill("any")
    page.get_by_role("button").click()


def test_who_is_vouched_for_is_signed_in_by_keyboard_and_led_to_where_he_wanted(service: Service, page: Page):
    page.goto(service.url("password") + "/sessions")
    check_accessible(page)
    screen(page, "portal/sign-in-elsewhere")
    by_keyboard(page).to(BUTTON).enter()
    sign_in_there(page, "anna")
    page.wait_for_url(service.url("password") + "/sessions")
    expect(page.get_by_text("anna@example.org").first).to_be_visible()
    [signed_in] = service.events("portal_signed_in")
    assert signed_in["how"] == "oidc:works"


def test_oidc_2_a_provider_may_change_its_keys_at_any_time(
    service: Service, provider: RealProvider, page: Page
):
    provider.stop()
    provider.start(back(service), "EdDSA")
    page.goto(service.url("password") + "/sign-in/with/works")
    sign_in_there(page, "anna")
    page.wait_for_url(service.url("password") + "/")


@pytest.mark.parametrize("name", ["liar", "stranger"])
def test_who_has_no_account_or_no_verified_address_does_not_come_in(service: Service, page: Page, name: str):
    page.goto(service.url("password") + "/sign-in/with/works")
    sign_in_there(page, name)
    expect(page.get_by_role("status")).to_contain_text("no account here")
    page.goto(service.url("password") + "/sessions")
    assert "/sign-in" in page.url


def test_oidc_1_an_answer_counts_for_the_browser_and_the_flow_that_asked_and_once(
    service: Service, visit: Callable[..., Page]
):
    mine, other = visit(), visit()
    answers: list[str] = []
    mine.on("request", lambda asked: answers.append(asked.url) if back(service) in asked.url else None)
    mine.goto(service.url("password") + "/sign-in/with/works")
    sign_in_there(mine, "anna")
    mine.wait_for_url(service.url("password") + "/")
    [answer] = answers
    for page in (other, mine):
        page.goto(answer)
        assert "/sign-in" in page.url or page.url == service.url("password") + "/"
    expect(other.get_by_role("status")).to_contain_text("did not work")
    other.goto(service.url("password") + "/sign-in/with/works")  # a flow of its own, another's answer
    other.goto(answer)
    expect(other.get_by_role("status")).to_contain_text("did not work")
    state = urllib.parse.parse_qs(urllib.parse.urlsplit(answer).query)["state"][0]
    other.goto(f"{back(service)}?error=access_denied&state={state}")
    expect(other.get_by_role("status")).to_contain_text("did not work")


def test_oidc_3_without_the_provider_its_button_says_so_and_the_password_signs_in(
    service: Service, provider: RealProvider, page: Page, german_page: Page
):
    page.goto(service.url("password") + "/sign-in")
    provider.stop()
    page.get_by_role("link", name=BUTTON).click()
    expect(page.get_by_role("note")).to_contain_text("can’t be reached at present")
    check_accessible(page)
    german_page.goto(service.url("password") + "/sign-in")
    screen(page, "portal/sign-in-elsewhere-gone")
    screen(german_page, "portal/sign-in-elsewhere-gone")
    page.locator("#name").fill("anna@example.org")
    page.locator("#password").fill(password("anna"))
    page.locator(".button.main").click()
    page.wait_for_url(service.url("password") + "/")
    provider.start(back(service), "ES256")
    page.context.clear_cookies()
    page.goto(service.url("password") + "/sign-in/with/works")
    sign_in_there(page, "anna")
    page.wait_for_url(service.url("password") + "/")


def test_a_provider_takes_the_place_of_the_password_and_not_of_the_second_factor(
    service: Service, page: Page
):
    anna = "anna@example.org"
    factor = asked(service, lambda people: people.factor_add(anna, FactorKind.TOTP, "phone", b"sealed"))
    try:
        page.goto(service.url("password") + "/sign-in/with/works?next=/sessions")
        sign_in_there(page, "anna")
        page.wait_for_url(re.compile("/sign-in/code"))
        page.goto(service.url("password") + "/sessions")
        assert "/sign-in/code" in page.url
    finally:
        asked(service, lambda people: people.factor_rm(anna, factor.id))
