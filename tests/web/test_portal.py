"""Signing in with a real browser: both languages, keyboard alone, without JavaScript, accessible."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from web.browser import by_keyboard, check_accessible, screen
from web.small_site import PASSWORD, SmallSite

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallSite]:
    made = SmallSite(tmp_path_factory.mktemp("small"))
    yield made
    made.close()


def test_who_is_not_signed_in_is_led_to_the_sign_in_and_back_by_keyboard_alone(small: SmallSite, page: Page):
    page.goto(small.url + "/name")
    keys = by_keyboard(page)
    keys.to("E-mail address").type("anna@example.org")
    keys.to("Password").type(PASSWORD).enter()
    assert page.url == small.url + "/name"
    expect(page.get_by_role("heading", level=1)).to_have_text("Your name")
    keys.to("Sign out").enter()
    expect(page.get_by_role("status")).to_have_text("You are signed out.")


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_page_is_accessible_in_every_language(
    small: SmallSite, open_page: Callable[..., Page], language: str
):
    page = open_page(locale={"en": "en-GB", "de": "de-DE"}[language])
    page.goto(small.url)
    assert page.locator("html").get_attribute("lang") == language
    check_accessible(page)
    screen(page, "portal/sign-in")
    page.locator("#name").fill("anna@example.org")
    page.locator("#password").fill("wrong")
    page.locator(".button.main").click()
    expect(page.get_by_role("alert")).to_be_visible()
    check_accessible(page)
    screen(page, "portal/sign-in-wrong")
    page.locator("#password").fill(PASSWORD)
    page.locator(".button.main").click()
    check_accessible(page)
    page.goto(small.url + "/name")
    check_accessible(page)
    page.locator(".button.main").click()
    expect(page.get_by_role("alert")).to_be_visible()
    check_accessible(page)
    page.goto(small.url + "/nowhere")
    check_accessible(page)
    screen(page, "portal/missing")
