"""The role health: what monitoring asks. It needs no other process, and none needs it."""

from __future__ import annotations

import math
import os
import platform
import ssl
from collections.abc import Callable
from functools import cache
from typing import Any

from cryptography import x509

from holdfast.model.errors import Unavailable
from holdfast.run import control, layout, ports, web
from holdfast.run.child import Start
from holdfast.run.config import Config
from holdfast.run.reading import split_address
from holdfast.run.system import version
from holdfast.run.trials import PAGES
from holdfast.watch.clients import Target
from holdfast.watch.collecting import Source, collect, render
from holdfast.watch.counting import Labels, Told
from holdfast.watch.door import HealthDoor
from holdfast.watch.health import Check, Health
from holdfast.watch.words import STATES
from holdfast.world import World
from holdfast.world.tls import client_context

CONTROL_S = 2.0
_LOOPBACK = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}


async def run_health(start: Start) -> None:
    seeing = Seeing(start.world, start.config)
    health = seeing.health()

    async def metrics(accept: str) -> tuple[bytes, str]:
        return await seeing.page(accept, health)

    await web.serve(start, HealthDoor(health, metrics))


# The doors that are tried


def targets(config: Config) -> dict[str, list[Target]]:
    """Each function that is turned on, and its doors, as a client on this machine reaches them."""
    context = _context()
    found: dict[str, list[Target]] = {}
    for function, doors in ports.DOORS.items():
        if function == "health" or not getattr(config.workers, function):
            continue
        for door in doors:
            for listener in getattr(config.listen, door)[:1]:
                found.setdefault(function, []).append(_target(config, function, door, listener, context))
    return found


def here(listener: str) -> tuple[str, int]:
    """A door of ours, as it is reached from this machine."""
    host, port = split_address(listener)
    return _LOOPBACK.get(host, host), port


@cache
def _context() -> ssl.SSLContext:
    """That a certificate has ended is said of itself. Making one takes long."""
    return client_context(verify=False)


def _target(config: Config, function: str, door: str, listener: str, context: ssl.SSLContext) -> Target:
    in_tls = door.endswith("s")
    readable = in_tls or not config.tls.plain_sign_in
    return Target(
        function,
        door,
        here(listener),
        config.service.hostname,
        context,
        in_tls,
        wants_tls=readable and function not in ("mx", *PAGES),
        account=_account(config),
        page=PAGES.get(function, "/"),
    )


def _account(config: Config) -> tuple[str, str] | None:
    """Raises nothing: with a file that can't be read nobody signs in, and doctor says so."""
    if not config.health.account:
        return None
    try:
        return config.health.account, config.health.password.read()
    except OSError:
        return None


# What is seen from outside the processes


class Seeing:
    """``page``: all metrics."""

    def __init__(self, world: World, config: Config) -> None:
        self._world = world
        self._config = config

    def health(self) -> Health:
        """Of every function that is turned on."""
        return Health(self._world, targets(self._config), {"relay": self.relay})

    async def relay(self) -> Check:
        """It has no door of its own: it works if it answers, and is at fault if it is known not to run."""
        name = "relay-0"
        path = layout.metrics_path(self._config, name)
        if (await collect(self._world, [Source(name, path)])).told[name] is not None:
            return Check("", "healthy", ["answer"])
        status = await self._status()
        if status is None:
            return Check("", "unknown", [], "answer", "neither it nor the supervisor answers")
        return Check("", "unhealthy", [], "answer", "it doesn't answer")

    async def page(self, accept: str, health: Health) -> tuple[bytes, str]:
        status = await self._status()
        names = self._names(status)
        sources = [Source(name, layout.metrics_path(self._config, name)) for name in names]
        collected = await collect(self._world, sources)
        seen = [
            *self._processes(status),
            *await self._world.offload(self._machine),
            *await self._functions(health),
            Told(
                "holdfast_process_up",
                [((name,), [float(told is not None)]) for name, told in collected.told.items()],
            ),
        ]
        return render(accept, collected, seen)

    async def _status(self) -> dict[str, Any] | None:
        try:
            path = self._config.control_socket
            return await self._world.offload(control.ask, path, {"do": "status"}, CONTROL_S)
        except Unavailable:
            return None

    def _names(self, status: dict[str, Any] | None) -> list[str]:
        """All processes that are to run; without the supervisor, those that have ever told."""
        if status is not None:
            return [each["process"] for each in status["processes"]]
        disk, folder = self._world.disk, layout.metrics_folder(self._config)
        return sorted(name.removesuffix(".sock") for name in disk.list(folder)) if disk.exists(folder) else []

    def _processes(self, status: dict[str, Any] | None) -> list[Told]:
        found = [
            _one("holdfast_supervisor_up", float(status is not None)),
            Told("holdfast_build_info", [((version(), platform.python_version()), [1.0])]),
        ]
        if status is None:
            return found
        asked: dict[str, Callable[[dict[str, Any]], float]] = {
            "holdfast_process_ready": lambda each: float(each["ready"]),
            "holdfast_process_restarts_total": lambda each: float(each["restarts"]),
            "holdfast_process_start_time_seconds": lambda each: float(each["since"]),
            "holdfast_process_resident_bytes": lambda each: _resident(each["pid"]),
            "holdfast_process_cpu_seconds_total": lambda each: _cpu(each["pid"]),
            "holdfast_process_open_fds": lambda each: float(len(os.listdir(f"/proc/{each['pid']}/fd"))),
        }
        for metric, read in asked.items():
            values: list[tuple[Labels, list[float]]] = []
            for each in status["processes"]:
                try:
                    values.append(((each["process"],), [read(each)]))
                except (OSError, ValueError, IndexError):  # it does not run just now
                    continue
            found.append(Told(metric, values))
        return found

    def _machine(self) -> list[Told]:
        """Disks and certificates; may block."""
        config, disk = self._config, self._world.disk
        places = {"data": config.data} | {
            f"volume-{name}": config.volume_folder(name) for name in config.volumes
        }
        places |= {f"copy-{name}": copy.folder for name, copy in config.copies.items()}
        free: list[tuple[Labels, list[float]]] = []
        for place, folder in places.items():
            try:
                free.append(((place,), [float(disk.free_bytes(folder))]))
            except OSError:
                continue
        left: list[tuple[Labels, list[float]]] = [
            ((path,), [self._left_days(path)]) for path in self._certificates() if disk.exists(path)
        ]
        return [Told("holdfast_disk_free_bytes", free), Told("holdfast_certificate_left_days", left)]

    def _certificates(self) -> list[str]:
        config, disk = self._config, self._world.disk
        folder = os.path.join(config.data, "tls", "domains")
        domains = sorted(disk.list(folder)) if disk.exists(folder) else []
        return [config.certificate, *(layout.domain_certificate(config, each)[0] for each in domains)]

    def _left_days(self, path: str) -> float:
        try:
            ends = x509.load_pem_x509_certificate(self._world.disk.read(path)).not_valid_after_utc
        except (OSError, ValueError):
            return math.nan
        return (ends.timestamp() - self._world.clock.now()) / 86_400

    async def _functions(self, health: Health) -> list[Told]:
        states: list[tuple[Labels, list[float]]] = []
        took: list[tuple[Labels, list[float]]] = []
        for verdict in await health.verdicts():
            states += [((verdict.function, state), [float(state == verdict.state)]) for state in STATES]
            took.append(((verdict.function,), [max((each.seconds for each in verdict.checks), default=0.0)]))
        return [Told("holdfast_function_state", states), Told("holdfast_probe_seconds", took)]


def _one(metric: str, value: float) -> Told:
    return Told(metric, [((), [value])])


def _resident(pid: int) -> float:
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return float(int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE"))


def _cpu(pid: int) -> float:
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
