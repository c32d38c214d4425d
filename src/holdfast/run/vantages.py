"""Vantage points, laid over the map: what each tries, and what its trials pass through.

What it tries passes through all that the own door's trial passes through, and before that through the way
from there. With several vantage points there is a part that all ways share: the door as it is reached from
outside (address, firewall, balancer). With one alone nothing tells the two apart, and it is the way.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterator, Mapping, Sequence

from holdfast.model.errors import ComponentId
from holdfast.model.functions import BEHIND
from holdfast.run import ports, web
from holdfast.run.config import Config
from holdfast.run.reading import split_address
from holdfast.run.trials import PAGES
from holdfast.watch.depends import Edge, Step, Trial
from holdfast.watch.vantage import asking
from holdfast.watch.vantage.names import STEP as RESOLVE

_PUBLIC = "public"  # what leads in from outside, to all doors


def public(config: Config) -> Mapping[str, tuple[str, str]]:
    """Door → its role, and where strangers find it: ``host:port``, or a page's URL. None where there is no
    function of customers behind it, or no way there is known."""
    found: dict[str, tuple[str, str]] = {}
    behind = {role for roles in BEHIND.values() for role in roles}
    for role, doors in ports.DOORS.items():
        opened = [each for each in doors if getattr(config.listen, each)]
        if role not in behind or not opened or not getattr(config.workers, role):
            continue
        if role not in PAGES:
            for door in opened:
                port = split_address(getattr(config.listen, door)[0])[1]
                found[door] = role, f"{config.service.hostname}:{port}"
        elif url := web.url_of(config, role):
            found[max(opened, key=lambda each: each.endswith("s"))] = role, url
    return found


def tried(config: Config, name: str) -> Iterator[tuple[str, str]]:
    """Role and door, of all that it is to try."""
    for door, (role, _) in public(config).items():
        if door in (config.vantages[name].doors or (door,)):
            yield role, door


def components(config: Config) -> Iterator[ComponentId]:
    yield from dict.fromkeys(end for edge in needs(config) for end in edge[:2] if end != "network")


def needs(config: Config) -> Iterator[Edge]:
    """A door that is the only one is no part of its way."""
    doors = {name: [door for _, door in tried(config, name)] for name in sorted(config.vantages)}
    if len(doors) > 1:
        yield Edge(_PUBLIC, "network", "leads to")
        every = sorted({door for those in doors.values() for door in those})
        if len(every) > 1:
            yield from (Edge(f"entry/{door}", _PUBLIC, "is reached by") for door in every)
    for name, those in doors.items():
        yield Edge(asking.component(name), "network", "is reached over")
        yield Edge(f"transit/{name}", asking.component(name), "begins at")
        if len(those) > 1:
            yield from (Edge(f"transit/{name}/{door}", f"transit/{name}", "goes over") for door in those)


def trials(config: Config, own: Sequence[Trial], there: frozenset[ComponentId]) -> Iterator[Trial]:
    """``own``: those made on this machine, of which these are the like from elsewhere."""
    doors = {each.id: each for each in own}
    places = public(config)
    for name in sorted(config.vantages):
        itself = asking.component(name)
        yield Trial(itself, "", tuple(Step(each, frozenset({itself})) for each in asking.STEPS))
        for role, door in tried(config, name):
            if (like := doors.get(f"{role}/{door}")) is not None:
                named = there & {f"name/{host_of(places[door][1])}"}
                steps = tuple(_steps(like, _way(name, door, there), named))
                yield Trial(asking.trial_of(like.id, name), like.function, steps)


def host_of(where: str) -> str:
    """Of ``host:port``, or of a URL."""
    return urllib.parse.urlsplit(where if "://" in where else f"//{where}").hostname or ""


def _way(name: str, door: str, there: frozenset[ComponentId]) -> frozenset[ComponentId]:
    """From there to that door, as narrow as it is told apart."""
    narrow_or_wide = (f"transit/{name}/{door}", f"transit/{name}"), (f"entry/{door}", _PUBLIC)
    found = ([each for each in those if each in there] for those in narrow_or_wide)
    return frozenset(those[0] for those in found if those)


def _steps(like: Trial, way: frozenset[ComponentId], named: frozenset[ComponentId]) -> Iterator[Step]:
    yield Step(RESOLVE, way | named)
    passed = [each.name for each in like.steps]
    for step in like.steps:
        yield Step(step.name, step.uses | way, step.one_of)
        if step.name == "connect" and "certificate" not in passed:  # of the proxy that does TLS for it
            yield Step("certificate", way)
