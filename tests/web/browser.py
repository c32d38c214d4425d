"""A real browser for tests of pages: Debian's Chromium, driven by playwright.

playwright keeps an event loop running in the thread of the tests; what needs one of its own goes through
``aside``.
"""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import axe_playwright_python
from playwright.sync_api import CDPSession, Frame, Page

T = TypeVar("T")

# The same browser without windows of its own, tabs and menus: half the work for each page.
CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium") or ""
SCREENS = Path(__file__).parents[2] / "docs" / "screens"
PATIENCE_MS = 90_000  # a busy machine is no wrong answer
WRITES_SCREENS = os.environ.get("HOLDFAST_SCREENS") == "1"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
NARROW = 320  # CSS pixels: WCAG 2.2, success criterion 1.4.10
SCROLLED = 10  # so many areas of a page may take the focus to be scrolled
SMALLEST = 24  # CSS pixels of a target: success criterion 2.5.8

_RUN_AXE = """async ([rules]) => {
  const what = {runOnly: {type: "tag", values: rules}, resultTypes: ["violations"], iframes: false};
  const found = await axe.run(document, what);
  return found.violations.map(each => each.id + ": " + each.help + "\\n" + each.nodes.map(
      node => "    " + node.target.join(" ") + " " + node.html.slice(0, 160)
          + "\\n      " + (node.failureSummary || "")).join("\\n"));
}"""

_SMALL_TARGETS = """smallest => [...document.querySelectorAll("a, button, input, select, textarea, summary")]
  .filter(each => each.type !== "hidden" && each.offsetParent !== null)
  .filter(each => !each.closest("p, li, td, dd"))
  .map(each => [each.getBoundingClientRect(), each.outerHTML.slice(0, 120)])
  .filter(([box]) => box.width && (box.width < smallest || box.height < smallest))
  .map(([box, html]) => Math.round(box.width) + "×" + Math.round(box.height) + " " + html)"""


# Once what the page changes by itself at such a width is drawn.
_DRAWN_WIDTH = """() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(
  () => done(document.documentElement.scrollWidth))))"""


@cache
def _axe() -> str:
    return (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


def check_accessible(page: Page) -> None:
    """Fails on any violation that axe finds, on a target too small, on one that the Tab key doesn't reach
    or whose focus can't be seen, on a page that is wider than a telephone, and on one without language,
    title or exactly one main heading. German pages are looked at in the dark, the others in the light."""
    page.wait_for_load_state()  # between two documents there is no element at all
    dark = page.locator("html").get_attribute("lang") == "de"
    page.emulate_media(color_scheme="dark" if dark else "light")
    found = violations(page)
    found += _beyond_the_keyboard(page)
    page.emulate_media(color_scheme="light")
    found += small_targets(page) + too_wide(page)
    if page.locator("h1").count() != 1:
        found.append(f"{page.locator('h1').count()} main headings")
    assert not found, f"{page.url}:\n" + "\n".join(found)


def violations(page: Page | Frame) -> list[str]:
    """What axe finds in a page as it looks now, or in one frame of it."""
    if not page.evaluate("typeof axe !== 'undefined'"):
        page.evaluate(_axe())
    return list(page.evaluate(_RUN_AXE, [RULES]))


def small_targets(page: Page) -> list[str]:
    return [f"small: {each}" for each in page.evaluate(_SMALL_TARGETS, SMALLEST)]


def too_wide(page: Page) -> list[str]:
    """Whether it has to be scrolled sideways where there is as little room as on a small telephone."""
    wide = page.viewport_size or {"width": 1280, "height": 720}
    page.set_viewport_size({"width": NARROW, "height": 640})
    width = page.evaluate(_DRAWN_WIDTH)
    page.set_viewport_size(wide)
    return [f"{width} pixels wide where there are {NARROW}"] if width > NARROW else []


# What a person can act on, numbered in the order of the page; of a group of radio buttons, one.
_ACTIONABLE = """() => {
  document.activeElement && document.activeElement.blur();
  window.getSelection().removeAllRanges();
  const groups = new Set();
  const found = [...document.querySelectorAll("a[href], button, input, select, textarea, summary")]
    .filter(each => each.type !== "hidden" && !each.disabled && each.getClientRects().length)
    .filter(each => !each.closest(".hidden"))
    .filter(each => {
      if (each.type !== "radio") return true;
      const first = !groups.has(each.name);
      groups.add(each.name);
      return first;
    });
  found.forEach((each, number) => {
    const group = each.type === "radio" ? [...document.getElementsByName(each.name)] : [each];
    group.forEach(other => { other.dataset.step = number; });
  });
  return found.map(each => each.outerHTML.slice(0, 120));
}"""

# Each step of the focus, and whether it is seen; noted in the page, as asking after each key takes long.
_NOTE_STEPS = """() => {
  window.steps = [];
  document.addEventListener("focusin", event => {
    const each = event.target;
    const style = getComputedStyle(each);
    const seen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
    if (each.dataset.step !== undefined) window.steps.push([Number(each.dataset.step), seen]);
  });
}"""


def _beyond_the_keyboard(page: Page) -> list[str]:
    """What Tab doesn't reach or reaches out of order, and focus that isn't seen: 2.1.1, 2.4.3, 2.4.7."""
    actionable = page.evaluate(_ACTIONABLE)
    page.evaluate(_NOTE_STEPS)
    for _ in range(len(actionable) + SCROLLED):
        page.keyboard.down("Tab")  # held down: the focus goes on
    page.keyboard.up("Tab")
    order: list[int] = []
    found = []
    for step, seen in page.evaluate("window.steps"):
        if step in order:
            break
        order.append(step)
        if not seen:
            found.append(f"the focus isn't seen: {actionable[step]}")
    missed = [actionable[step] for step in range(len(actionable)) if step not in order]
    found += [f"Tab doesn't reach it: {each}" for each in missed]
    begin = order.index(min(order)) if order else 0  # Tab goes on from where the page was clicked last
    if order[begin:] + order[:begin] != sorted(order):
        found.append(f"Tab goes {order}")
    return found


def screen(page: Page, name: str) -> None:
    """``screen(page, "password/overview")`` keeps docs/screens/password/overview-en.jpg, when asked to."""
    if not WRITES_SCREENS:
        return
    language = page.evaluate("document.documentElement.lang")
    path = SCREENS / f"{name}-{language}.jpg"
    path.parent.mkdir(parents=True, exist_ok=True)
    page.mouse.move(0, 0)
    page.evaluate("document.activeElement && document.activeElement.blur()")
    page.screenshot(path=path, type="jpeg", quality=70, full_page=True)


class Keyboard:
    """Tab, Enter, space and letters; no mouse."""

    MOST_TABS = 80

    def __init__(self, page: Page) -> None:
        self.page = page

    def to(self, name: str | re.Pattern[str]) -> Keyboard:
        """Tabs until the element of that name (label, text) has the focus, which must be seen."""
        seen = []
        for _ in range(self.MOST_TABS):
            self.page.keyboard.press("Tab")
            found = self.page.evaluate(_FOCUSED)
            seen.append(found["name"])
            if name.search(found["name"]) if isinstance(name, re.Pattern) else found["name"] == name:
                assert found["visible"], f"the focus on {name!r} can't be seen"
                return self
        raise AssertionError(f"no way to {name!r} by Tab; there are {sorted(set(seen))}")

    def type(self, text: str) -> Keyboard:
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(text)
        return self

    def enter(self) -> Keyboard:
        """Presses Enter and waits for the page that it leads to."""
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")
        return self

    def space(self) -> Keyboard:
        self.page.keyboard.press("Space")
        return self


_FOCUSED = """() => {
  const each = document.activeElement;
  const style = getComputedStyle(each);
  const name = each.getAttribute("aria-label") || each.labels?.[0]?.innerText || each.innerText || "";
  return {
    name: name.replace(/\\s+/g, " ").trim(),
    visible: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
  };
}"""


def by_keyboard(page: Page) -> Keyboard:
    return Keyboard(page)


class Authenticator:
    """A passkey's device as Chromium has it for tests: it says yes to all it is asked."""

    def __init__(self, page: Page, *, resident: bool = True, verifies: bool = True) -> None:
        self._link: CDPSession = page.context.new_cdp_session(page)
        self._link.send("WebAuthn.enable")
        made = self._link.send(
            "WebAuthn.addVirtualAuthenticator",
            {
                "options": {
                    "protocol": "ctap2",
                    "transport": "internal",
                    "hasResidentKey": resident,
                    "hasUserVerification": verifies,
                    "isUserVerified": verifies,
                    "automaticPresenceSimulation": True,
                }
            },
        )
        self.id: str = made["authenticatorId"]

    def credentials(self) -> list[dict[str, Any]]:
        found = self._link.send("WebAuthn.getCredentials", {"authenticatorId": self.id})
        return list(found["credentials"])

    def is_verified(self, verified: bool) -> None:
        """Whether its person shows finger or face."""
        self._link.send("WebAuthn.setUserVerified", {"authenticatorId": self.id, "isUserVerified": verified})


def aside(work: Callable[[], T]) -> T:
    """What ``work`` returns, run in a thread without an event loop."""
    found: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            found.append(work())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return found[0]
