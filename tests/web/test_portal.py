"""Signing in with a real browser: both languages, keyboard alone, without JavaScript, accessible."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pyotp
import pytest
from playwright.sync_api import Page, expect

from holdfast.directory.factors import NewTotp
from holdfast.model.people import Account, FactorKind
from web.browser import Authenticator, by_keyboard, check_accessible, screen
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


# The second step


def person(small: SmallSite, name: str) -> Account:
    """A new account with a telephone that shows codes; ``small.telephone(account)``."""
    return small.call(small.writer.account_add(f"{name}@example.org", name=name.title(), password=PASSWORD))


def give_totp(small: SmallSite, account: Account) -> NewTotp:
    made = small.factors.new_totp(account.id, account.login)
    small.call(small.writer.factor_add(account.id, FactorKind.TOTP, "telephone", made.sealed))
    return made


def give_recovery(small: SmallSite, account: Account) -> tuple[str, ...]:
    made = small.factors.new_recovery()
    small.call(small.writer.factor_add(account.id, FactorKind.RECOVERY, "codes", made.secret))
    return made.codes


def show_password(page: Page, url: str, account: Account) -> None:
    page.goto(url)
    page.locator("#name").fill(account.login)
    page.locator("#password").fill(PASSWORD)
    page.locator(".button.main").click()


@pytest.mark.parametrize("language", ["en", "de"])
def test_portal_1_a_password_opens_the_second_step_and_nothing_else(
    small: SmallSite, open_page: Callable[..., Page], language: str
):
    account = person(small, f"second-{language}")
    totp = give_totp(small, account)
    give_recovery(small, account)
    page = open_page(locale={"en": "en-GB", "de": "de-DE"}[language])
    show_password(page, small.url + "/name", account)
    assert "/sign-in/code" in page.url
    check_accessible(page)
    screen(page, "portal/second-step")
    page.goto(small.url + "/")
    assert "/sign-in/code" in page.url
    page.locator("#code").fill("000000")
    page.locator(".button.main").click()
    expect(page.get_by_role("alert")).to_be_visible()
    check_accessible(page)
    page.locator(".card a").last.click()
    check_accessible(page)
    screen(page, "portal/recovery")
    page.locator(".card a").last.click()
    keys = by_keyboard(page)
    keys.to({"en": "Code from your app", "de": "Code aus Ihrer App"}[language])
    keys.type(pyotp.TOTP(totp.text).now()).enter()
    assert page.url == small.url + "/"
    expect(page.get_by_text(account.login)).to_be_visible()


def test_portal_5_a_recovery_code_opens_once(small: SmallSite, open_page: Callable[..., Page]):
    account = person(small, "recovering")
    give_totp(small, account)
    codes = give_recovery(small, account)
    for code, opens in ((codes[0].upper(), True), (codes[0], False), (codes[1].replace("-", " "), True)):
        page = open_page(javascript=False)
        show_password(page, small.url, account)
        page.get_by_role("link", name="Use a recovery code").click()
        page.locator("#code").fill(code)
        page.locator(".button.main").click()
        if opens:
            expect(page.get_by_role("status")).to_contain_text("That code is used up.")
        else:
            expect(page.get_by_role("alert")).to_contain_text("used already")


@pytest.fixture
def key_page(small: SmallSite, open_page: Callable[..., Page]) -> tuple[Page, Authenticator, Account]:
    """A page whose device has a passkey for a new account."""
    account = person(small, f"key-{len(small.keys)}")
    page = open_page()
    device = Authenticator(page)
    small.keys[account.login] = account
    show_password(page, small.url + "/new-key", account)
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(small.url + "/")
    assert len(device.credentials()) == 1
    page.get_by_role("button", name="Sign out").click()
    return page, device, account


def test_a_passkey_alone_signs_in(small: SmallSite, key_page: tuple[Page, Authenticator, Account]):
    page, _, account = key_page
    page.goto(small.url + "/name")
    keys = by_keyboard(page)
    keys.to("Use a passkey").enter()
    page.wait_for_url(small.url + "/name")
    expect(page.get_by_text(account.login)).to_be_visible()


def test_a_passkey_is_the_second_step(small: SmallSite, key_page: tuple[Page, Authenticator, Account]):
    page, _, account = key_page
    show_password(page, small.url + "/name", account)
    page.wait_for_url(small.url + "/sign-in/code?**")
    check_accessible(page)
    screen(page, "portal/second-step-passkey")
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(small.url + "/name")


def test_a_device_whose_person_does_not_show_himself_opens_nothing(
    small: SmallSite, key_page: tuple[Page, Authenticator, Account]
):
    page, device, _ = key_page
    device.is_verified(False)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("gave no passkey")
    check_accessible(page)


def test_portal_3_an_account_of_passkeys_alone_takes_no_password_and_does_not_say_why(
    small: SmallSite, key_page: tuple[Page, Authenticator, Account]
):
    page, _, account = key_page
    small.call(small.writer.account_set(account.id, passkey_only=True))
    show_password(page, small.url, account)
    expect(page.get_by_role("alert").first).to_contain_text("The address or the password is wrong.")
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(small.url + "/")


def test_without_javascript_a_page_offers_no_passkey_and_says_so(
    small: SmallSite, open_page: Callable[..., Page]
):
    page = open_page(javascript=False)
    page.goto(small.url)
    expect(page.get_by_role("button", name="Use a passkey")).to_be_hidden()
    expect(page.get_by_text("Passkeys need a browser")).to_be_visible()
