"""The status page in a browser, from files alone: accessible, in both languages, on a small telephone.

With ``HOLDFAST_SCREENS=1`` it is kept in docs/screens/status.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Page as Tab
from playwright.sync_api import expect

from holdfast.care.credits import Contract, Flat, Policy, Span, Suffered
from holdfast.care.credits.owing import Owing
from holdfast.care.customers import AccountRow
from holdfast.care.status import customer
from holdfast.care.status.page import Page
from holdfast.care.status.story import texts
from holdfast.watch.incidents import record as r
from outage import BEGAN, LOOK, NOW, ZONE, calm, known, past, present
from web.browser import SCREENS, WRITES_SCREENS, check_accessible, screen

pytestmark = pytest.mark.slow

PHONE = {"width": 390, "height": 844}
WIDE = {"width": 1100, "height": 800}


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture(scope="module")
def site(folder: Path) -> Iterator[str]:
    """Where any web server shows the files."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("status")
    credited = r.Credited(at=NOW - 60, incident=2, policy="goodwill", total={"EUR": 470_500}, contracts=941)
    page = Page(known(*past(), *present(), credited), LOOK, texts(ZONE))
    files = page.files()
    suffered = Suffered(Contract("K-1", 2990), {"imap": [Span(BEGAN, NOW)]}, BEGAN)
    policy = Policy("goodwill", "decided by the board on 15 August 2012", Flat(500, 0.0))
    owing = [Owing(2, policy.credit(suffered, NOW), False)]
    for number, language in ((1, "en"), (2, "de")):
        four = [
            AccountRow(each, number, 3 if each < 3 else 4, "active", f"name{each}@example.org", 1, 0.0)
            for each in (1, 2, 3, 4)
        ]
        files |= customer.Customers(page, b"k").files(number, four, language, owing)
    for name, data in files.items():
        (made / name).write_bytes(data)
    (made / "calm").mkdir()
    for name, data in Page(calm(), LOOK, texts(ZONE)).files().items():
        (made / "calm" / name).write_bytes(data)
    return made


def look(tab: Tab, url: str, name: str) -> None:
    tab.clock.set_fixed_time(NOW)
    tab.goto(url)
    check_accessible(tab)
    screen(tab, f"status/{name}")
    if WRITES_SCREENS:
        tab.set_viewport_size(PHONE)  # type: ignore[arg-type]
        tab.emulate_media(color_scheme="dark")
        language = tab.evaluate("document.documentElement.lang")
        path = SCREENS / "status" / f"{name}-{language}-narrow-dark.jpg"
        tab.screenshot(path=path, type="jpeg", quality=60, full_page=True)
        tab.emulate_media(color_scheme="light")
        tab.set_viewport_size(WIDE)  # type: ignore[arg-type]


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_page_is_accessible(language: str, site: str, open_page: Callable[..., Tab]) -> None:
    tab = open_page(locale=language)
    look(tab, f"{site}/index.{language}.html", "outage")
    look(tab, f"{site}/incident-2.{language}.html", "incident")
    look(tab, f"{site}/incident-1.{language}.html", "incident-past")
    look(tab, f"{site}/calm/index.{language}.html", "calm")
    token = customer.token(b"k", 1 if language == "en" else 2)
    look(tab, f"{site}/customer-{token}.html", "customer")


def test_one_goes_from_language_to_language_and_from_incident_to_incident(
    site: str, open_page: Callable[..., Tab]
) -> None:
    tab = open_page(javascript=False)
    tab.goto(site)
    expect(tab.locator("h1")).to_have_text("Some functions do not work")
    row = tab.locator("#webmail")
    expect(row).to_contain_text("Does not work")
    expect(tab.locator("#signup")).to_contain_text("Not known")
    tab.get_by_role("link", name="Incident: Reading with").first.click()
    expect(tab.locator("h1")).to_contain_text("Webmail")
    tab.get_by_role("link", name="Deutsch").click()
    expect(tab.locator("h1")).to_have_text("Störung: Lesen mit Mailprogrammen (IMAP) und Webmail")
    tab.get_by_role("link", name="Alle Funktionen").click()
    expect(tab.locator("h1")).to_have_text("Manche Funktionen arbeiten nicht")
    tab.locator("#imap summary").click()
    expect(tab.locator("#imap table")).to_contain_text("Ausfall")


def test_a_page_that_is_left_open_says_how_old_it_is(site: str, open_page: Callable[..., Tab]) -> None:
    tab = open_page()
    tab.goto(f"{site}/index.en.html")
    expect(tab.locator(".ago")).to_have_text(re.compile(r"That was \d+ minutes ago\."))


@pytest.mark.parametrize(("minutes", "tone"), [(14, "good"), (16, "unknown")])
def test_status_1_a_page_that_is_written_no_more_is_not_green_any_more(
    minutes: int, tone: str, site: str, open_page: Callable[..., Tab]
) -> None:
    tab = open_page()
    tab.clock.set_fixed_time(NOW + minutes * 60)
    tab.goto(f"{site}/calm/index.en.html")
    expect(tab.locator(".hero")).to_have_class(f"hero {tone}")
    said = "not known" if tone == "unknown" else "All functions work"
    expect(tab.locator("h1")).to_contain_text(said)
    check_accessible(tab)


def test_the_link_of_a_customer_says_which_of_four_mailboxes_are_fine(
    site: str, open_page: Callable[..., Tab]
) -> None:
    tab = open_page(javascript=False)
    tab.goto(f"{site}/customer-{customer.token(b'k', 1)}.html")
    expect(tab.locator("h1")).to_have_text("Your four mailboxes: two affected, two fine")
    expect(tab.locator("li", has_text="name1@example.org")).to_contain_text("Affected")
    expect(tab.locator(".card", has_text="Your credit")).to_contain_text(
        "€5.00 so far. You don’t have to claim it."
    )
    tab.get_by_role("link", name="Incident: Reading with").click()
    expect(tab.locator("main")).to_contain_text("€4,705.00 so far, for 941 contracts")
