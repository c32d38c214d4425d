"""The supervisor with real processes, signals and sockets; its roles are tiny (``small_service``)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pwd
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from holdfast.run import control, reading, remedying
from holdfast.run.config import Config
from holdfast.run.watchdog import stood_at
from holdfast.watch.remedies import Remedy
from holdfast.world import real_world

CONFIG = """
[service]
hostname = "{hostname}"
user = "{user}"
data = "data"
[listen]
mx = ["127.0.0.1:{mx}"]
submission = []
submissions = []
imap = ["127.0.0.1:0"]
imaps = []
pop3 = []
pop3s = []
[limits]
recipients = {recipients}
"""


class Service:
    def __init__(self, folder: Path, hostname: str = "test", user: str = "", more: str = "") -> None:
        self.folder = folder
        self.more = more
        self.user = user
        self.hostname = hostname
        self.socket = str(folder / "data" / "run" / "ctl.sock")
        self.write(mx=0)
        self.start()

    def write(self, mx: int, recipients: int = 1000) -> None:
        text = CONFIG.format(hostname=self.hostname, user=self.user, mx=mx, recipients=recipients)
        (self.folder / "holdfast.toml").write_text(text + self.more)

    def start(self) -> None:
        script = Path(__file__).with_name("small_service.py")
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        self.process = subprocess.Popen([sys.executable, str(script), str(self.folder)], env=env)
        until(self.all_ready)

    def status(self) -> dict:
        return control.ask(self.socket, {"do": "status"})

    def all_ready(self) -> bool:
        with contextlib.suppress(Exception):
            status = self.status()
            return status["pid"] == self.process.pid and all(each["ready"] for each in status["processes"])
        return False

    def of(self, name: str) -> dict:
        return next(each for each in self.status()["processes"] if each["process"] == name)

    def port(self, door: str) -> int:
        return int(self.status()["listeners"][door][0].rpartition(":")[2])

    def events(self, name: str) -> list[dict]:
        lines = (self.folder / "journal").read_text().splitlines()
        return [entry for entry in map(json.loads, lines) if entry["event"] == name]


def until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    give_up = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < give_up, "not within its time"
        time.sleep(0.01)


def ask(port: int) -> tuple[int, int]:
    """Who answers there, and how many recipients it was configured for."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as link:
        pid, recipients, _ = link.makefile().readline().split()
        return int(pid), int(recipients)


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    made: list[Service] = []

    def service(*, folder: Path = tmp_path, **keys: str) -> Service:
        made.append(Service(folder, **keys))
        return made[-1]

    yield service
    for each in made:
        if each.process.poll() is None:
            each.process.kill()
        each.process.wait()


@pytest.mark.timed
@pytest.mark.slow
def test_run_1_and_2_a_killed_process_is_started_again_and_no_connection_is_refused(make):
    service = make()
    port = service.port("mx")
    first, _ = ask(port)
    os.kill(first, signal.SIGKILL)
    began = time.monotonic()
    second, _ = ask(port)  # refused would raise
    assert time.monotonic() - began < 2.0
    assert second != first
    until(lambda: service.of("mx-0")["restarts"] == 1)
    said = service.of("mx-0")
    assert said["ends"] == 1 and said["ended"]["how"] == -signal.SIGKILL, "monitoring is told how it ended"
    assert service.of("imap-0")["restarts"] == 0
    assert service.events("child_died")[0]["process"] == "mx-0"


@pytest.mark.slow
def test_run_2_a_process_that_keeps_dying_is_started_ever_more_rarely(make):
    service = make()
    for deaths in range(1, 4):
        until(lambda: service.of("mx-0")["ready"])
        os.kill(service.of("mx-0")["pid"], signal.SIGKILL)
        until(lambda deaths=deaths: len(service.events("child_died")) == deaths)
    assert [each["again_in_s"] for each in service.events("child_died")] == [0.0, 0.1, 0.2]


@pytest.mark.slow
def test_run_11_while_a_process_ends_again_and_again_somebody_says_later_and_goes_when_it_serves(make):
    service = make()
    port = service.port("mx")

    def killed_until_somebody_stands_in() -> bool:
        if (pid := service.of("mx-0")["pid"]) is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return bool(service.events("stand_in_started"))

    until(killed_until_somebody_stands_in)
    with socket.create_connection(("127.0.0.1", port), timeout=30) as link:
        assert link.makefile().readline().startswith("421 4.3.2 ")
    assert [each["role"] for each in service.events("stand_in_started")] == ["mx"], "imap serves"
    until(lambda: bool(service.events("stand_in_ended")))
    assert ask(port)[0] == service.of("mx-0")["pid"]
    assert {each["process"] for each in service.status()["processes"]} == {"store-0", "mx-0", "imap-0"}


@pytest.mark.slow
def test_run_6_a_term_ends_everybody_and_those_that_others_need_last(make):
    service = make()
    service.process.send_signal(signal.SIGTERM)
    assert service.process.wait(timeout=30) == 0
    assert service.events("child_ended")[-1]["process"] == "store-0"
    assert {each["status"] for each in service.events("child_ended")} == {0}
    assert service.events("service_stopped")[0]["killed"] == 0
    assert not Path(service.socket).exists()


@pytest.mark.slow
def test_a_process_that_will_not_end_is_killed_at_the_second_term(make):
    service = make(hostname="stubborn")
    service.process.send_signal(signal.SIGTERM)
    until(lambda: len(service.events("service_stopping")) == 1)
    service.process.send_signal(signal.SIGTERM)
    assert service.process.wait(timeout=30) == 0
    assert "imap-0" in {each["process"] for each in service.events("child_killed")}


@pytest.mark.slow
def test_run_3_a_hangup_renews_every_process_with_the_new_configuration_and_refuses_nobody(make):
    service = make()
    port = service.port("mx")
    before = {each["process"]: each["pid"] for each in service.status()["processes"]}
    assert ask(port)[1] == 1000
    service.write(mx=0, recipients=7)
    service.process.send_signal(signal.SIGHUP)
    until(lambda: (ask(port), bool(service.events("rolling_restart_ended")))[1])
    after = {each["process"]: each["pid"] for each in service.status()["processes"]}
    assert not set(before.values()) & set(after.values())
    assert ask(port)[1] == 7
    assert all(each["restarts"] == 0 for each in service.status()["processes"])


@pytest.mark.slow
def test_run_3_a_broken_configuration_is_not_taken_over(make):
    service = make()
    (service.folder / "holdfast.toml").write_text("[limits]\nrecipents = 3\n")
    service.process.send_signal(signal.SIGHUP)
    until(lambda: bool(service.events("rolling_restart_ended")))
    assert "did you mean 'recipients'" in service.events("config_kept")[0]["error"]
    assert ask(service.port("mx"))[1] == 1000


@pytest.mark.timed
@pytest.mark.slow
def test_run_4_no_process_outlives_a_killed_supervisor_and_the_next_one_starts_at_once(make):
    service = make()
    port = service.port("mx")
    pids = [each["pid"] for each in service.status()["processes"]]
    service.write(mx=port)
    service.process.kill()
    service.process.wait()
    began = time.monotonic()
    service.start()
    assert time.monotonic() - began < 2.0
    assert ask(port)[0] not in pids
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))


@pytest.mark.slow
def test_run_5_what_was_loaded_before_the_fork_is_frozen_in_every_process(make):
    service = make()
    with socket.create_connection(("127.0.0.1", service.port("mx")), timeout=30) as link:
        assert int(link.makefile().readline().split()[2]) > 10_000


@pytest.mark.slow
def test_root_becomes_the_user_of_the_configuration(make):
    """Only root can; others stay who they are."""
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folders are for root alone
        os.chmod(folder, 0o755)
        _check_user(make(folder=Path(folder), user="nobody"))


def _check_user(service: Service) -> None:
    pids = [service.process.pid, *(each["pid"] for each in service.status()["processes"])]
    expected = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else os.geteuid()
    assert {os.stat(f"/proc/{pid}").st_uid for pid in pids} == {expected}
    os.kill(pids[1], signal.SIGKILL)
    until(lambda: service.of("store-0")["restarts"] == 1 and service.of("store-0")["ready"])
    service.process.kill()  # RUN-4 holds for them too: a change of user forgets who dies with whom
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids[2:]))


@pytest.mark.slow
def test_a_second_supervisor_on_the_same_folder_says_who_runs(make):
    service = make()
    script = Path(__file__).with_name("small_service.py")
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    second = subprocess.run(
        [sys.executable, str(script), str(service.folder)],
        env=env,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert second.returncode != 0
    assert f"as process {service.process.pid}" in second.stderr


@pytest.mark.slow
def test_an_unknown_request_is_answered_with_the_known_ones(make):
    service = make()
    assert "status" in control.ask(service.socket, {"do": "dance"})["error"]


@pytest.mark.slow
def test_run_10_one_process_is_started_anew_and_no_other(make):
    service = make()
    before = {each["process"]: each["pid"] for each in service.status()["processes"]}
    os.kill(before["imap-0"], signal.SIGSTOP)  # it will not end by being asked
    assert control.ask(service.socket, {"do": "restart", "process": "imap-0"}) == {"done": True}
    again = control.ask(service.socket, {"do": "restart", "process": "imap-0"})
    assert again == {"refused": "imap-0 isn't running yet"}
    until(lambda: service.all_ready() and service.of("imap-0")["pid"] != before["imap-0"])
    after = {each["process"]: each["pid"] for each in service.status()["processes"]}
    assert {name for name in before if before[name] != after[name]} == {"imap-0"}
    assert "no process imap-7" in control.ask(service.socket, {"do": "restart", "process": "imap-7"})["error"]


@pytest.mark.slow
def test_run_10_a_rolling_restart_that_is_halted_leaves_the_rest_as_it_is(make):
    service = make(more="[remedies]\nroll_pause_s = 600\n")
    before = {each["process"]: each["pid"] for each in service.status()["processes"]}
    service.process.send_signal(signal.SIGHUP)
    until(lambda: service.of("store-0")["pid"] != before["store-0"] and service.all_ready())
    status = service.status()
    assert status["rolling"] == ["mx-0", "imap-0"] and status["rolling_since"] > 0
    refused = control.ask(service.socket, {"do": "restart", "process": "mx-0"})
    assert "refused" in refused
    assert control.ask(service.socket, {"do": "halt"}) == {"done": True, "left": ["mx-0", "imap-0"]}
    assert service.events("rolling_restart_halted")[0]["left"] == ["mx-0", "imap-0"]
    assert control.ask(service.socket, {"do": "restart", "process": "mx-0"}) == {"done": True}
    assert service.of("imap-0")["pid"] == before["imap-0"]


def rolled_as_far_as(service: Service, *reached: str) -> None:
    """A rolling restart that has reached those, and waits there."""
    before = {each["process"]: each["pid"] for each in service.status()["processes"]}
    service.process.send_signal(signal.SIGHUP)
    until(
        lambda: (
            service.status()["renewed"] == list(reached)
            and all(service.of(each)["pid"] not in (None, before[each]) for each in reached)
            and service.all_ready()
        )
    )


@pytest.mark.slow
def test_run_12_what_a_rolling_restart_has_reached_goes_back_to_the_configuration_before(make):
    service = make(more="[remedies]\nroll_pause_s = 600\n")
    port = service.port("mx")
    kept = service.of("mx-0")["pid"]
    service.write(mx=port, recipients=7)
    rolled_as_far_as(service, "store-0")
    said = control.ask(service.socket, {"do": "drain"})
    assert said == {"done": True, "left": ["mx-0", "imap-0"], "back": ["store-0"], "out": []}
    until(lambda: service.status()["rolling_since"] == 0 and service.all_ready())
    assert service.of("mx-0")["pid"] == kept and service.status()["renewed"] == []
    os.kill(kept, signal.SIGKILL)
    assert ask(port)[1] == 1000, "who begins from now on has it, too"
    assert control.ask(service.socket, {"do": "resume"}) == {"done": True, "in": []}
    until(lambda: service.status()["renewed"] == ["store-0"])
    assert control.ask(service.socket, {"do": "halt"})["left"] == ["mx-0", "imap-0"]


@pytest.mark.slow
def test_run_12_where_nothing_was_changed_it_goes_out_of_service_while_others_of_its_role_serve(make):
    service = make(hostname="twins", more="[remedies]\nroll_pause_s = 600\n")
    port = service.port("mx")
    other = service.of("mx-1")["pid"]
    rolled_as_far_as(service, "mx-0")
    said = control.ask(service.socket, {"do": "drain"})
    assert said == {"done": True, "left": ["mx-1", "store-0", "imap-0"], "back": [], "out": ["mx-0"]}
    until(lambda: service.of("mx-0")["pid"] is None)
    assert {ask(port)[0] for _ in range(5)} == {other} and service.of("mx-0")["out"]
    assert "out of service" in control.ask(service.socket, {"do": "restart", "process": "mx-0"})["refused"]
    assert control.ask(service.socket, {"do": "drain"})["out"] == ["mx-0"], "it is no more than that"
    assert control.ask(service.socket, {"do": "resume"}) == {"done": True, "in": ["mx-0"]}
    until(service.all_ready)
    assert control.ask(service.socket, {"do": "drain"})["out"] == ["mx-0"]
    until(lambda: service.of("mx-0")["pid"] is None)
    os.kill(other, signal.SIGKILL)  # the last of its role
    until(lambda: service.all_ready() and not service.of("mx-0")["out"])


@pytest.mark.slow
def test_a_process_that_can_open_nothing_more_says_so_without_a_door(make):
    """It could take no connection to be asked by."""
    service = make()
    pid = service.of("mx-0")["pid"]
    assert service.of("mx-0")["lacking"] == 0
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    used = {int(each) for each in os.listdir(f"/proc/{pid}/fd")}
    none_free = min(set(range(len(used) + 1)) - used)
    for limit in (none_free, none_free + 2):  # and two that come and go change nothing
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, before[1]))
        until(lambda limit=limit: service.of("mx-0")["lacking"] == limit)
    assert service.of("imap-0")["lacking"] == 0
    resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
    until(lambda: service.of("mx-0")["lacking"] == 0)


def test_where_a_loop_stood_is_said_in_a_few_words():
    """A signal may reach any thread; the loop's is the first one made."""
    told = (
        'Fatal Python error\n\nCurrent thread 0x7f (most recent call first):\n  File "b.py", line 3 in c\n'
        '\nThread 0x7e (most recent call first):\n  File "/mime/parse.py", line 12 in fold\n'
    )
    assert stood_at(told) == "parse.py, line 12, in fold"
    assert stood_at("") == ""


@pytest.mark.slow
def test_remedies_are_carried_out_by_the_supervisor_and_what_it_refuses_is_said(make):
    service = make()
    world = real_world(journal_path=os.devnull)
    config = reading.load(str(service.folder / "holdfast.toml"), {})
    before = service.of("imap-0")["pid"]

    def carried_out(action: str, component: str, config: Config = config) -> tuple[str, str]:
        remedy = Remedy(1, "restart", component, action)
        done = asyncio.run(remedying.carry_out(world, config, remedy, 5.0))
        assert (done.at, done.incident, done.component) == (5.0, 1, component)
        return done.outcome, done.said

    assert carried_out("restart", "process/imap-0") == ("done", "")
    assert carried_out("restart", "process/nobody-0") == ("refused", "there is no process nobody-0")
    until(lambda: service.all_ready() and service.of("imap-0")["pid"] != before)
    assert carried_out("drain", "supervisor") == ("done", "")
    outcome, said = carried_out("hold", "partner/relay")
    assert outcome == "failed" and "relay" in said  # none runs here
    assert carried_out("dance", "process/imap-0")[0] == "refused"
    service.process.kill()
    service.process.wait()
    assert carried_out("restart", "process/imap-0")[0] == "failed"
