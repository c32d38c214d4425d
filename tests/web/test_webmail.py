"""The webmail in a real browser on the real service: in good days, and with its server gone or frozen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from e2e.service import Service, until
from web.browser import CHROMIUM
from web.conftest import ARGUMENTS
from web.webmail import Device, answering_503, deliver, needs_build

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400), needs_build]

PEOPLE = ("anna", "ben", "cleo", "dora", "emil", "frida", "gert", "hanna")
OUT_OF_ORDER = "The server of the webmail"  # … hasn’t answered since
VIEW = {"width": 1280, "height": 800}


@pytest.fixture(scope="module")
def service(make_shared: Callable[..., Service]) -> Service:
    return make_shared(web=["jmap", "webmail", "health"], people=PEOPLE)


@pytest.fixture
def running(service: Service) -> Iterator[Service]:
    """The service, which runs again afterwards whatever was done to it."""
    yield service
    assert service.process is not None
    if service.process.poll() is not None:
        service.start()


@pytest.fixture
def device(browser: Browser, service: Service) -> Iterator[Callable[[str], Device]]:
    """``device("anna")``: a browser of hers, signed in. A test fails on whatever breaks in a page."""
    contexts: list[BrowserContext] = []
    broken: list[str] = []

    def make(name: str) -> Device:
        context = browser.new_context(locale="en-GB", viewport=VIEW)  # type: ignore[arg-type]
        contexts.append(context)
        context.on("weberror", lambda error: broken.append(str(error.error)))
        return Device(service, context, name).sign_in()

    yield make
    for context in contexts:
        context.close()
    assert broken == []


def test_a_letter_is_read_answered_and_sent(device, service):
    deliver(service, "A question", body="What time is it?")
    anna = device("anna")
    anna.sees("A question")
    anna.open("A question", "What time is it?")
    anna.write("ben", "The answer", "Half past nine.")
    anna.send()
    anna.has_nothing_waiting()
    until(lambda: service.subjects("ben") == ["The answer"])
    assert service.subjects("anna", "Sent") == ["The answer"]
    assert service.subjects("anna", "Drafts") == []


def test_new_mail_appears_by_itself(device, service):
    anna = device("cleo")
    deliver(service, "Just in", to="cleo")
    anna.sees("Just in")


def test_what_is_taken_back_in_time_is_not_sent(device, service):
    dora = device("dora")
    dora.write("cleo", "Rather not", "Forget it.")
    dora.send()
    dora.page.get_by_role("button", name="Undo").click()
    expect(dora.page.get_by_label("Subject")).to_have_value("Rather not")
    dora.has_nothing_waiting()
    assert "Rather not" not in service.subjects("cleo")
    assert service.subjects("dora", "Sent") == []


def test_with_the_server_gone_mail_is_read_and_queued_and_closing_the_browser_loses_nothing(
    browser: Browser, running: Service, tmp_path: Path
):
    service = running
    deliver(service, "Keep me", "Archive me", to="emil", body="Text that is here.")

    def open_browser() -> BrowserContext:
        return browser.browser_type.launch_persistent_context(
            str(tmp_path / "profile"),
            executable_path=CHROMIUM,
            args=ARGUMENTS,
            locale="en-GB",
            viewport=VIEW,  # type: ignore[arg-type]
        )

    context = open_browser()
    emil = Device(service, context, "emil").sign_in().works_offline()
    emil.sees("Keep me")
    emil.open("Keep me", "Text that is here.")
    service.stop()

    emil.page.reload()
    emil.sees("Keep me")
    emil.open("Archive me", "Text that is here.")
    emil.page.get_by_role("button", name="Archive", exact=True).first.click()
    expect(emil.row("Archive me")).to_be_hidden()
    emil.write("ben", "Written without a server", "It will come.")
    emil.send()
    expect(emil.page.get_by_text(OUT_OF_ORDER)).to_be_visible()
    expect(emil.page.get_by_role("button", name="Outbox")).to_be_visible()
    context.close()

    context = open_browser()
    emil = Device(service, context, "emil")
    emil.page.goto(service.url("webmail") + "/")  # from the device: nobody listens there
    emil.sees("Keep me")
    expect(emil.row("Archive me")).to_be_hidden()
    expect(emil.page.get_by_role("button", name="Outbox")).to_be_visible()

    service.start()
    emil.tries_now()
    emil.has_nothing_waiting()
    until(lambda: service.subjects("ben").count("Written without a server") == 1)
    assert service.subjects("emil", "Archive") == ["Archive me"]
    assert service.subjects("emil") == ["Keep me"]
    assert service.subjects("emil", "Sent") == ["Written without a server"]
    context.close()


def test_with_the_server_frozen_it_is_said_and_nothing_is_lost(device, running):
    service = running
    deliver(service, "Before the frost", to="frida", body="Still here.")
    frida = device("frida")
    frida.sees("Before the frost")
    frida.open("Before the frost", "Still here.")
    with service.stopped("jmap-0", "store-0"):
        frida.page.get_by_role("button", name="Archive", exact=True).first.click()
        expect(frida.page.get_by_text(OUT_OF_ORDER)).to_be_visible()
        expect(frida.row("Before the frost")).to_be_hidden()
    frida.tries_now()
    frida.has_nothing_waiting()
    until(lambda: service.subjects("frida", "Archive") == ["Before the frost"])
    assert service.subjects("frida") == []


def test_a_server_that_answers_503_empties_and_signs_out_nothing(device, running):
    service = running
    deliver(service, "Here to stay", to="gert", body="I am not gone.")
    gert = device("gert").works_offline()
    gert.sees("Here to stay")
    gert.open("Here to stay", "I am not gone.")
    service.stop()
    with answering_503(service.ports["jmap_http"]) as asked:
        gert.page.reload()
        gert.sees("Here to stay")
        gert.open("Here to stay", "I am not gone.")
        gert.write("ben", "Through the refusals", "Later then.")
        gert.send()
        expect(gert.page.get_by_text(OUT_OF_ORDER)).to_be_visible()
        assert asked
    service.start()
    gert.tries_now()
    gert.has_nothing_waiting()
    until(lambda: service.subjects("ben").count("Through the refusals") == 1)


def test_two_tabs_show_the_same_and_send_once(device, service):
    deliver(service, "Seen twice", to="hanna", body="Both tabs.")
    hanna = device("hanna")
    hanna.sees("Seen twice")
    other = Device(service, hanna.context, "hanna")
    other.page.goto(service.url("webmail") + "/")
    other.sees("Seen twice")
    other.write("ben", "From the second tab", "Once.")
    other.send()
    hanna.open("Seen twice", "Both tabs.")
    hanna.page.get_by_role("button", name="Archive", exact=True).first.click()
    expect(other.row("Seen twice")).to_be_hidden()
    hanna.has_nothing_waiting()
    other.has_nothing_waiting()
    until(lambda: "From the second tab" in service.subjects("ben"))
    assert service.subjects("ben").count("From the second tab") == 1
    assert service.subjects("hanna", "Archive") == ["Seen twice"]


def test_edits_of_two_devices_that_conflict_are_joined_and_lose_nothing(device, running):
    """One stars and archives without a server, the other deletes with one: the star stays, the later wins."""
    service = running
    deliver(service, "Wanted by both", to="anna", body="Whose am I?")
    first, second = device("anna"), device("anna")
    for each in (first, second):
        each.sees("Wanted by both")
    first.open("Wanted by both", "Whose am I?")
    first.context.set_offline(True)
    first.page.get_by_role("button", name="Star", exact=True).last.click()
    first.page.get_by_role("button", name="Archive", exact=True).first.click()
    expect(first.row("Wanted by both")).to_be_hidden()
    second.open("Wanted by both", "Whose am I?")
    second.page.get_by_role("button", name="Delete", exact=True).first.click()
    second.has_nothing_waiting()
    until(lambda: "Wanted by both" in service.subjects("anna", "Trash"))
    first.context.set_offline(False)
    first.has_nothing_waiting()
    places = {
        box: service.subjects("anna", box).count("Wanted by both") for box in ("INBOX", "Archive", "Trash")
    }
    assert places["INBOX"] == 0 and sum(places.values()) >= 1
    assert all(count <= 1 for count in places.values())
    expect(second.row("Wanted by both")).to_be_hidden()
