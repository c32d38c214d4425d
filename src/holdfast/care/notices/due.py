"""When there is something to tell about an incident: once per change, and never silent for longer than was
promised. Pure.

TELL-1 an open incident is told within a minute, and no silence is longer than INCIDENT_UPDATE_S.
TELL-2 what was told and is wrong is put right, and said to be so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec

from holdfast.model.limits import (
    INCIDENT_UPDATE_S,
    NOTICE_CORRECTION_S,
    NOTICE_EARLY_S,
    NOTICE_GAP_LONGEST_S,
    NOTICE_GAP_S,
    NOTICE_GAP_SHARE,
    NOTICE_HEARD_S,
    NOTICE_MORE_SHARE,
    NOTICE_MOVED_S,
    NOTICE_MOVED_SHARE,
    NOTICE_PATIENCE_S,
    NOTICE_RESTLESS_S,
)
from holdfast.watch.incidents.incidents import Incident
from holdfast.watch.incidents.record import Affected, Estimated

About = Literal["opened", "update", "correction", "ended"]
_MINUTE_S = 60.0


class Said(msgspec.Struct, frozen=True, array_like=True):
    """What a notice told, as far as another would tell something else. ``causes``: those that were named.

    ``low``, ``high``: the estimate, 0 without one. ``customers``: how many were counted, 0 for not yet.
    """

    functions: tuple[str, ...]
    causes: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0
    customers: int = 0


class Told(NamedTuple):
    """A notice there was. ``quiet``: it was published, and nobody was told by himself, as it had no news.

    ``next_at``: for when it promised the next.
    """

    number: int
    about: About
    at: float
    next_at: float
    quiet: bool
    said: Said


class NoticeDue(NamedTuple):
    """``news``: what is other than was told: ``functions``, ``cause``, ``estimate``, ``affected``, ``again``;
    ``still``: nothing is, and that was long enough.

    ``wrong``: what was told and isn't true: ``cause``, ``estimate``. ``promise``: the number of the next
    update that it tells, due at ``next_at``; 0 with ``ended``.
    """

    about: About
    said: Said
    promise: int = 0
    next_at: float = 0.0
    news: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    only_published: bool = False

    @property
    def quiet(self) -> bool:
        """It is published, and told nobody by himself."""
        return self.only_published or (self.about == "update" and not self.news)


def due(incident: Incident, told: Sequence[Told], now: float) -> NoticeDue | None:
    """``told``: in their order."""
    said = said_of(incident, now)
    heard = next((each for each in reversed(told) if not each.quiet), None)
    if heard is None:
        if incident.closed_at:
            # over before anybody heard of it: told nobody, but whoever reads the page was promised more
            return NoticeDue("ended", said, only_published=True) if _is_awaited(incident, told) else None
        waits = now < incident.opened_at + NOTICE_PATIENCE_S and not _is_known(incident)
        return None if waits else NoticeDue("opened", said, *_first_promise(incident, now))
    if incident.closed_at or "ended" in (heard.about, told[-1].about):
        turned = _turned(incident, told, heard, said, now)
        if turned is not None or incident.closed_at:
            return turned
        return _update(incident, said, now) if now >= told[-1].next_at - NOTICE_EARLY_S else None
    news, wrong = _news(heard.said, said), _wrong(incident, heard.said, now)
    if wrong and now >= heard.at + _until_correction(incident, told, wrong, now):
        return NoticeDue("correction", said, *_next_promise(incident, now), news, wrong)
    if now < heard.at + _gap(incident, news, now):
        news = ()
    elif not news and now >= heard.at + NOTICE_HEARD_S:
        news = ("still",)
    if news or now >= told[-1].next_at - NOTICE_EARLY_S:
        return _update(incident, said, now, news)
    return None


def _turned(
    incident: Incident, told: Sequence[Told], heard: Told, said: Said, now: float
) -> NoticeDue | None:
    """That it is over, or fails again. While that changes again and again, each change is published at once,
    and told people with the gap between."""
    is_over = bool(incident.closed_at)
    gap = now < heard.at + NOTICE_GAP_S and _is_restless(told, said, now)
    news_to_people = is_over != (heard.about == "ended")
    if not (news_to_people and not gap) and is_over == (told[-1].about == "ended"):
        if is_over and _is_awaited(incident, told):
            return NoticeDue("ended", said, only_published=True)
        return None
    quiet = gap or not news_to_people
    if is_over:
        return NoticeDue("ended", said, only_published=quiet)
    return _update(incident, said, now, ("again",), only_published=quiet)


def _is_awaited(incident: Incident, told: Sequence[Told]) -> bool:
    """An update was promised since the last notice."""
    since = told[-1].at if told else -math.inf
    return any(
        each.what == "next_update" and not each.settled and each.made_at > since
        for each in incident.promises.values()
    )


def said_of(incident: Incident, now: float) -> Said:
    """What a notice tells now."""
    opinion, estimate = incident.opinion, estimate_of(incident, now)
    named = opinion is not None and opinion.report.verdict == "named"
    return Said(
        incident.active or incident.functions,
        tuple(sorted(opinion.report.components)) if opinion is not None and named else (),
        estimate.low if estimate is not None else 0.0,
        estimate.high if estimate is not None else 0.0,
        customers_of(incident.affected),
    )


def estimate_of(incident: Incident, now: float) -> Estimated | None:
    """The newest; None when it has an end that is over by now, or there is none."""
    newest = incident.estimates[max(incident.estimates)] if incident.estimates else None
    return None if newest is None or 0 < newest.high <= now else newest


def customers_of(affected: Affected | None) -> int:
    """Of the function that hits most; 0 while they aren't counted."""
    if affected is None:
        return 0
    found = (hit.count for hits in affected.counts.values() for hit in hits if hit.what == "customers")
    return max(found, default=0)


def _update(
    incident: Incident, said: Said, now: float, news: tuple[str, ...] = (), *, only_published: bool = False
) -> NoticeDue:
    return NoticeDue("update", said, *_next_promise(incident, now), news, only_published=only_published)


def _gap(incident: Incident, news: tuple[str, ...], now: float) -> float:
    """How long after the last that people heard these may be told. Numbers that move for days are told less
    and less often; what fails, and why, is not."""
    if "functions" in news or "cause" in news:
        return NOTICE_GAP_S
    return min(max(NOTICE_GAP_S, (now - incident.opened_at) * NOTICE_GAP_SHARE), NOTICE_GAP_LONGEST_S)


def _until_correction(incident: Incident, told: Sequence[Told], wrong: tuple[str, ...], now: float) -> float:
    is_first = all(each.about != "correction" for each in told)
    return NOTICE_CORRECTION_S if is_first or "cause" in wrong else _gap(incident, (), now)


def _is_restless(told: Sequence[Told], said: Said, now: float) -> bool:
    """It ended and began again of late, and not by a cause that nobody has been told of since."""
    lately = [each for each in told if now - each.at < NOTICE_RESTLESS_S]
    is_other = bool(said.causes) and all(each.said.causes != said.causes for each in lately)
    return sum(each.about == "ended" for each in lately) > 1 and not is_other


def _is_known(incident: Incident) -> bool:
    """What is at fault, and whom that hits."""
    opinion, affected = incident.opinion, incident.affected
    return (
        opinion is not None
        and opinion.report.verdict == "named"
        and affected is not None
        and affected.at >= opinion.at
    )


def _first_promise(incident: Incident, now: float) -> tuple[int, float]:
    """The one that was made when it was opened."""
    for promise in incident.promises.values():
        if promise.what == "next_update" and not promise.settled and promise.due > now:
            return promise.number, promise.due
    return _next_promise(incident, now)


def _next_promise(incident: Incident, now: float) -> tuple[int, float]:
    """The watch makes it when it sees that this notice keeps the one before."""
    at = (now + INCIDENT_UPDATE_S) // _MINUTE_S * _MINUTE_S
    return max(incident.promises, default=0) + 1, at


def _wrong(incident: Incident, said: Said, now: float) -> tuple[str, ...]:
    found = []
    if said.causes:
        fates = [
            each.fate for each in incident.opinions if tuple(sorted(each.report.components)) == said.causes
        ]
        if fates and fates[-1] in ("corrected", "withdrawn"):
            found.append("cause")
    newest = estimate_of(incident, now)
    if said.high and (now > said.high or (newest is not None and newest.low > said.high)):
        found.append("estimate")
    return tuple(found)


def _news(told: Said, said: Said) -> tuple[str, ...]:
    found = []
    if told.functions != said.functions:
        found.append("functions")
    if said.causes and told.causes != said.causes:
        found.append("cause")
    if said.high and (not told.high or _moved(told, said)):
        found.append("estimate")
    if said.customers > told.customers * (1 + NOTICE_MORE_SHARE):
        found.append("affected")
    return tuple(found)


def _moved(told: Said, said: Said) -> bool:
    by = abs(said.high - told.high)
    return by > NOTICE_MOVED_S and by > NOTICE_MOVED_SHARE * (told.high - told.low)
