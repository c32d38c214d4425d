"""The operator's console in a browser, with every other process standing still: accessible, in both
languages, by keyboard, with and without JavaScript. With ``HOLDFAST_SCREENS=1`` it is kept in
docs/screens/console.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Page, expect

from e2e.service import Service
from holdfast.model.findings import Finding
from holdfast.run import layout, reading
from holdfast.run.config import Config
from holdfast.run.watching import Watched
from holdfast.watch.diagnosis.report import Cleared, NamedCause, Report, Rival, Shown
from holdfast.watch.incidents import IncidentLedger
from holdfast.watch.incidents import record as r
from holdfast.watch.now import Now, write_now
from holdfast.watch.ratios import Apart, Used
from holdfast.world import real_world, run
from outage import NOW, hits, past
from web.browser import WRITES_SCREENS, aside, by_keyboard, check_accessible, screen

pytestmark = pytest.mark.slow
LOCALES = {"en": "en-GB", "de": "de-DE"}
CAUSE = "process/pop3-0"
PAGES = {
    "": "now",
    "/map": "map",
    "/findings": "findings",
    "/incidents": "incidents",
    "/incidents/2": "incident",
    "/drills": "drills",
    "/processes": "processes",
}
RENEWS_MS = 5_000
USES = (
    Used(function="receive", served=1_204, usual_s=0.011),
    Used(function="imap", served=18_733, missed=4, usual_s=0.0018),
    Used(function="pop3", served=12),
    Used(
        function="webmail",
        served=6_410,
        missed=35,
        usual_s=0.0042,
        apart=(Apart(by="network", where="203.0.113.0/24", served=9, missed=33, nearly_all=True),),
    ),
)
CARDS = (
    '[{"fault": "F03", "title": "a worker that does nothing", "at": %d, "where": "real", "verdict": "right",'
    ' "named": ["process/submission-0"], "detected_after_s": 2.1, "named_after_s": 8.4, "affected": "exact",'
    ' "noticed_after_s": 31.0, "returned_after_s": 4.0}]'
)


def shifted(entry: r.AnyEntry, seconds: float) -> r.AnyEntry:
    """All its times so much later."""

    def later(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: later(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [later(each) for each in value]
        return value + seconds if isinstance(value, float) and value > 1e9 else value

    return msgspec.convert(later(msgspec.to_builtins(entry)), type=r.AnyEntry)


def diagnosis(began: float) -> Report:
    shown = Shown(
        trial="pop3/pop3",
        step="greeting",
        function="pop3",
        tried=14,
        failed=14,
        since=began,
        said="no answer",
    )
    fine = Shown(trial="imap/imap", step="greeting", tried=14)
    return Report(
        verdict="named",
        probability=0.991,
        causes=(NamedCause(component=CAUSE, since=began, functions=("pop3",), path=("door/pop3", CAUSE)),),
        explained=(shown,),
        ruled_out=(Cleared(component="supervisor", by=fine),),
        runners_up=(Rival(components=("door/pop3",), probability=0.006),),
        kinds={CAUSE: "process", "door/pop3": "door", "supervisor": "supervisor"},
    )


def entries(now: float) -> list[r.AnyEntry]:
    began = now - 720
    undecided = Report(
        verdict="undecided",
        probability=0.5,
        runners_up=(
            Rival(components=(CAUSE,), probability=0.5),
            Rival(components=("disk/data",), probability=0.4),
        ),
        deciding="pop3/pop3s",
        kinds={CAUSE: "process", "disk/data": "disk"},
    )
    return [
        *(shifted(each, now - NOW) for each in past()),
        r.Planned(at=now - 15 * 86_400, incident=1, action=1, text="a second disk for the volume", by="ben"),
        r.Opened(at=began + 4, incident=2, since={"pop3": began}, trials=("pop3/pop3",)),
        r.Diagnosed(at=began + 8, incident=2, report=undecided),
        r.Diagnosed(at=began + 14, incident=2, report=diagnosis(began)),
        r.Affected(at=began + 16, incident=2, counts={"pop3": hits(9_114, 9_020, 11_348, 10_977)}),
        r.Remedied(
            at=began + 30, incident=2, rule="restart", component=CAUSE, action="restart", outcome="would"
        ),
        r.Promised(at=began + 40, incident=2, promise=1, what="next_update", due=now + 1080),
        r.Estimated(
            at=began + 60,
            incident=2,
            estimate=1,
            low=now + 300,
            likely=now + 900,
            high=now + 2400,
            basis="past",
            among=23,
        ),
        r.Reported(at=began + 300, incident=2, counts={"pop3": 3}, first_at=began + 190),
        r.Note(at=began + 400, incident=2, text="the process answers no signal; core kept", by="ben"),
    ]


class Outage:
    """What the watch has written, though it doesn't run: the record once, how it is now again and again."""

    def __init__(self, service: Service) -> None:
        self.world = real_world(journal_path=os.devnull)
        self.config: Config = reading.load(str(service.config_path), {})
        known, _ = Watched(self.world, self.config).all()
        self._trials = known.trials
        began = time.time()

        async def write() -> None:
            ledger = await IncidentLedger.open(self.world, layout.watch_folder(self.config))
            await ledger.write(entries(began))
            await ledger.close()

        aside(lambda: run(write()))
        drills = service.data / "watch" / "drills"
        drills.mkdir()
        (drills / "F03.json").write_text(CARDS % (began - 86_400))
        self._report = diagnosis(began - 720)

    def watched(self, most: int = 10_000) -> None:
        """A moment ago, by so many trials at most."""
        now = time.time()
        found = []
        for trial in list(self._trials.values())[:most]:
            bad = trial.function == "pop3"
            state, step, said = ("fails", "greeting", "no answer within 2 s") if bad else ("works", "", "")
            found.append(Finding(trial.id, trial.function, state, step, said, now - 1.5, 0.021, None, ""))
        write_now(
            self.world,
            layout.now_path(self.config),
            Now(at=now - 1, findings=tuple(found), report=self._report, uses=USES),
        )


@pytest.fixture(scope="module")
def service(make_shared: Callable[..., Service]) -> Iterator[Service]:
    made = make_shared(web=["care"], people=("anna",))
    others = [each["process"] for each in made.status()["processes"] if each["role"] != "care"]
    with made.stopped(*others):
        yield made


@pytest.fixture(scope="module")
def outage(service: Service) -> Outage:
    return Outage(service)


def sign_in(tab: Page, service: Service) -> None:
    made = service.holdfast("console", "token", "ann")
    assert made.returncode == 0, made.stderr
    tab.goto(service.url("care") + "/console")
    tab.locator("#token").fill(made.stdout.strip())
    tab.locator("button.main").click()
    tab.wait_for_url("**/console")


@pytest.mark.parametrize("language", ["en", "de"])
def test_console_1_every_page_is_there_and_accessible_with_all_else_standing_still(
    service: Service, outage: Outage, open_page: Callable[..., Page], language: str
) -> None:
    tab = open_page(locale=LOCALES[language])
    tab.goto(service.url("care") + "/console/sign-in")
    check_accessible(tab)
    screen(tab, "console/sign-in")
    sign_in(tab, service)
    for path, name in PAGES.items():
        if language == "de" and name not in ("now", "incident") and not WRITES_SCREENS:
            continue  # the same but for its words
        outage.watched(30 if name == "findings" else 10_000)  # hundreds of lines, all alike
        tab.goto(f"{service.url('care')}/console{path}")
        check_accessible(tab)
        screen(tab, f"console/{name}")
    tab.goto(f"{service.url('care')}/console")
    said = {"en": "Some functions do not work", "de": "Manche Funktionen arbeiten nicht"}[language]
    expect(tab.locator("h1")).to_have_text(said)


def test_the_page_renews_itself_and_tells_when_nobody_watches_any_more(
    service: Service, outage: Outage, page: Page
) -> None:
    page.clock.install()
    outage.watched()
    sign_in(page, service)
    expect(page.locator("#pop3")).to_contain_text("greeting")
    page.locator("summary", has_text="In German").click()
    page.locator("h1").click()  # nobody is at work in it any more
    page.evaluate("document.activeElement.blur()")
    (service.data / "watch" / "now.json").write_bytes(b"{}")
    page.clock.run_for(RENEWS_MS)
    expect(page.get_by_text("Nobody has watched for more than a minute")).to_be_visible()
    expect(page.locator("#imap")).to_contain_text("Not known")
    expect(page.get_by_text("Gestört: Prozess pop3-0.")).to_be_visible()  # what was opened stays so
    outage.watched()
    page.clock.run_for(RENEWS_MS)
    expect(page.locator("#imap")).to_contain_text("Works")


def test_console_4_one_writes_a_note_by_keyboard_without_javascript_while_nobody_takes_it(
    service: Service, outage: Outage, open_page: Callable[..., Page]
) -> None:
    tab = open_page(javascript=False)
    sign_in(tab, service)
    tab.goto(f"{service.url('care')}/console/incidents/2")
    keys = by_keyboard(tab)
    keys.to("A note for colleagues").type("called the data centre").to("Write").enter()
    expect(tab.locator(".notice.warn").first).to_contain_text("It is kept in memory")
    tab.get_by_role("button", name="Sign out").click()
    expect(tab.locator("h1")).to_have_text("Operator’s console")
    tab.goto(f"{service.url('care')}/console/incidents/2")
    expect(tab.locator("#token")).to_be_visible()
