"""Checks of components without a service: what is damaged or gone is said, what is well isn't."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import apsw
import pytest

from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.findings import Finding
from holdfast.model.ledgers import INCIDENTS
from holdfast.model.limits import DISK_SAMPLE_S, MAKING_S, RUNNING_FRESH_S, SIGNALS_S, SILENT_ANSWER_S
from holdfast.packs import LedgerWriter, NewFrame, Scrub
from holdfast.run import components, trials, wholeness
from holdfast.run.components import damaged
from holdfast.run.layout import LedgerPlace
from holdfast.run.reading import parse
from holdfast.sim.world import simulated
from holdfast.watch.collecting import ANSWER_S, Collected, Source
from holdfast.watch.components import Checks, Places
from holdfast.watch.counting import Counts, Told, tell_at
from holdfast.watch.processes import Ended, FramesLook, Processes, Ran, Running, Status, of_process
from holdfast.world import Session, real_world, run
from holdfast.world.dns import RealResolver
from unit.run.test_mapping import everything, everything_configured

everything()  # once, before the first test

WORLD = real_world(level="error")


def ledger(folder: Path) -> LedgerPlace:
    async def write() -> None:
        writer = await LedgerWriter.open(WORLD, str(folder), INCIDENTS)
        for number in range(20):
            await writer.append([NewFrame(1, b"frame %d " % number * 50)])
        await writer.close()

    run(write())
    return LedgerPlace(str(folder), INCIDENTS, ())


def test_canary_6_a_changed_bit_is_found_wherever_it_is_until_it_is_whole_again(tmp_path, monkeypatch):
    scrub = Scrub(WORLD, *ledger(tmp_path))
    assert damaged(scrub) == ""
    [pack] = sorted((tmp_path / INCIDENTS).glob("*.pack"))
    whole = pack.read_bytes()
    bytes_ = bytearray(whole)
    for number in (7, 17):
        bytes_[bytes_.index(b"frame %d " % number) + 3] ^= 4
    pack.write_bytes(bytes_)
    monkeypatch.setattr("holdfast.packs.scrub.SCRUB_BYTES", 2000)  # some frames at each look
    said = [damaged(scrub) for _ in range(30)]
    assert said[0] == "" and ", and 1 more" in said[-1]
    assert "" not in said[said.index(next(filter(None, said))) :]
    pack.write_bytes(whole)
    assert [damaged(scrub) for _ in range(30)] == [""] * 30


def test_a_pack_that_somebody_met_damage_in_is_read_before_all_else(tmp_path, monkeypatch):
    monkeypatch.setattr("holdfast.packs.scrub.SCRUB_BYTES", 100)  # a frame at each look
    place = ledger(tmp_path)
    [pack] = sorted((tmp_path / INCIDENTS).glob("*.pack"))
    bytes_ = bytearray(pack.read_bytes())
    bytes_[bytes_.index(b"frame 17 ") + 3] ^= 4
    pack.write_bytes(bytes_)
    assert damaged(Scrub(WORLD, *place)) == ""
    scrub = Scrub(WORLD, *place)
    assert damaged(scrub, [int(pack.stem)]) and damaged(scrub), "until it is whole"


def places(**more: object) -> Places:
    async def supervisor() -> Status:
        raise Unavailable("supervisor", "nobody answers")

    silent = Processes(WORLD, supervisor, lambda name: Source(name, "/nowhere"), list)
    nothing = Places({}, {}, {}, dict, list, silent, {}, list, None, {}, RealResolver(), "", [], {})
    return nothing._replace(**more)  # type: ignore[arg-type]


def look(*parts: str, **more: object) -> dict[str, Finding]:
    return {each.trial: each for each in run(Checks(WORLD, places(**more)).look(*parts))}


def test_canary_6_each_folder_is_judged_by_itself_and_nothing_is_left_in_it(tmp_path):
    found = look(
        disks={"disk/data": str(tmp_path), "disk/volume-v1": str(tmp_path / "gone")},
        ledgers={"ledger/mail": lambda packs: 1 // 0},
    )
    assert found["disk/data"].state == "works"
    assert (found["disk/volume-v1"].state, found["disk/volume-v1"].step) == ("fails", "room")
    assert found["ledger/mail"].state == "unknown", "a check that fails itself decides nothing"
    assert found["machine"].state == "unknown"
    assert found["supervisor"].state == "fails"
    assert list(tmp_path.iterdir()) == []


def test_each_step_that_a_check_may_name_is_one_of_its_trial():
    """What the diagnosis has no step for is no evidence."""
    steps = {trial: {step.name for step in each.steps} for trial, each in everything().trials.items()}
    assert {"answer", "room", "sync", "read-back"} <= steps["disk/data"]
    assert {"whole", "lock", "size", "age"} == steps["copy/mx-0"]
    assert {"frames", "shown", "commit"} == steps["ledger/mx-0"]
    assert {"frames", "size", "commit"} == steps["ledger/people"]
    assert {"runs", "descriptors", "threads"} == steps["process/mx-0"]
    assert {"answer", "lag"} == steps["metrics/mx-0"]
    assert steps["partner/relay"] == {"answer"} and steps["cell-07/index"] == {"whole", "lock"}


# files


def test_canary_6_a_damaged_file_is_looked_at_again_before_the_others(tmp_path, monkeypatch):
    monkeypatch.setattr("holdfast.watch.components.FILES_S", 0.0)  # one a look
    looked: list[str] = []
    said = {"key/pages": "", "cell-07/index": "malformed", "copy/mx-0": None}

    def of(name: str) -> Callable[[], str | None]:
        return lambda: looked.append(name) or said[name]

    checks = Checks(WORLD, places(files={name: of(name) for name in said}))

    async def five_looks() -> list[Finding]:
        return [finding for _ in range(5) for finding in await checks.look("files")]

    states = [(each.trial, each.state) for each in run(five_looks())]
    assert states[:2] == [("key/pages", "works"), ("cell-07/index", "fails")]
    assert states[2:] == [("cell-07/index", "fails")] * 3
    said["cell-07/index"] = ""
    assert [each.trial for each in run(five_looks())][:2] == ["cell-07/index", "key/pages"]
    assert "copy/mx-0" in looked, "and not mentioned: nobody has needed it yet"
    said["key/pages"] = None
    gone = [each for each in run(five_looks()) if each.trial == "key/pages"]
    assert {(each.state, each.step) for each in gone} == {("unknown", "whole")}


def test_a_damaged_database_is_found_a_missing_one_unknown_and_a_large_one_begun(tmp_path, monkeypatch):
    path = str(tmp_path / "cell.sqlite")
    assert wholeness.database(WORLD, path) is None
    with contextlib.closing(apsw.Connection(path)) as db:
        db.execute("PRAGMA journal_mode = WAL; CREATE TABLE t (a, b); CREATE INDEX i ON t (b)").fetchall()
        db.execute("BEGIN")
        db.executemany("INSERT INTO t VALUES (?, hex(randomblob(200)))", ((each,) for each in range(3000)))
        db.execute("COMMIT")
    assert wholeness.database(WORLD, path) == ""
    with monkeypatch.context() as patch:
        patch.setattr("holdfast.run.wholeness.FILE_LOOK_S", 0.0)
        assert wholeness.database(WORLD, path) == "", "as far as it was looked at"
    with open(path, "r+b") as file:
        for page in (3, 40, 41, 42):
            file.seek(4096 * page)
            file.write(os.urandom(4096))
    assert path in wholeness.database(WORLD, path)
    with open(path, "r+b") as file:
        file.write(b"nothing of SQLite")
    assert "not a database" in wholeness.database(WORLD, path)


def test_a_key_that_was_cut_short_and_a_folder_that_cant_be_written_are_found(tmp_path):
    key = tmp_path / "pages.key"
    assert wholeness.key(WORLD, str(key)) is None
    key.write_bytes(bytes(32))
    assert wholeness.key(WORLD, str(key)) == ""
    key.write_bytes(bytes(31))
    assert "31 bytes" in wholeness.key(WORLD, str(key))
    assert wholeness.entry(WORLD, str(tmp_path)) == "" and wholeness.entry(WORLD, str(tmp_path / "x")) is None


def test_every_file_of_the_map_is_looked_at():
    files = {each for each in everything().components if trials.kind_of(each) in trials.FILES}
    assert files == wholeness.looks(WORLD, everything_configured()).keys()


def test_an_index_that_is_gone_fails_and_what_not_everybody_has_is_not_missed(tmp_path):
    looks = wholeness.looks(WORLD, parse(f'[service]\ndata = "{tmp_path}"\ncells = 2', "", {}))
    assert "it is gone" in (looks["cell-01/index"]() or "")
    assert looks["uploads"]() is None


# locks


def test_a_stranger_s_lock_is_seen_without_taking_one_and_our_own_writer_is_no_stranger(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("holdfast.watch.components.LOCK_HELD_S", 0.01)
    path = str(tmp_path / "people-writer.sqlite")
    running = {"people-0": os.getpid()}

    async def supervisor() -> Status:
        return Status("1.0", 0.0, tuple(Ran(name, pid, True, 0.0) for name, pid in running.items()))

    def checks() -> Checks:
        processes = Processes(WORLD, supervisor, lambda name: Source(name, str(tmp_path / name)), list)
        held = partial(wholeness.writers, WORLD, {"copy/people-writer": path})
        return Checks(WORLD, places(writers=held, processes=processes))

    with contextlib.closing(apsw.Connection(path)) as db:
        db.execute("PRAGMA journal_mode = WAL; CREATE TABLE some (what)")
        assert run(checks().look("databases")) == []
        db.execute("BEGIN IMMEDIATE")
        assert run(checks().look("databases")) == [], "it is the writer"
        running["people-0"] = 7
        other = checks()
        [found] = run(other.look("databases"))
        assert (found.trial, found.state, found.step) == ("copy/people-writer", "fails", "lock")
        assert str(os.getpid()) in found.said
        db.execute("ROLLBACK")
        assert [(each.trial, each.state) for each in run(other.look("databases"))] == [(found.trial, "works")]
        assert run(other.look("databases")) == []


def test_an_index_that_is_gone_is_seen_at_once_however_many_files_there_are(tmp_path, monkeypatch):
    monkeypatch.setattr("holdfast.watch.components.FILES_S", 0.0)  # one a look
    paths = {f"cell-{cell:02d}/index": str(tmp_path / f"{cell}.sqlite") for cell in range(64)}
    paths["copy/mx-0"] = str(tmp_path / "mx-0.sqlite")  # nobody has needed it yet
    for cell in range(63):
        (tmp_path / f"{cell}.sqlite").touch()
    files = {name: partial(wholeness.entry, WORLD, path) for name, path in paths.items()}
    checks = Checks(WORLD, places(files=files, missing=partial(wholeness.missing, WORLD, paths)))
    files["cell-63/index"] = lambda: "it is gone"
    assert [(each.trial, each.state) for each in run(checks.look("missing"))] == [("cell-63/index", "fails")]
    (tmp_path / "63.sqlite").touch()
    assert run(checks.look("missing")) == []
    files["cell-63/index"] = lambda: ""
    found = [(each.trial, each.state) for each in run(checks.look("files"))]
    assert found == [("cell-63/index", "works")], "the first of all, and whoever saw that it was gone"


def test_an_index_that_the_store_has_yet_to_make_is_not_gone(tmp_path):
    paths = {"cell-07/index": str(tmp_path / "7.sqlite")}
    files = {name: lambda: "it is gone" for name in paths}
    beginning = Beginning(WORLD.clock.now() - 1.0)
    gone = partial(wholeness.missing, WORLD, paths)
    checks = Checks(WORLD, places(files=files, missing=gone, processes=beginning))
    assert run(checks.look("missing")) == run(checks.look("files")) == []
    beginning.since -= MAKING_S
    for part in ("missing", "files"):
        assert [each.state for each in run(checks.look(part))] == ["fails"], part


class Beginning(Processes):
    """A store that has begun to serve at ``since``."""

    def __init__(self, since: float) -> None:
        self.since = since

    async def look(self) -> Running:
        return Running(Status("1", 0.0, (Ran("store-0", 7, True, self.since),)), "", {})


class Telling(Processes):
    """Of one process, what it counts just now."""

    def __init__(self, *told: Told) -> None:
        self.told = list(told)

    async def look(self) -> Running:
        return Running(None, "nobody answers", {"mx-0": (self.told, 0.0)})


def stale(seconds: float) -> Told:
    return Told("holdfast_people_copy_stale_seconds", [((), [seconds])])


def people(**counts: float) -> list[Told]:
    """``left=…``, ``missing=…``: of the accounts of one process's copy."""
    told = [Told(f"holdfast_people_{which}_accounts", [((), [count])]) for which, count in counts.items()]
    return [stale(0.0), *told]


@pytest.mark.parametrize(
    ("counts", "copy", "ledger"),
    [
        ({"active": 100_000.0, "left": 999.0}, "works", "works"),
        ({"active": 99_000.0, "left": 1_000.0}, "works", "degraded"),
        ({"active": 80_000.0, "left": 20_001.0}, "works", "fails"),
        ({"active": 1.0, "left": 9.0}, "works", "works"),
        ({"active": 90.0, "left": 10.0}, "works", "works"),
        ({"active": 900.0, "left": 100.0}, "works", "degraded"),
        ({"active": 39.0, "left": 10.0}, "works", "fails"),
        ({"active": 240.0, "missing": 240.0}, "fails", "works"),
    ],
)
def test_canary_6_many_accounts_that_are_gone_at_once_are_told(
    counts: dict[str, float], copy: str, ledger: str
) -> None:
    checks = Checks(WORLD, places(processes=Telling(*people(**counts))))
    said = {each.trial: each for each in run(checks.look("processes"))}
    assert (said["copy/mx-0"].state, said["ledger/people"].state) == (copy, ledger)
    assert {each.step for each in said.values() if each.state != "works"} - {"answer"} <= {"size"}


@pytest.mark.parametrize(
    ("wait_s", "full", "shed", "state", "step"),
    [
        (4.9, 0, 0, "works", ""),
        (5.1, 0, 0, "fails", "wait"),
        (0.1, 1000, 0, "fails", "wait"),
        (0.1, 0, 1000, "degraded", "put off"),
        (0.1, 5, 15, "works", ""),
    ],
)
def test_canary_6_more_sign_ins_than_can_be_checked_are_a_load_and_what_is_shed_is_less_bad(
    wait_s: float, full: float, shed: float, state: str, step: str
) -> None:
    told = Telling(
        Told("holdfast_auth_wait_seconds", [((), [wait_s])]),
        Told("holdfast_auth_put_off", [(("full",), [full]), (("shed",), [shed])]),
    )
    found = run(Checks(WORLD, places(processes=told)).look("processes"))
    [said] = [each for each in found if each.trial == "load/sign-in"]
    assert (said.state, said.step) == (state, step)


def test_canary_6_a_process_that_answers_and_whose_threads_stand_still_is_seen():
    told = Telling()
    checks = Checks(WORLD, places(processes=told))

    def said(**busy: float) -> dict[str, str]:
        names = {"commit": "packs volume-v1/mx-0"}
        busy_s = [((names.get(each, each),), [seconds]) for each, seconds in busy.items()]
        told.told = [Told("holdfast_thread_busy_seconds", busy_s)]
        return {each.trial: f"{each.state} {each.step}".rstrip() for each in run(checks.look("processes"))}

    assert said(commit=0.0, offload=0.0)["ledger/mx-0"] == "works"
    stuck = said(commit=9.0, offload=9.0)
    assert stuck["ledger/mx-0"] == "fails commit" and stuck["process/mx-0"] == "fails threads"
    assert said(commit=0.1)["ledger/mx-0"] == "works"
    assert set(said(rebuild=900.0).values()) <= {"works", "fails answer"}, "some work takes its time"


def met(metric: str, count: float) -> Told:
    return Told(f"holdfast_frames_{metric}_total", [(("volume-v1/mx-0", "7"), [count])])


def test_canary_8_what_one_check_finds_ill_no_other_calls_well():
    """A bit has changed, and all that was accepted is shown; a copy is old, and its file is whole."""
    damage, told = (
        ["pack 1 at 8: body checksum"],
        Telling(Told("holdfast_intake_unmerged_bytes", [(("mx-0",), [0.0])])),
    )
    checks = Checks(WORLD, places(ledgers={"ledger/mx-0": lambda packs: damage[0]}, processes=told))

    def said(part: str) -> list[tuple[str, str]]:
        return [(each.state, each.step) for each in run(checks.look(part)) if each.trial == "ledger/mx-0"]

    assert said("processes") == [("works", "")]
    assert said("ledgers") == [("fails", "frames")]
    assert said("processes") == []
    assert said("ledgers") == [("fails", "frames")]
    damage[0] = ""
    assert said("ledgers") == said("processes") == [("works", "")]


def test_canary_8_what_is_graver_is_said_and_what_is_less_so_no_longer():
    """While a lock is held, that is why the copy is old."""
    damage, told = [""], Telling(stale(900.0))
    checks = Checks(WORLD, places(files={"copy/mx-0": lambda: damage[0]}, processes=told))

    def said(part: str) -> list[str]:
        return [each.step for each in run(checks.look(part)) if each.trial == "copy/mx-0"]

    assert said("processes") == ["age"] and said("files") == []
    damage[0] = "not a database"
    assert said("files") == ["whole"] and said("processes") == []
    damage[0] = ""
    assert said("files") == [] and said("processes") == ["age"]
    told.told = [stale(0.0)]
    assert said("processes") == said("files") == [""]


def test_canary_8_what_two_checks_find_ill_is_well_when_both_say_so_and_said_all_the_while():
    damage, told, later = ["pack 1 at 8: body checksum"], Telling(met("bad", 0)), [0.0]
    clock = SimpleNamespace(now=WORLD.clock.now, monotonic=lambda: WORLD.clock.monotonic() + later[0])
    world = dataclasses.replace(WORLD, clock=clock)
    checks = Checks(world, places(ledgers={"ledger/mx-0": lambda packs: damage[0]}, processes=told))

    def said(part: str) -> list[str]:
        return [each.state for each in run(checks.look(part)) if each.trial == "ledger/mx-0"]

    assert said("processes") == []
    told.told = [met("bad", 1)]
    assert said("processes") == ["fails"] and said("ledgers") == [] and said("processes") == ["fails"]
    later[0] = SIGNALS_S
    assert said("processes") == [] and said("ledgers") == ["fails"]
    damage[0] = ""
    assert said("ledgers") == ["works"]


def test_a_damaged_frame_that_a_reader_met_is_said_of_its_ledger_until_that_proves_nothing_any_more():
    look, now = FramesLook(), 100.0

    def said(**told: list[Told]) -> dict[str, tuple[str, str]]:
        return {name: (each.state, each.step) for name, each in look(told, now)}

    assert said(imap=[met("bad", 3)], pop3=[]) == {}, "nobody knows when that was"
    assert said(imap=[met("bad", 3)], pop3=[met("bad", 1)]) == {"ledger/mx-0": ("fails", "frames")}
    now += SIGNALS_S - 1
    assert said(imap=[met("bad", 3)], pop3=[met("bad", 1)]) == {"ledger/mx-0": ("fails", "frames")}
    now += 1
    assert said(imap=[met("bad", 3)], pop3=[met("bad", 1)]) == {"ledger/mx-0": ("works", "")}
    assert look.packs == {"ledger/mx-0": {7}}
    assert said(imap=[met("bad", 1)]) == {"ledger/mx-0": ("fails", "frames")}, "it began anew, and met it"


def test_a_frame_that_only_a_copy_has_is_a_warning_for_long_and_says_less_than_a_damaged_one():
    told = Telling()
    checks = Checks(WORLD, places(processes=told))

    def said() -> list[tuple[str, str]]:
        found = run(checks.look("processes"))
        return [(each.state, each.step) for each in found if each.trial == "ledger/mx-0"]

    assert said() == []
    told.told = [met("repaired", 1)]
    assert said() == [("degraded", "copy")] == said()
    told.told = [met("repaired", 1), met("bad", 1)]
    assert said() == [("fails", "frames")]


def test_a_file_that_sessions_find_fault_with_is_the_next_that_is_looked_at(monkeypatch):
    monkeypatch.setattr("holdfast.watch.components.FILES_S", 0.0)  # one a look
    checks = Checks(WORLD, places(files={f"cell-{n:02d}/index": lambda: "" for n in range(20)}))
    checks.suspect(["cell-17/index", "process/imap-0"])
    assert [each.trial for each in run(checks.look("files"))] == ["cell-17/index"]


# processes

CRASH = Ended(1000.0, -9, 0.4, "parse.py, line 12, in fold")


@pytest.mark.parametrize(
    ("ran", "state", "said"),
    [
        (Ran("mx-0", 7, True, 0.0, silent_s=0.4), "works", ""),
        (Ran("mx-0", 7, True, 0.0, silent_s=9.0), "fails", "stood still for 9 s"),
        (Ran("mx-0", None, False, 0.0, 2.0, None, 30, CRASH), "fails", "signal 9 (SIGKILL)"),
        (Ran("mx-0", 7, True, 1001.0, None, 0.1, 30, CRASH), "degraded", "30 times"),
        (Ran("mx-0", 7, True, 1001.0, None, 0.1, 1, CRASH), "works", ""),
        (Ran("mx-0", 7, True, 1001.0, None, 0.1, 2, Ended(1000.0, -9, 2.0)), "degraded", "2 times"),
        (Ran("mx-0", 7, True, 1001.0, None, 0.1, 2, Ended(1000.0, -9, 60.0)), "works", ""),
        (Ran("mx-0", 7, True, 995.0, None, 0.1, 30, Ended(994.0, 1, 0.02)), "works", ""),
        (Ran("mx-0", 7, True, 995.0, None, 0.1, 30, Ended(994.0, -9, 2.0)), "degraded", "30 times"),
        (Ran("mx-0", 7, True, 0.0, None, 0.1, 30, Ended(900.0, -9)), "works", ""),
        (Ran("mx-0", 7, False, 1000.0), "unknown", "starting"),
        (Ran("mx-0", 7, False, 900.0), "fails", "not ready"),
        (Ran("mx-0", None, False, 0.0, 5.0, None, 1, Ended(1000.0, 1)), "fails", "ended with status 1"),
        (Ran("mx-0", None, False, 0.0, 0.0, None, 1, Ended(1000.0, 1)), "unknown", "anew"),
        (Ran("mx-0", 7, False, 0.0, silent_s=0.1, ending=True), "unknown", "anew"),
        (Ran("mx-0", None, False, 0.0), "fails", "nobody knows why"),
        (Ran("mx-0", None, False, 0.0, out=True), "unknown", "it is out of service"),
    ],
)
def test_a_process_that_is_down_stands_still_or_ends_again_and_again_is_named_with_how(ran, state, said):
    found = of_process(ran, 1002.0)
    assert found.state == state and said in found.text
    assert found.step == ("" if state == "works" else "runs")


def test_a_process_that_lives_and_has_no_descriptors_left_fails_by_that():
    found = of_process(Ran("mx-0", 7, True, 0.0, silent_s=0.4, lacking=64), 1002.0)
    assert (found.state, found.step) == ("fails", "descriptors") and "all 64" in found.text


def test_what_all_ask_for_is_asked_once_and_a_process_that_is_silent_is_none(tmp_path):
    asked: list[float] = []

    async def supervisor() -> Status:
        asked.append(WORLD.clock.monotonic())
        return Status("1.0", 0.0, (Ran("mx-0", 7, True, 0.0),))

    running = Processes(WORLD, supervisor, lambda name: Source(name, str(tmp_path / name)), list)

    async def both() -> tuple[Running, Collected]:
        return await running.look(), await running.counts()

    [looked, counted] = run(both())
    assert len(asked) == 1 and looked.told["mx-0"][0] is None and counted.told == {"mx-0": None}


class Mute(Session):
    def connected(self) -> None: ...
    def received(self, data: bytes) -> None: ...


def test_a_process_that_was_silent_keeps_what_the_others_tell_no_longer_than_it_must():
    async def main() -> None:
        async def supervisor() -> Status:
            return Status("1.0", 0.0, (Ran("store-0", 7, True, 0.0), Ran("imap-0", 8, True, 0.0)))

        await world.net.listen(Mute, "/run/store-0")
        await tell_at(world, Counts(), "/run/imap-0")
        running = Processes(world, supervisor, lambda name: Source(name, f"/run/{name}"), list)
        for waited in (ANSWER_S, SILENT_ANSWER_S, SILENT_ANSWER_S):
            began = world.clock.monotonic()
            told = (await running.look()).told
            assert told["store-0"][0] is None and told["imap-0"][0] is not None
            assert round(world.clock.monotonic() - began, 2) == waited
            await world.clock.sleep(RUNNING_FRESH_S)

    with simulated(1) as world:
        world.run(main())


# disks


def test_a_disk_that_was_looked_at_for_long_is_still_looked_at():
    class Later:
        at = 0.0

        def monotonic(self) -> float:
            self.at += DISK_SAMPLE_S
            return self.at

    checks = Checks(dataclasses.replace(WORLD, clock=Later()), places())
    steady = {checks._filling("/data", 1e12).state for _ in range(200)}
    shrinking = [checks._filling("/other", 1e9 - number * 4e6).step for number in range(200)]
    assert steady == {"works"} and shrinking[-1] == "filling"


# names


class Names:
    def __init__(self, found: object) -> None:
        self.found = found

    async def addresses(self, host: str) -> list[str]:
        if isinstance(self.found, Exception):
            raise self.found
        return ["192.0.2.1"]


@pytest.mark.parametrize(
    ("found", "resolver", "name"),
    [
        (None, "works", "works"),
        (Refused(Reason.NO_SUCH_DOMAIN, "no such name"), "works", "fails"),
        (Unavailable("dns", "SERVFAIL"), "fails", "unknown"),
    ],
)
def test_a_resolver_that_is_silent_and_a_name_that_is_gone_are_two_things(found, resolver, name):
    said = look("names", resolver=Names(found), outside="elsewhere.net", names=["mail.net"])
    assert (said["dns"].state, said["name/mail.net"].state) == (resolver, name)


@pytest.mark.parametrize(
    ("host", "asked"), [("mail.provider.net", True), ("mail.example.org", False), ("localhost", False)]
)
def test_names_that_are_nobodys_are_not_asked_for(host, asked):
    config = parse(f'[service]\nhostname = "{host}"\n', "/etc/holdfast.toml", {})
    assert bool(components.places(WORLD, config).names) == asked
