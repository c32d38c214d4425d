"""The dependency map of a configuration: from the roles that run, what they register that they reach, and
where things lie (MAP-1). What it makes of them is pure: no file is read and nothing is asked."""

from __future__ import annotations

import importlib
import os.path
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

import msgspec

import holdfast
from holdfast.model.canary_pass import KEY
from holdfast.model.edges import REACHES, Reach, matches
from holdfast.model.errors import ComponentId, Refused
from holdfast.model.ledgers import INCIDENTS, PEOPLE, ledger_number
from holdfast.run import layout, ports, session_trials, trials, vantages
from holdfast.run.child import process_name
from holdfast.run.config import Config
from holdfast.run.roles import plan
from holdfast.run.sections import Secret
from holdfast.run.trials import kind_of as kind
from holdfast.watch.depends import Component, DependencyMap, Edge, Reaching

# How often a kind is at fault beside others. Partners are many machines that aren't ours.
ODDS = {"partner": 3.0, "source": 3.0, "machine": 0.1, "network": 0.3, "socket": 0.3, "metrics": 0.3}
ODDS |= {"transit": 3.0, "vantage": 3.0}
SOCKETS = ("people", "store", "auth", "relay", "watch")  # the roles that answer others

# Partners that are there only if the configuration names them, or while it doesn't.
_IF: dict[ComponentId, Callable[[Config], object]] = {
    "partner/sms": lambda config: config.gateways.sms_url,
    "partner/smarthost": lambda config: config.gateways.mail and config.gateways.mail_smarthost,
    "partner/contracts": lambda config: config.signup.contract_url,
    "partner/acme": lambda config: config.acme.directory,
    "partner/relay": lambda config: config.relay.smarthost,
    "partner/traces": lambda config: config.traces.endpoint,
    "partner/alarms": lambda config: config.notices.alarms,
    "elsewhere": lambda config: not config.relay.smarthost,
    "journal": lambda config: config.service.journal,
    "metrics": lambda config: config.metrics.enabled,
}


def dependency_map(
    config: Config,
    *,
    cells: Sequence[int] = (),
    canaries: tuple[int, int] | None = None,
    sessions: bool = False,
    domains: Sequence[str] = (),
    device: Callable[[str], object] = lambda folder: None,
) -> DependencyMap:
    """``cells``: those with an account that doors are tried with. ``canaries``: the cells of the canaries'
    two accounts. ``sessions``: real traffic is watched, too. ``domains``: that have certificates of their
    own.
    ``device``: of a folder, None where that can't be said; then a folder below another is on its disk."""
    load()
    made = _Made(config, domains, device)
    ids, reaches, breaks = made.components, list(made.reaches()), list(made.breaks())
    tried = trials.of(config, frozenset(ids), cells, canaries)
    tried += vantages.trials(config, tried, frozenset(ids))
    if sessions:
        tried += session_trials.of(config, frozenset(ids), reaches, breaks)
    return DependencyMap(
        (Component(id, kind(id), ODDS.get(kind(id), 1.0)) for id in ids),
        made.needs(),
        breaks,
        tried,
        reaches,
    )


def components(config: Config) -> frozenset[ComponentId]:
    """All that there are, but for what domains have of their own."""
    load()
    return frozenset(_Made(config, (), lambda folder: None).components)


@cache
def load() -> None:
    """Every package's ``edges.py``, and no more."""
    for module in pkgutil.walk_packages(holdfast.__path__, "holdfast."):
        if module.name.endswith(".edges"):
            importlib.import_module(module.name)


class _Made:
    """``components``: in an order that stays, without a second."""

    def __init__(self, config: Config, domains: Sequence[str], device: Callable[[str], object]) -> None:
        self._config = config
        self._domains = domains
        self._device = device
        self._processes = [(role, process_name(role, worker)) for role, worker, _ in plan(config)]
        self._disks = disks(config)
        self._places = places(config, domains)
        self.components = list(dict.fromkeys(self._components()))

    # what there is

    def _components(self) -> Iterator[ComponentId]:
        config = self._config
        yield from ("machine", "network", "supervisor", "socket/control")
        yield from self._disks
        roles = {role for role, _ in self._processes}
        yield from (f"process/{name}" for _, name in self._processes)
        yield from (f"socket/{role}" for role in SOCKETS if role in roles)
        for role, doors in ports.DOORS.items():
            if role in roles:
                yield from (f"door/{door}" for door in doors if getattr(config.listen, door))
        yield from (f"cell-{cell:02d}/index" for cell in range(config.service.cells))
        yield f"certificate/{config.service.hostname}"
        yield f"name/{config.service.hostname}"
        yield from (f"certificate/domain/{name}" for name in self._domains)
        yield from vantages.components(config)
        yield from (f"secret/{where}" for where, _ in secrets(config))
        yield from (f"partner/hook/{name}" for name in sorted(config.hooks))
        yield from (f"partner/publish/{name}" for name in sorted(config.publish))
        yield from (f"partner/channel/{name}" for name in sorted(config.channels))
        for name, each in sorted(config.directories.items()):
            yield f"source/{each.kind}:{name}"
            if each.kind != "oidc":
                yield f"sources/{name}"
        for _, name in self._processes:
            yield from (id for each in REACHES if (id := _own(each, name)) and self._is_there(id))

    def _is_there(self, component: ComponentId) -> bool:
        if kind(component) == "secret":  # of those, the configuration has the list
            return False
        wanted = _IF.get(component) or _IF.get(kind(component))
        return wanted is None or bool(wanted(self._config))

    # what needs what

    def needs(self) -> Iterator[Edge]:
        there = frozenset(self.components)
        yield Edge("supervisor", "machine", "runs on")
        yield Edge("socket/control", "supervisor", "is answered by")
        for role, name in self._processes:
            yield Edge(f"process/{name}", "supervisor", "is kept by")
            if role in SOCKETS:
                yield Edge(f"socket/{role}", f"process/{name}", "is answered by")
            if (metrics := f"metrics/{name}") in there:
                yield Edge(metrics, f"process/{name}", "is answered by")
        for name in self._disks:
            below = self._below(name)
            yield Edge(name, below, "is part of" if below != "machine" else "hangs on")
        for id in self.components:
            if kind(id) == "door":
                yield Edge(id, "supervisor", "is held by")
            elif kind(id) in ("dns", "elsewhere", "partner", "source"):
                yield Edge(id, "network", "is reached over")
            elif kind(id) not in ("socket", "metrics", "disk") and id in self._places.values():
                yield Edge(id, self._disk_of(id), "lies on")
        yield Edge("network", "machine", "hangs on")
        yield from vantages.needs(self._config)

    def reaches(self) -> Iterator[Reaching]:
        """Each once: as what costs most, where it is registered by several patterns."""
        found: dict[tuple[ComponentId, ComponentId], Reach] = {}
        for reach, source, target in self._reached():
            known = found.get((source, target))
            if known is None or (known.without and not reach.without):
                found[source, target] = reach
        for (source, target), reach in found.items():
            yield Reaching(source, target, reach.carries, reach.without)

    def _reached(self) -> Iterator[tuple[Reach, ComponentId, ComponentId]]:
        for role, name in self._processes:
            for reach in REACHES:
                if role in reach.roles or "*" in reach.roles:
                    for target in self.components:
                        if matches(reach.component, target, name):
                            yield reach, f"process/{name}", target

    def breaks(self) -> Iterator[Edge]:
        """What grows fills its disk; what renews lets end; what seals lets nothing be opened; and what a
        process doesn't begin without, or the disk that it lies on, keeps it from running: one that runs goes
        on, so it is a fault that follows."""
        there = frozenset(self.components)
        certificate = f"certificate/{self._config.service.hostname}"
        found = [
            *(Edge(each, self._disk_of(each), "grows and fills it") for each in GROWING if each in there),
            *(Edge(each, "ledger/queue", "mail waits and piles up") for each in ("dns", *_ONWARD)),
        ]
        if "partner/acme" in there:
            renewing = ("partner/acme", "acme/account", "dns", "door/setup_http", "process/setup-0")
            found += [Edge(each, certificate, "it isn't renewed and ends") for each in renewing]
        sealed = ("proofs/password", "proofs/signup", "signup/requests")
        found += [Edge("key/pages", each, "what it sealed can't be opened") for each in sealed]
        yield from (edge for edge in found if edge.source in there and edge.target in there)
        placed = set(self._places.values())
        begins = [(target, process) for reach, process, target in self._reached() if reach.to_run]
        begins += [(self._disk_of(target), process) for target, process in begins if target in placed]
        for source, process in dict.fromkeys(begins):
            yield Edge(source, process, "it doesn't begin")

    # where things lie

    def _disk_of(self, component: ComponentId) -> ComponentId:
        path = next(path for path, id in self._places.items() if id == component)
        return _deepest(self._disks, path) or "machine"

    def _below(self, disk: ComponentId) -> ComponentId:
        """What a disk is only a folder of, or hangs on."""
        folder, data = self._disks[disk], self._disks["disk/data"]
        if disk == "disk/data":
            return "machine"
        one, other = self._device(folder), self._device(data)
        same = one == other if one is not None and other is not None else _is_in(folder, data)
        return "disk/data" if same else "machine"


GROWING = ("journal", "uploads", "ledger/queue")
_ONWARD = ("elsewhere", "partner/relay", "process/relay-0")


def _own(reach: Reach, process: str) -> ComponentId:
    """What the process has of its own there, or all share; '' where the pattern is of what others have."""
    role, _, worker = process.rpartition("-")
    if role not in reach.roles and "*" not in reach.roles:
        return ""
    fields = {"process": process, "role": role, "worker": worker}
    try:
        return reach.component.format_map(fields)
    except KeyError:
        return ""


def disks(config: Config) -> dict[ComponentId, str]:
    """Folders that may be disks of their own, under the names that metrics have for them."""
    found = {"disk/data": config.data}
    found |= {f"disk/volume-{name}": config.volume_folder(name) for name in sorted(config.volumes)}
    return found | {f"disk/copy-{name}": copy.folder for name, copy in sorted(config.copies.items())}


def secrets(struct: msgspec.Struct | dict[str, Any], where: str = "") -> Iterator[tuple[str, str]]:
    """(key, path) of each file with a secret that the configuration names: ``gateways.sms_secret``."""
    fields = struct if isinstance(struct, dict) else msgspec.structs.asdict(struct)
    for name, value in fields.items():
        if isinstance(value, Secret) and value:
            yield where + name, value.removeprefix("file:")
        elif isinstance(value, msgspec.Struct | dict):
            yield from secrets(value, f"{where}{name}.")


def places(config: Config, domains: Sequence[str] = ()) -> dict[str, ComponentId]:
    """Path → what lies there, of all that lies on this machine, be it there by now or not."""
    found = {folder: disk for disk, folder in disks(config).items()}
    found |= {layout.socket_path(config, role): f"socket/{role}" for role in SOCKETS}
    found |= {config.control_socket: "socket/control"}
    volume = layout.main_volume(config)
    for cell in range(config.service.cells):
        found[layout.index_files(config, volume, cell)[0]] = f"cell-{cell:02d}/index"
    for path in (config.certificate, config.key):
        found[path] = f"certificate/{config.service.hostname}"
    for domain in domains:
        found |= dict.fromkeys(layout.domain_certificate(config, domain), f"certificate/domain/{domain}")
    found |= {path: f"secret/{where}" for where, path in secrets(config)}
    for role, worker, _ in plan(config):
        found |= _places_of(config, role, process_name(role, worker))
    for name in (PEOPLE, "mail", "queue"):
        folder = layout.people_folder(config) if name == PEOPLE else config.volume_folder(volume)
        found[os.path.join(folder, name)] = f"ledger/{name}"
    found[layout.copy_path(config, "people-writer")] = "copy/people-writer"
    found |= {layout.key_path(config, name): f"key/{name}" for name in ("pages", "factors", "vapid", KEY)}
    for name, each in config.directories.items():
        if each.kind != "oidc":
            found[os.path.join(layout.sources_folder(config), name)] = f"sources/{name}"
    admin = layout.admin_folder(config)
    found[os.path.join(admin, "kept.sqlite")] = "admin/kept"
    found[os.path.join(admin, "hooks")] = "admin/hooks"
    found[layout.acme_folder(config)] = "acme/account"
    found[layout.tokens_path(config)] = "sessions/tokens"
    found[layout.uploads_folder(config)] = "uploads"
    found[layout.signup_path(config)] = "signup/requests"
    found[layout.customers_path(config)] = "customers"
    found[layout.reports_path(config)] = "reports"
    found[layout.notices_path(config)] = "notices"
    found[os.path.join(layout.watch_folder(config), INCIDENTS)] = "ledger/incidents"
    if config.service.journal:
        found[config.service.journal] = "journal"
    return found


def _places_of(config: Config, role: str, process: str) -> dict[str, ComponentId]:
    folder = config.volume_folder(layout.main_volume(config))
    worker = process.rpartition("-")[2]
    found = {
        layout.copy_path(config, process): f"copy/{process}",
        layout.copy_path(config, f"{process}-audit"): f"copy/{process}-audit",
        layout.history_path(config, process): f"history/{process}",
        layout.metrics_path(config, process): f"metrics/{process}",
        os.path.join(layout.sessions_folder(config), f"{process}.ended"): f"sessions/{process}",
        layout.proofs_path(config, role): f"proofs/{role}",
    }
    for ledger in (process, f"{role}-asked-{worker}"):
        try:
            ledger_number(ledger)
        except Refused:
            continue
        found[os.path.join(folder, ledger)] = f"ledger/{ledger}"
    return found


def component_at(config: Config, path: str, domains: Sequence[str] = ()) -> ComponentId:
    """What lies there, or around it: the nearest; '' for nothing of ours. Files that are kept beside another
    (``-wal``, ``.sent``) are that one's."""
    known = places(config, domains)
    around = [each for each in known if path == each or (path.startswith(each) and path[len(each)] in "/.-")]
    return known[max(around, key=len)] if around else ""


def _deepest(folders: dict[ComponentId, str], path: str) -> ComponentId:
    inside = {name: folder for name, folder in folders.items() if _is_in(path, folder)}
    return max(inside, key=lambda name: len(inside[name]), default="")


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(os.path.join(folder, ""))
