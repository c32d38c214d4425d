"""When something is told: TELL-1 and TELL-2, over incidents as they may go."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.care.notices.due import NoticeDue, Told, due, said_of
from holdfast.model.limits import (
    INCIDENT_UPDATE_S,
    NOTICE_CORRECTION_S,
    NOTICE_EARLY_S,
    NOTICE_GAP_S,
    NOTICE_PATIENCE_S,
)
from holdfast.watch.diagnosis.report import Report, Rival
from holdfast.watch.incidents import record as r
from holdfast.watch.incidents.incidents import Incident, Incidents
from holdfast.watch.incidents.promises import promises_due
from outage import NOW, hits, named

STEP_S = 10.0


def incident(*entries: r.AnyEntry) -> Incident:
    found = Incidents()
    found.apply([r.Opened(at=NOW, incident=1, since={"imap": NOW - 4}), *entries])
    [made] = found
    return made


def affected(at: float, customers: int = 948) -> r.Affected:
    return r.Affected(at=at, incident=1, counts={"imap": hits(customers, customers, 1562, 1271)})


def diagnosed(at: float, component: str = "cell-3/index", before: str = "") -> r.Diagnosed:
    report = (
        named(component, "index", "imap")
        if component
        else Report(
            verdict="undecided", probability=0.6, runners_up=(Rival(components=("a",), probability=0.6),)
        )
    )
    return r.Diagnosed(at=at, incident=1, report=report, before=before)  # type: ignore[arg-type]


def told(what: NoticeDue, number: int, at: float) -> Told:
    return Told(number, what.about, at, what.next_at, what.quiet, what.said)


def opened(of: Incident, at: float) -> Told:
    what = due(of, [], at)
    assert what is not None and what.about == "opened"
    return told(what, 1, at)


def test_tell_1_what_is_found_out_at_once_is_in_the_first_notice_and_it_does_not_wait_for_more() -> None:
    known = incident(diagnosed(NOW + 6), affected(NOW + 8))
    what = due(known, [], NOW + 8)
    assert what is not None and what.said.causes == ("cell-3/index",) and what.said.customers == 948
    unknown = incident(diagnosed(NOW + 6, ""))
    assert due(unknown, [], NOW + NOTICE_PATIENCE_S - 1) is None
    what = due(unknown, [], NOW + NOTICE_PATIENCE_S)
    assert what is not None and what.about == "opened" and what.said.causes == ()


def test_what_was_counted_before_the_cause_was_known_is_counted_again_first() -> None:
    assert due(incident(affected(NOW + 2), diagnosed(NOW + 6)), [], NOW + 7) is None


def test_what_was_over_before_anybody_was_told_is_told_nobody() -> None:
    over = incident(r.Closed(at=NOW + 20, incident=1, until={"imap": NOW + 10}))
    assert due(over, [], NOW + 60) is None
    promise = r.Promised(at=NOW, incident=1, promise=1, what="next_update", due=NOW + 1800)
    over.apply(promise)
    what = due(over, [], NOW + 60)  # the page has promised to say how it goes on, and does
    assert what is not None and what.about == "ended" and what.quiet
    published = told(what, 1, NOW + 60)
    assert due(over, [published], NOW + 62) is None
    over.apply(r.Reopened(at=NOW + 200, incident=1, since={"imap": NOW + 190}))
    what = due(over, [published], NOW + 200)
    assert what is not None and what.about == "opened"


def test_the_first_notice_tells_the_update_that_was_promised_when_it_was_opened() -> None:
    promise = r.Promised(at=NOW, incident=1, promise=1, what="next_update", due=NOW + 1800)
    what = due(incident(promise), [], NOW + NOTICE_PATIENCE_S)
    assert what is not None and (what.promise, what.next_at) == (1, NOW + 1800)


def test_an_update_comes_before_it_is_due_and_is_quiet_when_there_is_nothing_new() -> None:
    known = incident(diagnosed(NOW + 6), affected(NOW + 8))
    first = opened(known, NOW + 8)
    assert due(known, [first], first.next_at - NOTICE_EARLY_S - 1) is None
    what = due(known, [first], first.next_at - NOTICE_EARLY_S)
    assert what is not None and what.about == "update" and what.quiet
    assert what.next_at <= first.next_at - NOTICE_EARLY_S + INCIDENT_UPDATE_S


def test_news_are_told_when_a_while_has_passed_and_after_a_quiet_update_too() -> None:
    known = incident(diagnosed(NOW + 6), affected(NOW + 8))
    first = opened(known, NOW + 8)
    more = incident(diagnosed(NOW + 6), affected(NOW + 8), affected(NOW + 60, 2000))
    assert due(more, [first], NOW + NOTICE_GAP_S) is None
    what = due(more, [first], NOW + 8 + NOTICE_GAP_S)
    assert what is not None and what.news == ("affected",) and not what.quiet
    quiet = Told(2, "update", NOW + 700, NOW + 2500, True, first.said)
    what = due(more, [first, quiet], NOW + 8 + NOTICE_GAP_S)
    assert what is not None and what.news == ("affected",)


@pytest.mark.parametrize("before", ["corrected", "withdrawn"])
def test_tell_2_a_cause_that_was_told_and_is_wrong_is_put_right(before: str) -> None:
    known = incident(diagnosed(NOW + 6), affected(NOW + 8))
    first = opened(known, NOW + 8)
    other = "cell-4/index" if before == "corrected" else ""
    wrong = incident(diagnosed(NOW + 6), affected(NOW + 8), diagnosed(NOW + 40, other, before))
    assert due(wrong, [first], NOW + NOTICE_CORRECTION_S) is None
    what = due(wrong, [first], NOW + 8 + NOTICE_CORRECTION_S)
    assert what is not None and what.about == "correction" and what.wrong == ("cause",)
    again = due(wrong, [first, told(what, 2, NOW + 200)], NOW + 400)
    assert again is None  # once


def test_tell_2_an_end_that_was_expected_and_did_not_come_is_put_right_once() -> None:
    said = r.Estimated(at=NOW + 7, incident=1, estimate=1, low=NOW + 300, likely=NOW + 400, high=NOW + 600)
    known = incident(diagnosed(NOW + 6), affected(NOW + 8), said)
    first = opened(known, NOW + 8)
    assert first.said.high == NOW + 600
    assert due(known, [first], NOW + 600) is None
    what = due(known, [first], NOW + 601)
    assert what is not None and what.about == "correction" and what.wrong == ("estimate",)
    assert what.said.high == 0
    assert due(known, [first, told(what, 2, NOW + 601)], NOW + 900) is None


def test_the_end_is_told_once_and_that_it_fails_again_at_once() -> None:
    end = r.Closed(at=NOW + 1000, incident=1, until={"imap": NOW + 940})
    known, over = incident(affected(NOW + 8)), incident(affected(NOW + 8), end)
    first = opened(known, NOW + NOTICE_PATIENCE_S)
    what = due(over, [first], NOW + 1000)
    assert what is not None and what.about == "ended" and not what.quiet and what.promise == 0
    last = told(what, 2, NOW + 1000)
    assert due(over, [first, last], NOW + 2000) is None
    again = incident(
        affected(NOW + 8), end, r.Reopened(at=NOW + 1100, incident=1, since={"imap": NOW + 1090})
    )
    what = due(again, [first, last], NOW + 1100)
    assert what is not None and what.about == "update" and what.news == ("again",)


def test_what_ends_and_begins_again_and_again_is_not_told_each_time() -> None:
    known, tells = Incidents(), list[Told]()
    known.apply([r.Opened(at=NOW, incident=1, since={"imap": NOW - 4})])
    [of] = known
    for step in range(4 * 360):
        at = NOW + step * STEP_S
        if step and step % 18 == 0:  # every three minutes
            known.apply(_entry("reopened" if of.closed_at else "closed", at, of, step))
        if (what := due(of, tells, at)) is not None:
            tells.append(told(what, len(tells) + 1, at))
    loud = [each for each in tells if not each.quiet]
    within = [each for each in loud if NOW + 3600 <= each.at < NOW + 2 * 3600]
    assert len(within) <= 5 and len(loud) < 24


@pytest.mark.parametrize("flap_s", [90, 180, 400])
def test_tell_1_each_time_it_fails_again_that_is_public_within_a_minute_without_a_message_each(
    flap_s: int,
) -> None:
    known, tells = Incidents(), list[Told]()
    known.apply([r.Opened(at=NOW, incident=1, since={"imap": NOW - 4})])
    [of] = known
    changed_at = NOW
    for step in range(3 * 360):
        at = NOW + step * STEP_S
        if step and step * STEP_S % flap_s == 0:
            known.apply(_entry("reopened" if of.closed_at else "closed", at, of, step))
            changed_at = at
        if (what := due(of, tells, at)) is not None:
            tells.append(told(what, len(tells) + 1, at))
        if at - changed_at >= 60 and not of.closed_at:
            assert tells[-1].about != "ended" and any(each.at >= changed_at for each in tells)
        elif at - changed_at >= 60:
            assert tells[-1].about == "ended"
    loud = [each for each in tells if not each.quiet]
    late = [each for each in loud if each.at >= NOW + 3600]
    assert all(b.at - a.at >= NOTICE_GAP_S for a, b in itertools.pairwise(late))
    assert len(tells) > 2 * len(loud)


def test_who_was_told_it_is_over_hears_that_it_fails_again_once_it_does_for_long() -> None:
    known, tells = Incidents(), list[Told]()
    known.apply([r.Opened(at=NOW, incident=1, since={"imap": NOW - 4})])
    [of] = known
    for step in range(400):
        at = NOW + step * STEP_S
        if step in (18, 36, 54, 72):  # over, again, over, again: and it stays
            known.apply(_entry("reopened" if of.closed_at else "closed", at, of, step))
        if (what := due(of, tells, at)) is not None:
            tells.append(told(what, len(tells) + 1, at))
    loud = [(each.about, each.at - NOW) for each in tells if not each.quiet]
    assert [about for about, _ in loud] == ["opened", "ended", "update", "ended", "update"]
    assert loud[-1][1] == 540 + NOTICE_GAP_S
    [again] = [each for each in tells if each.at == NOW + 720]
    assert again.quiet and again.about == "update"


def test_what_fails_again_by_another_cause_is_no_flap_and_is_told_when_that_is_named() -> None:
    known, tells = Incidents(), list[Told]()
    known.apply(
        [r.Opened(at=NOW, incident=1, since={"imap": NOW - 4}), diagnosed(NOW + 2), affected(NOW + 4)]
    )
    [of] = known
    news = {18: "closed", 36: "reopened", 37: "named", 54: "closed", 72: "reopened", 73: "other"}
    for step in range(76):
        at = NOW + step * STEP_S
        if step in news:
            known.apply(_entry(news[step], at, of, step))
        if (what := due(of, tells, at)) is not None:
            tells.append(told(what, len(tells) + 1, at))
    assert (tells[-1].at, tells[-1].quiet, tells[-1].said.causes) == (NOW + 730, False, ("cell-73/index",))


def test_who_has_heard_nothing_for_a_day_hears_that_it_goes_on() -> None:
    known = incident(diagnosed(NOW + 6), affected(NOW + 8))
    first = opened(known, NOW + 8)
    quiet = Told(2, "update", NOW + 86_000, NOW + 87_800, True, first.said)
    assert due(known, [first, quiet], NOW + 86_400) is None
    what = due(known, [first, quiet], NOW + 86_408)
    assert what is not None and what.news == ("still",) and not what.quiet


@pytest.mark.slow
def test_numbers_that_move_for_days_are_told_less_and_less_often() -> None:
    """111 hours, as in August 2012, with an end that is expected within the hour, again and again."""
    known, tells = Incidents(), list[Told]()
    known.apply(
        [r.Opened(at=NOW, incident=1, since={"imap": NOW - 4}), diagnosed(NOW + 5), affected(NOW + 6)]
    )
    [of] = known
    for minute in range(111 * 60):
        at = NOW + minute * 60.0
        if minute % 55 == 2:
            known.apply(_entry("estimate", at, of, minute))
        if (what := due(of, tells, at)) is not None:
            tells.append(told(what, len(tells) + 1, at))
    assert max(later.at - each.at for each, later in itertools.pairwise(tells)) <= INCIDENT_UPDATE_S
    assert 10 < sum(not each.quiet for each in tells) < 45


CHANGES = st.lists(
    st.tuples(
        st.integers(1, 150),  # steps until it
        st.sampled_from(["named", "other", "undecided", "more", "estimate", "closed", "reopened"]),
    ),
    max_size=12,
)


def _entry(kind: str, at: float, of: Incident, count: int) -> Sequence[r.AnyEntry]:
    stands = of.opinion is not None and of.opinion.report.verdict == "named"
    match kind:
        case "named":
            return [diagnosed(at), affected(at)]
        case "other":
            return [diagnosed(at, f"cell-{count}/index", "corrected" if stands else "")]
        case "undecided":
            return [diagnosed(at, "", "withdrawn" if stands else "")]
        case "more":
            return [affected(at, 948 * count)]
        case "estimate":
            return [
                r.Estimated(at=at, incident=1, estimate=count, low=at + 60, likely=at + 90, high=at + 900)
            ]
        case "closed" if not of.closed_at:
            return [r.Closed(at=at, incident=1, until={"imap": at - 60})]
        case "reopened" if of.closed_at:
            return [r.Reopened(at=at, incident=1, since={"imap": at - 5})]
    return []


def of_hours(tells: Sequence[Told]) -> list[int]:
    """How many people heard of in each hour that begins with one."""
    loud = [each.at for each in tells if not each.quiet]
    return [sum(at <= other < at + 3600 for other in loud) for at in loud] or [0]


@settings(max_examples=60, deadline=None)
@given(CHANGES)
@pytest.mark.slow
def test_tell_1_however_it_goes_nobody_waits_longer_than_promised_and_no_promise_is_missed(
    changes: list[tuple[int, str]],
) -> None:
    """Watch and care take turns on one ledger, as they do."""
    known, tells, at = Incidents(), list[Told](), NOW
    known.apply([r.Opened(at=NOW, incident=1, since={"imap": NOW - 4})])
    [of] = known
    kinds = dict(zip(itertools.accumulate(steps for steps, _ in changes), (kind for _, kind in changes)))
    for step in range(max(kinds, default=0) + 500):
        at = NOW + step * STEP_S
        if step in kinds:
            known.apply(_entry(kinds[step], at, of, step + 2))
        known.apply(list(promises_due(of, at)))
        what = due(of, tells, at)
        if what is not None:
            tells.append(told(what, len(tells) + 1, at))
            known.apply(
                [r.Noticed(at=at, incident=1, notice=len(tells), about=what.about, promise=what.promise)]
            )
        if not of.closed_at:
            assert tells or at - NOW < 60
            silent_since = max([NOW, of.spans_changed_at, *(each.at for each in tells)])
            assert at - silent_since <= INCIDENT_UPDATE_S
    assert not [
        each for each in of.promises.values() if each.what == "next_update" and each.settled == "missed"
    ]
    loud = [each for each in tells if not each.quiet]
    for one, next_ in itertools.pairwise(loud):
        assert next_.at - one.at >= NOTICE_CORRECTION_S or "ended" in (one.about, next_.about)
        assert (one.about, next_.about) != ("ended", "ended")
    assert max(of_hours(tells)) <= 8
    assert said_of(of, at).functions == ("imap",)
