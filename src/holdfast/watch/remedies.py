"""What may be done about a fault without asking: decided here from the diagnosis, carried out by `run`.

REMEDY-1 nothing is done but about what is named as the root of a fault, probably enough, for some time, and
still now.
REMEDY-2 how much may be touched is bounded: so many an hour, one restart at a time, a component again only
much later and no more than a few times in one incident, a share of all processes, and never all workers of a
role.
REMEDY-3 what was done, failed, was refused, or would have been done is an entry of the incident, and counts
from before it is begun: a ledger that takes nothing lifts no limit.
REMEDY-4 only what the configuration allows is carried out by itself; of all else it is said, once, what would
be done.
REMEDY-5 who watches and who cares are nobody's remedy: they don't restart themselves. What still does a part
of its work, or whose memory carries the others through a wave, is left to people.
REMEDY-6 what sheds is ordered for two minutes, again and again while it is in force by the record and carried
out by itself or by people; so it ends by itself with whoever watches.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from holdfast.model.errors import ComponentId
from holdfast.model.functions import BEHIND, FUNCTIONS
from holdfast.model.limits import (
    REMEDY_APART_S,
    REMEDY_BACK_S,
    REMEDY_PAUSE_S,
    REMEDY_ROLE_APART_S,
    REMEDY_SHARE,
    REMEDY_TRIES,
    ROLL_SEEN_S,
)
from holdfast.watch.diagnosis.report import NamedCause
from holdfast.watch.incidents.incidents import Incident, Incidents
from holdfast.watch.incidents.lifecycle import Seen
from holdfast.watch.incidents.record import Remedied

Rule = Literal["restart", "reroute", "shed", "hold", "drain"]
RULES: tuple[Rule, ...] = ("restart", "reroute", "shed", "hold", "drain")
Mode = Literal["on", "dry-run", "off"]

# What takes an action back; what isn't here needs nothing to be taken back.
REVERSES = {"reroute": "resume", "shed": "resume", "hold": "resume", "drain": "resume"}
_FOR_PEOPLE = ("drain",)  # to take back: that all works shows that it helped
RELAY: ComponentId = "partner/relay"
SIGN_INS: ComponentId = "load/sign-in"
SUPERVISOR: ComponentId = "supervisor"
_OURS = ("watch", "care")
_BEGUN = ("process", "certificate", "key", "secret")  # kinds of what a start may spoil, or reads
_REMEMBERS = ("auth",)  # right passwords: without, a wave of sign-ins has to be checked anew, slowly
_HOUR_S = 3600.0
_LATELY = 20  # incidents whose remedies may still be in force


class Remedy(NamedTuple):
    """``action``: a rule's name, or ``resume``, which takes one back. ``why``: what it follows from.
    ``reverses``: the action that takes it back, '' for none.

    ``asks``: people decide, whatever is allowed. ``carried_out``: False where it is only said what would be.
    """

    incident: int
    rule: str
    component: ComponentId
    action: str
    why: str = ""
    reverses: str = ""
    asks: bool = False
    carried_out: bool = False


class Allowed(NamedTuple):
    """What the configuration says. ``rules``: those that are carried out by themselves. ``processes``: all
    that are to run, ``imap-0`` …; ``second``: whether there is a second way out for mail."""

    mode: Mode
    rules: frozenset[str]
    probability: float
    stands_s: float
    per_hour: int
    processes: tuple[str, ...]
    second: bool = False


class Rolling(NamedTuple):
    """A rolling restart since ``since`` (UTC): which processes have been started anew. ``over``: all have."""

    since: float
    done: tuple[str, ...]
    over: bool = False


class Touched(NamedTuple):
    """Something that was carried out, or tried to be, at ``at`` (UTC)."""

    at: float
    incident: int
    component: ComponentId
    action: str


def due(
    seen: Seen, allowed: Allowed, touched: Iterable[Touched] = (), rolling: Rolling | None = None
) -> list[Remedy]:
    """What to do now, in order: at most one that is carried out, and what would be done besides.

    ``touched``: what this process has carried out itself; what the ledger tells is added to it (REMEDY-3).
    """
    if allowed.mode == "off":
        return []
    past = list(dict.fromkeys((*touched, *recorded(seen.incidents, seen.now))))
    found: list[Remedy] = []
    for remedy in (*_drained(seen, rolling), *_named(seen, allowed), *_over(seen)):
        if allowed.mode == "on" and remedy.rule in allowed.rules and not remedy.asks:
            if not any(each.carried_out for each in found) and _may(remedy, allowed, past, seen.now):
                found.append(remedy._replace(carried_out=True))
        elif not _said(seen.incidents.get(remedy.incident), remedy):
            found.append(remedy)
    return found


def recorded(incidents: Incidents, now: float) -> Iterator[Touched]:
    """What was carried out within the last hour, or belongs to an incident that is open."""
    for incident in incidents:
        if incident.closed_at and now - incident.changed_at > _HOUR_S:
            continue
        for entry in incident.timeline:
            if isinstance(entry, Remedied) and entry.outcome != "would":
                yield Touched(entry.at, incident.number, entry.component, entry.action)


def in_force(incidents: Incidents) -> list[Remedied]:
    """What was done, can be taken back, and hasn't been; the newest of each component."""
    found: dict[ComponentId, Remedied] = {}
    for incident in list(incidents)[-_LATELY:]:
        for entry in incident.timeline:
            if not isinstance(entry, Remedied) or entry.outcome != "done":
                continue
            if entry.action in REVERSES:
                found[entry.component] = entry
            elif entry.action in REVERSES.values():
                found.pop(entry.component, None)
    return list(found.values())


def leases(seen: Seen, allowed: Allowed) -> list[Remedied]:
    """REMEDY-6: of what is in force, what has to be ordered again and again."""
    return [
        each
        for each in in_force(seen.incidents)
        if each.action == "shed" and (each.rule not in RULES or allowed.mode == "on")
    ]


# The rules


def _named(seen: Seen, allowed: Allowed) -> Iterator[Remedy]:
    """REMEDY-1."""
    if seen.report is None or seen.report.verdict != "named":
        return
    still = {cause.component for cause in seen.report.causes if not cause.after}
    for incident in seen.incidents.open():
        opinion = incident.opinion
        if opinion is None or opinion.report.verdict != "named":
            continue
        if (
            min(opinion.report.probability, seen.report.probability) < allowed.probability
            or seen.now - opinion.at < allowed.stands_s
        ):
            continue
        why = f"named with {opinion.report.probability:.1%} for {seen.now - opinion.at:.0f} s"
        for cause in opinion.report.causes:
            if not cause.after and cause.component in still:
                yield from _about(incident, cause, allowed, why)


def _about(incident: Incident, cause: NamedCause, allowed: Allowed, why: str) -> Iterator[Remedy]:
    kind, _, name = cause.component.partition("/")
    if kind == "process" and name in allowed.processes and _role(name) not in _OURS:  # REMEDY-5
        asks = cause.rate < 1 or _role(name) in _REMEMBERS
        yield _remedy(incident, "restart", cause.component, why)._replace(asks=asks)
    elif cause.component == RELAY:
        yield _remedy(incident, "reroute" if allowed.second else "hold", RELAY, why)
    elif cause.component == SIGN_INS:
        yield _remedy(incident, "shed", SIGN_INS, why)


def _drained(seen: Seen, rolling: Rolling | None) -> Iterator[Remedy]:
    """A rolling restart that makes something worse goes no further, and what it has reached goes back. One
    that is over has reached everything, and people say whether it was that."""
    if rolling is None or (rolling.over and seen.now - rolling.since > ROLL_SEEN_S):
        return
    renewed = {_role(name) for name in rolling.done}
    for function in FUNCTIONS:
        if renewed.isdisjoint(BEHIND[function]):
            continue
        failing = seen.window.confirmed(function, seen.now)
        incident = next((each for each in seen.incidents.open() if function in each.active), None)
        if incident is None or (rolling.over and not _may_be_its_doing(incident)):
            continue
        if any(each.bad_since >= rolling.since for each in failing):
            which = "all processes" if rolling.over else ", ".join(rolling.done)
            why = f"{function} fails since after {which} were started anew"
            yield _remedy(incident, "drain", SUPERVISOR, why)._replace(asks=rolling.over)
            return


def _may_be_its_doing(incident: Incident) -> bool:
    """Where it is known what is at fault, that is a process, or what one reads as it begins."""
    named = incident.opinion.report if incident.opinion is not None else None
    if named is None or named.verdict != "named":
        return True
    return any(named.kinds.get(each.component) in _BEGUN for each in named.causes if not each.after)


def _over(seen: Seen) -> Iterator[Remedy]:
    """What failed when it was done, and has worked ever since some time: it is taken back. What people did,
    and what never failed by its own check, is left to people."""
    for entry in in_force(seen.incidents):
        since = seen.window.works_since(entry.component, seen.now)
        may = entry.rule in RULES and entry.action not in _FOR_PEOPLE
        if may and since > entry.at and seen.now - since >= REMEDY_BACK_S:
            why = f"it has worked for {seen.now - since:.0f} s"
            back = REVERSES[entry.action]
            yield Remedy(entry.incident, entry.rule, entry.component, back, why)


def _remedy(incident: Incident, rule: Rule, component: ComponentId, why: str) -> Remedy:
    return Remedy(incident.number, rule, component, rule, why, REVERSES.get(rule, ""))


def _said(incident: Incident | None, remedy: Remedy) -> bool:
    """Whether it was said or done in this incident: it is said once."""
    return incident is not None and any(
        isinstance(entry, Remedied) and (entry.component, entry.action) == (remedy.component, remedy.action)
        for entry in incident.timeline
    )


# The limits


def _may(remedy: Remedy, allowed: Allowed, past: list[Touched], now: float) -> bool:
    """REMEDY-2."""
    same = [each for each in past if each.component == remedy.component]
    if any(abs(now - each.at) < REMEDY_APART_S for each in same):
        return False
    if sum(each.incident == remedy.incident for each in same) >= REMEDY_TRIES:
        return False
    hour = [each for each in past if abs(now - each.at) < _HOUR_S]
    if len(hour) >= allowed.per_hour:
        return False
    return remedy.action != "restart" or _may_restart(remedy, allowed, hour, now)


def _may_restart(remedy: Remedy, allowed: Allowed, hour: list[Touched], now: float) -> bool:
    restarts = [each for each in hour if each.action == "restart"]
    if any(abs(now - each.at) < REMEDY_PAUSE_S for each in restarts):
        return False
    others = {each.component for each in restarts} - {remedy.component}
    if others and len(others) + 1 > len(allowed.processes) * REMEDY_SHARE:
        return False
    role = _role(remedy.component.partition("/")[2])
    workers = {f"process/{name}" for name in allowed.processes if _role(name) == role}
    lately = {each.component for each in restarts if abs(now - each.at) < REMEDY_ROLE_APART_S}
    return len(workers) == 1 or bool(workers - lately - {remedy.component})


def _role(process: str) -> str:
    return process.rpartition("-")[0]
