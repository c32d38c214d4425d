"""One connection of the simulated network: two ends, bytes under way in both directions."""

from __future__ import annotations

import asyncio
import errno
import os
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from holdfast.sim.loop import Life, context_of
from holdfast.world.connection import Connection, Peer

if TYPE_CHECKING:
    from holdfast.sim.net import SimNetwork

WINDOW_BYTES = 64 * 1024  # what the kernels at both ends take without the reader's doing anything

_FIN = b""
_RESET = None


class Pipe:
    """`ends[0]` is the one that connected."""

    def __init__(
        self,
        network: SimNetwork,
        machines: tuple[str, str],
        lives: tuple[Life, Life],
        names: tuple[Peer, Peer],
    ) -> None:
        self.network = network
        self.machines = frozenset(machines)
        self.ends = (
            End(self, machines[0], lives[0], names[0], names[1]),
            End(self, machines[1], lives[1], names[1], names[0]),
        )
        self.ends[0].other, self.ends[1].other = self.ends[1], self.ends[0]

    @property
    def over(self) -> bool:
        return all(end.gone for end in self.ends)

    @property
    def is_cut(self) -> bool:
        return self.network.is_cut(self.machines)

    def flow(self) -> None:
        for end in self.ends:
            end.deliver_soon()

    def reset(self) -> None:
        for end in self.ends:
            end.lose(_reset_error())

    def forget(self, machine: str) -> None:
        """That machine knows nothing of the connection any more, and says nothing."""
        for end in self.ends:
            if end.machine == machine:
                end.vanish()

    def process_ended(self, life: Life) -> None:
        for end in self.ends:
            if end.life is life and not end.gone:
                unread = bool(end.arrived)
                end.vanish()
                end.other.arrive_soon(_RESET if unread else _FIN)


class End(asyncio.Transport):
    """What a `Connection` sees as its transport."""

    other: End
    protocol: Connection

    def __init__(self, pipe: Pipe, machine: str, life: Life, name: Peer, peer: Peer) -> None:
        super().__init__({"sockname": name, "peername": peer})
        self.machine = machine
        self.life = life
        self.gone = False  # this end has no socket any more
        self.arrived: deque[bytes] = deque()  # in this end's kernel, unread
        self._arrived_bytes = 0
        self._under_way: deque[tuple[float, bytes | None]] = deque()  # to this end
        self._pipe = pipe
        self._context = context_of(life)
        self._loop = pipe.network.loop
        self._unsent = 0  # bytes of ours the other end's window has not taken
        self._high, self._low = WINDOW_BYTES, WINDOW_BYTES // 4
        self._paused_writing = False
        self._reading = True
        self._closing = False
        self._eof_sent = False
        self._eof_seen = False
        self._last_arrival = 0.0

    # -- asyncio.Transport ------------------------------------------------------------------

    def write(self, data: Any) -> None:
        if self.gone or self._eof_sent or not data:
            return
        data = bytes(data)
        self._unsent += len(data)
        split = len(data) > 1 and self._pipe.network.random.random() < self._pipe.network.split
        cut = self._pipe.network.random.randrange(1, len(data)) if split else len(data)
        self.other.arrive_soon(data[:cut])
        if cut < len(data):
            self.other.arrive_soon(data[cut:])
        if self._unsent > self._high and not self._paused_writing:
            self._paused_writing = True
            self.protocol.pause_writing()

    def writelines(self, list_of_data: Iterable[Any]) -> None:
        self.write(b"".join(list_of_data))

    def write_eof(self) -> None:
        if not self._eof_sent and not self.gone:
            self._eof_sent = True
            self.other.arrive_soon(_FIN)

    def can_write_eof(self) -> bool:
        return True

    def get_write_buffer_size(self) -> int:
        return self._unsent

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._high = WINDOW_BYTES if high is None else high
        self._low = self._high // 4 if low is None else low

    def pause_reading(self) -> None:
        self._reading = False

    def resume_reading(self) -> None:
        self._reading = True
        self.soon(self._read)

    def is_closing(self) -> bool:
        return self._closing or self.gone

    def close(self) -> None:
        """What was written is still delivered; then the other end sees the end of it."""
        if self._closing or self.gone:
            return
        self._closing = True
        self.write_eof()
        if self._unsent == 0:
            self.soon(self.lose, None)

    def abort(self) -> None:
        if not self.gone:
            self._closing = True
            self.other.arrive_soon(_RESET)
            self.lose(None)

    # -- inside -------------------------------------------------------------------------------

    def soon(self, callback: Callable[..., Any], *args: Any) -> None:
        self._loop.call_soon(callback, *args, context=self._context)

    def arrive_soon(self, data: bytes | None) -> None:
        """Sent by the other end; order is kept."""
        when = max(self._loop.time() + self._pipe.network.delay(), self._last_arrival)
        self._last_arrival = when
        self._under_way.append((when, data))
        self._loop.call_at(when, self.deliver, context=context_of(None))

    def deliver_soon(self) -> None:
        self._loop.call_soon(self.deliver, context=context_of(None))

    def deliver(self) -> None:
        """From the line into this end's kernel, as far as the window is open."""
        now = self._loop.time()
        while self._under_way and self._under_way[0][0] <= now and not self._pipe.is_cut:
            data = self._under_way[0][1]
            if self.gone:
                self._refuse()
                return
            if data is _RESET or (self._arrived_bytes >= WINDOW_BYTES and self._reset_is_due(now)):
                self.lose(_reset_error())
                return
            if self._arrived_bytes >= WINDOW_BYTES and data:
                break
            self._under_way.popleft()
            self.arrived.append(data)
            self._arrived_bytes += len(data)
            self.other.taken(len(data))
        if self.arrived:
            self.soon(self._read)

    def _reset_is_due(self, now: float) -> bool:
        return any(data is _RESET and when <= now for when, data in self._under_way)

    def taken(self, count: int) -> None:
        """The other end's kernel has `count` bytes of ours."""
        self._unsent -= count
        if self.gone:
            return
        if self._paused_writing and self._unsent <= self._low:
            self._paused_writing = False
            self.soon(self.protocol.resume_writing)
        if self._closing and self._unsent == 0:
            self.soon(self.lose, None)

    def lose(self, error: Exception | None) -> None:
        if self.gone:
            return
        self.gone = True
        self._unsent = 0
        self.arrived.clear()
        self.soon(self._tell, error)

    def vanish(self) -> None:
        """No goodbye in either direction: the machine has lost its power, or the process its life."""
        self.gone = True
        self.arrived.clear()

    def _tell(self, error: Exception | None) -> None:
        self.protocol.connection_lost(error)

    def _refuse(self) -> None:
        """Bytes for a socket that is no more: a reset, if there is a kernel to send one."""
        carried = any(data for _, data in self._under_way)
        self._under_way.clear()
        host = self._pipe.network.hosts[self.machine]
        if carried and host.up and not self.other.gone:
            self.other.arrive_soon(_RESET)

    def _read(self) -> None:
        full = self._arrived_bytes >= WINDOW_BYTES
        while self.arrived and self._reading and not self.gone:
            data = self.arrived.popleft()
            if data:
                self._arrived_bytes -= len(data)
                if not self._closing:
                    self.protocol.data_received(data)
            elif not self._eof_seen:
                self._eof_seen = True
                if not self.protocol.eof_received():
                    self.close()
        if full and self._arrived_bytes < WINDOW_BYTES:
            self.deliver_soon()


def _reset_error() -> ConnectionResetError:
    return ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
