"""What was changed of late: starts, releases, configuration, certificates; evidence for a cause, never proof.

CHANGE-1 a change is noticed by comparing with what was written down before, so one that happened while
nobody watched is noticed, too.
CHANGE-2 a change is told with a cause only if it came before it, by CHANGE_BEFORE_S at most, and has to do
with it: with the component, with what that needs, or with the whole service.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from holdfast.model.errors import ComponentId
from holdfast.model.limits import CHANGE_BEFORE_S, CHANGES_KEPT_S, CHANGES_MOST, START_TOGETHER_S
from holdfast.watch.processes import Ended, Ran, Status
from holdfast.world import World

# ``ended``: nobody asked for it. Where several may have to do with a cause, the first of these is told.
What = Literal["configuration", "release", "certificate", "ended", "service", "start"]
_ORDER: tuple[What, ...] = ("configuration", "release", "certificate", "ended", "service", "start")
_WHOLE: tuple[What, ...] = ("configuration", "release", "service")


class Change(msgspec.Struct, frozen=True, omit_defaults=True):
    """``at``: UTC seconds. ``component``: '' for what concerns the whole service. ``said``: the version of a
    release, how a process ended, the serial number of a certificate."""

    at: float
    what: What
    component: ComponentId = ""
    said: str = ""


class Known(msgspec.Struct, omit_defaults=True):
    """What is compared with. ``since``: of the supervisor, and of each process; '' for nothing known yet."""

    version: str = ""
    configuration: str = ""
    service: float = 0.0
    since: dict[str, float] = {}
    ended: dict[str, float] = {}
    certificates: dict[ComponentId, str] = {}
    changes: list[Change] = []


class Changes:
    """``path``: where what is compared with is kept; while it can't be, it is in memory alone."""

    def __init__(self, world: World, path: str) -> None:
        self._world = world
        self._path = path
        self._known = self._read()
        self._written = b""

    def look(self, status: Status | None, certificates: Mapping[ComponentId, str]) -> list[Change]:
        """All of the last CHANGES_KEPT_S seconds, in order of time. Blocks; raises nothing.

        ``status``: of the supervisor, None where it doesn't answer. ``certificates``: serial numbers of those
        that can be read.
        """
        known, now = self._known, self._world.clock.now()
        found = list(self._of_certificates(certificates, now))
        if status is not None:
            found += self._of_service(status)
            for ran in status.processes:
                found += self._of_process(ran, status)
        kept = [each for each in (*known.changes, *found) if now - each.at <= CHANGES_KEPT_S]
        kept.sort(key=lambda each: each.at)
        known.changes = kept[-CHANGES_MOST:]
        self._write()
        return list(known.changes)

    def _of_service(self, status: Status) -> Iterable[Change]:
        known = self._known
        if known.version and status.version != known.version:
            yield Change(status.since, "release", "", status.version)
        elif known.service and status.since > known.service + 1:
            yield Change(status.since, "service")
        if known.configuration and status.configuration != known.configuration:
            yield Change(max(status.since, status.configured_at), "configuration")
        known.version, known.configuration = status.version, status.configuration
        known.service = status.since

    def _of_process(self, ran: Ran, status: Status) -> Iterable[Change]:
        """A start with the service is the service's; one after an end nobody asked for is that end's."""
        known, component, ended = self._known, f"process/{ran.process}", ran.ended
        if ended is not None and ended.at > known.ended.get(ran.process, 0.0) + 1:
            yield Change(ended.at, "ended", component, ended.text)
            known.ended[ran.process] = ended.at
        before = known.since.get(ran.process)
        if ran.since != before:
            known.since[ran.process] = ran.since
            with_service = ran.since - status.since <= START_TOGETHER_S
            if before is not None and not with_service and not _followed(ended, ran):
                yield Change(ran.since, "start", component)

    def _of_certificates(self, certificates: Mapping[ComponentId, str], now: float) -> Iterable[Change]:
        known = self._known.certificates
        for component, serial in certificates.items():
            if known.get(component, serial) != serial:
                yield Change(now, "certificate", component, serial)
            known[component] = serial

    def _read(self) -> Known:
        with contextlib.suppress(OSError, msgspec.DecodeError):
            return msgspec.json.decode(self._world.disk.read(self._path), type=Known)
        return Known()

    def _write(self) -> None:
        data = msgspec.json.encode(self._known)
        if data != self._written:
            with contextlib.suppress(OSError):  # a full disk: what is known in memory goes on
                self._world.disk.write_atomic(self._path, data)
                self._written = data


def _followed(ended: Ended | None, ran: Ran) -> bool:
    return ended is not None and 0 <= ran.since - ended.at <= START_TOGETHER_S


def before(
    changes: Iterable[Change], component: ComponentId, needs: Iterable[ComponentId], since: float
) -> Change | None:
    """CHANGE-2: the one to be told with a cause that was first seen at ``since``; ``needs``: all it needs."""
    near = {component, *needs}
    found = [
        each
        for each in changes
        if 0 <= since - each.at <= CHANGE_BEFORE_S and (each.component in near or each.what in _WHOLE)
    ]
    return min(found, key=lambda each: (_ORDER.index(each.what), -each.at), default=None)
