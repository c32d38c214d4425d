"""The page with settings for people: both languages, keyboard alone, accessible, also without JavaScript."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from e2e.service import DOMAIN, Service
from web.browser import by_keyboard, check_accessible, screen

pytestmark = pytest.mark.slow
ADDRESS = f"anna@{DOMAIN}"
LOCALES = {"en": "en-GB", "de": "de-DE"}


@pytest.fixture(scope="module")
def url(make_shared: Callable[..., Service]) -> Iterator[str]:
    yield make_shared(web=["setup"], people=("anna",)).url("setup")


@pytest.mark.parametrize(("language", "javascript"), [("en", True), ("de", True), ("en", False)])
def test_an_address_and_enter_show_the_settings_by_keyboard_alone(
    url: str, open_page: Callable[..., Page], language: str, javascript: bool
):
    page = open_page(locale=LOCALES[language], javascript=javascript)
    page.goto(url + "/")
    assert page.locator("html").get_attribute("lang") == language
    if javascript:
        check_accessible(page)
        screen(page, "setup/ask")
    keys = by_keyboard(page)
    keys.to({"en": "Mail address", "de": "Mailadresse"}[language]).type(ADDRESS).enter()
    facts = page.locator("dl.facts").first
    expect(facts).to_contain_text(f"mail.{DOMAIN}")
    expect(facts).to_contain_text(ADDRESS)
    expect(page.get_by_role("heading", level=2, name="Thunderbird")).to_be_visible()
    if javascript:
        check_accessible(page)
        screen(page, "setup/settings")


@pytest.mark.parametrize("language", ["en", "de"])
def test_what_cannot_be_helped_with_is_said_at_the_field(
    url: str, open_page: Callable[..., Page], language: str
):
    page = open_page(locale=LOCALES[language])
    for typed, status in (("anna", 422), ("anna@example.net", 404)):
        answer = page.goto(f"{url}/setup?address={typed}")
        assert answer is not None and answer.status == status
        expect(page.get_by_role("alert")).to_be_visible()
        expect(page.locator("#address")).to_have_value(typed)
        expect(page.locator("#address")).to_have_attribute("aria-invalid", "true")
        check_accessible(page)


def test_the_apple_profile_is_loaded_from_the_page(url: str, page: Page):
    page.goto(f"{url}/setup?address={ADDRESS}")
    with page.expect_download() as loading:
        page.get_by_role("link", name="Load the profile").click()
    assert loading.value.suggested_filename == f"{DOMAIN}.mobileconfig"
