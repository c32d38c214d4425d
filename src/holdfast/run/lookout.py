"""The process that runs elsewhere: its own file, its doors, its page (docs/operate/vantage.md)."""

from __future__ import annotations

import asyncio
import os.path
import signal
import ssl
import tomllib
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated

import msgspec
from msgspec import Meta, field

from holdfast.model.errors import Reason, Refused
from holdfast.model.limits import VANTAGE_DOORS
from holdfast.run import ports
from holdfast.run.asking_vantages import key_of
from holdfast.run.config import Config
from holdfast.run.reading import as_secret, split_address
from holdfast.run.sections import Secret, Section
from holdfast.run.trials import PAGES
from holdfast.run.vantages import host_of, public
from holdfast.watch.clients import Target
from holdfast.watch.vantage.door import VantageDoor
from holdfast.watch.vantage.lookout import Lookout, Place
from holdfast.watch.vantage.names import Names
from holdfast.world import World
from holdfast.world.dns import RealResolver
from holdfast.world.http import serve_http
from holdfast.world.tls import client_context

_DNS_S = 1.5  # less than a door has
_PORTS = {"https": 443, "http": 80}
_ROLES = {door: role for role, doors in ports.DOORS.items() for door in doors}


class Settings(Section, frozen=True):
    """Its whole file. ``doors``: name, as `[listen]` of the service has it → host:port, or a page's URL."""

    name: Annotated[str, Meta(min_length=1, max_length=40)]
    key: Secret
    doors: dict[str, str]
    listen: str = ":9465"
    resolvers: list[str] = field(default_factory=list)
    recipient: str = ""
    authority: str = ""
    verify: bool = True


def load(path: str) -> Settings:
    """Raises ``Refused`` with all that is wrong."""
    try:
        with open(path, "rb") as file:
            settings = msgspec.convert(tomllib.load(file), Settings, dec_hook=as_secret)
    except (OSError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise Refused(Reason.BAD_SYNTAX, f"{path}: {error}") from None
    if mistakes := [f"{path}: {line}" for line in _mistakes(settings)]:
        raise Refused(Reason.BAD_SYNTAX, "\n".join(mistakes))
    folder = os.path.dirname(os.path.abspath(path))
    key = os.path.join(folder, settings.key.removeprefix("file:"))
    authority = os.path.join(folder, settings.authority) if settings.authority else ""
    return msgspec.structs.replace(settings, key=Secret(f"file:{key}"), authority=authority)


def _mistakes(settings: Settings) -> Iterator[str]:
    if not settings.key.removeprefix("file:"):
        yield "key: needed, as file:/path"
    if not 0 < len(settings.doors) <= VANTAGE_DOORS:
        yield f"doors: from one to {VANTAGE_DOORS}"
    for door, where in settings.doors.items():
        if door not in _ROLES:
            yield f"doors.{door}: no door of the service has that name"
        elif (_ROLES[door] in PAGES) != ("://" in where):
            yield f"doors.{door}: '{where}': a page has a URL, all else host:port"
        elif not any(each.isalpha() for each in host_of(where)):
            yield f"doors.{door}: '{where}': a name, as customers have it: addresses show nothing of the DNS"
    if "mx" in settings.doors and "@" not in settings.recipient:
        yield "recipient: an address of the service, for the door mx: it is asked for, and nothing is sent"
    for place in (settings.listen, *settings.resolvers):
        try:
            split_address(place)
        except Refused as refused:
            yield refused.text


def places(settings: Settings) -> Mapping[str, Place]:
    """Raises ``OSError`` for an authority that can't be read."""
    strict = client_context(authority_path=settings.authority or None, verify=settings.verify)
    lax = client_context(verify=False)
    return {
        f"{_ROLES[door]}/{door}": _place(settings, door, where, lax if door == "mx" else strict)
        for door, where in settings.doors.items()
    }


def _place(settings: Settings, door: str, where: str, tls: ssl.SSLContext) -> Place:
    """Whose certificate a server believes that sends mail is its own affair: at mx its end alone counts."""
    role, host = _ROLES[door], host_of(where)
    if "://" in where:
        parts = urllib.parse.urlsplit(where)
        port, in_tls = parts.port or _PORTS[parts.scheme], parts.scheme == "https"
    else:
        port, in_tls = split_address(where)[1], door.endswith("s")
    is_mail = role == "mx"
    target = Target(
        role,
        door,
        ("", 0),
        host,
        tls,
        in_tls,
        wants_tls=not is_mail and role not in PAGES,
        account=(settings.recipient, "") if is_mail else None,
        page=PAGES.get(role, "/"),
    )
    return Place(target, port, settings.recipient.rpartition("@")[2] if is_mail else "")


async def run(world: World, settings: Settings, ready: Callable[[], object] = lambda: None) -> None:
    """Until it is told to stop, or can't try any more: then it raises why. Raises ``Refused`` for a key or a
    port that can't be had."""
    try:
        key = key_of(settings.key)()
        doors = places(settings)
    except OSError as error:
        raise Refused(Reason.BAD_SYNTAX, f"{error.filename or 'key'}: {error.strerror or error}") from None
    resolver = RealResolver([split_address(each) for each in settings.resolvers], _DNS_S)
    seen = Lookout(world, settings.name, doors, Names(world, resolver))
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    sockets = ports.open_at(settings.listen)
    trying = asyncio.ensure_future(seen.run())
    trying.add_done_callback(lambda task: stop.set())
    try:
        await serve_http(world, VantageDoor(key, seen.page), sockets, stop=stop, ready=ready)
        if trying.done():
            trying.result()
    finally:
        trying.cancel()
        for each in sockets:
            each.close()


def describe(config: Config, name: str, recipient: str) -> str:
    """The file of one, as the configuration has it. Raises ``Refused`` where there is none of that name."""
    place = config.vantages.get(name)
    if place is None:
        known = ", ".join(sorted(config.vantages)) or "none yet"
        raise Refused(Reason.BAD_NAME, f"no [vantages.{name}]; there are: {known}")
    port = urllib.parse.urlsplit(place.url).port or _PORTS[urllib.parse.urlsplit(place.url).scheme]
    lines = [f'name = "{name}"', f'listen = ":{port}"', 'key = "file:/etc/holdfast-vantage/key"']
    lines += ["# resolvers out there, address:port; [] asks the system's", "resolvers = []"]
    lines += ["# asked for at the door mx; nothing is sent", f'recipient = "{recipient}"', "", "[doors]"]
    lines += [
        f'{door} = "{where}"'
        for door, (_, where) in public(config).items()
        if door in (place.doors or (door,))
    ]
    return "\n".join(lines) + "\n"
