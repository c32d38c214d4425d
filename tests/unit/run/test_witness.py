"""What the role watch learns without trying anything: from an event in a process to a signal, by sockets."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.functions.imap.events import UNAVAILABLE
from holdfast.run import mapping
from holdfast.run.config import Config
from holdfast.run.reading import parse
from holdfast.run.witness import Witness
from holdfast.watch.collecting import Source
from holdfast.watch.counting import Counts, tell_at
from holdfast.watch.processes import Processes, Ran, Status
from holdfast.world import real_world, run
from holdfast.world.journal import LineJournal


def made(folder: Path) -> Config:
    return parse(f'[service]\ndata = "{folder}/data"\ncells = 8\n', str(folder / "holdfast.toml"), {})


@pytest.mark.slow
def test_what_a_customer_meets_is_a_signal_and_another_configuration_a_change(tmp_path, monkeypatch):
    monkeypatch.setattr("holdfast.watch.processes.RUNNING_FRESH_S", -1.0)
    config, world, counts = made(tmp_path), real_world(level="error", journal_path="/dev/null"), Counts()
    (tmp_path / "data" / "watch").mkdir(parents=True)
    known = mapping.dependency_map(config, sessions=True)
    configuration = "a"

    async def supervisor() -> Status:
        return Status("1.0", 0.0, (Ran("imap-0", 7, True, 0.0),), configuration, world.clock.now())

    def witness() -> Witness:
        """As after a new start: what was known is on disk."""
        processes = Processes(
            world, supervisor, lambda name: Source(name, str(tmp_path / "imap-0.sock")), list
        )
        return Witness(world, config, processes, known)

    async def main() -> None:
        nonlocal configuration
        assert isinstance(world.journal, LineJournal)
        world.journal.tap(counts.taps)
        assert await tell_at(world, counts, str(tmp_path / "imap-0.sock"))
        first = witness()
        assert await first.look() == [] and first.changes == []
        world.journal.emit(
            UNAVAILABLE,
            command="SELECT",
            account=7,
            component="cell-03/index",
            text="damaged",
            peer="192.0.2.7",
            cell=3,
        )
        [signal] = await first.look()
        assert (signal.function, signal.meant) == ("imap", ("cell-03/index",))
        assert [(each.trial, each.failed) for each in first.outcomes()] == [
            ("sessions/imap-0", "cell-03/index")
        ]
        [use] = first.uses()
        assert (use.function, use.served, use.missed, use.well) == ("imap", 0, 1, None)
        configuration = "b"
        second = witness()
        await second.look()
        assert [each.what for each in second.changes] == ["configuration"]

    run(main())
