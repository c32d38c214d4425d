"""Pages of the real service: its processes, its doors with and without TLS, what a kill costs a visitor."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from e2e.service import DOMAIN, Service, password, until
from web.visitor import Visitor

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def service(make_shared: Callable[..., Service]) -> Service:
    return make_shared(web=["password"])


def sign_in(page: Page, url: str, name: str = "anna") -> None:
    page.goto(url)
    page.locator("#name").fill(f"{name}@{DOMAIN}")
    page.locator("#password").fill(password(name))
    page.locator(".button.main").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def test_a_sign_in_in_tls_has_cookies_of_this_host_alone(service: Service, page: Page):
    sign_in(page, service.url("password", tls=True))
    cookies = page.context.cookies()
    assert all(each["secure"] and each["httpOnly"] and each["name"].startswith("__Host-") for each in cookies)
    assert page.evaluate("document.cookie") == ""


def test_a_session_outlives_the_process_that_began_it(service: Service, page: Page):
    sign_in(page, service.url("password"))
    service.kill("password-0")
    page.reload()  # the supervisor holds the socket: the visitor waits a moment, and nothing is refused
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    assert service.process is not None
    service.process.send_signal(signal.SIGHUP)
    until(lambda: service.events("rolling_restart_ended"))
    page.reload()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def test_pages_4_who_signed_out_stays_so_when_the_process_is_another(service: Service):
    visitor = Visitor(service.url("password"))
    visitor.sign_in(f"cleo@{DOMAIN}", password("cleo"))
    kept = dict(visitor.client.cookies)
    assert visitor.post("/sign-out", at="/").status_code == 303
    service.kill("password-0")
    thief = Visitor(service.url("password"))
    thief.client.cookies.update(kept)
    assert thief.get("/").headers["location"].startswith("/sign-in")


@pytest.mark.timed
def test_portal_2_signing_out_everywhere_ends_a_session_within_a_second(service: Service):
    visitor = Visitor(service.url("password"))
    assert visitor.sign_in(f"ben@{DOMAIN}", password("ben")).status_code == 303
    assert visitor.get("/").status_code == 200
    assert service.holdfast("account", "sign-out", f"ben@{DOMAIN}").returncode == 0
    until(lambda: visitor.get("/").status_code == 303, 1.0)


def test_the_key_of_pages_is_for_the_service_alone(service: Service):
    key = service.data / "keys" / "pages.key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert len(key.read_bytes()) >= 32


def test_pages_9_a_fleet_of_connections_is_bounded_and_the_next_visitor_served(service: Service):
    visitors = [Visitor(service.url("password")) for _ in range(40)]
    assert all(each.get("/sign-in").status_code == 200 for each in visitors)
    assert Visitor(service.url("password")).get("/healthz/live").status_code == 200
