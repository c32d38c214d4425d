"""Whose use of a function passes through what, by the map."""

from __future__ import annotations

import pytest

from holdfast.run import mapping
from holdfast.run.config import Config, Service
from holdfast.watch.depends import Component, DependencyMap, Edge, Step, Trial
from holdfast.watch.whom import whom

CELLS = range(4)


def trial(name: str, function: str, *steps: tuple[str, set[str]]) -> Trial:
    return Trial(name, function, tuple(Step(step, frozenset(uses)) for step, uses in steps))


def look(cell: int) -> set[str]:
    return {f"cell-{cell:02d}/index", f"path/{cell % 2}"}


def known(tried: range = CELLS) -> DependencyMap:
    """Two disks and two ways, each of every second cell; a search for all, that lies on one of the disks."""
    ids = [f"cell-{cell:02d}/index" for cell in CELLS] + ["disk/0", "disk/1", "path/0", "path/1"]
    ids += ["process/imap", "process/search", "store"]
    needs = [Edge(f"cell-{cell:02d}/index", f"disk/{cell % 2}", "lies on") for cell in CELLS]
    needs.append(Edge("process/search", "disk/1", "lies on"))
    trials = [
        trial(f"imap/{cell}", "imap", ("sign-in", {"process/imap"}), ("SELECT", look(cell))) for cell in tried
    ]
    trials.append(trial("imap/canary", "imap", ("SELECT", look(1)), ("APPEND", {"store", *look(1)})))
    trials.append(trial("webmail/search", "webmail", ("search", {"process/search"})))
    return DependencyMap([Component(each, "any") for each in ids], needs, (), trials)


def test_whom_1_a_part_of_a_cell_hits_its_own_and_what_it_stands_on_all_that_stand_on_it():
    assert whom(known(), "cell-02/index") == {"imap": {"SELECT": (2,), "APPEND": (2,)}}
    assert whom(known(), "disk/0") == {"imap": {"SELECT": (0, 2), "APPEND": (0, 2)}}


def test_whom_1_each_step_says_for_itself_whom_it_hits():
    """The cells on that disk, and of the webmail everybody: they all search by it."""
    assert whom(known(), "disk/1") == {
        "imap": {"SELECT": (1, 3), "APPEND": (1, 3)},
        "webmail": {"search": ()},
    }


def test_whom_1_what_no_cell_has_hits_those_of_whom_it_is_not_known_that_they_do_without():
    assert whom(known(), "path/1") == {"imap": {"SELECT": (1, 3), "APPEND": (1, 3)}}
    assert whom(known(range(1)), "path/1") == {"imap": {"SELECT": (1, 2, 3), "APPEND": (1, 2, 3)}}
    assert whom(known(), "process/imap") == {"imap": {"sign-in": ()}}


def test_whom_1_what_is_tried_in_one_cell_alone_is_everybodys():
    assert whom(known(), "store") == {"imap": {"APPEND": ()}}


@pytest.mark.slow
@pytest.mark.parametrize("canaries", [(3, 7), (3, 3)])
def test_on_one_machine_an_index_is_its_cells_and_a_copy_a_disk_and_the_store_are_everybodys(canaries):
    config = Config(service=Service(cells=8))
    real = mapping.dependency_map(config, cells=range(8), canaries=canaries, sessions=True)
    index = whom(real, "cell-05/index")
    assert index.keys() == {"receive", "send", "imap", "pop3", "webmail"}
    assert {cells for steps in index.values() for cells in steps.values()} == {(5,)}
    assert whom(real, "copy/imap-0") == {"imap": {"sign-in": ()}}
    for each in ("disk/volume-v1", "process/store-0", "machine"):
        assert {cells for steps in whom(real, each).values() for cells in steps.values()} == {()}
