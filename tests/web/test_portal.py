"""Signing in with a real browser: both languages, keyboard alone, without JavaScript, accessible."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import Page, expect

from holdfast.directory.factors import NewTotp
from holdfast.model.people import Account, Brand, FactorKind
from holdfast.pages import Banner
from web.browser import Authenticator, by_keyboard, check_accessible, screen
from web.small_site import PASSWORD, SmallSite
from web.visitor import Visitor

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


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="90" height="30"><path d="M0 0h90v30H0z"/></svg>'
PICTURE = "data:image/svg+xml;base64," + base64.b64encode(SVG).decode()


@pytest.mark.parametrize(
    ("colour", "shown"), [("#7a1f5c", "rgb(122, 31, 92)"), ("#ffee00", "rgb(31, 95, 139)")]
)
def test_a_brand_is_shown_as_far_as_it_can_be_read_and_a_notice_stands_above_all(
    tmp_path: Path, page: Page, colour: str, shown: str
):
    brand = Brand(title="Musterpost", colour=colour, logo=PICTURE, support_phone="0228 / 12 34")
    small = SmallSite(tmp_path, brand=lambda visit: brand)
    try:
        small.site.banner(
            lambda visit: Banner({"en": "Sending is slow.", "de": "…"}[visit.language], link="/x")
        )
        page.goto(small.url)
        expect(page).to_have_title("Sign in – Musterpost")
        expect(page.get_by_role("status")).to_contain_text("Sending is slow.")
        assert page.locator(".button.main").evaluate("e => getComputedStyle(e).backgroundColor") == shown
        assert page.locator(".brand img").evaluate("each => each.naturalWidth") == 90
        expect(page.get_by_role("link", name="0228 / 12 34")).to_have_attribute("href", "tel:02281234")
        check_accessible(page)
        screen(page, f"portal/brand-{colour[1:]}")
    finally:
        small.close()


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
    page = open_page(javascript=False)
    show_password(page, small.url, account)
    page.get_by_role("link", name="Use a recovery code").click()
    page.locator("#code").fill(codes[0].upper())
    page.locator(".button.main").click()
    expect(page.get_by_role("status")).to_contain_text("That code is used up.")
    for code, status in ((codes[0], 422), (codes[1].replace("-", " "), 303)):
        visitor = Visitor(small.url)
        visitor.sign_in(account.login, PASSWORD)
        assert visitor.post("/sign-in/recovery", code=code).status_code == status


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


def test_portal_1_a_code_is_guessed_at_ten_times_and_then_no_more(small: SmallSite):
    account = person(small, "guessed")
    totp = give_totp(small, account)
    visitor = Visitor(small.url)
    assert visitor.sign_in(account.login, PASSWORD).headers["location"].startswith("/sign-in/code")
    statuses = [visitor.post("/sign-in/code", code=f"00000{number}").status_code for number in range(10)]
    assert set(statuses) == {422}
    late = visitor.post("/sign-in/code", code=pyotp.TOTP(totp.text).now())
    assert late.status_code == 429 and int(late.headers["retry-after"]) > 60


def test_a_code_that_opened_opens_nothing_again(small: SmallSite):
    account = person(small, "watched")
    totp = give_totp(small, account)
    code = pyotp.TOTP(totp.text).now()
    for status in (303, 422):
        visitor = Visitor(small.url)
        visitor.sign_in(account.login, PASSWORD)
        assert visitor.post("/sign-in/code", code=code).status_code == status


def test_a_passkeys_answer_without_its_question_opens_nothing(small: SmallSite):
    visitor = Visitor(small.url)
    for fields in ({}, {"state": "made up", "answer": "{}"}, {"answer": "x" * 100}):
        answer = visitor.post("/sign-in/passkey", at="/sign-in", **fields)
        assert answer.headers["location"].startswith("/sign-in?")
    state = visitor.hidden("/sign-in")["state"]
    answer = visitor.post("/sign-in/passkey", at="/sign-in", state=state, answer='{"id": "AA"}')
    assert answer.headers["location"].startswith("/sign-in?") and "session" not in visitor.cookies()
