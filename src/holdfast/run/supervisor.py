"""``holdfast serve``: one process per role, started again when it dies. See README.md, RUN-1 to RUN-5.

The parent is single-threaded and runs no event loop: it must stay able to fork. It holds the
listening sockets, so that no connection attempt is refused while a process starts again.
"""

from __future__ import annotations

import contextlib
import gc
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any

from holdfast.model.errors import Reason, Refused
from holdfast.model.limits import REMEDY_STOP_S
from holdfast.run import child, control, events, ports, system
from holdfast.run.config import Config
from holdfast.run.process import End, Process
from holdfast.run.reading import digest
from holdfast.run.rolling import STOP_S, Rolling
from holdfast.run.stand_ins import StandIns
from holdfast.run.watchdog import Pulse, Watchdog, stood_at
from holdfast.world import World

FRONT_S = 7.0  # of STOP_S, for those that talk to clients, before the ones they need are stopped
LOCK_PATIENCE_S = 3.0


class Supervisor:
    """``plan``: (role, worker, what it runs), in the order of their start; the first are stopped last."""

    def __init__(
        self,
        world: World,
        config: Config,
        plan: Sequence[tuple[str, int, child.RoleMain]],
        *,
        back: Sequence[str] = (),
        load: Callable[[child.RoleMain], object] = lambda main: None,
        reload: Callable[[], Config] | None = None,
        hangup_stops: bool = False,
        stand_in: child.RoleMain | None = None,
        on_ready: Callable[[], object] | None = None,
    ) -> None:
        """``back``: the roles that the others need and that are stopped after them.

        ``load`` imports what a role runs, before its first fork; ``reload`` reads the configuration
        again; ``stand_in``: who answers for a role that can't; ``on_ready`` is called once, when first
        all serve.
        """
        self.world = world
        self.config = config
        self.processes = [Process(role, worker, main, role in back, Pulse()) for role, worker, main in plan]
        self._watchdog = Watchdog(world, config.service.watchdog_s)
        self._load = load
        self._reload = reload
        self._hangup_stops = hangup_stops
        self._on_ready = on_ready
        self._stand_in = stand_in
        self._at_doors: list[Process] = []
        self._stand_ins = StandIns(world, self._start_stand_in)
        self._sockets: dict[str, list[socket.socket]] = {}
        self._selector = selectors.DefaultSelector()
        self._stop_at: float | None = None  # when all must be gone
        self._killed = 0
        self._rolling = Rolling(world, self._ask)
        self._before: Config | None = None  # the last rolling restart; None where it changed nothing
        self._taken_back = False  # it has been, and the configuration before is in force
        self._since = 0.0
        self._version = system.version()
        self._digest = digest(config)
        self._configured_at = 0.0
        self._signals: list[int] = []

    # start

    def run(self) -> None:
        """Until SIGTERM or SIGINT. Raises ``Refused`` when it can't start."""
        system.raise_descriptor_limit()
        system.make_folder(self.config.data, self.config.service.user)
        system.make_folder(self.config.run_folder, self.config.service.user)
        lock = self._take_pid_file()
        self._sockets = ports.bind_all(
            self.config,
            lambda text: self.world.journal.emit(events.PORT_TAKEN, address=text),
            lambda text: self.world.journal.emit(events.DOOR_SHUT, reason=text),
        )
        if self.config.service.user:
            for process in self.processes:  # what root may read, whom it becomes may not
                self._load(process.main)
        system.become(self.config.service.user)
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        wakeup = self._catch_signals()
        listener = control.listen(self.config.control_socket)
        self._selector.register(wakeup, selectors.EVENT_READ, self._read_signals)
        self._selector.register(listener, selectors.EVENT_READ, self._accept_control)
        self._since = self.world.clock.now()
        gc.disable()
        for process in self.processes:
            # What the children share is loaded before the fork and never touched again (RUN-5).
            self._load(process.main)
            gc.freeze()
            self._start(process)
        if self._stand_in is not None:
            self._load(self._stand_in)
            gc.freeze()
            self._at_doors = [each for each in self.processes if any(self._mine(each.role).values())]
        self.world.journal.emit(
            events.SERVICE_STARTED,
            pid=os.getpid(),
            hostname=self.config.service.hostname,
            listeners=ports.addresses(self._sockets),
            processes=len(self.processes),
        )
        self._watch()
        with contextlib.suppress(OSError):
            os.unlink(self.config.control_socket)
            os.unlink(self.config.pid_file)
        self.world.journal.emit(events.SERVICE_STOPPED, killed=self._killed)

    def _take_pid_file(self) -> int:
        until = time.monotonic() + LOCK_PATIENCE_S
        while (lock := system.lock_file(self.config.pid_file)) is None:
            if time.monotonic() > until:
                with open(self.config.pid_file, encoding="ascii") as file:
                    pid = file.read().strip()
                raise Refused(
                    Reason.EXISTS,
                    f"it runs already, as process {pid} ({self.config.pid_file}); try `holdfast status`",
                )
            time.sleep(0.02)
        return lock

    def _catch_signals(self) -> int:
        read, write = os.pipe()
        os.set_blocking(read, False)
        os.set_blocking(write, False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        self._signals = [read, write]
        return read

    def _start(self, process: Process) -> None:
        now = self.world.clock.monotonic()
        pid, read = self._fork(process.role, process.worker, process.main, process.pulse)
        process.started(pid, now, self.world.clock.now())
        self._selector.register(read, selectors.EVENT_READ, lambda fd: self._hear_ready(process, fd))
        self.world.journal.emit(
            events.CHILD_STARTED, process=process.name, pid=pid, restarts=process.restarts.count
        )

    def _start_stand_in(self, role: str) -> int:
        assert self._stand_in is not None
        pid, read = self._fork(role, 0, self._stand_in, None)
        os.close(read)
        return pid

    def _fork(self, role: str, worker: int, main: child.RoleMain, pulse: Pulse | None) -> tuple[int, int]:
        """Its process id, and where it says that it serves."""
        read, write = os.pipe()
        os.set_blocking(read, False)
        parent = os.getpid()
        # A signal between the fork and the child's own handlers would be lost in the parent's.
        signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT, signal.SIGHUP))
        pid = os.fork()
        if pid == 0:
            mine = self._mine(role)
            strangers = self._strangers(mine, write)
            child.live(
                self.world,
                self.config,
                role,
                worker,
                main,
                mine,
                write,
                parent,
                strangers,
                pulse,
            )
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        os.close(write)
        return pid, read

    def _mine(self, role: str) -> dict[str, list[socket.socket]]:
        return {door: self._sockets.get(door, []) for door in ports.DOORS.get(role, ())}

    def _strangers(self, mine: dict[str, list[socket.socket]], write: int) -> list[int]:
        keep = {each.fileno() for listeners in mine.values() for each in listeners} | {write}
        found = [key.fd for key in self._selector.get_map().values()] + self._signals
        found += [each.fileno() for listeners in self._sockets.values() for each in listeners]
        return [fd for fd in found if fd not in keep]

    # the loop

    def _watch(self) -> None:
        while True:
            for key, _ in self._selector.select(self._next_due()):
                key.data(key.fd)
            self._reap()
            now = self.world.clock.monotonic()
            for process in self.processes:
                if process.pid is None and process.due is not None and now >= process.due:
                    self._start(process)
                elif process.pid is not None and process.kill_at is not None and now >= process.kill_at:
                    self._kill(process)
            self._watchdog.look(self.processes, now)
            if self._stand_in is not None:
                self._stand_ins.look(self._at_doors if self._stop_at is None else (), now)
            self._rolling.turn(now, self.config.remedies.roll_pause_s)
            if self._stop_at is not None and self._stopping(now):
                return

    def _next_due(self) -> float:
        """Seconds to sleep at most. A second when nothing is due: a lost SIGCHLD costs no more than that."""
        now = self.world.clock.monotonic()
        due = [now + 1.0, *(process.next_due for process in self.processes if process.next_due is not None)]
        if self._stop_at is not None:
            due.append(self._stop_at)
        return max(0.0, min(due) - now)

    def _read_signals(self, fd: int) -> None:
        for number in os.read(fd, 4096):
            if number in (signal.SIGTERM, signal.SIGINT):
                self._begin_stop(signal.Signals(number).name)
            elif number == signal.SIGHUP:
                if self._hangup_stops:
                    self._begin_stop("SIGHUP")
                else:
                    self._begin_rolling()

    def _hear_ready(self, process: Process, fd: int) -> None:
        heard = os.read(fd, 16)
        self._selector.unregister(fd)
        os.close(fd)
        if heard and process.pid is not None:
            process.ready, process.lost_at = True, None
            after = round(process.restarts.lived(self.world.clock.monotonic()), 3)
            self.world.journal.emit(events.CHILD_READY, process=process.name, pid=process.pid, after_s=after)
            if self._on_ready is not None and all(each.ready for each in self.processes):
                self._on_ready()
                self._on_ready = None

    def _reap(self) -> None:
        """RUN-2: what died without being asked is started again."""
        for process in self.processes:
            if process.pid is None:
                continue
            try:
                pid, status = os.waitpid(process.pid, os.WNOHANG)
            except ChildProcessError:
                pid, status = process.pid, 0
            if pid:
                self._ended(process, status)

    def _ended(self, process: Process, status: int) -> None:
        now = self.world.clock.monotonic()
        # A whole group may have been told to stop: who ends then was asked, if not by us.
        pid, asked = process.pid, process.asked_at is not None or self._stop_at is not None
        process.ended()
        how = os.waitstatus_to_exitcode(status)
        if asked:
            self.world.journal.emit(events.CHILD_ENDED, process=process.name, pid=pid, status=how)
            process.due = now if self._stop_at is None and not process.out else None
            return
        if process.lost_at is None:
            process.lost_at = now
        lived = round(process.restarts.lived(now), 3)
        pause = process.restarts.died(now)
        where = process.pulse.traceback()
        process.ends.append(End(self.world.clock.now(), how, lived, stood_at(where)))
        self.world.journal.emit(
            events.CHILD_DIED,
            process=process.name,
            pid=pid,
            status=how,
            lived_s=lived,
            again_in_s=round(pause, 3),
            where=where,
        )
        process.due = now + pause if self._stop_at is None else None
        if self._stop_at is None and not any(each.ready for each in self._of(process.role)):
            self._take_in(self._of(process.role))  # RUN-12: never while nobody else serves

    def _ask(self, process: Process, patience_s: float) -> None:
        now = self.world.clock.monotonic()
        if process.pid is None:
            process.due = None if self._stop_at is not None else process.due
            return
        if process.asked_at is None:
            process.asked_at = process.kill_from = now
            process.kill_at = now + patience_s
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGTERM)

    def _kill(self, process: Process) -> None:
        assert process.pid is not None
        waited = round(self.world.clock.monotonic() - process.kill_from, 3)
        self.world.journal.emit(events.CHILD_KILLED, process=process.name, pid=process.pid, waited_s=waited)
        self._killed += 1
        process.kill_at = None
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)

    # stop

    def _begin_stop(self, why: str) -> None:
        now = self.world.clock.monotonic()
        if self._stop_at is not None:  # asked twice: at once
            self._stop_at = now
            for process in self.processes:
                self._ask(process, 0.0)
                process.kill_at = now if process.pid is not None else None
            return
        self.world.journal.emit(events.SERVICE_STOPPING, signal=why)
        self._stop_at = now + STOP_S
        self._rolling.halt()
        for process in self.processes:
            process.due = None
            if not process.back:
                self._ask(process, FRONT_S)

    def _stopping(self, now: float) -> bool:
        """True when nobody is left. RUN-6: those that others need are asked once the others are gone."""
        assert self._stop_at is not None
        if not any(process.pid is not None and not process.back for process in self.processes):
            for process in self.processes:
                self._ask(process, max(0.0, self._stop_at - now))
        return all(process.pid is None for process in self.processes)

    # rolling restart

    def _begin_rolling(self) -> None:
        """SIGHUP."""
        if self._stop_at is not None:
            return
        before = self.config
        if self._reload is not None:
            try:
                self.config = self._reload()
                self._digest, self._configured_at = digest(self.config), self.world.clock.now()
            except Refused as refused:
                self.world.journal.emit(events.CONFIG_KEPT, error=refused.text)
        self._before = before if digest(before) != self._digest else None
        self._taken_back = False
        self._take_in(self.processes)
        self._rolling.begin(self.processes)
        self.world.journal.emit(events.ROLLING_STARTED, processes=len(self.processes))

    def _halt(self) -> dict[str, Any]:
        """What a rolling restart hasn't reached stays as it is."""
        left = [each.name for each in self._rolling.halt()]
        if left:
            self.world.journal.emit(events.ROLLING_HALTED, left=left)
        return {"done": True, "left": left}

    def _drain(self) -> dict[str, Any]:
        """RUN-12."""
        if self._stop_at is not None:
            return {"refused": "the service is stopping"}
        left, renewed = self._rolling.halt(), self._rolling.renewed or []
        back: list[Process] = []
        out: list[Process] = []
        if self._before is not None and renewed:
            back = renewed[::-1]
            self.config, self._before, self._taken_back = self._before, None, True
            self._digest, self._configured_at = digest(self.config), self.world.clock.now()
            self._rolling.begin(back, takes_back=True)
        else:
            out = self._rolling.replaceable(self.processes)
            for process in out:
                process.out, process.due = True, None
                self._ask(process, STOP_S)
        named = {"left": left, "back": back, "out": out}
        said = {how: [each.name for each in those] for how, those in named.items()}
        self.world.journal.emit(events.ROLLING_TAKEN_BACK, **said)
        return {"done": True, **said}

    def _resume(self) -> dict[str, Any]:
        """What was taken out of service serves again, what was taken back is tried once more."""
        if self._stop_at is not None:
            return {"refused": "the service is stopping"}
        taken_in = self._take_in(self.processes)
        if self._taken_back:
            self._begin_rolling()
        return {"done": True, "in": taken_in}

    def _take_in(self, processes: Sequence[Process]) -> list[str]:
        taken_in = [each for each in processes if each.out]
        for each in taken_in:
            each.out = False
            each.due = self.world.clock.monotonic() if each.pid is None else None
        return [each.name for each in taken_in]

    def _of(self, role: str) -> list[Process]:
        return [each for each in self.processes if each.role == role]

    # control

    def _accept_control(self, fd: int) -> None:
        listener = socket.socket(fileno=os.dup(fd))
        with listener, contextlib.suppress(OSError):
            link, _ = listener.accept()
            client = control.Client(link)
            self._selector.register(link, selectors.EVENT_READ, lambda _: self._serve_control(client))

    def _serve_control(self, client: control.Client) -> None:
        try:
            request = client.request()
        except OSError:
            self._selector.unregister(client.link)
            client.link.close()
            return
        if request is None:
            return
        self._selector.unregister(client.link)
        client.reply(self._answer(request))

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        if request.get("do") == "status":
            now, utc = self.world.clock.monotonic(), self.world.clock.now()
            return {
                "pid": os.getpid(),
                "version": self._version,
                "configuration": self._digest,
                "configured_at": self._configured_at,
                "since": self._since,
                "hostname": self.config.service.hostname,
                "listeners": ports.addresses(self._sockets),
                "stopping": self._stop_at is not None,
                "rolling": [each.name for each in self._rolling.left if not each.rolled],
                "rolling_since": self._rolling.since if self._rolling.left else 0.0,
                "renewed": [each.name for each in self._rolling.renewed or ()],
                "renewed_since": self._rolling.since if self._rolling.renewed else 0.0,
                "processes": [process.status(now, utc) for process in self.processes],
            }
        if request.get("do") == "restart" and "process" in request:
            return self._restart(request["process"])
        if request.get("do") == "restart":
            self._begin_rolling()
            return {"done": True}
        known = {"halt": self._halt, "drain": self._drain, "resume": self._resume}
        if request.get("do") in known:
            return known[request["do"]]()
        return {"error": f"not understood; known: status, restart, {', '.join(known)}"}

    def _restart(self, name: object) -> dict[str, Any]:
        """RUN-10: of a role, one worker at a time, and none that is only starting."""
        process = next((each for each in self.processes if each.name == name), None)
        if process is None:
            return {"error": f"there is no process {name}"}
        others = [each for each in self._of(process.role) if each is not process and not each.out]
        if self._stop_at is not None or self._rolling.left:
            return {"refused": "the service is stopping, or restarting already"}
        if process.out:
            return {"refused": f"{name} is taken out of service"}
        if process.pid is None or process.asked_at is not None or not process.ready:
            return {"refused": f"{name} isn't running yet"}
        if others and not all(each.ready and each.asked_at is None for each in others):
            return {"refused": f"another {process.role} isn't back yet"}
        self.world.journal.emit(events.CHILD_RENEWED, process=process.name, pid=process.pid)
        self._ask(process, REMEDY_STOP_S)
        return {"done": True}
