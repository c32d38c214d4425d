"""The status page: what it says is what is known, and nothing is greener than that."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.care import wording
from holdfast.care.customers import AccountRow
from holdfast.care.status import customer
from holdfast.care.status.lines import lines, newest, watched_further
from holdfast.care.status.page import Page, headline
from holdfast.care.status.planned import planned
from holdfast.care.status.publish import publish
from holdfast.care.status.story import FOLDER, texts
from holdfast.model.errors import Refused
from holdfast.model.findings import Finding, State
from holdfast.model.functions import FUNCTIONS
from holdfast.model.limits import FINDING_FRESH_S
from holdfast.pages.texts import LANGUAGES, Texts, read
from holdfast.watch.incidents import record as r
from holdfast.watch.incidents.incidents import Incidents, Span
from holdfast.world import real_world
from outage import LOOK, NOW, ZONE, calm, finding, known, outage, past, present

BERLIN = ZoneInfo(ZONE)
ALWAYS = {each: [Span(NOW - 1e9)] for each in FUNCTIONS}


@pytest.fixture(scope="module")
def said() -> Texts:
    return texts(ZONE)


FINDINGS = st.lists(
    st.builds(
        Finding,
        trial=st.sampled_from(["a", "b"]),
        function=st.sampled_from(FUNCTIONS),
        state=st.sampled_from(["works", "degraded", "fails", "unknown"]),
        step=st.just(""),
        said=st.just(""),
        at=st.sampled_from([NOW - 2 * FINDING_FRESH_S, NOW - 60, NOW - 5, NOW, NOW + 3 * FINDING_FRESH_S]),
        took_s=st.just(0.1),
        cell=st.sampled_from([None, 3]),
    ),
    max_size=20,
)
LEDGERS = st.sampled_from([[], past(), present(), [*past(), *present()]])


def folded(entries: Sequence[r.AnyEntry]) -> Incidents:
    found = Incidents()
    found.apply(entries)
    return found


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(FINDINGS, LEDGERS, st.sampled_from([ALWAYS, {}, {"imap": [Span(NOW - 86_400)]}]))
def test_status_1_and_2_nothing_is_shown_as_working_that_was_not_tried_and_well(
    findings: list[Finding], entries: list[r.AnyEntry], watched: dict[str, list[Span]]
) -> None:
    shown = lines(findings, folded(entries), watched, NOW, BERLIN)
    assert [line.function for line in shown] == list(FUNCTIONS)
    for line in shown:
        last = newest(each for each in findings if each.function == line.function)
        fresh = [each for each in last if abs(NOW - each.at) <= FINDING_FRESH_S]
        if line.state == "works":
            assert last and fresh == last
            assert all(each.state == "works" for each in last)
        else:
            assert line.days[-1].state != "works"
        if any(each.state == "fails" for each in last):
            assert line.state in ("degraded", "fails")
    if headline(shown)[1] == "good":
        assert all(line.state == "works" for line in shown)


@pytest.mark.slow
def test_status_1_without_any_trial_no_page_has_a_word_of_working(said: Texts) -> None:
    page = Page(calm()._replace(findings=(), watched={}), LOOK, said)
    files = page.files()
    for name in ("index.en.html", "index.de.html"):
        assert not re.search(r'class="(?:state|day) works"', files[name].decode().split('class="legend')[0])
    summary = json.loads(files["summary.json"])
    assert {each["status"] for each in summary["components"]} == {"degraded_performance"}
    assert {each["description"] for each in summary["components"]} == {"unknown"}
    assert summary["status"]["indicator"] != "none"


def test_status_2_of_two_trials_at_one_moment_the_worse_counts() -> None:
    for order in (("works", "fails"), ("fails", "works")):
        found = newest(finding("imap", state) for state in order)
        assert [each.state for each in found] == ["fails"]


@pytest.mark.parametrize(
    ("east", "west", "shown"),
    [
        ("works", "unknown", "works"),
        ("unknown", "unknown", "unknown"),
        ("fails", "unknown", "degraded"),
        ("fails", "works", "degraded"),
        ("fails", "fails", "degraded"),  # from here it works
    ],
)
def test_vantage_3_a_blind_vantage_point_colours_nothing_while_another_sees(
    east: State, west: State, shown: str
) -> None:
    here = [finding(each, "works") for each in FUNCTIONS]
    there = [
        finding("imap", state)._replace(trial=f"imap/imaps@{name}", vantage=name)
        for name, state in (("east", east), ("west", west))
    ]
    [imap] = [
        each for each in lines([*here, *there], Incidents(), ALWAYS, NOW, BERLIN) if each.function == "imap"
    ]
    assert imap.state == shown


@pytest.mark.parametrize("state", ["works", "degraded", "fails", "unknown"])
def test_a_function_of_an_open_incident_does_not_work_before_it_is_closed(state: State) -> None:
    shown = {
        line.function: line
        for line in lines([finding("imap", state)], folded(present()), ALWAYS, NOW, BERLIN)
    }
    assert shown["imap"].state != "works"
    assert shown["imap"].incident == 2


@pytest.mark.slow
def test_status_3_an_open_incident_is_not_published_without_the_time_of_the_next_update(said: Texts) -> None:
    with pytest.raises(Refused):
        Page(known(*present(promised=False), next_update=0.0), LOOK, said)
    with pytest.raises(Refused):  # one that has passed is none
        Page(known(*present(promised=False), next_update=NOW - 1), LOOK, said)
    promised = Page(known(*present(), next_update=0.0), LOOK, said)
    assert promised.due == {2: NOW + 1500}
    for name, data in promised.files().items():
        if name in ("index.en.html", "incident-2.en.html"):
            assert "Next update by" in data.decode() and "10:15 CEST" in data.decode()
    summary = json.loads(promised.files()["summary.json"])
    assert summary["incidents"][0]["holdfast"]["next_update"].startswith("2012-08-15T08:15")
    Page(calm()._replace(next_update=0.0), LOOK, said)  # nothing is open: nothing has to be promised


def test_status_4_no_sentence_hides_a_time_or_a_number() -> None:
    for language in LANGUAGES:
        for key, text in read(FOLDER, language).items():
            for form in [text] if isinstance(text, str) else text.values():
                assert not wording.vague(language, form), key


@pytest.mark.slow
def test_status_4_what_others_wrote_and_hides_a_time_is_not_shown(said: Texts) -> None:
    notice = r.Noticed(at=NOW - 9, incident=2, notice=1, about="update", texts={"en": "It is back shortly."})
    page = Page(known(*present(), notice), LOOK, said).files()["incident-2.en.html"].decode()
    assert "shortly" not in page
    good = r.Noticed(at=NOW - 9, incident=2, notice=1, about="update", texts={"en": "The disk is copied."})
    assert (
        "The disk is copied." in Page(known(*present(), good), LOOK, said).files()["index.en.html"].decode()
    )
    bad = known()._replace(
        maintenances=[known().maintenances[0]._replace(titles={"en": "Soon", "de": "Bald"})]
    )
    with pytest.raises(Refused):
        Page(bad, LOOK, said)


@pytest.mark.slow
def test_what_was_promised_and_missed_stays_and_notes_stay_inside(said: Texts) -> None:
    files = Page(outage(), LOOK, said).files()
    assert "1 kept, 1 missed" in files["index.en.html"].decode()
    assert "We promised an update by" in files["incident-1.en.html"].decode()
    assert not any(b"called the disk" in data for data in files.values())


def test_days_that_nobody_watched_are_not_green() -> None:
    shown = lines(
        [finding("imap", "works")], folded(past()), {"imap": [Span(NOW - 10 * 86_400)]}, NOW, BERLIN
    )
    receive, imap = shown[0], shown[2]
    assert [day.state for day in imap.days[-10:]] == ["works"] * 10
    assert {day.state for day in imap.days[:-11]} == {"unknown"}
    out = [day for day in receive.days if day.state == "fails"]
    assert len(out) == 1 and out[0].out_s == 7140


def test_what_was_not_looked_at_between_two_looks_is_not_watched() -> None:
    def look(before: dict[str, list[Span]], at: float, state: State) -> dict[str, list[Span]]:
        return watched_further(
            before, lines([finding("imap", state, at=at)], Incidents(), before, at, BERLIN), at
        )

    first = look({}, NOW, "works")
    assert first["imap"] == [Span(NOW, NOW)] and first["send"] == []
    assert look(first, NOW + 60, "fails")["imap"] == [Span(NOW, NOW + 60)]
    assert look(first, NOW + 60, "unknown")["imap"] == [Span(NOW, NOW)]
    later = NOW + FINDING_FRESH_S + 1
    assert look(first, later, "works")["imap"] == [Span(NOW, NOW), Span(later, later)]
    assert look(first, NOW + 100 * 86_400, "unknown")["imap"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        "[a]\nbegins = 2040-01-01T02:00:00Z",
        "[a]\nbegins = 2040-01-01T02:00:00Z\nends = 2040-01-01T01:00:00Z\nfunctions = []\nen = ''\nde = ''",
        "[a]\nbegins = 2040-01-01T02:00:00\nends = 2040-01-01T03:00:00\nfunctions = []\nen = ''\nde = ''",
        "[a]\nbegins = 2040-01-01T02:00:00Z\nends = 2040-01-02T03:00:00Z\nfunctions = ['x']\nen = ''\nde=''",
        "no TOML",
    ],
)
def test_maintenance_that_cannot_be_meant_is_refused_with_a_sentence(wrong: str) -> None:
    with pytest.raises(Refused):
        planned(wrong, NOW)


@pytest.mark.slow
def test_the_feeds_are_what_they_claim_to_be(said: Texts) -> None:
    files = Page(outage(), LOOK, said).files()
    summary = json.loads(files["summary.json"])
    assert summary.keys() == {"page", "status", "components", "incidents", "scheduled_maintenances"}
    by_id = {each["id"]: each for each in summary["components"]}
    assert by_id["webmail"]["status"] == "major_outage" and by_id["receive"]["status"] == "operational"
    assert by_id["webmail"]["holdfast"]["next_update"] and by_id["webmail"]["holdfast"]["works"]
    assert [each["id"] for each in summary["scheduled_maintenances"]] == ["m1"]
    for name in ("feed.en.atom", "feed.de.atom"):
        feed = ElementTree.fromstring(files[name])
        atom = "{http://www.w3.org/2005/Atom}"
        assert len(feed.findall(f"{atom}entry")) == 2
        assert all(each.find(f"{atom}id") is not None for each in feed.iter(f"{atom}entry"))
    lines_ = files["maintenance.ics"].split(b"\r\n")
    assert lines_[0] == b"BEGIN:VCALENDAR" and lines_[-2] == b"END:VCALENDAR"
    assert all(len(line) <= 75 for line in lines_)


@pytest.mark.slow
def test_the_same_knowledge_makes_the_same_files(said: Texts) -> None:
    assert Page(outage(), LOOK, said).files() == Page(outage(), LOOK, texts(ZONE)).files()


def test_every_link_leads_to_a_file(said: Texts) -> None:
    page = Page(outage(), LOOK, said)
    accounts = [AccountRow(1, 1, 3, "active", "ann@example.org", 1, 0.0)]
    files = page.files() | customer.Customers(page, b"k").files(1, accounts, "en")
    for name, data in files.items():
        if name.endswith(".html"):
            for target in re.findall(r'(?:href|src)="([^":#]+)"', data.decode()):
                assert target in files, f"{name} leads to {target}"


def yours(said: Texts, cells: Sequence[int], **keys: Any) -> dict[str, Any]:
    page = Page(outage()._replace(**keys), LOOK, said)
    accounts = [AccountRow(n, 9, cell, "active", f"{n}@example.org", 1, 0.0) for n, cell in enumerate(cells)]
    files = customer.Customers(page, b"k").files(9, accounts, "en")
    data: dict[str, Any] = json.loads(files[f"customer-{customer.token(b'k', 9)}.json"])
    shown = re.search("<h1>(.*)</h1>", files[f"customer-{customer.token(b'k', 9)}.html"].decode())
    assert shown is not None
    return data | {"sentence": shown.group(1)}


def test_a_customer_sees_which_mailboxes_are_affected_and_which_are_fine(said: Texts) -> None:
    found = yours(said, [3, 3, 4, 4])
    assert found["sentence"] == "Your four mailboxes: two affected, two fine"
    assert found["counts"] == {"affected": 2, "unknown": 0, "fine": 2}
    assert yours(said, [4])["sentence"] == "Your mailbox: fine"


def test_status_1_a_mailbox_is_not_fine_while_nothing_is_known(said: Texts) -> None:
    found = yours(said, [3, 4], findings=(), incidents=Incidents())
    assert found["counts"] == {"affected": 0, "unknown": 2, "fine": 0}


def test_status_1_no_mailbox_is_fine_before_the_cause_is_known(said: Texts) -> None:
    entries = [each for each in present() if not isinstance(each, r.Diagnosed)]
    found = yours(said, [3, 4], incidents=folded(entries))
    assert found["counts"] == {"affected": 0, "unknown": 2, "fine": 0}


def test_links_of_customers_differ_and_need_the_key() -> None:
    tokens = {customer.token(key, number) for key in (b"k", b"l") for number in range(50)}
    assert len(tokens) == 100


@pytest.mark.slow
def test_publishing_writes_what_changed_and_removes_what_is_gone(tmp_path: Path, said: Texts) -> None:
    world, folder = real_world(level="error"), str(tmp_path / "status")
    files = Page(outage(), LOOK, said).files()
    assert sorted(publish(world, folder, files)) == sorted(files)
    assert {path.name: path.read_bytes() for path in Path(folder).iterdir()} == files
    assert publish(world, folder, files) == []
    assert all(path.stat().st_mode & 0o044 == 0o044 for path in Path(folder).iterdir())
    (Path(folder) / "robots.txt").write_text("the operator's own")
    later = {name: data for name, data in files.items() if not name.startswith("incident-1")}
    later["index.en.html"] += b"<!-- -->"
    gone = ["incident-1.de.html", "incident-1.en.html"]
    assert publish(world, folder, later) == ["index.en.html", *gone]
    assert (Path(folder) / "robots.txt").exists()
