"""Fixtures with a browser; see ``browser.py``. One browser for all, a context of its own for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from e2e.service import Service
from web.browser import CHROMIUM, PATIENCE_MS
from web.partner import Partner

ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking"]
VIEW = {"width": 1100, "height": 800}
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not CHROMIUM:
        pytest.skip("chromium-headless-shell isn't installed; .ci/programs does it")
    with sync_playwright() as driver:
        made = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield made
        made.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """``open_page(locale="de-DE", javascript=False)``: a page of a visitor of its own.

    A test fails on whatever a page says to the console: nothing may be blocked, missing or broken.
    """
    contexts = []
    said: list[str] = []

    def make(*, locale: str = "en-GB", javascript: bool = True, **keys: object) -> Page:
        context = browser.new_context(
            locale=locale,
            java_script_enabled=javascript,
            viewport=VIEW,  # type: ignore[arg-type]
            ignore_https_errors=True,
            **keys,  # type: ignore[arg-type]
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        return page

    yield make
    for context in contexts:
        context.close()
    # Chromium also names every answer of 4xx and 5xx there, which tests ask for on purpose.
    assert not [each for each in said if "the server responded with a status of" not in each]


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    return open_page()


@pytest.fixture
def german_page(open_page: Callable[..., Page]) -> Page:
    return open_page(locale="de-DE")


def site_of(service: Service, role: str) -> str:
    """Where a role's pages are, for a browser."""
    return service.url(role)


@pytest.fixture(scope="module")
def sms() -> Iterator[Partner]:
    """A gateway of text messages."""
    partner = Partner()
    partner.start()
    yield partner
    partner.stop()


@pytest.fixture(scope="module")
def make_shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Service]]:
    """Services for a module: ``make_shared(web=["password"])`` is prepared and started."""
    made: list[Service] = []

    def make(**keys: object) -> Service:
        made.append(Service(Path(tmp_path_factory.mktemp("service")), **keys))  # type: ignore[arg-type]
        made[-1].prepare()
        made[-1].start()
        return made[-1]

    yield make
    for each in made:
        each.close()
