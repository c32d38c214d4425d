"""Reports that are drafted: after an incident, and to authorities.

With ``HOLDFAST_GOLDEN=1`` the golden files are written.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.care.reports import document as d
from holdfast.care.reports import facts
from holdfast.care.reports.authorities import Duty, Thresholds, duties, laws
from holdfast.care.reports.drafting import DraftsPart, Press, filed, folder_of, reviewed
from holdfast.care.reports.facts import Facts
from holdfast.care.reports.filing import Provider, as_plain
from holdfast.care.reports.review import picture, review
from holdfast.care.reports.timeline import as_svg
from holdfast.care.turns import Seen
from holdfast.care.wording import vague
from holdfast.model.functions import FUNCTIONS
from holdfast.pages.texts import LANGUAGES
from holdfast.watch.diagnosis.report import Cleared, NamedCause, Report, Rival, Shown
from holdfast.watch.incidents import record as r
from holdfast.watch.incidents.incidents import Incident, Incidents
from holdfast.world import real_world
from outage import ZONE, hits

GOLDEN = Path(__file__).with_name("golden")
BERLIN = ZoneInfo(ZONE)
SAID = facts.texts(ZONE)
DAY_S = 86_400.0
BEGAN = 1_786_692_180.0  # 14 August 2026, 09:23 in Berlin
END = BEGAN + 7500
NOW = END + 120
PROVIDER = Provider("Example Mail GmbH", "duty@example.net, +49 30 1234", "privacy@example.net")


def whole() -> Incidents:
    """All that one can have: the first diagnosis was wrong, an estimate failed, a promise was missed."""
    found = Incidents()
    shown = Shown(
        trial="imap/2/cell-03", step="list", function="imap", tried=9, failed=9, since=BEGAN, said="EIO"
    )
    wrong = Report(
        verdict="named",
        probability=0.93,
        causes=(NamedCause(component="process/imap-0", since=BEGAN, functions=("imap",)),),
        kinds={"process/imap-0": "process"},
    )
    right = Report(
        verdict="named",
        probability=0.991,
        causes=(
            NamedCause(
                component="disk/v1",
                since=BEGAN - 60,
                functions=("imap", "webmail"),
                path=("process/imap-0", "disk/v1"),
            ),
            NamedCause(
                component="cell-03/index", since=BEGAN, after="disk/v1", functions=("imap", "webmail")
            ),
        ),
        explained=(shown,),
        ruled_out=(Cleared(component="dns", by=Shown(trial="mx", step="RCPT", tried=12)),),
        runners_up=(Rival(components=("disk/v1",), probability=0.008),),
        kinds={"disk/v1": "disk", "cell-03/index": "index", "dns": "dns", "process/imap-0": "process"},
    )
    earlier = BEGAN - 40 * DAY_S
    found.apply(
        [
            r.Opened(at=earlier + 5, incident=1, since={"imap": earlier, "webmail": earlier}),
            r.Diagnosed(at=earlier + 20, incident=1, report=right),
            r.Planned(at=earlier + 900, incident=1, action=1, text="replace the disk", by="ben"),
            r.Closed(at=earlier + 1000, incident=1, until={"imap": earlier + 900, "webmail": earlier + 900}),
            r.Opened(at=BEGAN + 4, incident=2, since={"imap": BEGAN}),
            r.Linked(at=BEGAN + 4, incident=2, earlier=1, why="fingerprint"),
            r.Diagnosed(at=BEGAN + 12, incident=2, report=wrong),
            r.Joined(at=BEGAN + 30, incident=2, since={"webmail": BEGAN + 25}),
            r.Diagnosed(at=BEGAN + 40, incident=2, report=right, before="corrected"),
            r.Affected(
                at=BEGAN + 45,
                incident=2,
                counts={"imap": hits(948, 941, 6562, 1271), "webmail": hits(948, 941, 6562, 1271)},
                bounded=("webmail",),
            ),
            r.Noticed(
                at=BEGAN + 50,
                incident=2,
                notice=1,
                about="opened",
                promise=1,
                sent={"sms": 900},
                failed={"sms": 3},
                texts={"de": "IMAP geht nicht.", "en": "IMAP does not work."},
            ),
            r.Promised(at=BEGAN + 50, incident=2, promise=1, what="next_update", due=BEGAN + 1850),
            r.Reported(at=BEGAN + 300, incident=2, counts={"imap": 11, "webmail": 2}, first_at=BEGAN + 181),
            r.Estimated(
                at=BEGAN + 280,
                incident=2,
                estimate=1,
                low=BEGAN + 1200,
                likely=BEGAN + 1800,
                high=BEGAN + 3600,
                basis="past",
                among=12,
            ),
            r.Missed(at=BEGAN + 1851, incident=2, promise=1),
            r.Note(at=BEGAN + 2000, incident=2, text="vendor called, ticket 17", by="ann"),
            r.Remedied(
                at=BEGAN + 2500,
                incident=2,
                rule="restart",
                component="process/imap-0",
                action="restart",
                outcome="failed",
                said="no answer",
            ),
            r.Remedied(
                at=BEGAN + 5000,
                incident=2,
                rule="operator",
                component="disk/v1",
                action="reroute",
                outcome="done",
            ),
            r.Estimated(
                at=BEGAN + 5100,
                incident=2,
                estimate=2,
                low=BEGAN + 7000,
                likely=BEGAN + 7400,
                high=BEGAN + 8000,
                basis="progress",
                among=14,
            ),
            r.Credited(
                at=BEGAN + 7000,
                incident=2,
                policy="goodwill",
                total={"EUR": 470500},
                contracts=941,
                unknown=2,
                final=True,
            ),
            r.Planned(at=BEGAN + 7200, incident=2, action=1, text="second disk in every cell", by="ann"),
            r.Closed(at=END + 60, incident=2, until={"imap": END, "webmail": END - 600}),
            r.Noticed(
                at=END + 70,
                incident=2,
                notice=2,
                about="ended",
                sent={"sms": 903},
                texts={"de": "Es geht wieder.", "en": "It works again."},
            ),
        ]
    )
    return found


def incident_of(incidents: Incidents, number: int = 2) -> Incident:
    found = incidents.get(number)
    assert found is not None
    return found


def press(**more: Any) -> Press:
    return Press(SAID, Thresholds(), PROVIDER, **more)


# Golden files


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_report_after_an_incident_is_as_it_was(language: str) -> None:
    known = whole()
    made = review(known, incident_of(known), SAID, language, NOW)
    check(f"report.{language}.md", d.as_markdown(made, f"timeline.{language}.svg"))
    check(f"timeline.{language}.svg", as_svg(picture(Facts(known, incident_of(known), SAID, language, NOW))))


def test_reports_to_authorities_are_as_they_were() -> None:
    known = whole()
    due = duties(known, Thresholds(), BERLIN, NOW)
    assert [(each.report, each.incident, each.state) for each in due] == [
        ("nis2.early", 2, "due"),
        ("nis2.notification", 2, "due"),
        ("nis2.final", 2, "due"),
    ]
    for duty in due:
        files = filed(press(), known, duty, NOW)
        check(f"{duty.report}.en.md", files[f"{duty.report}.en.md"].decode())
        check(f"{duty.report}.de.json", files[f"{duty.report}.de.json"].decode())


def check(name: str, text: str) -> None:
    path = GOLDEN / name
    if os.environ.get("HOLDFAST_GOLDEN") == "1":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_review_1_what_was_wrong_stands_in_it_with_what_became_of_it() -> None:
    known = whole()
    text = d.as_markdown(review(known, incident_of(known), SAID, "en", NOW))
    assert re.search(r"At fault: process imap-0\..*wrong, corrected", text)
    assert "missed: it ended later" in text and "held: it ended within" in text
    assert re.search(r"Next update.*Missed", text)
    assert "After incident 1: replace the disk (ben)" in text
    cause = text.partition("## Cause")[2].partition("## What was said")[0]
    assert "process imap-0." not in cause.partition("### ")[0]


@pytest.mark.slow
def test_pages_are_printed_in_both_languages() -> None:
    from holdfast.care.reports.printed import as_pdf

    known, disk = whole(), real_world().disk
    files = reviewed(press(pdf=lambda made: as_pdf(made, disk)), known, incident_of(known), NOW)
    assert sorted(files) == sorted(
        [f"report.{each}.{kind}" for each in LANGUAGES for kind in ("html", "md", "pdf")]
        + [f"timeline.{each}.svg" for each in LANGUAGES]
    )
    for language in LANGUAGES:
        pdf = files[f"report.{language}.pdf"]
        assert pdf.startswith(b"%PDF-") and pdf.count(b"/Type /Page\n") >= 3


class Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def handle_data(self, data: str) -> None:
        self.text += f" {data}"


def test_html_says_what_markdown_says_and_needs_no_other_file() -> None:
    known = whole()
    made = review(known, incident_of(known), SAID, "de", NOW)
    html = d.as_html(made)
    words = Words()
    words.feed(html)
    said = " ".join(words.text.split())
    for block in made.blocks:
        if isinstance(block, d.Table):
            assert all(" ".join(cell.split()) in said for row in block.rows for cell in row)
    assert not re.search(r"""(?:src|href)=["']""", html)


@pytest.mark.parametrize(
    "text", ["*a* _b_ `c`", "<script>", "a | b", "1. x", "- y", "[z](http://e)", "# h", "a\nb"]
)
def test_what_others_wrote_is_shown_as_it_stands(text: str) -> None:
    from markdown_it import MarkdownIt

    made = d.Document(
        "t", "en", "m", 0.0, (d.Paragraph(text), d.Bullets((text,)), d.Table(("h",), ((text,),)))
    )
    html = MarkdownIt("commonmark").enable("table").render(d.as_markdown(made))
    words = Words()
    words.feed(html)
    assert words.text.split().count(text.split()[0]) == 3
    assert "<script" not in html and "<em>" not in html and "<a " not in html and "<ol>" not in html


# Any incident


def any_report() -> st.SearchStrategy[Report]:
    named = st.builds(
        NamedCause,
        component=st.sampled_from(["disk/v1", "cell-03/index", "partner/sms", "machine"]),
        since=st.floats(0, 2e9),
        rate=st.floats(0.01, 1),
        functions=st.sampled_from([(), ("imap",), FUNCTIONS]),
    )
    return st.builds(
        Report,
        verdict=st.sampled_from(["named", "undecided", "outside"]),
        probability=st.floats(0, 1),
        causes=st.lists(named, max_size=2, unique_by=lambda each: each.component).map(tuple),
        kinds=st.just(
            {"disk/v1": "disk", "cell-03/index": "index", "partner/sms": "partner", "machine": "machine"}
        ),
        runners_up=st.sampled_from([(), (Rival(components=("disk/v1",), probability=0.5),)]),
    )


def any_entry() -> st.SearchStrategy[r.AnyEntry]:
    moment = st.floats(BEGAN, BEGAN + 40 * DAY_S)
    head = {"at": moment, "incident": st.sampled_from([1, 2])}
    some = st.dictionaries(st.sampled_from(FUNCTIONS), moment, min_size=1, max_size=3)
    number = st.integers(1, 3)
    return st.one_of(
        st.builds(r.Opened, since=some, **head),
        st.builds(r.Joined, since=some, **head),
        st.builds(r.Reopened, since=some, **head),
        st.builds(r.Parted, functions=st.just(("imap",)), to=number, **head),
        st.builds(r.Found, states=st.just({"imap": "fails"}), **head),
        st.builds(
            r.Diagnosed,
            report=any_report(),
            before=st.sampled_from(["", "mended", "corrected", "withdrawn"]),
            **head,
        ),
        st.builds(
            r.Affected,
            counts=st.sampled_from([{}, {"imap": hits(0, 0, 0, 0)}, {"send": hits(9, 9, 100_000, 9)}]),
            **head,
        ),
        st.builds(r.Estimated, estimate=number, low=moment, likely=moment, high=moment, **head),
        st.builds(r.Estimated, estimate=number, reason=st.just("estimate.too_few"), **head),
        st.builds(
            r.Noticed,
            notice=number,
            about=st.sampled_from(["opened", "update", "correction", "ended"]),
            **head,
        ),
        st.builds(
            r.Promised,
            promise=number,
            what=st.sampled_from(["next_update", "estimate", "credit"]),
            due=moment,
            **head,
        ),
        st.builds(r.Kept, promise=number, **head),
        st.builds(r.Missed, promise=number, **head),
        st.builds(
            r.Remedied,
            rule=st.just("restart"),
            component=st.just("x"),
            action=st.just("restart"),
            outcome=st.sampled_from(["done", "failed", "refused", "would"]),
            **head,
        ),
        st.builds(r.Reported, counts=st.just({"imap": 3}), first_at=moment, **head),
        st.builds(r.Filed, report=st.sampled_from(["nis2.early", "nis2.notification"]), **head),
        st.builds(r.Credited, policy=st.just("flat"), total=st.sampled_from([{}, {"EUR": 1999}]), **head),
        st.builds(r.Closed, until=some, **head),
        st.builds(r.Planned, action=number, text=st.just("mend it"), **head),
        st.builds(r.Done, action=number, **head),
        st.builds(r.Note, text=st.text(max_size=20), **head),
    )


@pytest.mark.slow
@given(st.lists(any_entry(), min_size=1, max_size=14), st.sampled_from(LANGUAGES))
@settings(deadline=None, max_examples=80)
def test_review_2_and_authorities_1_whatever_became_of_an_incident_its_reports_can_be_written(
    entries: list[r.AnyEntry], language: str
) -> None:
    known = Incidents()
    known.apply(entries)
    now = BEGAN + 41 * DAY_S
    due = duties(known, Thresholds(), BERLIN, now)
    for incident in known:
        made = review(known, incident, SAID, language, now)
        if not any(isinstance(each, r.Note) for each in incident.timeline):
            assert not vague(language, d.as_markdown(made))
        assert d.as_html(made) and as_svg(picture(Facts(known, incident, SAID, language, now)))
    for duty in due:
        incident = incident_of(known, duty.incident)
        plain = as_plain(duty, Facts(known, incident, SAID, language, now), PROVIDER)
        assert plain["fields"] and not vague(language, json.dumps(plain, ensure_ascii=False))
        assert (duty.state == "filed") == (duty.report in incident.filed)


# Authorities


def failing(
    seconds: float,
    *functions: str,
    mailboxes: int = -1,
    at: float = BEGAN,
    filed: dict[str, float] | None = None,
) -> Incident:
    """For all of 100,000 mailboxes or for a part; -1: nobody counted."""
    found = Incidents()
    found.apply([r.Opened(at=at + 5, incident=1, since=dict.fromkeys(functions, at))])
    if mailboxes >= 0:
        counts = dict.fromkeys(functions, hits(9, 9, mailboxes, 9))
        found.apply([r.Affected(at=at + 9, incident=1, counts=counts)])
    found.apply([r.Closed(at=at + seconds + 60, incident=1, until=dict.fromkeys(functions, at + seconds))])
    found.apply([r.Filed(at=when, incident=1, report=name) for name, when in (filed or {}).items()])
    return incident_of(found, 1)


def due(incident: Incident, now: float = BEGAN + 3600, **more: Any) -> dict[str, Duty]:
    return {each.report: each for each in duties([incident], Thresholds(**more), BERLIN, now)}


@pytest.mark.parametrize(
    ("minutes", "mailboxes", "state"),
    [
        (29, 100_000, None),
        (31, 100_000, "due"),
        (59, 60_000, None),
        (61, 5_000, None),
        (61, 5_001, "due"),
        (31, -1, "decide"),
        (29, -1, None),
        (600, 0, None),
    ],
)
def test_authorities_1_by_the_providers_thresholds_and_people_decide_where_it_is_not_counted(
    minutes: float, mailboxes: int, state: str | None
) -> None:
    found = due(failing(minutes * 60, "receive", mailboxes=mailboxes))
    assert (found["nis2.early"].state if found else None) == state


def test_the_thresholds_are_the_providers() -> None:
    incident = failing(61 * 60, "send", mailboxes=700)
    assert not due(incident)
    assert due(incident, part_mailboxes=500) and due(incident, part_share=0.001)
    assert not due(incident, part_share=0.001, laws=("gdpr",))


def test_times_begin_when_it_was_known_and_a_month_ends_with_its_last_day() -> None:
    at = 1_801_300_000.0  # 30 January 2027, 12:26 UTC
    found = due(failing(3600, "imap", mailboxes=100_000, at=at), at + 3600)
    known = at + 5
    assert found["nis2.early"].due_at == known + 24 * 3600
    assert found["nis2.notification"].due_at == known + 72 * 3600
    final = Facts(Incidents(), failing(1, "imap"), SAID, "en", 0).date(found["nis2.final"].due_at)
    assert (final.year, final.month, final.day) == (2027, 3, 2)
    handed_in = failing(3600, "imap", mailboxes=100_000, at=at, filed={"nis2.notification": at + 86_400})
    found = due(handed_in, at + 90_000)
    assert found["nis2.notification"].state == "filed"
    final = Facts(Incidents(), handed_in, SAID, "en", 0).date(found["nis2.final"].due_at)
    assert (final.month, final.day) == (2, 28)


def test_what_is_due_and_not_handed_in_is_overdue() -> None:
    incident = failing(3600, "imap", mailboxes=100_000)
    assert due(incident, BEGAN + 23 * 3600)["nis2.early"].state == "due"
    assert due(incident, BEGAN + 25 * 3600)["nis2.early"].state == "overdue"


def test_mail_that_nobody_can_read_for_long_is_data_that_is_not_there() -> None:
    def reports(*functions: str, hours: float) -> set[str]:
        return set(due(failing(hours * 3600, *functions, mailboxes=0)))

    assert reports("imap", "webmail", hours=25) == {"gdpr.breach"}
    assert not reports("imap", "webmail", hours=23) and not reports("imap", "pop3", hours=25)


def test_authorities_2_a_law_says_nothing_of_incidents_before_it_held() -> None:
    at = 1_345_032_000.0  # 2012
    assert not due(failing(111 * 3600, "imap", "webmail", mailboxes=100_000, at=at), at + 112 * 3600)


def test_authorities_3_what_only_people_know_is_left_to_them() -> None:
    known = whole()
    for duty in duties(known, Thresholds(), BERLIN, NOW):
        given = {
            each["name"]: each["value"]
            for each in as_plain(duty, Facts(known, incident_of(known), SAID, "en", NOW), PROVIDER)["fields"]
        }
        for name in ("unlawful", "border", "compromise", "threat", "consequences", "risk"):
            assert not given.get(name)
        assert given["entity"] == "Example Mail GmbH" and all(given[each] for each in ("aware", "affected"))


def test_every_law_names_its_source_and_every_field_is_known() -> None:
    from holdfast.care.reports.filing import _FILLED

    for law in laws().values():
        assert law.source and law.link.startswith("https://eur-lex.europa.eu/")
        for form in law.report:
            assert all(each.endswith("?") or each in _FILLED for each in form.fields)
            assert bool(form.hours) != bool(form.months)


# Drafts


@dataclasses.dataclass
class Desk:
    folder: Path
    part: DraftsPart

    async def turn(self, incidents: Incidents, at: float) -> list[str]:
        before = self._stamps()
        await self.part.turn(Seen(incidents, None, at))
        return sorted(name for name, stamp in self._stamps().items() if before.get(name) != stamp)

    def _stamps(self) -> dict[str, int]:
        return {
            str(each.relative_to(self.folder)): each.stat().st_mtime_ns for each in self.folder.rglob("*.md")
        }


def desk(tmp_path: Path) -> Desk:
    return Desk(
        tmp_path, DraftsPart(real_world(journal_path=str(tmp_path / "journal")), str(tmp_path), press())
    )


async def _drafted(tmp_path: Path) -> None:
    known = Incidents()
    known.apply(
        entry for entry in incident_of(whole()).timeline if not isinstance(entry, r.Closed) and entry.at < END
    )
    made = desk(tmp_path)
    written = await made.turn(known, BEGAN + 70 * 60)  # it is open, and significant by now
    assert "incident-2/nis2.early.de.md" in written and "incident-2/report.de.md" not in written
    assert await made.turn(known, BEGAN + 70 * 60 + 10) == []
    known.apply([r.Closed(at=END + 60, incident=2, until={"imap": END, "webmail": END})])
    written = await made.turn(known, END + 70)  # DRAFT-2
    assert {"incident-2/report.de.md", "incident-2/report.en.md", "incident-2/nis2.final.de.md"} <= set(
        written
    )
    report = tmp_path / "incident-2" / "report.de.md"
    report.write_text("what people made of it")
    known.apply([r.Note(at=END + 300, incident=2, text="more")])
    written = await desk(tmp_path).turn(known, END + 310)  # another life
    assert "incident-2/report.en.md" in written and report.read_text() == "what people made of it"  # DRAFT-1


@pytest.mark.slow
def test_draft_1_and_2_drafts_lie_ready_and_what_people_changed_is_theirs(tmp_path: Path) -> None:
    asyncio.run(_drafted(tmp_path))
    assert folder_of(str(tmp_path), 2) == str(tmp_path / "incident-2")
