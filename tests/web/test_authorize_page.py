"""Letting a program in, in a real browser: both languages, keyboard alone, accessible, and back."""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from e2e.service import DOMAIN, Service, password
from web.browser import by_keyboard, check_accessible, screen

pytestmark = pytest.mark.slow
ADDRESS = f"anna@{DOMAIN}"
LOCALES = {"en": "en-GB", "de": "de-DE"}
WORDS = {
    "en": ("Mail address", "Password", "Let it in", "Don’t"),
    "de": ("Mailadresse", "Passwort", "Einlassen", "Nicht einlassen"),
}
BACK = "http://127.0.0.1:9/back"


@pytest.fixture(scope="module")
def service(make_shared: Callable[..., Service]) -> Iterator[Service]:
    yield make_shared(web=["jmap", "webmail"], people=("anna",))


def asked(service: Service, back: str) -> str:
    values = {
        "response_type": "code",
        "client_id": "Example Mail <for tests>",
        "redirect_uri": back,
        "state": "s1",
        "code_challenge": "c" * 43,
        "code_challenge_method": "S256",
        "login_hint": ADDRESS,
    }
    return f"{service.url('jmap')}/authorize?{urllib.parse.urlencode(values)}"


def comes_back(page: Page, to: str) -> list[str]:
    """What the program is told at its address, where nobody listens here."""
    told: list[str] = []

    def answer(route: Route) -> None:
        told.append(route.request.url)
        route.fulfill(status=200, content_type="text/html", body="<title>The program</title>")

    page.route(to + "*", answer)
    return told


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_program_is_let_in_by_keyboard_alone(
    service: Service, open_page: Callable[..., Page], language: str
) -> None:
    page = open_page(locale=LOCALES[language])
    told = comes_back(page, BACK)
    page.goto(asked(service, BACK))
    _, secret, allow, _ = WORDS[language]
    expect(page.locator("#name")).to_have_value(ADDRESS)
    by_keyboard(page).to(secret).type(password("anna")).enter()
    expect(page.get_by_role("button", name=allow, exact=True)).to_be_visible()
    expect(page.locator("main")).to_contain_text("Example Mail <for tests>")
    check_accessible(page)
    screen(page, "jmap/allow")
    by_keyboard(page).to(allow).enter()
    page.wait_for_url(BACK + "*")
    values = urllib.parse.parse_qs(urllib.parse.urlsplit(told[0]).query)
    assert values["state"] == ["s1"] and values["iss"] == [service.url("jmap")] and "code" in values


def test_no_is_an_answer_too(service: Service, open_page: Callable[..., Page]) -> None:
    page = open_page(locale=LOCALES["en"])
    told = comes_back(page, BACK)
    page.goto(asked(service, BACK))
    name, secret, _, deny = WORDS["en"]
    page.get_by_label(name).fill(ADDRESS)
    page.get_by_label(secret).fill(password("anna"))
    page.keyboard.press("Enter")
    page.get_by_role("button", name=deny, exact=True).click()
    page.wait_for_url(BACK + "*")
    assert "error=access_denied" in told[0] and "code=" not in told[0]


def test_an_address_that_is_not_allowed_is_said_and_led_nowhere(
    service: Service, open_page: Callable[..., Page]
) -> None:
    page = open_page(locale=LOCALES["de"])
    answer = page.goto(asked(service, "https://evil.example/"))
    assert answer is not None and answer.status == 403
    check_accessible(page)
    assert page.url.startswith(service.url("jmap"))


def test_the_way_back_has_a_button_where_it_does_not_go_by_itself(
    service: Service, open_page: Callable[..., Page]
) -> None:
    page = open_page(locale=LOCALES["en"], javascript=False)
    url = asked(service, BACK).replace("code_challenge_method=S256", "code_challenge_method=plain")
    text = page.request.get(url).text().replace("&amp;", "&")
    back = f"{BACK}?error=invalid_request&state=s1&iss={urllib.parse.quote(service.url('jmap'), safe='')}"
    assert f'<a class="button main" href="{back}">' in text
    assert f'<meta http-equiv="refresh" content="0;url={back}">' in text
