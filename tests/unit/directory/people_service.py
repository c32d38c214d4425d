"""A people process and processes that follow it, on one simulated machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from holdfast.directory import People, PeopleClient, PeopleWriter
from holdfast.model.address import parse_address
from holdfast.model.errors import Refused, Unavailable
from holdfast.model.people import Local
from holdfast.sim.world import SimWorld

VOLUME = "/volumes/v1"
SOCKET = "/run/people.sock"
CHEAP = "$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$" + "A" * 43
PACK = f"{VOLUME}/people/00000001.pack"


async def serve(world: SimWorld, **settings: Any) -> PeopleWriter:
    world.disk.make_folder("/run")
    writer = await PeopleWriter.open(world, VOLUME, "/copies/people.db", **settings)
    await writer.serve(SOCKET)
    return writer


async def open_people(world: SimWorld, name: str = "mx", writer: str = SOCKET) -> People:
    return await People.open(world, f"/copies/{name}.db", VOLUME, writer=writer)


async def follow(world: SimWorld, name: str = "mx") -> People:
    people = await open_people(world, name)
    world.start(people.follow())
    return people


def client(world: SimWorld) -> PeopleClient:
    return PeopleClient(world, SOCKET)


async def seconds_until(world: SimWorld, true: Callable[[], bool], at_most: float = 30.0) -> float:
    """How long it took, in virtual time."""
    started = world.clock.monotonic()
    while not true():
        waited = world.clock.monotonic() - started
        assert waited < at_most, "it never happened"
        await world.clock.sleep(0.001)
    return world.clock.monotonic() - started


def answer(people: People, address: str) -> object:
    """``Local``, or the reason of the refusal, or the component that is unavailable."""
    try:
        route = people.route(parse_address(address))
    except Refused as error:
        return error.reason
    except Unavailable as error:
        return error.component
    return Local if isinstance(route, Local) else route
