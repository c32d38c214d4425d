"""Every view of the webmail on the real service with real mail is accessible, in both languages and looks.

With ``HOLDFAST_SCREENS=1`` they are kept in docs/screens/webmail, wide and on a telephone. Without, the
English ones are looked at wide and the German ones, whose words are longer, on a telephone, light and dark.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from e2e.service import DOMAIN, Service, password, until
from web.browser import PATIENCE_MS, SCREENS, WRITES_SCREENS, by_keyboard, small_targets, too_wide, violations
from web.letters import fill, know, picture
from web.webmail import Device, deliver, needs_build

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), needs_build]

LOCALES = {"en": "en-GB", "de": "de-DE"}
PEOPLE = {"en": "anna", "de": "ben"}
SIZES = {"wide": {"width": 1280, "height": 800}, "narrow": {"width": 390, "height": 844}}
LOOKS = ("light", "dark")
USUAL = {"en": ("wide",), "de": ("narrow",)}
KEPT = {  # pictures, of language and size: enough to see all of it, and little to carry along
    ("en", "wide"): ("light", "dark"),
    ("en", "narrow"): ("light",),
    ("de", "wide"): ("light",),
    ("de", "narrow"): ("dark",),
}
QUALITY = 50
PAGES = ("general", "reading", "writing", "senders", "keys", "device", "account")
STANDS_STILL = """() => Promise.allSettled(document.getAnimations()
  .filter(each => each.effect.getComputedTiming().endTime !== Infinity).map(each => each.finished))"""
LAST_PART = """performance.getEntriesByType("resource")
  .some(each => /settings-[^/]*[.]js$/.test(each.name) && each.responseEnd)"""  # of those fetched ahead
OF_WHOLE_PAGES = ("landmark-one-main", "page-has-heading-one", "region")  # not of what is shown inside one
SUMMARY = "/status/summary.json"


@pytest.fixture(scope="module")
def service(make_shared: Callable[..., Service]) -> Service:
    return make_shared(web=["jmap", "webmail", "health"], people=("anna", "ben", "cleo"))


class Walk:
    """One page that goes from view to view; what is found wrong is told at the end, all of it."""

    def __init__(self, service: Service, page: Page, language: str) -> None:
        self.service = service
        self.page = page
        self.language = language
        self.size = "wide"
        self.faults: list[str] = []

    def sized(self) -> Iterator[None]:
        for size in SIZES if WRITES_SCREENS else USUAL[self.language]:
            self.size = size
            self.page.set_viewport_size(SIZES[self.size])  # type: ignore[arg-type]
            yield

    @property
    def narrow(self) -> bool:
        return self.size == "narrow"

    def look(self, name: str, *, heading: bool = True) -> None:
        """At the view that is shown now: axe in both looks, targets, its heading; and a picture."""
        found: list[str] = []
        for theme in LOOKS:
            self.page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
            self.page.evaluate(STANDS_STILL)
            found += [f"{theme}: {each}" for each in violations(self.page)]
            if WRITES_SCREENS and theme in KEPT[self.language, self.size]:
                path = SCREENS / "webmail" / f"{name}-{self.language}-{self.size}-{theme}.jpg"
                path.parent.mkdir(parents=True, exist_ok=True)
                self.page.screenshot(path=path, type="jpeg", quality=QUALITY)
        self.page.emulate_media(color_scheme="light")
        found += small_targets(self.page)
        if heading and self.page.locator("h1").count() != 1:
            found.append(f"{self.page.locator('h1').count()} main headings")
        self.faults += [f"{name}, {self.language}, {self.size}: {each}" for each in found]

    def fits(self, name: str) -> None:
        """Nothing has to be scrolled sideways on the smallest telephone; menus close when it is asked."""
        self.faults += [f"{name}, {self.language}: {each}" for each in too_wide(self.page)]

    def go(self, fragment: str, shown: str) -> Locator:
        self.page.evaluate("fragment => { location.hash = fragment; }", fragment)
        return self.see(shown)

    def see(self, selector: str) -> Locator:
        found = self.page.locator(selector).locator("visible=true").first
        found.wait_for(timeout=PATIENCE_MS)
        return found

    def key(self, *keys: str) -> None:
        for each in keys:
            self.page.keyboard.press(each)

    def close(self) -> None:
        """The dialog or menu that is open."""
        self.key("Escape")
        expect(self.page.locator("dialog[open], [role=menu]")).to_have_count(0)

    def rows(self) -> Locator:
        return self.page.locator(".row:not(.placeholder)")

    def row(self, subject: str) -> Locator:
        return self.rows().filter(has_text=subject).first

    def open_thread(self, subject: str, text: str) -> None:
        self.go("#/mail/inbox", ".row:not(.placeholder)")
        self.row(subject).click()
        inside = self.page.frame_locator(".message-frame iframe >> nth=-1").frame_locator("iframe")
        expect(inside.get_by_text(text).first).to_be_visible()


def sign_in(walk: Walk, name: str) -> None:
    walk.page.goto(walk.service.url("webmail") + "/")
    walk.see("#address")
    for _ in walk.sized():
        walk.look("sign-in")
        walk.fits("sign-in")
    walk.page.locator("#address").fill(f"{name}@{DOMAIN}")
    walk.page.locator("form .button.primary").click()
    walk.page.locator("#password").fill(password(name))
    walk.page.locator(".button.main").first.click()
    walk.see(".shell")


def empty_inbox(walk: Walk) -> None:
    walk.see(".empty:not(.first)")
    for _ in walk.sized():
        walk.look("inbox-empty")


def lists(walk: Walk) -> None:
    walk.go("#/mail/inbox", ".row:not(.placeholder)")
    walk.look("inbox")
    walk.fits("inbox")
    walk.key("j", "x", "j", "x")
    walk.see(".row[aria-selected=true]")
    walk.look("inbox-selected")
    walk.key("*", "n")
    if walk.narrow:
        walk.page.locator(".head [aria-controls=mailboxes]").click()
        walk.see(".side.open")
        walk.look("mailboxes")
    else:
        walk.page.locator(".side-line", has_text="Choir").hover()
    walk.page.locator(".side-line", has_text="Choir").locator(".side-more").click()
    walk.see("[role=menu]")
    walk.look("mailbox-menu")
    walk.close()
    walk.page.locator(".side-head .tool").first.click()
    walk.see("dialog[open]")
    walk.key("Enter")
    walk.see("#mailbox-wrong")
    walk.look("mailbox-new")
    walk.close()
    if walk.narrow:
        walk.key("Escape")
    walk.page.locator(".head-account").click()
    walk.see("[role=menu]")
    walk.look("account-menu")
    walk.close()


def reading(walk: Walk) -> None:
    walk.open_thread("Summer programme", "The summer programme is here")
    walk.see(".message .notice")
    walk.look("message-html")
    walk.fits("message-html")
    for frame in walk.page.frames[1:]:
        found = [each for each in violations(frame) if not each.startswith(OF_WHOLE_PAGES)]
        walk.faults += [f"inside the message: {each}" for each in found]
    walk.open_thread("Who brings what?", "Noon, at the boathouse")
    walk.look("conversation")
    walk.fits("conversation")
    walk.open_thread("The offer and the plans", "Both are attached")
    walk.page.locator(".message-to .link").click()
    walk.look("message-attachments")
    walk.fits("message-attachments")
    for key, name in (("b", "snooze"), ("v", "move"), ("l", "labels")):
        walk.key(key)
        walk.see("dialog[open]")
        walk.look(name)
        walk.close()
    walk.fits("conversation")


def writing(walk: Walk) -> None:
    walk.go("#/mail/inbox", ".row:not(.placeholder)")
    walk.key("c")
    walk.see(".composer")
    walk.page.locator(".composer-ways .send-group .button").first.click()
    walk.see(".composer [role=alert]")
    walk.look("compose-error")
    to = walk.page.locator(".composer [role=combobox]").first
    to.fill("len")
    walk.see(".composer [role=option]")
    walk.look("compose-recipients")
    walk.key("Enter")
    walk.page.locator(".composer-subject input").fill("The programme")
    walk.page.locator(".composer input[type=file]").first.set_input_files(
        {"name": "Programme.png", "mimeType": "image/png", "buffer": picture()}
    )
    walk.see(".draft-attachment")
    editor = walk.page.frame_locator(".composer iframe").frame_locator("iframe").get_by_role("textbox")
    editor.click()
    editor.press_sequentially("Dear Lena, here it is.")
    walk.look("compose-rich")
    walk.fits("compose-rich")
    walk.page.locator(".composer-ways > [aria-haspopup=menu]").last.click()
    walk.page.locator("[role=menu] .menu-item").first.click()
    if walk.page.locator("dialog[open]").count():
        walk.page.locator("dialog[open] .button.primary").click()
    walk.see(".composer textarea")
    walk.look("compose-plain")
    walk.page.locator(".composer-ways .tool").last.click()
    expect(walk.page.locator(".composer")).to_have_count(0)
    walk.page.locator(".toast .bare").click()


def contacts(walk: Walk) -> None:
    walk.go("#/contacts", ".contact-row")
    walk.look("contacts")
    walk.fits("contacts")
    walk.page.locator(".contact-link", has_text="Lena Sommer").click()
    walk.see(".contact-card")
    walk.look("contact")
    walk.fits("contact")
    walk.page.locator(".contact-ways .button").nth(1).click()
    walk.see(".contact-edit")
    walk.look("contact-edit")
    walk.fits("contact-edit")
    walk.go("#/contacts/new", ".contact-edit")
    walk.page.locator(".contact-edit .button.primary").click()
    walk.see(".contact-edit .error")
    walk.look("contact-new")


def settings(walk: Walk) -> None:
    if walk.narrow:
        walk.go("#/settings", ".settings-nav")
        walk.look("settings")
    for name in PAGES:
        walk.go(f"#/settings/{name}", ".settings-page")
        walk.look(f"settings-{name}")
        walk.fits(f"settings-{name}")
    walk.go("#/mail/inbox", ".row:not(.placeholder)")
    walk.key("?")
    walk.see("dialog[open] .keys")
    walk.look("keys")
    walk.close()


def searching(walk: Walk) -> None:
    walk.go("#/mail/inbox", ".row:not(.placeholder)")
    walk.key("/")
    walk.see("#search").fill("programme")
    walk.see("#search ~ [role=listbox] .search-found")
    walk.look("search-suggestions")
    walk.key("Enter")
    walk.go("#/search/from%3Achoir%20programme", ".row:not(.placeholder)")
    walk.look("search")
    walk.fits("search")
    walk.go("#/search/nothingiscalledso", ".empty")
    walk.look("search-empty")


def out_of_reach(walk: Walk) -> None:
    """Without a network, and with the server out of order: what is said, and what waits."""
    walk.go("#/mail/inbox", ".row:not(.placeholder)")
    walk.page.context.set_offline(True)
    walk.see(".banner")
    walk.key("j", "s")
    walk.see(".head-outbox")
    walk.look("offline")
    walk.page.locator(".head-outbox").click()
    walk.see("dialog[open] .outbox-entry")
    walk.look("outbox")
    walk.close()
    walk.fits("offline")
    walk.page.context.set_offline(False)
    expect(walk.page.locator(".head-outbox")).to_have_count(0)
    with out_of_order(walk):
        walk.key("s")
        walk.see(".banner.bad, .banner.warn")
        if walk.narrow:
            walk.look("outage-folded")
            walk.page.locator(".banner .link[aria-expanded]").click()
        walk.look("outage")
        walk.fits("outage")
    walk.page.locator(".banner .button").last.click()
    expect(walk.page.locator(".head-outbox")).to_have_count(0)


@contextlib.contextmanager
def out_of_order(walk: Walk) -> Iterator[None]:
    """The JMAP server answers 503, and the provider's status page tells of it."""
    now = datetime.now(UTC)
    since, following = (now - timedelta(minutes=18)).isoformat(), (now + timedelta(minutes=12)).isoformat()
    said = {
        "en": "A storage system has failed; we are moving the mailboxes to another.",
        "de": "Ein Speichersystem ist ausgefallen; wir ziehen die Postfächer auf ein anderes um.",
    }
    names = ("receive", "send", "imap", "pop3", "webmail", "password", "signup")
    parts: list[dict[str, object]] = [{"id": each, "name": each, "status": "operational"} for each in names]
    works = ["receive", "password"]
    parts[4] |= {
        "status": "major_outage",
        "holdfast": {"since": since, "works": works, "next_update": following},
    }
    incident = {
        "name": "Storage",
        "status": "identified",
        "started_at": since,
        "components": [{"id": "webmail"}],
    }
    incident |= {"incident_updates": [{"body": said[walk.language], "created_at": since}]}
    told = json.dumps({"page": {}, "status": {}, "components": parts, "incidents": [incident]})

    def refuse(route: Route) -> None:
        route.fulfill(status=503, headers={"Retry-After": "60", "Access-Control-Allow-Origin": "*"})

    def tell(route: Route) -> None:
        route.fulfill(
            body=told, content_type="application/json", headers={"Access-Control-Allow-Origin": "*"}
        )

    api = walk.service.url("jmap") + "/**"
    walk.page.route(api, refuse)
    walk.page.route(f"**{SUMMARY}", tell)
    yield
    walk.page.unroute(api)
    walk.page.unroute(f"**{SUMMARY}")


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_view_is_accessible_in_both_looks(browser: Browser, service: Service, language: str) -> None:
    context = browser.new_context(locale=LOCALES[language], viewport=SIZES["wide"])  # type: ignore[arg-type]
    broken: list[str] = []
    context.on("weberror", lambda error: broken.append(str(error.error)))
    walk = Walk(service, context.new_page(), language)
    walk.page.set_default_timeout(PATIENCE_MS)
    sign_in(walk, PEOPLE[language])
    empty_inbox(walk)
    fill(service, PEOPLE[language])
    know(service, PEOPLE[language])
    walk.row("Summer programme").wait_for()
    for _ in walk.sized():
        for part in (lists, reading, writing, contacts, settings, searching):
            part(walk)
    for _ in walk.sized():
        out_of_reach(walk)
    context.close()
    assert not walk.faults, "\n".join(walk.faults)
    assert not broken


def test_mail_is_read_answered_filed_and_found_by_keyboard_alone(browser: Browser, service: Service) -> None:
    deliver(service, "A question", to="cleo", body="What time is it?")
    context = browser.new_context(locale="en-GB", viewport=SIZES["wide"])  # type: ignore[arg-type]
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    keyboard = by_keyboard(page)
    page.goto(service.url("webmail") + "/")
    page.locator("#address").wait_for()
    keyboard.to("Mail address").type(f"cleo@{DOMAIN}").enter()
    page.locator("#password").wait_for()
    keyboard.to("Password").type(password("cleo"))
    page.keyboard.press("Enter")
    row = page.get_by_role("row").filter(has_text="A question")
    expect(row).to_be_visible()

    page.keyboard.press("j")
    expect(row).to_be_focused()
    page.keyboard.press("Enter")
    shown = page.frame_locator(".message-frame iframe").frame_locator("iframe")
    expect(shown.get_by_text("What time is it?")).to_be_visible()
    page.keyboard.press("r")
    editor = page.frame_locator(".composer iframe").frame_locator("iframe").get_by_role("textbox")
    expect(editor).to_be_focused()
    page.keyboard.type("Half past nine.")
    expect(editor).to_contain_text("Half past nine.")
    page.keyboard.press("Control+Enter")
    until(lambda: service.subjects("cleo", "Sent") == ["Re: A question"])

    page.keyboard.press("e")
    expect(row).to_be_hidden()
    page.keyboard.press("g")
    page.keyboard.press("l")
    expect(page.get_by_role("combobox", name="Go to")).to_be_focused()
    page.keyboard.type("arch")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Archive", level=2)).to_be_visible()
    expect(row).to_be_visible()
    page.keyboard.press("/")
    expect(page.get_by_role("combobox", name="Search mail")).to_be_focused()
    page.keyboard.type("question")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Search results", level=2)).to_be_visible()
    expect(row).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    context.close()


def test_without_a_service_worker_a_page_that_is_open_goes_on_when_the_server_is_gone(
    browser: Browser, service: Service
) -> None:
    """As in a private window, or where the certificate isn't trusted."""
    deliver(service, "Read before", "Never opened", to="cleo", body="Words of a letter.")
    context = browser.new_context(locale="en-GB", viewport=SIZES["wide"], service_workers="block")  # type: ignore[arg-type]
    cleo = Device(service, context, "cleo").sign_in()
    cleo.sees("Never opened")
    cleo.open("Read before", "Words of a letter.")
    until(lambda: cleo.page.evaluate(LAST_PART))
    service.stop()
    try:
        cleo.row("Never opened").click()
        shown = cleo.page.locator(".message-frame .frame-silent")
        expect(shown).to_contain_text("Words of a letter.")
        cleo.page.keyboard.press("c")
        expect(cleo.page.get_by_role("combobox", name="To")).to_be_focused()
    finally:
        service.start()
        context.close()
