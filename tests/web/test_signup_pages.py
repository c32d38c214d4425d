"""Making an account in the browser: each page, both languages, by keyboard, without JavaScript."""

from __future__ import annotations

import http.server
import json
import re
import threading
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from e2e.service import DOMAIN, HOST, Service, until
from free_ports import free_ports
from web.browser import by_keyboard, check_accessible, screen


class Partner:
    """A real HTTP server of somebody else's: keeps what it is sent, answers as told, may be gone."""

    def __init__(self) -> None:
        self.port = free_ports(1)[0]
        self.asked: list[tuple[dict[str, str], dict[str, str]]] = []
        self.answer: Callable[[dict[str, str]], tuple[int, object]] = lambda asked: (200, {"ok": True})
        self._server: http.server.ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}/"

    def start(self) -> None:
        partner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                headers = {name.lower(): value for name, value in self.headers.items()}
                partner.asked.append((headers, body))
                status, answer = partner.answer(body)
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(answer).encode())

            def log_message(self, *_: object) -> None:
                pass

        http.server.ThreadingHTTPServer.allow_reuse_address = True
        self._server = http.server.ThreadingHTTPServer((HOST, self.port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def texts(self) -> list[dict[str, str]]:
        return [body for _, body in self.asked]

    def code(self, phone: str) -> str:
        """The last code that went to a phone, once there is one."""

        def found() -> str:
            texts = [each["text"] for each in self.texts() if each.get("to") == phone]
            codes = [match[0] for each in texts if (match := re.search(r"\b\d{6}\b", each))]
            return codes[-1] if codes else ""

        return str(until(found))


def signup_config(sms: Partner, contracts: Partner | None = None, more: str = "") -> str:
    url = f'contract_url = "{contracts.url}"\n' if contracts else ""
    return (
        f'[signup]\nopen = ["{DOMAIN}"]\n{url}terms_url = "https://example.org/rules"\n'
        f'privacy_url = "https://example.org/privacy"\nminimum_s = 0\n{more}'
        f'[gateways]\nsender = "Example Mail"\ncountry = "49"\nsms_url = "{sms.url}"\n'
        'sms_headers = ["Content-Type: application/json", "X-Key: {secret}"]\n'
    )


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
