"""The doctor's checks. Each has an id, and says what is wrong, why it matters and how to repair it."""

from __future__ import annotations

import os
import resource
import shutil
import ssl
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from holdfast.model.errors import Refused, Unavailable
from holdfast.model.limits import CERTIFICATE_WARN_DAYS, DISK_FREE_BYTES, DISK_FREE_LEAST_BYTES, MIB
from holdfast.run import control, layout, reading, renewing, system
from holdfast.run.config import Config
from holdfast.run.renewing import Standing
from holdfast.world import World, real_world

DESCRIPTORS = 10_000


class Trouble(NamedTuple):
    id: str
    severity: Literal["warning", "error"]
    what: str
    why: str
    repair: str


Check = Callable[[World, Config], Iterator[Trouble]]


def examine(given: str | None) -> list[Trouble]:
    """All troubles, the worst first. Without a configuration that can be read there is only that one."""
    try:
        config = reading.load(reading.find(given, os.environ), os.environ)
    except Refused as refused:
        why = "nothing can start without it"
        return [
            Trouble("config", "error", refused.text, why, "mend the file; `holdfast config describe` helps")
        ]
    world = real_world()
    found = [trouble for check in CHECKS for trouble in _guarded(check, world, config)]
    return sorted(found, key=lambda trouble: trouble.severity != "error")


def _guarded(check: Check, world: World, config: Config) -> list[Trouble]:
    """A check that fails is a finding, and the others go on."""
    try:
        return list(check(world, config))
    except Exception as error:
        name = check.__name__.removeprefix("check_").replace("_", "-")
        what = f"the check itself failed: {type(error).__name__}: {error}"
        return [
            Trouble(name, "warning", what, "its subject is not known to be well", "see what the error names")
        ]


def check_hostname(world: World, config: Config) -> Iterator[Trouble]:
    name = config.service.hostname
    if name == "localhost" or "." not in name:
        yield Trouble(
            "hostname",
            "warning",
            f"service.hostname is '{name}', no name in DNS",
            "other servers refuse mail from a machine that does not know its name",
            "set [service] hostname to the name that the MX record has",
        )


def check_folders(world: World, config: Config) -> Iterator[Trouble]:
    named = {"data": config.data, **{f"volume {name}": config.volume_folder(name) for name in config.volumes}}
    named |= {f"copy {name}": copy.folder for name, copy in config.copies.items()}
    for name, folder in named.items():
        if not os.path.isdir(folder):
            yield Trouble(
                "folders",
                "error",
                f"{name}: {folder} is not there",
                "the service starts with an empty one in its place, as if there were no mail",
                "mount the disk, or run `holdfast init`",
            )
        elif not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            yield Trouble(
                "folders",
                "error",
                f"{name}: {folder} can't be written by you",
                "what can't be written can't be kept",
                f"chown -R {config.service.user or 'USER'} {folder}, or run as that user",
            )


def check_space(world: World, config: Config) -> Iterator[Trouble]:
    for name in config.volumes:
        folder = config.volume_folder(name)
        if not os.path.isdir(folder):
            continue
        free = shutil.disk_usage(folder).free
        if free < DISK_FREE_BYTES:
            yield Trouble(
                "space",
                "error" if free < DISK_FREE_LEAST_BYTES else "warning",
                f"volume {name}: {free // MIB} MiB free",
                "when it is full, mail is refused with a temporary error until there is room",
                "make room, or name a volume on another disk",
            )


def check_certificate(world: World, config: Config) -> Iterator[Trouble]:
    why = "without it no client can sign in over TLS"
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(config.certificate, config.key)
    except (OSError, ssl.SSLError) as error:
        what = f"{config.certificate} with {config.key}: {error}"
        yield Trouble("certificate", "error", what, why, "`holdfast init` makes a self-signed one")
        return
    for each in renewing.standing(config, world):
        yield from _certificate_troubles(each, world.clock.now(), config)
    if os.stat(config.key).st_mode & 0o077:
        yield Trouble(
            "key-mode",
            "error",
            f"{config.key} can be read by others",
            "whoever has it can pretend to be this server",
            f"chmod 600 {config.key}",
        )


def _certificate_troubles(each: Standing, now: float, config: Config) -> Iterator[Trouble]:
    """30 and 14 days before its end a warning, 7 days before an error (of one that lives for 90)."""
    facts, renewed = each.facts, bool(config.acme.directory)
    if facts is not None and each.soon:
        days = round((facts.ends_at - now) / 86_400, 1)
        left = f"valid for {days:g} more days" if days > 0 else "has ended"
        yield Trouble(
            "certificate",
            "error" if each.soon == min(CERTIFICATE_WARN_DAYS) else "warning",
            f"{each.target.id}: {left}",
            "mail programs warn their users or refuse, and other servers may keep their mail",
            f"`holdfast certificate renew {each.target.id}` says why it isn't renewed"
            if renewed
            else "put a new one in its place, or let [acme] get it; processes take it up by themselves",
        )
    if each.state.error:
        yield Trouble(
            "certificate-renewal",
            "warning",
            f"{each.target.id}: {each.state.failures} tries in vain; the last: {each.state.error}",
            "the certificate there is goes on until its end",
            "mend what the authority names; it is tried again by itself",
        )
    if facts is not None and facts.self_signed and each.target.names and config.dns.mta_sts == "enforce":
        yield Trouble(
            "mta-sts",
            "error",
            "[dns] mta_sts is enforce, and the certificate is self-signed",
            "servers that keep to the policy hold back their mail for us",
            "set it to testing until there is a certificate of an authority",
        )
    if facts is not None and facts.self_signed and each.target.names:
        yield Trouble(
            "certificate",
            "warning",
            f"{each.target.id}: self-signed",
            "mail programs warn their users, or refuse",
            "it is replaced as soon as the authority gives one"
            if renewed
            else f"[acme] gets one, or put one at {each.target.certificate}; it is taken up by itself",
        )


def check_user(world: World, config: Config) -> Iterator[Trouble]:
    if os.geteuid() != 0:
        return
    if not config.service.user or config.service.user == "root":
        yield Trouble(
            "user",
            "warning",
            "the service would run as root",
            "a fault in it would be one of the whole machine",
            "set [service] user, and give the data folder to that user",
        )
        return
    try:
        system.find_user(config.service.user)
    except Refused as refused:
        yield Trouble("user", "error", refused.text, "the service can't start", "make the user")


def check_descriptors(world: World, config: Config) -> Iterator[Trouble]:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < DESCRIPTORS:
        yield Trouble(
            "descriptors",
            "warning",
            f"{hard} open files at most",
            "each connection is one; the next client after that waits",
            "LimitNOFILE= in the unit, or /etc/security/limits.conf",
        )


def check_service(world: World, config: Config) -> Iterator[Trouble]:
    try:
        status = control.ask(config.control_socket, {"do": "status"})
    except Unavailable as unavailable:
        why = "mail is not received, clients find nobody"
        yield Trouble(
            "service", "error", str(unavailable), why, "holdfast serve, or systemctl start holdfast"
        )
        return
    for process in status["processes"]:
        if not process["ready"]:
            yield Trouble(
                "process",
                "error",
                f"{process['process']} is not ready (started again {process['restarts']} times)",
                "what it does is not done",
                "its events child_failed and child_died in the journal say why",
            )


def check_copies(world: World, config: Config) -> Iterator[Trouble]:
    for name, copy in config.copies.items():
        volume = config.volume_folder(copy.volume)
        if not (os.path.isdir(volume) and os.path.isdir(copy.folder)):
            continue
        if os.stat(volume).st_dev == os.stat(copy.folder).st_dev:
            yield Trouble(
                "copies",
                "warning",
                f"copy {name} is on the same disk as its volume",
                "it is lost together with it",
                "put it on another disk",
            )


def check_indexes(world: World, config: Config) -> Iterator[Trouble]:
    for volume in config.volumes:
        if not os.path.isdir(os.path.join(config.volume_folder(volume), "mail")):
            continue
        missing = [
            str(cell)
            for cell in range(config.service.cells)
            if not os.path.exists(layout.index_files(config, volume, cell)[0])
        ]
        if missing:
            yield Trouble(
                "indexes",
                "warning",
                f"volume {volume}: no index of cells {', '.join(missing[:10])}{'…' if missing[10:] else ''}",
                "their accounts wait until it is made; it is made by itself while the service runs",
                "start the service and look again",
            )


def check_status_page(world: World, config: Config) -> Iterator[Trouble]:
    from holdfast.care.status.push import read_pushed

    if not config.workers.care:
        return
    for name, each in read_pushed(world, layout.pushed_path(config)).items():
        if each.reason:
            yield Trouble(
                "status-page",
                "warning",
                f"place {name}: the status page can't be taken to {each.to}: {each.reason}",
                "whoever reads it there sees an older page",
                "mend that place, or [publish] in the configuration; it is tried again every minute",
            )


CHECKS: tuple[Check, ...] = (
    check_hostname,
    check_folders,
    check_space,
    check_certificate,
    check_user,
    check_descriptors,
    check_copies,
    check_service,
    check_indexes,
    check_status_page,
)
