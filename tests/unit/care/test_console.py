"""The operator's console: what it shows of what is known, who may open it, and what can be done there."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.testclient import TestClient

from holdfast.care.console import cards, view
from holdfast.care.console.console import FOLDER, Backstage, Console, Looked
from holdfast.care.console.story import Teller, texts
from holdfast.care.console.tokens import Tokens
from holdfast.care.reports import intake
from holdfast.care.reports.authorities import Thresholds
from holdfast.care.status.push import Pushed
from holdfast.care.turns import Seen
from holdfast.model.errors import Refused, Unavailable
from holdfast.model.functions import FUNCTIONS
from holdfast.model.limits import CONSOLE_BURST, CONSOLE_TOKENS
from holdfast.pages import Site
from holdfast.sim.world import SimWorld, simulated
from holdfast.watch.depends import Component, DependencyMap, Step, Trial
from holdfast.watch.incidents import Incidents
from holdfast.watch.incidents import record as r
from holdfast.watch.now import Now
from holdfast.watch.ratios import Apart, Used
from holdfast.watch.remedies import Remedy
from holdfast.world import real_world
from outage import BEGAN, NOW, ZONE, findings, named, past, present

WOULD = r.Remedied(
    at=BEGAN + 40,
    incident=3,
    rule="hold",
    component="partner/relay",
    action="hold",
    outcome="would",
)
PROPOSED = (
    r.Opened(at=BEGAN + 30, incident=3, since={"send": BEGAN + 25}),
    r.Diagnosed(at=BEGAN + 35, incident=3, report=named("partner/relay", "partner", "send")),
    WOULD,
)


class Stage:
    """What the console is given: an outage, and nobody who takes what is told until ``takes``."""

    def __init__(self, *more: r.AnyEntry) -> None:
        self.incidents = Incidents()
        self.incidents.apply([*past(), *present(), *more])
        self.now: Now | None = Now(at=NOW - 2, findings=tuple(findings()))
        self.at = NOW
        self.trouble = ""
        self.takes = True
        self.told: list[r.AnyEntry] = []
        self.carried: list[Remedy] = []
        self.status: dict[str, Any] | None = None

    @contextlib.asynccontextmanager
    async def look(self) -> AsyncIterator[Looked]:
        yield Looked(Seen(self.incidents, self.now, self.at), self.trouble)

    async def known(self) -> DependencyMap:
        parts = [Component(each, each.partition("/")[0]) for each in ("process/imap-0", "disk/data")]
        trial = Trial("imap/None", "imap", (Step("list", frozenset({"process/imap-0"})),))
        return DependencyMap(parts, trials=[trial])

    async def processes(self) -> dict[str, Any]:
        if self.status is None:
            raise Unavailable("supervisor", "nothing answers")
        return self.status

    async def carry_out(self, remedy: Remedy) -> r.Remedied:
        self.carried.append(remedy)
        return r.Remedied(
            at=NOW,
            incident=remedy.incident,
            rule=remedy.rule,
            component=remedy.component,
            action=remedy.action,
            outcome="done",
        )

    async def tell(self, entries: Sequence[r.AnyEntry]) -> None:
        if not self.takes:
            raise Unavailable("watch")
        self.told += entries
        self.incidents.apply(entries)


class Desk:
    """A browser at a console."""

    def __init__(self, folder: Path, stage: Stage, admits: bool = True) -> None:
        world = real_world(journal_path=os.devnull)
        self.stage = stage
        self.drills = folder / "drills"
        self.path = folder / "console.json"
        self.tokens = Tokens(world, str(self.path))
        packages = [intake.FOLDER, FOLDER]
        site = Site(world, function="care", key=b"k" * 32, packages=packages, secure=False, time_zone=ZONE)
        backstage = Backstage(
            look=stage.look,
            known=stage.known,
            processes=stage.processes,
            carry_out=stage.carry_out,
            tell=stage.tell,
            admits=lambda peer: admits,
            thresholds=Thresholds(),
            drills=str(self.drills),
            pushed=str(folder / "pushed.json"),
            version="1",
        )
        self.console = Console(site, self.tokens, backstage, ZONE)
        self.client = TestClient(site.app, base_url="http://localhost")

    def page(self, path: str = "/console") -> str:
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))

    def post(self, path: str, at: str = "", **fields: str) -> Any:
        token = re.search(r'name="csrf" value="([^"]+)"', self.client.get(at or path).text)
        csrf = token[1] if token else ""
        return self.client.post(path, data={"csrf": csrf, **fields}, follow_redirects=False)

    def sign_in(self, name: str = "ann") -> None:
        answer = self.post("/console/sign-in", token=self.tokens.make(name, 3600))
        assert answer.status_code == 303 and answer.headers["location"] == "/console"


@pytest.fixture
def world() -> Any:
    with simulated(1) as made:
        yield made


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made = Desk(tmp_path, Stage(*PROPOSED))
    made.sign_in()
    return made


# who may open it


def test_console_2_nobody_sees_anything_without_a_token_and_none_is_kept_in_plain(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Stage())
    for path in ("", "/map", "/findings", "/incidents", "/incidents/2", "/drills", "/processes"):
        answer = desk.client.get(f"/console{path}", follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/console/sign-in")
    token = desk.tokens.make("ann", 3600)
    assert token not in desk.path.read_text()
    assert desk.post("/console/sign-in", token=token[:-1]).status_code == 422
    assert desk.post("/console/sign-in", token=f" {token.upper()} ").status_code == 303
    assert "ann" in desk.page()


def test_console_2_a_session_ends_with_its_token(desk: Desk) -> None:
    desk.tokens.make("ben", 3600)
    assert desk.client.get("/console", follow_redirects=False).status_code == 200
    desk.tokens.revoke("ann")
    assert desk.client.get("/console", follow_redirects=False).status_code == 303
    desk.sign_in()
    desk.tokens.make("ann", 3600)  # another one for the same person: the one before is over
    assert desk.client.get("/console", follow_redirects=False).status_code == 303


def test_console_2_a_token_ends_by_itself(world: SimWorld) -> None:
    tokens = Tokens(world, "/watch/console.json")
    token = tokens.make("ann", 100)
    found = tokens.of(token)
    assert found is not None and tokens.get(found.number) == found

    async def wait() -> None:
        await world.clock.sleep(101)

    world.run(wait())
    assert tokens.of(token) is None and tokens.get(found.number) is None and tokens.known() == []


def test_console_2_where_it_is_not_open_there_is_nothing(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Stage(), admits=False)
    assert desk.client.get("/console", follow_redirects=False).status_code == 404
    assert desk.client.get("/console/sign-in").status_code == 404


def test_whoever_tries_many_tokens_is_made_to_wait(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Stage())
    codes = [desk.post("/console/sign-in", token="x" * 32).status_code for _ in range(CONSOLE_BURST + 1)]
    assert codes[:-1] == [422] * CONSOLE_BURST and codes[-1] == 429


def test_tokens_are_few_and_a_file_that_is_none_is_out_of_reach(world: SimWorld) -> None:
    tokens = Tokens(world, "/watch/console.json")
    for name in ("", " ann", "a\nb", "a" * 61):
        with pytest.raises(Refused):
            tokens.make(name, 10)
    for number in range(CONSOLE_TOKENS):
        tokens.make(f"n{number}", 10)
    with pytest.raises(Refused, match="revoke"):
        tokens.make("one more", 10)
    with pytest.raises(Refused, match="nobody"):
        tokens.revoke("nobody")
    world.disk.write_atomic("/watch/console.json", b"{")
    with pytest.raises(Unavailable):
        tokens.of("x")


# what is shown


def test_the_first_page_has_functions_diagnosis_whom_it_hits_and_what_is_due(desk: Desk) -> None:
    said = desk.page()
    for each in (
        "Some functions do not work",
        "Incident 2: Reading with mail programs (IMAP) and Webmail",
        "At fault: index of cell 3.",
        "Gestört: Index der Zelle 3.",
        "Very likely (98 %)",
        "948 of 61,204",
        "Expected to be over between",
        "Promised and due",
        "Hold mail to elsewhere in the queue",
    ):
        assert each in said, each


def test_reports_to_authorities_are_shown_until_they_are_handed_in(desk: Desk) -> None:
    began = NOW - 3600
    desk.stage.incidents.apply([r.Opened(at=began, incident=5, since=dict.fromkeys(FUNCTIONS, began))])
    found = [each.form.name for each in desk.console._duties(Seen(desk.stage.incidents, None, NOW))]
    assert found == [] and "Reports to authorities" not in desk.page()  # in 2012 no such law held
    shift = 14 * 365 * 86_400.0
    desk.stage.at = NOW + shift
    opened = dict.fromkeys(FUNCTIONS, began + shift)
    desk.stage.incidents.apply([r.Opened(at=began + shift, incident=4, since=opened)])
    said = desk.page()
    assert "Early warning of incident 4 (24 hours)" in said and "by 13 August 2026" in said
    filed = [
        r.Filed(at=NOW + shift, incident=4, report=each)
        for each in ("nis2.early", "nis2.notification", "nis2.final")
    ]
    desk.stage.incidents.apply(filed)
    assert "Early warning" not in desk.page()


def test_console_3_while_nobody_watches_nothing_is_known_and_the_record_is_shown(desk: Desk) -> None:
    desk.stage.now = None
    said = desk.page()
    assert "Nobody has watched for more than a minute" in said and "Incident 2" in said
    assert "> Works <" not in desk.client.get("/console").text and "Not known" in said
    rows = view.rows(Seen(Incidents(), None, NOW), texts(ZONE).zone)
    assert {row.line.state for row in rows} == {"unknown"}
    assert "There are none" in desk.page("/console/findings")
    assert "Not known 9 components" in desk.page("/console/map")  # the functions, and the map's two


def test_console_1_what_can_not_be_read_is_named_and_the_rest_is_shown(desk: Desk) -> None:
    desk.stage.trouble, desk.stage.incidents = "a disk that doesn't read", Incidents()
    said = desk.page()
    assert "a disk that doesn" in said and "Does not work" in said
    assert "The supervisor can’t be asked" in desk.page("/console/processes")
    desk.stage.status = {
        "processes": [
            {"process": "imap-0", "ready": True, "pid": 7, "since": NOW, "restarts": 3},
            {"process": "pop3-0", "ready": False, "pid": None, "since": NOW, "restarts": 30},
            {"process": "mx-1", "ready": False, "pid": None, "since": NOW, "restarts": 0, "out": True},
        ],
        "rolling": ["pop3-0"],
        "rolling_since": NOW,
    }
    said = desk.page("/console/processes")
    assert "It is taken nowhere else" in said
    assert "imap-0 ready" in said and "pop3-0 down" in said and "mx-1 out of service" in said
    assert "still to come: pop3-0" in said


def test_every_entry_of_the_record_has_its_line_in_both_languages() -> None:
    every: list[r.AnyEntry] = [
        *present(),
        msgspec.structs.replace(WOULD, incident=2),
        r.Kept(at=NOW, incident=2, promise=1),
        r.Noticed(at=NOW, incident=2, notice=1, about="opened", sent={"sms": 12}),
        r.Reached(at=NOW, incident=2, notice=1, customers=11, of=12),
        r.Planned(at=NOW, incident=2, action=1, text="a second disk", by="ann"),
        r.Done(at=NOW, incident=2, action=1, by="ben"),
        r.Linked(at=NOW, incident=2, earlier=1, why="cause"),
        r.Singled(at=NOW, incident=2, function="imap", by="release", where="1.0 ab12", missed=30, of=31),
        r.Reported(at=NOW, incident=2, counts={"imap": 2, "webmail": 1}, first_at=NOW),
        r.Filed(at=NOW, incident=2, report="early", number="4711"),
    ]
    incidents = Incidents()
    incidents.apply(every)
    incident = incidents.get(2)
    assert incident is not None
    for language in ("en", "de"):
        lines = Teller(texts(ZONE), language, incidents).timeline(incident)
        assert len(lines) == len(every) and all(each.text.strip() for each in lines)


def test_the_page_of_an_incident_has_all_that_was_said(desk: Desk) -> None:
    said = desk.page("/console/incidents/2")
    for each in (
        "ann: called the disk&#39;s vendor",
        "3 earlier repairs are known, 9 are needed",
    ):
        assert each in said, each
    assert "Proposed (hold): Hold mail to elsewhere in the queue" in desk.page("/console/incidents/3")
    assert "Missed" in desk.page("/console/incidents/1")
    assert desk.client.get("/console/incidents/77").status_code == 404
    listed = desk.page("/console/incidents")
    assert "1 kept, 1 missed" in listed and listed.index("open") < listed.index("1 kept")


def test_the_map_shows_what_went_through_in_words_too(desk: Desk) -> None:
    said = desk.page("/console/map")
    assert "Works 3 components function/password , function/pop3 , function/receive" in said
    assert "Not known 3 components disk/data , function/signup , process/imap-0" in said
    assert ".map .works" in desk.client.get("/console/map.css").text


def test_where_the_status_page_did_not_get_to_is_named(desk: Desk) -> None:
    pushed = {
        "mirror": Pushed("/srv/status", whole_at=NOW),
        "far": Pushed("sftp://far/status", failing_since=NOW, reason="no route", waiting=3),
    }
    desk.drills.with_name("pushed.json").write_bytes(msgspec.json.encode(pushed))
    said = desk.page("/console/processes")
    assert "mirror /srv/status whole 15 August 2012" in said
    assert "no route. 3 files wait. never whole" in said


def test_score_cards_are_listed_and_a_broken_file_is_named(desk: Desk) -> None:
    assert "No drill has been held" in desk.page("/console/drills")
    desk.drills.mkdir()
    card = '{"fault": "F07", "title": "disk full", "at": 5.0, "verdict": "right", "named_after_s": 3.14}'
    (desk.drills / "a.json").write_text(card)
    (desk.drills / "b.json").write_text(f"[{card.replace('F07', 'F11')}]")
    (desk.drills / "c.json").write_text("{")
    found, lost = cards.cards(real_world(journal_path=os.devnull), str(desk.drills))
    assert [each.fault for each in found] == ["F07", "F11"] and lost == ["c.json"]
    said = desk.page("/console/drills")
    assert "F07 disk full" in said and "3.1 s" in said and "c.json" in said


# what can be done


def test_console_4_a_note_has_its_writer_and_is_written_when_somebody_takes_it(desk: Desk) -> None:
    assert desk.post("/console/incidents/2", note="the vendor comes at ten").status_code == 303
    (note,) = desk.stage.told
    assert isinstance(note, r.Note) and (note.by, note.text) == ("ann", "the vendor comes at ten")
    assert "It is written down." in desk.page("/console/incidents/2")
    desk.stage.takes = False
    desk.post("/console/incidents/2", plan="a second vendor")
    said = desk.page("/console/incidents/2")
    assert "It is kept in memory" in said and "It is written down" not in said


def test_console_4_what_nobody_took_is_told_again(desk: Desk) -> None:
    desk.stage.takes = False
    desk.post("/console/incidents/2", note="nobody hears this")

    async def turn() -> list[r.AnyEntry]:
        return await desk.console.turn(Seen(desk.stage.incidents, None, NOW))

    (kept,) = asyncio.run(turn())
    assert isinstance(kept, r.Note) and kept.text == "nobody hears this"
    assert asyncio.run(turn()) == []


def test_what_is_to_be_done_is_written_and_done(desk: Desk) -> None:
    desk.post("/console/incidents/2", plan="a second disk")
    desk.post("/console/incidents/2", done="1")
    assert [r.name_of(each) for each in desk.stage.told] == ["planned", "done"]
    assert desk.post("/console/incidents/2", done="7").status_code == 422
    assert desk.post("/console/incidents/2", note="").status_code == 422
    assert desk.post("/console/incidents/2", note="x" * 2001).status_code == 422
    assert len(desk.stage.told) == 2


def test_remedy_4_what_is_proposed_is_carried_out_when_confirmed_and_can_be_taken_back(desk: Desk) -> None:
    asked = {"incident": "3", "component": "partner/relay", "action": "hold"}
    answer = desk.post("/console/remedies", at="/console", **asked)
    assert answer.status_code == 303
    (remedy,) = desk.stage.carried
    assert (remedy.action, remedy.rule) == ("hold", "operator")
    (told,) = desk.stage.told
    assert isinstance(told, r.Remedied) and (told.outcome, told.said) == ("done", "ann")
    assert "It is carried out" in desk.page()
    assert desk.post("/console/remedies", at="/console/incidents/2", **asked).status_code == 403
    back = asked | {"action": "resume"}
    assert desk.post("/console/remedies", at="/console", **back).status_code == 303
    assert [each.action for each in desk.stage.carried] == ["hold", "resume"]
    assert not view.in_force(desk.stage.incidents)


def test_what_was_confirmed_a_moment_ago_can_not_be_confirmed_again(desk: Desk) -> None:
    asked = {"incident": "3", "component": "partner/relay", "action": "hold"}
    desk.stage.takes = False  # so the record doesn't tell of it yet
    assert desk.post("/console/remedies", at="/console", **asked).status_code == 303
    assert desk.post("/console/remedies", at="/console/incidents/2", **asked).status_code == 403
    assert len(desk.stage.carried) == 1


def test_what_is_no_longer_thought_to_help_is_no_longer_proposed(desk: Desk) -> None:
    assert [each.remedy.action for each in view.proposed(desk.stage.incidents)] == ["hold"]
    other = r.Diagnosed(at=NOW, incident=3, report=named("dns", "dns", "send"), before="corrected")
    desk.stage.incidents.apply([other])
    assert view.proposed(desk.stage.incidents) == []


def test_nothing_can_be_carried_out_that_is_not_proposed(desk: Desk) -> None:
    for component, action in (("process/mx-0", "restart"), ("partner/relay", "reroute")):
        asked = {"incident": "3", "component": component, "action": action}
        assert desk.post("/console/remedies", at="/console", **asked).status_code == 403
    answer = desk.client.post("/console/remedies", data={"incident": "2"})  # PAGES-7
    assert answer.status_code == 403
    assert not desk.stage.carried


def test_all_pages_are_there_in_german(desk: Desk) -> None:
    desk.client.headers["accept-language"] = "de"
    for path in ("", "/map", "/findings", "/incidents", "/incidents/2", "/drills", "/processes"):
        assert '<html lang="de">' in desk.client.get(f"/console{path}").text
    assert "Manche Funktionen arbeiten nicht" in desk.page()
    assert len(FUNCTIONS) == desk.client.get("/console").text.count('scope="row"') - 2


USES = (
    Used(
        function="imap",
        served=170,
        missed=32,
        late=5,
        usual_s=0.0021,
        apart=(Apart(served=10, missed=30, by="network", where="192.0.2.0/24", nearly_all=True),),
    ),
    Used(function="send", served=3),
)


def test_real_use_is_shown_by_function_and_below_it_where_it_goes_far_worse(desk):
    assert desk.stage.now is not None
    assert "Real use" not in desk.page(), "nothing is taken from silence"
    desk.stage.now = msgspec.structs.replace(desk.stage.now, uses=USES)
    page = desk.page()
    assert "Real use in the last 5 minutes" in page
    assert "(IMAP) 202 84.1 % 5 2 ms From 192.0.2.0/24 – nearly all that is missed 40 25 % 0 –" in page
    assert "Sending mail 3 too few to say 0 –" in page
    german = desk.page("/console?lang=de")
    assert "Echte Nutzung in den letzten 5 Minuten" in german
    assert "Aus 192.0.2.0/24 – fast alles, was misslingt 40 25 % 0 –" in german


def test_ratio_3_an_incident_names_where_nearly_all_is_missed_as_a_hint(desk):
    assert "no proof" not in desk.page()
    desk.stage.incidents.apply(
        [r.Singled(at=NOW, incident=3, function="send", by="network", where="192.0.2.0/24", missed=30, of=32)]
    )
    hint = "of “Sending mail” nearly all is in one place (30 of 32): From 192.0.2.0/24. That is a hint"
    assert hint in desk.page()
    assert hint in desk.page("/console/incidents/3")
