"""What a notice says: nothing vague, nothing that isn't known, and each mailbox by its name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import holdfast.care.notices
from holdfast.care import wording
from holdfast.care.notices import gsm
from holdfast.care.notices.due import NoticeDue, Told, due, said_of
from holdfast.care.notices.recipients import Account, Cells, Mailbox, mailboxes
from holdfast.care.notices.together import Other, Reading
from holdfast.care.notices.words import FOLDER, Composer, Facts, Reader, Words, texts, works
from holdfast.model.functions import FUNCTIONS
from holdfast.model.limits import SMS_SEGMENTS
from holdfast.pages.texts import LANGUAGES, Texts, read
from holdfast.watch.incidents import record as r
from holdfast.watch.incidents.incidents import Incidents
from holdfast.watch.now import Now
from outage import BEGAN, NOW, ZONE, findings, hits, named, past, present

LINK = "https://status.example.org/customer-abcdefghijklmnopqrstuvwxyz.html"
FOUR = [
    Mailbox("anna@example.org", ("imap", "webmail"), False),
    Mailbox("ben@example.org", (), False),
    Mailbox("cleo@example.org", ("imap",), False),
    Mailbox("dora@example.org", (), False),
]
OVER = r.Closed(at=NOW - 30, incident=2, until={"imap": NOW - 90, "webmail": NOW - 100})


@pytest.fixture(scope="module")
def said() -> Texts:
    return texts(ZONE)


def folded(*entries: r.AnyEntry) -> Incidents:
    found = Incidents()
    found.apply(entries)
    return found


def words(
    said: Texts, incidents: Incidents, what: NoticeDue | None = None, works: tuple[str, ...] = ()
) -> dict[str, Words]:
    incident = incidents.get(2)
    assert incident is not None
    what = what or due(incident, [], NOW)
    assert what is not None
    total = incident.affected.counts["imap"] if incident.affected else ()
    facts = Facts(incident, what, NOW, total, False, works)
    return Composer(said, incidents, "Example Mail").words(facts)


def ended(incidents: Incidents) -> NoticeDue:
    incident = incidents.get(2)
    assert incident is not None
    what = due(incident, [Told(1, "opened", BEGAN + 30, NOW, False, said_of(incident, NOW))], NOW)
    assert what is not None and what.about == "ended"
    return what


def test_it_says_what_fails_since_when_what_works_why_how_many_until_when_and_when_there_is_more(
    said: Texts,
) -> None:
    made = words(said, folded(*past(), *present()), works=("receive", "pop3"))
    text = Reader(said, "en").whole(made["en"], FOUR, LINK)
    for part in (
        "This does not work: Webmail.",
        "only in part: Reading with mail programs (IMAP)",
        "It began on 15 August 2012, 09:03 CEST.",
        "This works meanwhile: Receiving mail and Fetching with mail programs (POP3).",
        "Mail that we have accepted is kept.",
        "At fault: index of cell 3.",
        "948 of 61,204 customers with 1,562 of 100,000 mailboxes",
        "between 15 August 2012, 10:05 CEST and 11:00 CEST",
        "The next update is published by 15 August 2012, 10:15 CEST",
        LINK,
    ):
        assert part in text, part


def test_tell_3_one_notice_names_all_mailboxes_of_a_customer_and_how_each_is(said: Texts) -> None:
    made = words(said, folded(*past(), *present()))
    text = Reader(said, "de").whole(made["de"], FOUR, LINK)
    assert "Ihre vier Postfächer: zwei betroffen, zwei in Ordnung" in text
    assert [each.login for each in FOUR if each.login not in text] == []
    assert "ben@example.org: in Ordnung" in text
    short = Reader(said, "de").short(made["de"], FOUR, LINK)
    assert "Ihre 4 Postfächer: 2 betroffen, 2 in Ordnung." in short and short.endswith(LINK)
    one = Reader(said, "en").short(made["en"], FOUR[:1], LINK)
    assert "Your mailbox: affected." in one


def test_whether_a_mailbox_is_hit_follows_from_its_cell_and_what_is_uncertain_is_said_so() -> None:
    scopes = {
        "imap": Cells((3,), False),
        "webmail": Cells(None, True),
        "signup": Cells(None, False),
    }
    found = mailboxes([Account("a@x", 3), Account("b@x", 4)], scopes)
    assert found == [Mailbox("a@x", ("imap",), False), Mailbox("b@x", ("webmail",), True)]
    assert mailboxes([Account("a@x", 5)], {"imap": Cells((3,), False)}) == [Mailbox("a@x", (), False)]
    single = {"imap": Cells(None, False, (7,))}
    both = mailboxes([Account("a@x", 5, 7), Account("b@x", 5, 8)], single)
    assert both == [Mailbox("a@x", ("imap",), False), Mailbox("b@x", (), False)]


def test_a_cause_is_told_only_when_it_is_named_and_mail_is_not_called_safe_where_its_disk_fails(
    said: Texts,
) -> None:
    entries = [each for each in present() if not isinstance(each, r.Diagnosed)]
    assert "At fault" not in words(said, folded(*entries))["en"].public
    disk = r.Diagnosed(at=BEGAN + 21, incident=2, report=named("disk/v1", "disk", "imap"))
    made = words(said, folded(*entries, disk))["en"]
    assert "At fault" in made.public and "kept" not in made.public and "kept" not in " ".join(made.extras)


def test_what_works_meanwhile_is_what_was_tried_and_is_well() -> None:
    incidents = folded(*present())
    assert works(None, incidents, NOW) == ()
    found = works(Now(at=NOW, findings=tuple(findings())), incidents, NOW)
    assert found == ("receive", "send", "pop3", "password")


def test_a_credit_is_told_with_its_time_and_nothing_of_it_where_none_is_owed(said: Texts) -> None:
    assert "credited" not in words(said, folded(*present()))["en"].public
    credited = r.Credited(at=NOW - 9, incident=2, policy="daily", total={"EUR": 500}, contracts=1)
    assert "you need not claim it" in words(said, folded(*present(), credited))["en"].public
    promise = r.Promised(at=NOW - 8, incident=2, promise=9, what="credit", due=NOW + 86_400)
    assert "credited by itself by 16 August 2012" in words(said, folded(*present(), promise))["en"].public


def test_the_end_says_since_when_it_works_again_and_how_long_it_lasted(said: Texts) -> None:
    incidents = folded(*present(), OVER)
    made = words(said, incidents, ended(incidents))
    assert made["en"].title.startswith("The outage is over")
    assert "Since 15 August 2012, 09:48 CEST this works again" in made["en"].public
    assert "lasted 46 minutes" in made["en"].public and "Next update" not in made["en"].public


def test_notice_1_no_sentence_hides_a_time_or_a_number() -> None:
    for language in LANGUAGES:
        for key, text in read(FOLDER, language).items():
            for form in [text] if isinstance(text, str) else text.values():
                assert not wording.vague(language, form), key


def test_notice_1_what_a_diagnosis_brings_in_and_hides_a_time_is_left_out(said: Texts) -> None:
    entries = [each for each in present() if not isinstance(each, r.Diagnosed)]
    soon = r.Diagnosed(at=BEGAN + 21, incident=2, report=named("partner/shortly", "partner", "imap"))
    made = words(said, folded(*entries, soon))["en"]
    assert "shortly" not in made.public and "It began on" in made.public


def test_every_sentence_is_said_in_both_languages_with_the_same_values_and_used() -> None:
    folder = Path(holdfast.care.notices.__file__).parent
    code = "\n".join(each.read_text(encoding="utf-8") for each in folder.glob("*.py"))
    keys = re.findall(r'"(notice\.[^"]+)"', code)
    used = re.compile("|".join(re.sub(r"\{[^}]*\}", "[a-z_0-9]+", each) for each in keys))
    one, other = (read(FOLDER, language) for language in LANGUAGES)
    assert one.keys() == other.keys()
    for key in one:
        assert used.fullmatch(key), key
        values = [set(re.findall(r"\{(\w+)\}", str(each[key]))) for each in (one, other)]
        assert values[0] == values[1], key


def test_a_text_message_is_measured_as_telephones_do() -> None:
    assert gsm.segments("a" * 160) == 1 and gsm.segments("a" * 161) == 2
    assert gsm.segments("ä" * 306) == 2 and gsm.segments("ä" * 307) == 3
    assert gsm.segments("€" * 80) == 1 and gsm.segments("€" * 81) == 2
    assert gsm.segments("ł" * 70) == 1 and gsm.segments("ł" * 71) == 2 and gsm.segments("ł" * 135) == 3
    assert gsm.plain("„Störung“ – 9:15\u202fUhr …") == '"Störung" - 9:15 Uhr ...'
    assert gsm.segments(gsm.plain("„" * 160)) == 1


STATES = st.sampled_from(["works", "degraded", "fails", "unknown"])
SPANS = st.sets(st.sampled_from(FUNCTIONS), min_size=1)


@st.composite
def outages(draw: st.DrawFn) -> tuple[Incidents, bool]:
    """Incidents as they may be, told by every part of the record that a notice reads."""
    functions = sorted(draw(SPANS))
    entries: list[r.AnyEntry] = [r.Opened(at=BEGAN, incident=2, since=dict.fromkeys(functions, BEGAN - 5))]
    states = {each: draw(STATES) for each in functions}
    entries.append(r.Found(at=BEGAN + 5, incident=2, states=states))
    if draw(st.booleans()):
        component = draw(st.sampled_from(["cell-3/index", "disk/v1", "partner/sms", "process/imap-0", "dns"]))
        report = named(component, component.partition("/")[0], *functions)
        entries.append(r.Diagnosed(at=BEGAN + 20, incident=2, report=report))
    if draw(st.booleans()):
        count = draw(st.integers(0, 61_204))
        counts = dict.fromkeys(functions, hits(count, count, count, count))
        entries.append(r.Affected(at=BEGAN + 25, incident=2, counts=counts))
    high = draw(st.sampled_from([0.0, NOW - 60, NOW + 600, NOW + 86_400 * 3]))
    reason = draw(st.sampled_from(["estimate.too_few", "estimate.longer_than_ever"])) if not high else ""
    entries.append(
        r.Estimated(
            at=BEGAN + 30,
            incident=2,
            estimate=1,
            low=max(high - 900, 0),
            likely=high,
            high=high,
            reason=reason,
            known=3,
            needed=9,
        )
    )
    if draw(st.booleans()):
        promise = r.Promised(at=BEGAN, incident=2, promise=1, what="credit", due=NOW + 86_400 * 30)
        entries.append(promise)
    is_over = draw(st.booleans())
    if is_over:
        entries.append(r.Closed(at=NOW - 60, incident=2, until=dict.fromkeys(functions, NOW - 120)))
    return folded(*past(), *entries), is_over


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(outages(), st.sampled_from(["", LINK]), st.integers(0, 4), st.booleans())
def test_notice_1_and_every_notice_is_clear_and_fits_whatever_the_outage(
    outage: tuple[Incidents, bool], link: str, count: int, wrong: bool
) -> None:
    incidents, is_over = outage
    incident = incidents.get(2)
    assert incident is not None
    said = texts(ZONE)
    first = Told(1, "opened", BEGAN + 30, NOW + 1, False, said_of(incident, BEGAN + 31))
    what = due(incident, [first] if is_over or wrong else [], NOW)
    if what is None:
        return
    made = Composer(said, incidents, "Example Mail").words(
        Facts(incident, what, NOW, hits(948, 941, 1562, 1271), wrong, ("send",))
    )
    for language in LANGUAGES:
        reader, own = Reader(said, language), FOUR[:count]
        short = reader.short(made[language], own, link)
        assert gsm.segments(short) <= SMS_SEGMENTS and short.endswith(link)
        wording.check({language: reader.whole(made[language], own, link)})
        wording.check({language: short})
        assert not re.search(r"[{}]", short + made[language].public)


def test_an_end_lasted_from_what_began_first_for_its_reader_and_names_what_still_fails_for_him(
    said: Texts,
) -> None:
    incidents = folded(*present(), OVER)
    incident = incidents.get(2)
    assert incident is not None
    end = NoticeDue("ended", said_of(incident, NOW))
    composer = Composer(said, incidents, "Example Mail")
    facts = Facts(incident, end, NOW, (), False, (), again=("imap",), since=incident.ended_at - 3 * 3600)
    [first, *_] = composer.words(facts)["en"].before
    assert first.endswith("The outage lasted 3 hours.") and "Webmail" not in first
    goes_on = folded(*present())
    composer = Composer(said, goes_on, "Example Mail")
    other = Other(2, "open", said_of(goes_on.get(2), NOW), {}, BEGAN)  # type: ignore[arg-type]
    base = composer.words(facts)
    read = composer.read(base, Reading((), ((2, ("webmail",), ()),)), {2: other}, NOW)["de"]
    assert len(read.before) > len(base["de"].before) and "Webmail" in read.before[-3]
    unsure = composer.read(base, Reading((), ((2, (), ("webmail",)),)), {2: other}, NOW)["de"]
    assert "vielleicht nicht: Webmail." in " ".join(unsure.before) and unsure.short[1].startswith(
        "Vielleicht"
    )
    assert read.short[1].startswith("Auch gestört seit") and read.short[1].endswith("Webmail.")
