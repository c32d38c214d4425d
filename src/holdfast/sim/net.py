"""A network in memory: latency, splitting, cut links, half-open links, refused and silent connects."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

from holdfast.model.limits import CONNECT_S
from holdfast.sim.loop import Life, VirtualLoop, context_of
from holdfast.sim.pipe import Pipe
from holdfast.sim.seed import Random
from holdfast.world.connection import Connection, Hub, Peer
from holdfast.world.journal import Journal
from holdfast.world.net import accepting, connecting
from holdfast.world.session import Session
from holdfast.world.tls import TlsContext, TlsLayer

S = TypeVar("S", bound=Session)

LOCAL = ("127.0.0.1", "::1", "localhost")
ANY = ("0.0.0.0", "::")
FIRST_FREE_PORT = 40_000

Place = tuple[str, str, int]
"""(machine, or '' for an address seen by all; host or path; port)"""


class Fate(NamedTuple):
    """What a connect meets: 'refuse' (an error at once) or 'silence' (none, ever)."""

    kind: str


class SimListener:
    def __init__(
        self,
        life: Life,
        accept: Callable[[], Connection],
        addresses: Sequence[Peer],
        open: dict[Connection, None],
    ) -> None:
        self.life = life
        self.accept = accept
        self.addresses = addresses
        self.open = open
        self.closed = False

    @property
    def connections(self) -> Iterable[Connection]:
        return list(self.open)

    def close(self) -> None:
        self.closed = True


class SimNetwork:
    """All machines and the lines between them; faults are methods of it."""

    def __init__(self, loop: VirtualLoop, random: Random) -> None:
        self.loop = loop
        self.random = random
        self.hosts: dict[str, Host] = {}
        self.listeners: dict[Place, SimListener] = {}
        self.latency_s = (0.0001, 0.001)
        self.split = 0.1  # share of deliveries that arrive in two pieces
        self._fates: dict[Peer, Fate] = {}
        self._cuts: set[frozenset[str]] = set()
        self._pipes: list[Pipe] = []
        self._next_port = FIRST_FREE_PORT

    def host(self, name: str) -> Host:
        host = self.hosts[name] = Host(self, name, f"10.0.0.{len(self.hosts) + 1}")
        return host

    # -- faults -------------------------------------------------------------------------------

    def refuse(self, address: Peer) -> None:
        """Connects to it are refused from now on, until `restore`."""
        self._fates[address] = Fate("refuse")

    def silence(self, address: Peer) -> None:
        """Connects to it are never answered, until `restore`."""
        self._fates[address] = Fate("silence")

    def restore(self, address: Peer) -> None:
        self._fates.pop(address, None)

    def cut(self, one: str, other: str) -> None:
        """No byte passes between two machines; neither is told. What is sent waits for `heal`."""
        self._cuts.add(frozenset((one, other)))

    def heal(self, one: str, other: str) -> None:
        self._cuts.discard(frozenset((one, other)))
        for pipe in self.pipes():
            pipe.flow()

    def reset(self, one: str, other: str | None = None) -> None:
        """Connections of that machine (to that other one) break with an error at both ends."""
        for pipe in self.pipes():
            if one in pipe.machines and (other is None or other in pipe.machines):
                pipe.reset()

    def half_open(self, one: str, other: str | None = None) -> None:
        """Connections of that machine vanish from its side; the other side hears nothing more."""
        for pipe in self.pipes():
            if one in pipe.machines and (other is None or other in pipe.machines):
                pipe.forget(one)

    # -- inside -------------------------------------------------------------------------------

    def is_cut(self, machines: frozenset[str]) -> bool:
        return machines in self._cuts

    def delay(self) -> float:
        return self.random.uniform(*self.latency_s)

    def pipes(self) -> list[Pipe]:
        self._pipes = [pipe for pipe in self._pipes if not pipe.over]
        return list(self._pipes)

    def port(self) -> int:
        self._next_port += 1
        return self._next_port

    def fate(self, address: Peer) -> str:
        fate = self._fates.get(address)
        return fate.kind if fate is not None else ""

    def find(self, host: Host, address: Peer) -> tuple[str, SimListener | None]:
        """('up' | 'down' | 'cut', the listener)."""
        for place in host.places(address):
            listener = self.listeners.get(place)
            if listener is not None and not listener.closed and not listener.life.dead:
                machine = listener.life.name.partition("/")[0]
                return ("cut" if self.is_cut(frozenset((host.name, machine))) else "up"), listener
        owner = next((one for one in self.hosts.values() if address[0] == one.ip), host)
        return ("up" if owner.up else "down"), None

    def join(self, pipe: Pipe) -> None:
        self._pipes.append(pipe)


class Host:
    """A machine as the network sees it."""

    def __init__(self, network: SimNetwork, name: str, ip: str) -> None:
        self.network = network
        self.name = name
        self.ip = ip
        self.up = True

    def places(self, address: Peer) -> list[Place]:
        if isinstance(address, str):
            return [(self.name, address, 0)]
        host, port = address
        if host in LOCAL:
            return [(self.name, "lo", port)]
        if host in ANY:
            return [(self.name, "lo", port), ("", self.ip, port)]
        return [("", host, port)]

    def power_off(self) -> None:
        self.up = False
        for pipe in self.network.pipes():
            if self.name in pipe.machines:
                pipe.forget(self.name)

    def power_on(self) -> None:
        self.up = True

    def process_ended(self, life: Life) -> None:
        """The kernel closes a dead process's sockets: its peers learn of it."""
        for pipe in self.network.pipes():
            pipe.process_ended(life)


class SimNet:
    """The network as one process sees it."""

    def __init__(self, host: Host, life: Life, journal: Journal) -> None:
        self._host = host
        self._life = life
        self._network = host.network
        self.hub = Hub(host.network.loop, journal)

    @property
    def ip(self) -> str:
        """This machine's address."""
        return self._host.ip

    async def listen(
        self,
        factory: Callable[[], Session],
        where: Peer | Sequence[Any],
        tls: TlsContext | None = None,
    ) -> SimListener:
        if not isinstance(where, str) and not isinstance(where[0], str):
            raise TypeError("a simulation has addresses, no sockets")
        address: Any = where
        if isinstance(address, tuple) and address[1] == 0:
            address = (address[0], self._network.port())
        places = self._host.places(address)
        for place in places:
            taken = self._network.listeners.get(place)
            if taken is not None and not taken.closed and not taken.life.dead:
                raise _error(errno.EADDRINUSE, address)

        open: dict[Connection, None] = {}
        listener = SimListener(self._life, accepting(self.hub, factory, tls, open), [address], open)
        for place in places:
            self._network.listeners[place] = listener
        return listener

    async def connect(
        self,
        factory: Callable[[], S],
        address: Peer,
        tls: TlsContext | None = None,
        *,
        server_name: str | None = None,
        timeout_s: float = CONNECT_S,
    ) -> S:
        async def reach(connection: Connection) -> None:
            self._join(connection, await self._reach(address), address)

        name = server_name or (address[0] if isinstance(address, tuple) else None)
        layer = TlsLayer(tls, server_side=False, server_name=name) if tls is not None else None
        return await connecting(self.hub, factory(), layer, reach, timeout_s)

    async def _reach(self, address: Peer) -> SimListener:
        await asyncio.sleep(self._network.delay())  # noqa: TID251  # on the virtual loop
        fate = self._network.fate(address)
        state, listener = self._network.find(self._host, address)
        if fate == "silence" or state != "up":
            await self.hub.loop.create_future()
        if fate == "refuse" or listener is None:
            missing = isinstance(address, str) and fate != "refuse"
            raise _error(errno.ENOENT if missing else errno.ECONNREFUSED, address)
        return listener

    def _join(self, connection: Connection, listener: SimListener, address: Peer) -> None:
        machines = (self._host.name, listener.life.name.partition("/")[0])
        name: Peer = "" if isinstance(address, str) else (self._address(address), self._network.port())
        pipe = Pipe(self._network, machines, (self._life, listener.life), (name, address))
        self._network.join(pipe)
        near, far = pipe.ends
        far.protocol = context_of(listener.life).run(listener.accept)
        near.protocol = connection
        far.soon(far.protocol.connection_made, far)
        near.soon(connection.connection_made, near)

    def _address(self, address: tuple[str, int]) -> str:
        return "127.0.0.1" if address[0] in LOCAL else self._host.ip


def _error(code: int, address: Peer) -> OSError:
    return OSError(code, f"{os.strerror(code)}: {address}")
