"""What tests of the webmail share: a device with the webmail open, and letters for its reader."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Error, Locator, expect

import holdfast.functions.webmail
from e2e.service import DOMAIN, HOST, Service, password

BUILT = Path(holdfast.functions.webmail.__file__).parent / "static" / "index.html"
needs_build = pytest.mark.skipif(not BUILT.exists(), reason="the webmail isn't built; .ci/webmail does it")


def letter(subject: str, *, to: str = "anna", body: str = "hello") -> bytes:
    lines = [
        "From: Ben <ben@elsewhere.example>",
        f"To: <{to}@{DOMAIN}>",
        f"Subject: {subject}",
        f"Message-ID: <{subject.replace(' ', '.')}@test>",
        "Date: Fri, 27 Nov 2026 09:00:00 +0000",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "",
        body,
        "",
    ]
    return "\r\n".join(lines).encode()


def deliver(service: Service, *subjects: str, to: str = "anna", body: str = "hello") -> None:
    with service.smtp() as client:
        for subject in subjects:
            client.sendmail("ben@elsewhere.example", [f"{to}@{DOMAIN}"], letter(subject, to=to, body=body))


class Device:
    """A browser with the webmail; texts in English."""

    def __init__(self, service: Service, context: BrowserContext, name: str) -> None:
        self.service = service
        self.context = context
        self.name = name
        self.page = context.new_page()

    def sign_in(self) -> Device:
        page = self.page
        page.goto(self.service.url("webmail") + "/")
        page.get_by_label("Mail address").fill(f"{self.name}@{DOMAIN}")
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.locator("#password").fill(password(self.name))
        page.locator(".button.main").first.click()
        expect(page.get_by_role("heading", name="Inbox", level=2)).to_be_visible()
        return self

    def works_offline(self) -> Device:
        """Waits until what it needs without a server is on the device."""
        self.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        return self

    def row(self, subject: str) -> Locator:
        return self.page.get_by_role("row").filter(has_text=subject)

    def sees(self, subject: str) -> None:
        expect(self.row(subject)).to_be_visible()

    def open(self, subject: str, text: str) -> None:
        """The conversation, with its text shown in the frame."""
        self.row(subject).click()
        shown = self.page.frame_locator("iframe").last.frame_locator("iframe").get_by_text(text)
        expect(shown).to_be_visible()

    def write(self, to: str, subject: str, text: str) -> None:
        """Opens a new message and fills it in."""
        page = self.page
        page.get_by_role("button", name="Write", exact=True).first.click()
        page.get_by_role("combobox", name="To").fill(f"{to}@{DOMAIN}")
        page.keyboard.press("Enter")
        page.get_by_label("Subject").fill(subject)
        outer = page.frame_locator(
            "iframe[title='Message text']"
        )  # the text lies in a frame of an origin of its own
        editor = outer.frame_locator("iframe").get_by_role("textbox")
        editor.click()
        editor.press_sequentially(text)

    def send(self) -> None:
        """Its window closes when the message is in the outbox, and not before."""
        self.page.get_by_role("button", name="Send", exact=True).click()
        expect(self.page.get_by_label("Subject")).to_be_hidden()

    def tries_now(self) -> None:
        """Asks the server again at once, if it hasn't been by itself."""
        with contextlib.suppress(Error):
            self.page.get_by_role("button", name="Try now").click(timeout=2000)

    def has_nothing_waiting(self) -> None:
        expect(self.page.get_by_role("button", name="Outbox")).to_be_hidden()


@contextlib.contextmanager
def answering_503(port: int) -> Iterator[list[str]]:
    """A server in the place of one that is out of order: every request is told to come later."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            asked.append(self.path)
            self.send_response(503)
            self.send_header("Retry-After", "1")
            self.send_header("Access-Control-Allow-Origin", self.headers.get("Origin", "*"))
            self.send_header("Access-Control-Allow-Headers", "authorization, content-type")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST = do_OPTIONS = _answer

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer((HOST, port), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
