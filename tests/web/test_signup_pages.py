"""Making an account in the browser: each page, both languages, by keyboard, without JavaScript."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from e2e.service import DOMAIN, Service
from holdfast.directory.writer import PeopleClient
from holdfast.world import real_world
from web.browser import aside, by_keyboard, check_accessible, screen
from web.partner import Partner, signup_config

PASSWORD = "twelve green bottles"
INVITED, FIRM = "invited.example", "firm.example"
ENGLISH = {
    "name": "Choose your address",
    "invitation": "Your invitation",
    "contract": "Your contract",
    "details": "About you",
    "proof": "Your code",
    "summary": "Is everything right?",
    "done": "Your account is ready",
}
GERMAN = {
    "name": "Wählen Sie Ihre Adresse",
    "invitation": "Ihre Einladung",
    "contract": "Ihr Vertrag",
    "details": "Über Sie",
    "proof": "Ihr Code",
    "summary": "Stimmt alles?",
    "done": "Ihr Konto ist fertig",
}


@pytest.fixture(scope="module")
def contracts() -> Iterator[Partner]:
    partner = Partner()
    partner.answer = lambda asked: (200, {"ok": asked["contract"] == "K-1", "customer": 77})
    partner.start()
    yield partner
    partner.stop()


@pytest.fixture(scope="module")
def service(make_shared: Callable[..., Service], sms: Partner, contracts: Partner) -> Service:
    more = f'invitation = ["{INVITED}"]\ncontract = ["{FIRM}"]\ndisposable = ["throw.example"]\n'
    made = make_shared(web=["signup"], config=signup_config(sms, contracts, more))
    for domain in (INVITED, FIRM):
        added = made.holdfast("domain", "add", domain)
        assert added.returncode == 0, added.stderr
    return made


@pytest.fixture
def start(service: Service) -> Callable[[Page], Page]:
    def at(page: Page) -> Page:
        page.goto(service.url("signup"))
        return page

    return at


def on(page: Page) -> None:
    page.locator("main button.main").first.click()


def heading(page: Page, text: str) -> None:
    expect(page.locator("h1")).to_have_text(text)


def seen(page: Page, name: str) -> None:
    check_accessible(page)
    screen(page, f"signup/{name}")


def fill_details(page: Page, phone: str) -> None:
    page.fill("#name", "Dora Muster")
    page.fill("#password", PASSWORD)
    page.fill("#repeat", PASSWORD)
    page.fill("#phone", phone)
    page.check("#terms")


def wrong(page: Page, text: str | re.Pattern[str]) -> None:
    expect(page.locator("#wrong")).to_have_text(text)


@pytest.mark.slow
@pytest.mark.parametrize("locale", ["en-GB", "de-DE"])
def test_every_page_is_accessible_in_both_languages(
    service: Service, sms: Partner, open_page: Callable[..., Page], start: Callable[[Page], Page], locale: str
) -> None:
    said = ENGLISH if locale == "en-GB" else GERMAN
    name, phone = ("dora", "0170 2000001") if locale == "en-GB" else ("doris", "0170 2000002")
    page = start(open_page(locale=locale))
    heading(page, said["name"])
    seen(page, "name")
    page.fill("#name", "anna")
    on(page)
    seen(page, "name-taken")
    page.fill("#name", name)
    on(page)
    heading(page, said["details"])
    fill_details(page, phone)
    page.uncheck("#terms")
    seen(page, "details")
    on(page)
    seen(page, "details-wrong")
    page.check("#terms")  # the password need not be typed again
    on(page)
    heading(page, said["proof"])
    seen(page, "proof")
    page.fill("#code", "000000")
    on(page)
    seen(page, "proof-wrong")
    page.fill("#code", sms.code("+49170200000" + phone[-1]))
    on(page)
    heading(page, said["summary"])
    seen(page, "summary")
    on(page)
    heading(page, said["done"])
    seen(page, "done")
    page.goto(service.url("signup") + "/request/nobody-has-this")
    seen(page, "unknown")


@pytest.mark.slow
@pytest.mark.parametrize("locale", ["en-GB", "de-DE"])
def test_every_page_of_what_waits_is_accessible_in_both_languages(
    service: Service,
    sms: Partner,
    contracts: Partner,
    open_page: Callable[..., Page],
    start: Callable[[Page], Page],
    locale: str,
) -> None:
    said = ENGLISH if locale == "en-GB" else GERMAN
    name, phone = ("emma", "+491702000003") if locale == "en-GB" else ("emmi", "+491702000004")
    page = start(open_page(locale=locale))
    page.fill("#name", name)
    page.select_option("#domain", FIRM)
    on(page)
    heading(page, said["contract"])
    seen(page, "contract")
    contracts.stop()
    sms.stop()
    try:
        page.fill("#entry", "K-2")
        on(page)
        fill_details(page, phone)
        on(page)
        heading(page, said["proof"])
        while not page.locator(".notice.warn").count():
            page.reload()
        seen(page, "proof-waits")
        sms.start()
        page.fill("#code", sms.code(phone, 20))
        on(page)
        heading(page, said["summary"])
        seen(page, "summary-waits")
        on(page)
        seen(page, "request-waits")
    finally:
        contracts.start()
    while not page.locator("a[href='/']:text-is('Begin anew'), a[href='/']:text-is('Neu beginnen')").count():
        page.reload()
    seen(page, "request-refused")


@pytest.mark.slow
def test_the_whole_way_goes_by_keyboard(sms: Partner, page: Page, start: Callable[[Page], Page]) -> None:
    keys = by_keyboard(start(page))
    keys.to("Name before the @").type("Flora").to("See whether it is free").enter()
    keys.to("Your name").type("Flora Muster").to("Password").type(PASSWORD)
    keys.to("Password once more").type(PASSWORD).to(re.compile("Mobile phone")).type("0170 2000005")
    keys.to("I accept the rules").space().to("Continue").enter()
    heading(page, ENGLISH["proof"])
    keys.to("Code of six digits").type(sms.code("+491702000005")).to("Continue").enter()
    keys.to("Make my account").enter()
    heading(page, ENGLISH["done"])


@pytest.mark.slow
def test_the_whole_way_goes_without_javascript_and_with_an_invitation(
    service: Service, sms: Partner, open_page: Callable[..., Page], start: Callable[[Page], Page]
) -> None:
    administer(service, lambda people: people.invitation_add(INVITED, "for-hanna"))
    page = start(open_page(javascript=False))
    page.fill("#name", "hanna")
    page.select_option("#domain", INVITED)
    on(page)
    heading(page, ENGLISH["invitation"])
    page.fill("#entry", "for-somebody")
    on(page)
    wrong(page, re.compile("We don’t know this code"))
    page.fill("#entry", "for-hanna")
    on(page)
    fill_details(page, "0170 2000006")
    on(page)
    page.fill("#code", sms.code("+491702000006"))
    on(page)
    on(page)
    heading(page, ENGLISH["done"])
    start(page)
    page.fill("#name", "hannes")
    page.select_option("#domain", INVITED)
    on(page)
    page.fill("#entry", "for-hanna")
    on(page)
    wrong(page, re.compile("has been used up"))


def administer(service: Service, do: Callable[[PeopleClient], Awaitable[object]]) -> None:
    """As administration does, which asks the people process."""

    async def ask() -> None:
        world = real_world(journal_path=str(service.folder / "client.jsonl"))
        client = PeopleClient(world, str(service.data / "run" / "people.sock"))
        await do(client)
        client.close()

    aside(lambda: asyncio.run(ask()))


@pytest.mark.slow
def test_what_is_typed_wrongly_is_said_at_its_field_and_nothing_else_is_lost(
    service: Service, page: Page, start: Callable[[Page], Page]
) -> None:
    administer(service, lambda people: people.names_reserve(["sonderangebot"]))
    start(page)
    for typed, said in (
        ("", "Type the name"),
        ("a b", "isn’t possible"),
        ("x", "too short"),
        ("anna", "is somebody’s"),
        ("p0stmaster", "is kept back"),
        ("sonderangebot", "is kept back"),
    ):
        page.fill("#name", typed)
        on(page)
        wrong(page, re.compile(said))
        assert page.get_attribute("#name", "aria-invalid") == "true"
    page.fill("#name", "Ida.Müller")
    on(page)
    expect(page.locator(".lead")).to_contain_text(f"ida.mueller@{DOMAIN}")
    fill_details(page, "0170 2000007")
    for field, typed, said in (
        ("#password", "short", "too short"),
        ("#password", "password123", "guessed first"),
        ("#password", "ida.mueller1", "easily guessed"),
        ("#repeat", "something else", "not the same"),
        ("#phone", "my phone", "no phone number"),
        ("#second", "nobody", "no mail address"),
        ("#second", f"other@{DOMAIN}", "is with us"),
        ("#second", "a@b.throw.example", "throw-away"),
    ):
        fill_details(page, "0170 2000007")
        page.fill("#second", "")
        page.fill(field, typed)
        if field == "#password":
            page.fill("#repeat", typed)
        on(page)
        wrong(page, re.compile(said))
        assert page.input_value("#name") == "Dora Muster"
        assert page.input_value("#password") == ""
    fill_details(page, "")
    page.fill("#second", "")
    on(page)
    wrong(page, re.compile("We need a phone or another address"))


@pytest.mark.slow
def test_a_name_that_is_taken_has_others_beside_it_and_one_click_takes_one(
    page: Page, start: Callable[[Page], Page]
) -> None:
    start(page)
    page.fill("#name", "ben")
    on(page)
    ideas = page.locator(".rows li")
    assert ideas.count() >= 3
    address = ideas.first.locator("span").inner_text()
    assert address.startswith("ben@") and not address.endswith(DOMAIN)
    ideas.nth(2).locator("button").click()
    heading(page, ENGLISH["details"])


@pytest.mark.slow
def test_pages_out_of_order_lead_to_the_first_that_is_not_filled_in(
    service: Service, page: Page, start: Callable[[Page], Page]
) -> None:
    for path in ("/entry", "/details", "/proof", "/summary"):
        page.goto(service.url("signup") + path)
        heading(page, ENGLISH["name"])
    page.fill("#name", "jutta")
    on(page)
    for path in ("/proof", "/summary"):
        page.goto(service.url("signup") + path)
        heading(page, ENGLISH["details"])
