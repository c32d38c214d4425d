"""How fast the webmail is in Chromium, against the real service; prints JSON.

    python bench/webmail_browser.py [messages] [searched] [runs]

Milliseconds by the browser's own clock from the beginning of the navigation, or from a key, until what it
leads to is painted; medians. ``open``: a warm browser, that is one that was here before, until the list of a
mailbox of 100,000 messages can be used; ``answered``: until the server's own list stands; ``offline``: as
``open``, without a network; ``far``: from a jump to the middle of the list until its rows stand.
``keystroke``: a letter typed into the search, offline over 10,000 messages with their texts, until all that
is offered for it is painted; ``keystroke_worst``: the slowest; ``keystroke_first``: the first after opening.
``first_view_kb``: the page, and the script and style that came before its list stood, compressed.
"""

from __future__ import annotations

import gzip
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from imaplib import Time2Internaldate
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
BUILT = ROOT / "src/holdfast/functions/webmail/static"
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from playwright.sync_api import BrowserContext, Page, sync_playwright  # noqa: E402

from e2e.service import DOMAIN, Service, password  # noqa: E402
from web.browser import CHROMIUM  # noqa: E402
from web.conftest import ARGUMENTS  # noqa: E402

BATCH = 500
YEARS_S, DAYS_S = 5 * 365 * 86_400, 29 * 86_400
PATIENCE_S = 1800.0
WORDS = ("minutes", "harbour", "quarterly", "from:nora", "zebra crossing")
VOCABULARY = [
    *("minutes", "harbour", "quarterly", "meeting", "garden", "invoice", "travel", "weather", "chapter"),
    *("river", "concert", "budget", "holiday", "report", "window", "station", "library", "tomorrow"),
    *("question", "answer", "project", "machine", "customer", "evening", "market", "account"),
]
PEOPLE = ("Nora Winther", "Tom Baker", "Lena Sommer", "Jörg Österreicher", "Maria Rodríguez", "Emil Fischer")

# The list can be used once its rows are painted; of a key's work, the last thing painted counts.
WATCH = """(() => {
  const painted = then => requestAnimationFrame(() => { const over = new MessageChannel();
    over.port1.onmessage = () => then(performance.now()); over.port2.postMessage(0); });
  window.bench = {usable: 0, answered: 0, far: 0, farFrom: 0, key: 0, offered: 0};
  const rows = () => document.querySelectorAll(".row:not(.placeholder)");
  const look = () => {
    if (!bench.usable && rows().length) painted(now => { bench.usable ||= now; });
    const grid = document.querySelector("[aria-rowcount]");
    if (!bench.answered && rows().length && grid && Number(grid.getAttribute("aria-rowcount")) >= bench.whole)
      painted(now => { bench.answered ||= now; });
    if (bench.farFrom && !bench.far && Number(rows()[0]?.getAttribute("aria-rowindex")) > 1000)
      painted(now => { bench.far ||= now; });
  };
  bench.whole = WHOLE;
  const offers = node => (node.closest ? node : node.parentElement)?.closest(".search-offers");
  new MutationObserver(changes => {
    look();
    if (bench.key && changes.some(each => offers(each.target))) painted(now => { bench.offered = now; });
  }).observe(document, {childList: true, subtree: true, attributes: true, characterData: true,
    attributeFilter: ["aria-rowcount", "hidden"]});
  addEventListener("keydown", event => { bench.key = event.timeStamp; bench.offered = 0; }, true);
})()"""

KEPT = """async store => {
  const named = (await indexedDB.databases()).map(each => each.name).filter(each => each !== "holdfast");
  let most = 0;
  for (const name of named) most = Math.max(most, await new Promise(done => {
    const asked = indexedDB.open(name);
    asked.onerror = () => done(0);
    asked.onsuccess = () => {
      const db = asked.result;
      if (!db.objectStoreNames.contains(store)) { db.close(); return done(0); }
      const count = db.transaction(store).objectStore(store).count();
      count.onsuccess = () => { db.close(); done(count.result); };
      count.onerror = () => { db.close(); done(0); };
    };
  }));
  return most;
}"""


def letter(number: int, when: float) -> bytes:
    """Every third answers the one before."""
    about = number - 1 if number % 3 == 2 else number
    sender = PEOPLE[number % len(PEOPLE)]
    words = [VOCABULARY[(number * step + step * step) % len(VOCABULARY)] for step in range(3, 63)]
    answers = f"In-Reply-To: <{about}@bench>\r\n" if about != number else ""
    subject = f"{'Re: ' if answers else ''}{words[0].title()} {words[1]} {about}"
    lines = "\r\n".join(" ".join(words[at : at + 10]) for at in range(0, len(words), 10))
    return (
        f"From: {sender} <{sender.split()[0].lower()}@example.net>\r\nTo: a@{DOMAIN}\r\n"
        f"Subject: {subject}\r\n"
        f"Message-ID: <{number}@bench>\r\n{answers}Date: {formatdate(when)}\r\nMIME-Version: 1.0\r\n"
        f"Content-Type: text/plain; charset=utf-8\r\n\r\n{lines}\r\n"
    ).encode()


def fill(service: Service, name: str, count: int, span_s: float) -> None:
    """``count`` messages over the last ``span_s`` seconds, by APPEND of many at a time."""
    client = service.imap(name)
    client.sock.settimeout(PATIENCE_S)
    now = time.time()
    for first in range(0, count, BATCH):
        parts = [b"fill APPEND INBOX"]
        for number in range(first, min(first + BATCH, count)):
            when = now - span_s * (count - number) / count
            message = letter(number, when)
            flags = b"" if number % 20 == 0 else b"\\Seen"
            head = b" (%s) %s {%d+}\r\n" % (flags, Time2Internaldate(when).encode(), len(message))
            parts += [head, message]
        client.send(b"".join([*parts, b"\r\n"]))
        while not (line := client.readline()).startswith(b"fill "):
            assert line, "closed"
        assert line.startswith(b"fill OK"), line
    client.shutdown()


def sign_in(page: Page, service: Service, name: str) -> None:
    page.goto(service.url("webmail") + "/")
    page.locator("#address").fill(f"{name}@{DOMAIN}")
    page.locator("form .button.primary").click()
    page.locator("#password").fill(password(name))
    page.locator(".button.main").first.click()
    page.locator(".row:not(.placeholder)").first.wait_for()


def until(page: Page, asked: str, argument: Any, enough: Callable[[Any], bool], every_s: float = 0.02) -> Any:
    """What the page answers, once it is enough."""
    end = time.monotonic() + PATIENCE_S
    while not enough(found := page.evaluate(asked, argument)):
        assert time.monotonic() < end, f"{asked}: {found}"
        page.wait_for_timeout(every_s * 1000)
    return found


def opened(context: BrowserContext, url: str, *, answered: bool) -> Iterator[tuple[Page, dict[str, float]]]:
    """A page of its own on the webmail, with the times of what was seen."""
    page = context.new_page()
    page.goto(url, wait_until="commit")
    wanted = "answered" if answered else "usable"
    times = until(page, "() => window.bench ?? {}", None, lambda seen: bool(seen.get(wanted)))
    yield page, times
    page.close()


def jump(page: Page) -> float:
    """To the middle of the list."""
    page.evaluate("""() => {
      bench.far = 0; bench.farFrom = performance.now();
      let box = document.querySelector(".row");
      while (box && box.scrollHeight <= box.clientHeight * 2) box = box.parentElement;
      box.scrollTop = box.scrollHeight / 2; }""")
    times = until(page, "() => bench", None, lambda seen: seen["far"] > 0)
    return float(times["far"] - times["farFrom"])


def keystrokes(page: Page) -> Iterator[float]:
    """Each letter of the words, typed once what the one before it led to is painted."""
    page.locator("#search").focus()
    page.wait_for_timeout(500)
    for word in WORDS:
        for letter_ in word:
            page.keyboard.press(letter_ if letter_ != " " else "Space")
            until(page, "() => bench.offered > 0 && performance.now() - bench.offered > 250", None, bool)
            seen = page.evaluate("bench")
            yield seen["offered"] - seen["key"]
        page.locator("#search").fill("")
        page.wait_for_timeout(150)


def measured(context: BrowserContext, service: Service, runs: int) -> dict[str, list[float]]:
    """Opening and jumping, with the server and without a network."""
    url = service.url("webmail") + "/"
    found: dict[str, list[float]] = {name: [] for name in ("open", "answered", "far", "offline")}
    for _ in range(runs):
        for page, times in opened(context, url, answered=True):
            found["open"].append(times["usable"])
            found["answered"].append(times["answered"])
            found["far"].append(jump(page))
            found["first_view_kb"] = [first_view_kb(page)]
    context.set_offline(True)
    for _ in range(runs):
        for _page, times in opened(context, url, answered=False):
            found["offline"].append(times["usable"])
    context.set_offline(False)
    return found


def typed(context: BrowserContext, service: Service) -> list[float]:
    context.set_offline(True)
    times: list[float] = []
    for page, _ in opened(context, service.url("webmail") + "/", answered=False):
        page.wait_for_timeout(1500)  # all that is read after the list is read
        times = list(keystrokes(page))
    return times


def first_view_kb(page: Page) -> float:
    """Compressed: the page and all script and style that came before its list stood."""
    asked = """() => performance.getEntriesByType("resource").filter(each => each.responseEnd < bench.usable)
      .map(each => new URL(each.name).pathname.slice(1)).filter(each => /[.](js|css)$/.test(each))"""
    files = {"index.html", *page.evaluate(asked)}
    return round(sum(len(gzip.compress((BUILT / each).read_bytes(), 9)) for each in files) / 1000, 1)


def play(folder: Path, messages: int, searched: int, runs: int) -> dict[str, Any]:
    service = Service(folder, people=("anna", "ben"), web=["jmap", "webmail"])
    service.prepare()
    service.start()
    try:
        began = time.perf_counter()
        fill(service, "anna", messages, YEARS_S)
        fill(service, "ben", searched, DAYS_S)
        filled = time.perf_counter() - began
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            synced: dict[str, float] = {}

            def device(name: str, kept: int) -> BrowserContext:
                context = browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 800})
                context.set_default_timeout(PATIENCE_S * 1000)
                context.add_init_script(WATCH.replace("WHOLE", str(messages // 2)))
                page = context.new_page()
                began = time.perf_counter()
                sign_in(page, service, name)
                page.evaluate("navigator.serviceWorker.ready.then(() => true)")
                until(page, KEPT, "texts", lambda count: count >= kept, 0.5)
                synced[name] = round(time.perf_counter() - began, 1)
                page.close()
                return context

            lasts = messages * 30 * 86_400 // YEARS_S
            times = measured(device("anna", lasts - 100), service, runs)
            keys = typed(device("ben", searched), service)
            browser.close()
    finally:
        service.close()
    return {
        "messages": messages,
        "searched": searched,
        "filled_s": round(filled, 1),
        "synced_s": synced,
        "first_view_kb": times.pop("first_view_kb")[0],
        "ms": {name: round(statistics.median(each), 1) for name, each in times.items()}
        | {
            "keystroke": round(statistics.median(keys[1:]), 1),
            "keystroke_worst": round(max(keys[1:]), 1),
            "keystroke_first": round(keys[0], 1),
        },
        "runs": {
            name: [round(one, 1) for one in each] for name, each in (times | {"keystroke": keys}).items()
        },
    }


def main() -> None:
    numbers = [int(each) for each in sys.argv[1:4]]
    messages, searched, runs = numbers + [100_000, 10_000, 7][len(numbers) :]
    with tempfile.TemporaryDirectory(prefix="bench-webmail-") as folder:
        print(json.dumps(play(Path(folder), messages, searched, runs)))


if __name__ == "__main__":
    main()
