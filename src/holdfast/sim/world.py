"""A simulated installation: machines, the processes on them, and one clock for all."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from holdfast.model.events import Event
from holdfast.sim.disk import Platter, SimDisk
from holdfast.sim.loop import LIFE, Life, PowerCut, VirtualLoop, context_of
from holdfast.sim.net import SimNet, SimNetwork
from holdfast.sim.seed import SimEntropy, stream
from holdfast.sim.threads import SimThreads, hang
from holdfast.world.clock import Timer
from holdfast.world.journal import Entry, Subscriber, entry_line
from holdfast.world.world import World

T = TypeVar("T")

EPOCH = 1_800_000_000.0  # 15 January 2027: when every simulation begins


class SimClock:
    """Virtual time. `skew` is what this machine's clock is wrong by; it may be changed at any moment."""

    __slots__ = ("_loop", "skew")

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self.skew = 0.0

    def now(self) -> float:
        return EPOCH + self._loop.time() + self.skew

    def monotonic(self) -> float:
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)  # noqa: TID251  # on the virtual loop

    def call_later(self, seconds: float, fn: Any) -> Timer:
        return self._loop.call_later(seconds, fn)


class SimJournal:
    """Everything that was emitted, in `entries`. Strict where the real one is forgiving."""

    __slots__ = ("_clock", "_subscribers", "entries")

    def __init__(self, clock: SimClock) -> None:
        self._clock = clock
        self._subscribers: list[Subscriber] = []
        self.entries: list[Entry] = []

    def emit(self, event: Event, **keys: object) -> None:
        unknown = set(keys) - set(event.keys)
        if unknown:
            raise ValueError(f"event {event.name} has no key {', '.join(sorted(unknown))}")
        entry = Entry(self._clock.now(), event, keys)
        entry_line(entry)  # must have a form in JSON
        self.entries.append(entry)
        for subscriber in self._subscribers:
            subscriber(entry)

    def at(self, subscriber: Subscriber) -> None:
        self._subscribers.append(subscriber)

    def named(self, name: str) -> list[Entry]:
        return [entry for entry in self.entries if entry.name == name]


class Simulation:
    """One loop, one network, any number of machines, one seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.loop = VirtualLoop()
        self.network = SimNetwork(self.loop, stream(seed, "network"))
        self.machines: dict[str, Machine] = {}
        self._runs: dict[asyncio.Future[Any], Life | None] = {}

    def world(self, name: str = "main") -> SimWorld:
        """A new machine with an empty disk, and its first process."""
        if name in self.machines:
            raise ValueError(f"machine {name} exists; ask it for a process")
        machine = self.machines[name] = Machine(self, name)
        return machine.process("main")

    def run(self, main: Coroutine[Any, Any, T], life: Life | None = None) -> T:
        """Runs the loop until `main` returns, as part of that life or, without one, of none.

        Raises `PowerCut` if the life ends before, `Deadlock` if `main` can never return.
        """
        outcome: asyncio.Future[T] = self.loop.create_future()
        self._runs[outcome] = life
        context = context_of(life)
        task = context.run(self.loop.create_task, main)

        def ended(task: asyncio.Task[T]) -> None:
            if outcome.done():
                return
            if task.cancelled():
                outcome.cancel()
            elif (error := task.exception()) is not None:
                outcome.set_exception(error)
            else:
                outcome.set_result(task.result())

        task.add_done_callback(ended, context=context_of(None))
        try:
            return self.loop.run_until_complete(outcome)
        finally:
            del self._runs[outcome]

    @property
    def unhandled(self) -> list[str]:
        """Exceptions that no one awaited, of callbacks and tasks. A good run has none."""
        return self.loop.unhandled

    def end(self, life: Life) -> None:
        self.loop.end(life)
        for outcome, of in self._runs.items():
            if of is life and not outcome.done():
                outcome.set_exception(PowerCut(f"{life.name} is no more"))

    def close(self) -> None:
        """Ends every process and lets go of threads and scratch folders."""
        for machine in self.machines.values():
            machine.end_all()
            machine.platter.close()
        self.loop.close()


class Machine:
    """A disk, a network address, and processes that come and go."""

    def __init__(self, simulation: Simulation, name: str) -> None:
        self.simulation = simulation
        self.name = name
        self.boots = 1
        self.up = True
        self.platter = Platter(stream(simulation.seed, name, "disk"))
        self.platter.cut_power = self.cut
        self.platter.hang = lambda seconds, what: hang(simulation.loop, seconds, what)
        self.host = simulation.network.host(name)
        self.processes: list[SimWorld] = []

    def process(self, name: str) -> SimWorld:
        """A process on this machine: it shares the disk and dies by itself."""
        if not self.up:
            raise RuntimeError(f"{self.name} has no power")
        world = SimWorld(self, name)
        self.processes.append(world)
        return world

    def cut(self) -> None:
        """Power is gone, for all processes at once."""
        if not self.up:
            return
        self.up = False
        self.host.power_off()
        self.end_all()
        self.platter.survive()

    def end_all(self) -> None:
        processes, self.processes = self.processes, []
        for world in processes:
            self.simulation.end(world.life)
        for world in processes:
            world.threads.close()

    def start(self) -> None:
        if self.up:
            raise RuntimeError(f"{self.name} runs")
        self.up = True
        self.boots += 1
        self.host.power_on()


class SimWorld(World):
    """What a simulated process gets for its `World`, and the strings to pull on it."""

    disk: SimDisk
    journal: SimJournal
    clock: SimClock
    net: SimNet

    def __init__(self, machine: Machine, name: str) -> None:
        simulation = machine.simulation
        self.machine = machine
        self.name = name
        self.life = Life(f"{machine.name}/{name}")
        purpose = (machine.name, name, f"{machine.boots}.{len(machine.processes)}")
        self.clock = SimClock(simulation.loop)
        self.journal = SimJournal(self.clock)
        self.disk = SimDisk(machine.platter, self.life)
        self.entropy = SimEntropy(stream(simulation.seed, *purpose, "entropy"))
        self.threads = SimThreads(
            simulation.loop, self.life, stream(simulation.seed, *purpose, "threads"), machine.platter.may_hang
        )
        self.net = SimNet(machine.host, self.life, self.journal)

    @property
    def simulation(self) -> Simulation:
        return self.machine.simulation

    @property
    def platter(self) -> Platter:
        """The disk from the side of the one who breaks it."""
        return self.machine.platter

    @property
    def network(self) -> SimNetwork:
        return self.machine.simulation.network

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """`main` as this process's main task. What it leaves running stays until the next `run`."""
        return self.simulation.run(main, self.life)

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """A task of this process, from outside it."""
        return context_of(self.life).run(self.simulation.loop.create_task, work)

    def process(self, name: str) -> SimWorld:
        """Another process on the same machine."""
        return self.machine.process(name)

    def kill(self) -> None:
        """Ends this process at once, as SIGKILL: what it wrote is in the page cache, locks are free."""
        if self.life.dead:
            return
        self.machine.processes.remove(self)
        self.simulation.end(self.life)
        self.machine.host.process_ended(self.life)
        self.threads.close()
        self._end_caller()

    def power_cut(self) -> None:
        """Ends all processes of the machine; unsynced writes and names survive by lot."""
        self.machine.cut()
        self._end_caller()

    def restart(self) -> SimWorld:
        """The next life of this process: after a power cut on the surviving disk, after `kill` as it is."""
        if not self.life.dead:
            self.kill()
        if not self.machine.up:
            self.machine.start()
        return self.machine.process(self.name)

    def __enter__(self) -> SimWorld:
        return self

    def __exit__(self, *_: object) -> None:
        self.simulation.close()

    def _end_caller(self) -> None:
        life = LIFE.get()
        if life is not None:
            life.check()


def simulated(seed: int, name: str = "main") -> SimWorld:
    """A machine in a new simulation. `with simulated(7) as world:` clears up behind itself."""
    return Simulation(seed).world(name)
