"""The part of care that counts: when it speaks, and when it doesn't."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from holdfast.care.affected import digest
from holdfast.care.parts.affected import AffectedPart
from holdfast.care.turns import Seen
from holdfast.model.errors import Unavailable
from holdfast.watch.diagnosis.report import NamedCause, Report
from holdfast.watch.incidents import Incidents
from holdfast.watch.incidents import record as r
from holdfast.world import World, real_world
from unit.care.snapshot import NOON, account, written


class Counting:
    """An incident of one cell of two, seen turn by turn; what the part says gets into the ledger."""

    def __init__(self, folder: Path, path: str) -> None:
        self.world: World = real_world(level="error")
        self.incidents = Incidents()
        self.folder = folder
        self.at = NOON
        self.unknown: list[int] | None = []  # to the copy, None: that can't be read
        self.part = AffectedPart(self.world, str(folder / "watch"), path, self.told)
        self.tell(r.Opened(at=NOON, incident=1, since={"imap": NOON}))
        self.finds(3)

    def tell(self, *entries: r.AnyEntry) -> None:
        self.incidents.apply(entries)

    def finds(self, *cells: int) -> None:
        failing = tuple(
            r.Failing(trial=f"imap/{each}", function="imap", state="fails", step="SELECT", cell=each)
            for each in cells
        )
        self.tell(
            r.Found(at=self.at, incident=1, states={"imap": "fails"}, failing=failing, count=len(failing))
        )

    def names(self, *cells: int) -> None:
        cause = NamedCause(component="disk/v1", since=NOON, hits={"imap": {"SELECT": cells}})
        report = Report(verdict="named", probability=0.99, causes=(cause,))
        self.tell(r.Diagnosed(at=self.at, incident=1, report=report))

    def told(self, copy: str, most: int) -> list[int]:
        assert copy == "copy/imap-0"
        if self.unknown is None:
            raise Unavailable("customers", "locked")
        return self.unknown[:most]

    def blames_copy(self) -> None:
        met = r.Failing(trial="sessions/imap-0", function="imap", state="degraded", step="people")
        self.tell(r.Found(at=self.at, incident=1, states={"imap": "degraded"}, failing=(met,), count=1))
        cause = NamedCause(component="copy/imap-0", since=NOON, hits={"imap": {"sign-in": ()}})
        report = Report(verdict="named", probability=0.99, causes=(cause,))
        self.tell(r.Diagnosed(at=self.at, incident=1, report=report))

    def turn(self) -> list[str]:
        """How many mailboxes are said to be hit, and whether that is certain."""
        self.at += 5
        said = asyncio.run(self.part.turn(Seen(self.incidents, None, self.at)))
        self.incidents.apply(said)
        assert all(isinstance(each, r.Affected) for each in said)
        return [
            f"{'at most ' if each.bounded else ''}{hit.count} of {hit.of}"
            for each in said
            if isinstance(each, r.Affected)
            for hit in each.counts["imap"]
            if hit.what == "mailboxes"
        ]


@pytest.fixture
def counting(tmp_path: Path) -> Counting:
    world = real_world(level="error")
    path = written(world, tmp_path, [account(1, 1, 3), account(2, 2, 4), account(3, 3, 5)])
    return Counting(tmp_path, path)


def test_it_is_counted_at_the_beginning_at_each_change_and_at_the_end_and_never_twice(
    counting: Counting,
) -> None:
    assert counting.turn() == ["at most 3 of 3"]
    assert counting.turn() == []
    counting.names(3)
    assert counting.turn() == ["1 of 3"]
    counting.names(3, 5)
    counting.finds(3, 5)
    assert counting.turn() == ["2 of 3"]
    counting.finds(5)
    assert counting.turn() == []  # who was hit isn't well for having been hit first
    counting.finds()
    assert counting.turn() == []
    counting.tell(r.Closed(at=counting.at, incident=1, until={"imap": counting.at}))
    assert counting.turn() == []  # as it was said before


def test_affected_5_whom_an_old_copy_does_not_know_are_more_and_more_and_stay_hit(counting: Counting) -> None:
    counting.blames_copy()
    counting.unknown = [2]
    assert counting.turn() == ["1 of 3"]
    counting.unknown = [2, 3]
    assert counting.turn() + counting.turn() == ["2 of 3"]  # without any news of the incident
    counting.unknown = []
    assert counting.turn() + counting.turn() == []
    counting.tell(r.Closed(at=counting.at, incident=1, until={"imap": counting.at}))
    assert counting.turn() == []
    [incident] = counting.incidents
    assert incident.affected is not None and incident.affected.accounts == {"imap": (2, 3)}


@pytest.mark.parametrize("unknown", [None, [], list(range(2000))])
def test_affected_5_where_they_are_not_known_by_name_it_may_be_anybody(
    counting: Counting, unknown: list[int] | None
) -> None:
    counting.blames_copy()
    counting.unknown = unknown
    assert counting.turn() == ["at most 3 of 3"]


def test_what_a_part_that_was_started_anew_counts_again_is_said_once(counting: Counting) -> None:
    counting.turn()
    counting.part = AffectedPart(counting.world, str(counting.folder / "watch"), counting.part._customers)
    assert counting.turn() == []


def test_the_list_lies_beside_the_ledger_with_its_digest(counting: Counting) -> None:
    counting.names(3)
    counting.turn()
    [incident] = counting.incidents
    assert incident.affected is not None
    data = (counting.folder / "watch" / incident.affected.file).read_bytes()
    assert digest(data) == incident.affected.digest
    assert data.decode().splitlines()[1].startswith("1,user1@example.org,1,customer-1,3,imap,")


def test_affected_2_without_a_snapshot_no_number_is_said(counting: Counting) -> None:
    Path(counting.part._customers).unlink()
    with pytest.raises(Unavailable) as gone:
        counting.turn()
    assert gone.value.component == "customers"
