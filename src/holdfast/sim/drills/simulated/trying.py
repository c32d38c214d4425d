"""What is tried of the simulated provider, how often, and what each trial shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Literal, NamedTuple

from holdfast.model import limits
from holdfast.model.errors import ComponentId
from holdfast.model.findings import Finding, State
from holdfast.sim.drills.simulated import known, visits
from holdfast.sim.drills.simulated import provider as p
from holdfast.sim.seed import Random
from holdfast.watch.collecting import ANSWER_S
from holdfast.watch.components import PARTS
from holdfast.watch.depends import Step, Trial

DOOR_S = 2.0
CANARY_S = 60.0
Sort = Literal["door", "check", "canary"]
# How long each waits for what is silent, as in a real service.
_WAITS_S: Mapping[Sort, float] = {"door": limits.DOOR_S, "check": ANSWER_S, "canary": limits.CANARY_STEP_S}
# How often a component is looked at, by its kind and the part of the real checks that would do it.
_CHECK_S: Mapping[str, float] = {
    **dict.fromkeys(("index", "replica", "failover"), PARTS["files"]),
    **dict.fromkeys(("partner", "address"), PARTS["ways"]),
    **dict.fromkeys(("zone", "resolver"), PARTS["names"]),
    "load": PARTS["speeds"],
    "packs": PARTS["ledgers"],
    "clock": PARTS["clock"],
    **dict.fromkeys(("certificate", "chain"), PARTS["certificates"]),
}
_OFTEN_S = PARTS["processes"]  # all else, as sockets and disks are
_TELLING = ("full", "readonly", "old", "lies", "some")  # what a check of the part itself shows
_PILES = ("load", "limit", "pool")  # where it is counted what waits or is gone, whoever is hit by it
_BLIND = ("partner/smarthost",)  # a partner that lies doesn't tell it


class Try(NamedTuple):
    """One trial: its way, its account's cell (None: of no cell in particular), whence it comes, how often."""

    trial: Trial
    way: visits.Way
    cell: int | None
    vantage: str
    sort: Sort
    every_s: float


# Function, what its trial is called, the way, what the map says of it, and the step after which a try of the
# door alone ends.
_WAYS: tuple[tuple[str, str, visits.Way, known.Course, str], ...] = (
    ("receive", "receive", visits.deliver, known.deliver, "RCPT"),
    ("send", "send", visits.send, known.send, "certificate"),
    ("imap", "imap", visits.imap, known.imap, "certificate"),
    ("pop3", "pop3", visits.pop3, known.pop3, "certificate"),
    ("webmail", "webmail", visits.webmail, known.webmail, "page"),
    ("password", "password", visits.password, known.password, "certificate"),
    ("signup", "signup", visits.signup, known.signup, "certificate"),
)
OUTSIDE = "send/relay"  # … to another provider and back, which is tried oftener: it takes long
_MORE = (
    ("send", OUTSIDE, visits.relay, known.relay),
    ("webmail", "webmail/search", visits.search, known.search),
    ("password", "password/code", visits.code, known.code),
    *((function, f"{function}/old", way, known.OLD[function]) for function, way in visits.OLD.items()),
)
_BY_CELL = ("receive", "imap", "pop3", "webmail", "signup")


def tries() -> dict[str, Try]:
    """All, by the trial's id."""
    found = [*_doors(), *_canaries(), *_checks()]
    return {each.trial.id: each for each in found}


def _doors() -> list[Try]:
    found = []
    for function, name, way, course, last in _WAYS:
        for vantage in p.VANTAGES:
            steps = list(course(0, vantage))
            until = [step.name for step in steps].index(last) + 1
            trial = _trial(f"{name}/door@{vantage}", function, steps[:until])
            found.append(Try(trial, way, None, vantage, "door", DOOR_S))
    return found


def _canaries() -> list[Try]:
    found = []
    for function, name, way, course, _ in _WAYS:
        if function in _BY_CELL:
            for number in range(p.CELLS):
                trial = _trial(f"{name}/{p.cell(number)}", function, course(number, ""))
                found.append(Try(trial, way, number, "", "canary", CANARY_S))
        else:
            found.append(
                Try(_trial(f"{name}/canary", function, course(0, "")), way, 0, "", "canary", CANARY_S)
            )
    for function, name, way, course in _MORE:
        every_s = CANARY_S / 2 if name == OUTSIDE else CANARY_S
        found.append(Try(_trial(name, function, course(0, "")), way, 0, "", "canary", every_s))
    for place, node in enumerate(p.NODES):
        trial = _trial(f"imap/large/{node}", "imap", known.large(place * p.EACH, ""))
        found.append(Try(trial, visits.large, place * p.EACH, "", "canary", CANARY_S))
    return found


def _checks() -> list[Try]:
    found = []
    for id, steps in known.checks().items():
        part = id.removeprefix("check/")
        trial = Trial(id, "", tuple(steps), proves=part not in _BLIND)
        every_s = _CHECK_S.get(known.kind(part), _OFTEN_S)
        found.append(Try(trial, partial(_check, part), None, "", "check", every_s))
    return found


def _check(part: ComponentId, visit: visits.Visit, cell: int) -> visits.Steps:
    """A look at the part itself."""
    if part in p.RESOLVERS:
        yield "own zone"
        visit.meet(part)
        yield "outside"
        visit.meet("dns/outside")
        return
    if part == "partner/objects":
        yield "answer"
        visit.meet(part)
        yield "put"
        visit.meet("key/objects")
        return
    if part.startswith("path/lb-"):
        yield "small"
        some = visit.meet(part) == "some"
        yield "large"
        if some:
            raise visits.Stopped("stands still after 1400 bytes")
        return
    if part == "process/scanner-1":
        yield "answer"
        visit.meet(part)
        yield "scan"
        visit.meet("signatures")
        return
    yield "look"
    if known.kind(part) in _PILES:
        visit.count(part)
    elif visit.meet(part) in _TELLING and part not in _BLIND:
        visit.late("it isn't as it should be")


def _trial(id: str, function: str, steps: Sequence[Step]) -> Trial:
    return Trial(id, function, tuple(steps))


def show(one: Try, parts: Mapping[ComponentId, p.Now], random: Random, at: float) -> Finding:
    """What the trial shows with the parts as they are."""
    visit = visits.Visit(parts, random, one.vantage, _WAITS_S[one.sort])
    names = {step.name for step in one.trial.steps}
    state: State = "works"
    step = said = ""
    try:
        for name in one.way(visit, one.cell or 0):
            if visit.slow or name not in names:  # the step before was slow, or the door's trial ends here
                break
            step = name
    except visits.Stopped as stopped:
        if one.sort == "check" and isinstance(stopped, visits.Anew):
            return undecided(one, at, step, str(stopped))
        state, said = "fails", str(stopped)
    if visit.slow and state == "works":
        state, said = "degraded", visit.slow
    if state == "works":
        step = ""
    return Finding(
        one.trial.id, one.trial.function, state, step, said, at, visit.took_s, one.cell, one.vantage
    )


def wrongly(one: Try, finding: Finding, random: Random) -> Finding:
    """The opposite of what is true: a trial that errs."""
    if finding.state != "works":
        return finding._replace(state="works", step="", said="")
    step = random.choice(one.trial.steps).name
    return finding._replace(state="fails", step=step, said="no answer within 5 s")


def undecided(one: Try, at: float, step: str = "", said: str = "") -> Finding:
    """It could not be tried."""
    return Finding(one.trial.id, one.trial.function, "unknown", step, said, at, 0.0, one.cell, one.vantage)
