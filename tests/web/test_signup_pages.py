"""Making an account in the browser: each page, both languages, by keyboard, without JavaScript."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from e2e.service import Service
from web.browser import check_accessible, screen
from web.partner import Partner, signup_config


@pytest.fixture(scope="module")
def sms() -> Iterator[Partner]:
    partner = Partner()
    partner.start()
    yield partner
    partner.stop()


@pytest.fixture(scope="module")
def service(make_shared: Callable[..., Service], sms: Partner) -> Service:
    return make_shared(web=["signup"], config=signup_config(sms))


def fill_details(page: Page, phone: str, password: str = "twelve green bottles") -> None:
    page.fill("#name", "Dora Muster")
    page.fill("#password", password)
    page.fill("#repeat", password)
    page.fill("#phone", phone)
    page.check("#consent")
    page.check("#terms")
    page.locator("main form button.main").click()


@pytest.mark.slow
def test_an_account_is_made_and_gets_mail_at_once(service: Service, sms: Partner, page: Page) -> None:
    page.goto(service.url("signup"))
    check_accessible(page)
    screen(page, "signup/name")
    page.fill("#name", "Dora")
    page.locator("main form button.main").click()
    expect(page.locator("h1")).to_have_text("About you")
    check_accessible(page)
    fill_details(page, "0170 1234567")
    expect(page.locator("h1")).to_have_text("Your code")
    check_accessible(page)
    page.fill("#code", sms.code("+491701234567"))
    page.locator("main form button.main").first.click()
    expect(page.locator("h1")).to_have_text("Is everything right?")
    check_accessible(page)
    page.locator("main form button.main").click()
    expect(page.locator("h1")).to_have_text("Your account is ready")
    check_accessible(page)
    service.send("welcome", to="dora")
