"""The part `drafts`: the report after an incident, and those to authorities, lie ready by themselves.

DRAFT-1 a file that people have changed is theirs and never written over.
DRAFT-2 drafts are made within five minutes of the end, and those to authorities as soon as they are due.
"""

from __future__ import annotations

import contextlib
import hashlib
import os.path
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import NamedTuple

import msgspec

from holdfast.care.reports import document as d
from holdfast.care.reports.authorities import Duty, Thresholds, duties
from holdfast.care.reports.events import REPORTS_DRAFTED
from holdfast.care.reports.facts import Facts
from holdfast.care.reports.filing import Provider, as_plain, filing
from holdfast.care.reports.review import picture, review
from holdfast.care.reports.timeline import as_svg
from holdfast.care.turns import Seen
from holdfast.model.limits import REPORT_DRAFT_S, REPORT_DRAFTED_S
from holdfast.pages.texts import LANGUAGES, Texts
from holdfast.watch.incidents.incidents import Incident, Incidents
from holdfast.watch.incidents.record import AnyEntry
from holdfast.world import World

_NOTED = "drafted.json"
Files = dict[str, bytes]


class Press(NamedTuple):
    """What drafts are made with. ``pdf``: prints one, None where nothing can."""

    texts: Texts
    limits: Thresholds
    provider: Provider
    pdf: Callable[[d.Document], bytes] | None = None
    languages: tuple[str, ...] = LANGUAGES


class Drafted(msgspec.Struct):
    """``of``: of what in the record they were made. ``digests``: SHA-256 of each file as we wrote it."""

    of: tuple[float, tuple[str, ...]] = (0.0, ())
    at: float = 0.0
    digests: dict[str, str] = {}


def reviewed(press: Press, incidents: Incidents, incident: Incident, now: float) -> Files:
    """The report after the incident, by name of file."""
    found: Files = {}
    for language in press.languages:
        made = review(incidents, incident, press.texts, language, now)
        facts = Facts(incidents, incident, press.texts, language, now)
        found[f"timeline.{language}.svg"] = as_svg(picture(facts)).encode()
        found |= _forms(press, f"report.{language}", made, f"timeline.{language}.svg")
    return found


def filed(press: Press, incidents: Incidents, duty: Duty, now: float) -> Files:
    """A report to an authority, by name of file."""
    found: Files = {}
    incident = incidents.get(duty.incident)
    assert incident is not None
    for language in press.languages:
        facts = Facts(incidents, incident, press.texts, language, now)
        name = f"{duty.report}.{language}"
        found |= _forms(press, name, filing(duty, facts, press.provider))
        plain = msgspec.json.encode(as_plain(duty, facts, press.provider))
        found[f"{name}.json"] = msgspec.json.format(plain, indent=2) + b"\n"
    return found


def _forms(press: Press, name: str, made: d.Document, timeline: str = "") -> Files:
    found = {f"{name}.md": d.as_markdown(made, timeline).encode(), f"{name}.html": d.as_html(made).encode()}
    if press.pdf is not None:
        found[f"{name}.pdf"] = press.pdf(made)
    return found


def folder_of(folder: str, incident: int) -> str:
    return os.path.join(folder, f"incident-{incident}")


def write(world: World, folder: str, files: Mapping[str, bytes], digests: dict[str, str]) -> list[str]:
    """Names of what was written; ``digests`` are brought up to date (DRAFT-1). Blocks; raises ``OSError``."""
    world.disk.make_folder(folder)
    written = []
    for name, data in files.items():
        path = os.path.join(folder, name)
        if world.disk.exists(path) and _digest(world.disk.read(path)) != digests.get(name):
            continue
        world.disk.write_atomic(path, data)
        digests[name] = _digest(data)
        written.append(name)
    return written


class DraftsPart:
    name = "drafts"
    every_s = 10.0

    def __init__(self, world: World, folder: str, press: Press) -> None:
        self._world = world
        self._folder = folder
        self._press = press
        self._drafted: dict[int, Drafted] = {}

    async def turn(self, seen: Seen) -> list[AnyEntry]:
        """One incident at a time: the next turn goes on with another."""
        for incident in reversed(list(seen.incidents)):
            if incident.closed_at and seen.at - incident.closed_at > REPORT_DRAFTED_S:
                continue
            if await self._world.offload(partial(self._draft, incident, seen)):
                break
        return []

    def _draft(self, incident: Incident, seen: Seen) -> bool:
        """Whether there was anything to write."""
        due = duties([incident], self._press.limits, self._press.texts.zone, seen.at)
        if not due and not incident.closed_at:
            return False
        noted = self._noted(incident.number)
        of = incident.changed_at, tuple(f"{each.report} {each.state}" for each in due)
        if noted.of == of or (noted.of[1] == of[1] and seen.at - noted.at < REPORT_DRAFT_S):
            return False
        begun = self._world.clock.monotonic()
        files: Files = {}
        if incident.closed_at:
            files |= reviewed(self._press, seen.incidents, incident, seen.at)
        for duty in due:
            if duty.state != "filed":
                files |= filed(self._press, seen.incidents, duty, seen.at)
        folder = folder_of(self._folder, incident.number)
        written = write(self._world, folder, files, noted.digests)
        noted.of, noted.at = of, seen.at
        self._world.disk.write_atomic(os.path.join(folder, _NOTED), msgspec.json.encode(noted))
        seconds = self._world.clock.monotonic() - begun
        self._world.journal.emit(
            REPORTS_DRAFTED, incident=incident.number, files=len(written), seconds=round(seconds, 3)
        )
        return True

    def _noted(self, number: int) -> Drafted:
        """As the life before this one left it."""
        if number not in self._drafted:
            found = Drafted()
            path = os.path.join(folder_of(self._folder, number), _NOTED)
            with contextlib.suppress(OSError, msgspec.MsgspecError):
                found = msgspec.json.decode(self._world.disk.read(path), type=Drafted)
            self._drafted[number] = found
        return self._drafted[number]


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def drafts_of(world: World, folder: str, numbers: Collection[int]) -> dict[int, list[str]]:
    """What lies ready of each, by name. Blocks; raises ``OSError``."""
    found = {}
    for number in numbers:
        path = folder_of(folder, number)
        if world.disk.exists(path):
            found[number] = sorted(name for name in world.disk.list(path) if name != _NOTED)
    return found
