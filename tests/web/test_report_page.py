"""Where customers say that something doesn't work: both languages, keyboard alone, accessible, without
JavaScript, and with every other process dead. With ``HOLDFAST_SCREENS=1`` it is kept in docs/screens/reports.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from e2e.service import Service, until
from holdfast.care.reports.drafting import reviewed
from holdfast.care.reports.kept import CustomerReport, KeptReports
from holdfast.watch.incidents import record as r
from holdfast.world import real_world, run
from unit.care.test_reports_written import NOW as AFTER
from unit.care.test_reports_written import incident_of, press, whole
from unit.cli.test_incidents import write
from web.browser import aside, by_keyboard, check_accessible, screen
from web.visitor import Visitor

pytestmark = pytest.mark.slow
LOCALES = {"en": "en-GB", "de": "de-DE"}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """On record: an incident that has just ended, and one that lasts."""
    made = Service(tmp_path_factory.mktemp("care"), web=["care"], people=("anna",))
    made.prepare()
    now = time.time()
    record: list[r.AnyEntry] = [
        r.Opened(at=now - 1900, incident=1, since={"webmail": now - 1905}),
        r.Closed(at=now - 1300, incident=1, until={"webmail": now - 1360}),
        r.Opened(at=now - 600, incident=2, since={"pop3": now - 605}),
    ]
    aside(lambda: write(made.data, record))
    aside(lambda: run(three_calls(str(made.data / "care" / "reports.sqlite"), now)))
    made.start()
    yield made
    made.close()


async def three_calls(path: str, now: float) -> None:
    kept = KeptReports(real_world(level="error"), path)
    for number in range(3):
        call = CustomerReport(
            0, now + number - 60, "send", now - 300, "white page", "x@example.net", by="phone"
        )
        await kept.add(call)
    kept.close()


@pytest.fixture(scope="module")
def token(service: Service) -> str:
    return service.holdfast("console", "token", "ann").stdout.strip()


@pytest.fixture
def alone(service: Service) -> Iterator[None]:
    """Every other process stands still: what the page needs of them would never come."""
    others = [
        each["process"] for each in service.status()["processes"] if not each["process"].startswith("care")
    ]
    with service.stopped(*others):
        yield


def rows(service: Service) -> list[tuple[str, ...]]:
    with contextlib.closing(sqlite3.connect(service.data / "care" / "reports.sqlite")) as db:
        return db.execute(
            "SELECT function, seen, address, language, by FROM report ORDER BY number"
        ).fetchall()


def test_reports_1_what_was_taken_is_there_after_a_kill(service: Service) -> None:
    answer = Visitor(service.url("care")).post("/", function="imap", seen="before the kill")
    assert answer.status_code == 303
    pid = service.pid("care-0")
    os.kill(pid, signal.SIGKILL)
    assert rows(service)[-1][:2] == ("imap", "before the kill")
    until(lambda: _is_back(service, pid))


def _is_back(service: Service, pid: int) -> bool:
    return any(
        each["process"] == "care-0" and each["pid"] not in (0, None, pid)
        for each in service.status()["processes"]
    )


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(("language", "javascript"), [("en", False), ("de", True)])
def test_reports_1_and_4_one_reports_by_keyboard_alone_while_all_else_is_dead(
    service: Service, open_page: Callable[..., Page], language: str, javascript: bool
) -> None:
    tab = open_page(locale=LOCALES[language], javascript=javascript)
    tab.goto(service.url("care") + "/")
    assert tab.locator("html").get_attribute("lang") == language
    keys = by_keyboard(tab)
    keys.to({"en": "Mail does not arrive", "de": "Mail kommt nicht an"}[language]).space()
    keys.to({"en": "What do you see? (optional)", "de": "Was sehen Sie? (freiwillig)"}[language]).type(
        f"nothing since nine, {language}"
    )
    keys.to({"en": "Send the report", "de": "Meldung senden"}[language]).enter()
    expect(tab.locator("h1")).to_have_text(
        {"en": "Thank you for telling us", "de": "Danke für die Meldung"}[language]
    )
    assert rows(service)[-1] == ("receive", f"nothing since nine, {language}", "", language, "page")


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_page_is_accessible_and_says_what_is_wrong_at_its_field(
    service: Service, open_page: Callable[..., Page], language: str
) -> None:
    tab = open_page(locale=LOCALES[language])
    tab.goto(service.url("care") + "/?function=webmail")
    expect(tab.locator("input[value=webmail]")).to_be_checked()
    check_accessible(tab)
    screen(tab, "reports/report")
    tab.locator("input[value=other]").check()
    tab.locator("button.main").click()
    expect(tab.locator("#seen-error")).to_be_visible()
    tab.locator("#seen").fill("Outlook 0x800CCC0E")
    tab.locator("#address").fill("no address")
    tab.locator("button.main").click()
    expect(tab.locator("#address-error")).to_be_visible()
    expect(tab.locator("#seen")).to_have_value("Outlook 0x800CCC0E")
    check_accessible(tab)
    screen(tab, "reports/wrong")
    tab.locator("#address").fill("anna@example.net")
    tab.locator("button.main").click()
    expect(tab.locator("h1")).not_to_be_empty()
    check_accessible(tab)
    screen(tab, "reports/sent")


def test_reports_4_an_address_of_ours_and_one_of_nobody_are_answered_alike(service: Service) -> None:
    answers = []
    for address in ("anna@example.org", "nobody@example.org"):
        visitor = Visitor(service.url("care"))
        given = visitor.hidden("/") | {"function": "pop3", "seen": f"as {address}", "address": address}
        answer = visitor.client.post("/", data=given, follow_redirects=True)
        assert answer.status_code == 200
        said = re.search("<main.*</main>", answer.text, re.DOTALL)
        assert said is not None
        answers.append(re.sub(r"number \d+", "", said.group()))
    assert answers[0] == answers[1]
    assert "it is incident 2, since" in answers[0]  # what is known is said, to everybody


def test_draft_2_the_report_lies_ready_within_a_minute_of_the_end(service: Service) -> None:
    folder = service.data / "care" / "reports" / "incident-1"
    names = {f"report.{language}.{kind}" for language in LOCALES for kind in ("md", "html", "pdf")}
    until(lambda: folder.exists() and names <= {each.name for each in folder.iterdir()}, 60)
    assert "# Störung 1: Webmail" in (folder / "report.de.md").read_text()
    assert not (folder.parent / "incident-2").exists()


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_report_after_an_incident_can_be_read_by_everybody(
    open_page: Callable[..., Page], language: str
) -> None:
    known = whole()
    tab = open_page()
    tab.set_content(reviewed(press(), known, incident_of(known), AFTER)[f"report.{language}.html"].decode())
    check_accessible(tab)
    screen(tab, "reports/review")


def test_who_sends_very_much_is_asked_to_wait(service: Service) -> None:
    visitor = Visitor(service.url("care"))
    hidden = visitor.hidden("/")
    codes = [
        visitor.client.post("/", data=hidden | {"function": "pop3", "seen": f"{number}"}).status_code
        for number in range(9)
    ]
    assert codes[-1] == 429


@pytest.mark.parametrize("language", ["en", "de"])
def test_those_on_duty_see_what_was_reported(
    service: Service, token: str, open_page: Callable[..., Page], language: str
) -> None:
    tab = open_page(locale=LOCALES[language])
    tab.goto(service.url("care") + "/console")
    tab.locator("#token").fill(token)
    tab.locator("button.main").click()
    tab.locator("nav").get_by_role("link", name={"en": "Reports", "de": "Meldungen"}[language]).click()
    expect(tab.locator("main")).to_contain_text("white page")
    expect(tab.locator("#ahead")).to_be_visible()  # nobody knew of it
    check_accessible(tab)
    screen(tab, "reports/desk")
