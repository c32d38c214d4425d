"""One suite for both disks: what holds on the real one holds on the simulated one."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from holdfast.model.errors import Unavailable
from holdfast.sim.world import simulated
from holdfast.world import real_world


@pytest.fixture(params=["real", "simulated"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Any, str]]:
    """(disk, an empty folder on it)"""
    if request.param == "real":
        yield real_world().disk, str(tmp_path)
        return
    with simulated(1) as world:
        world.disk.make_folder("/vol")
        yield world.disk, "/vol"


def test_append_returns_the_offset_and_joins_its_buffers(place: tuple[Any, str]) -> None:
    disk, folder = place
    file = disk.open(f"{folder}/a", create=True)
    assert file.append(b"one", memoryview(b"two"), bytearray(b"three")) == 0
    assert file.append(b"four") == 11
    assert file.read_at(0, 100) == b"onetwothreefour"
    assert file.size() == 15


def test_append_takes_more_buffers_than_one_system_call(place: tuple[Any, str]) -> None:
    """WORLD-2, SIM-7."""

    disk, folder = place
    file = disk.open(f"{folder}/a", create=True)
    parts = [bytes([i & 255]) * (i % 5) for i in range(5000)]
    file.append(*parts)
    assert disk.read(f"{folder}/a") == b"".join(parts)


def test_a_file_opened_again_goes_on_at_its_end(place: tuple[Any, str]) -> None:
    disk, folder = place
    first = disk.open(f"{folder}/a", create=True)
    first.append(b"abc")
    first.sync()
    first.close()
    assert disk.open(f"{folder}/a", create=True).append(b"d") == 3
    assert disk.read(f"{folder}/a") == b"abcd"


def test_reads_end_at_the_end_of_the_file(place: tuple[Any, str]) -> None:
    disk, folder = place
    file = disk.open(f"{folder}/a", create=True)
    file.append(b"abc")
    assert file.read_at(1, 10) == b"bc"
    assert file.read_at(3, 10) == b""
    assert file.read_at(100, 10) == b""


def test_pwrite_beyond_the_end_leaves_zeros(place: tuple[Any, str]) -> None:
    disk, folder = place
    file = disk.open(f"{folder}/a", create=True)
    file.pwrite(4, b"x")
    file.pwrite(0, b"y")
    assert disk.read(f"{folder}/a") == b"y\0\0\0x"
    assert file.append(b"z") == 5


def test_truncate_sets_the_end_of_the_next_append(place: tuple[Any, str]) -> None:
    disk, folder = place
    file = disk.open(f"{folder}/a", create=True)
    file.append(b"abcdef")
    file.truncate(2)
    assert file.append(b"X") == 2
    assert disk.read(f"{folder}/a") == b"abX"


def test_a_missing_file_is_file_not_found(place: tuple[Any, str]) -> None:
    disk, folder = place
    for attempt in (disk.open, disk.read, disk.remove, disk.list):
        with pytest.raises(FileNotFoundError):
            attempt(f"{folder}/nothing")
    with pytest.raises(FileNotFoundError):
        disk.rename(f"{folder}/nothing", f"{folder}/x")
    with pytest.raises(FileNotFoundError):
        disk.open(f"{folder}/no/folder", create=True)
    assert disk.identity(f"{folder}/nothing") is None
    assert not disk.exists(f"{folder}/nothing")


def test_a_file_opened_for_reading_takes_no_writes(place: tuple[Any, str]) -> None:
    disk, folder = place
    disk.write_atomic(f"{folder}/a", b"abc")
    file = disk.open(f"{folder}/a", write=False)
    with pytest.raises(OSError) as caught:
        file.append(b"x")
    assert caught.value.errno == errno.EBADF
    assert file.read_at(0, 9) == b"abc"


def test_a_closed_file_is_a_bad_descriptor(place: tuple[Any, str]) -> None:
    disk, folder = place
    file = disk.open(f"{folder}/a", create=True)
    file.close()
    file.close()
    for attempt in (lambda: file.append(b"x"), lambda: file.read_at(0, 1), file.sync, file.size):
        with pytest.raises(OSError) as caught:
            attempt()
        assert caught.value.errno == errno.EBADF


def test_names_are_listed_in_order(place: tuple[Any, str]) -> None:
    disk, folder = place
    for name in ("b", "a", "c"):
        disk.open(f"{folder}/{name}", create=True).close()
    disk.make_folder(f"{folder}/d/e")
    assert disk.list(folder) == ["a", "b", "c", "d"]
    assert disk.list(f"{folder}/d") == ["e"]


def test_rename_replaces_and_keeps_the_identity(place: tuple[Any, str]) -> None:
    disk, folder = place
    disk.write_atomic(f"{folder}/a", b"new")
    disk.write_atomic(f"{folder}/b", b"old")
    identity = disk.identity(f"{folder}/a")
    disk.rename(f"{folder}/a", f"{folder}/b")
    disk.sync_folder(folder)
    assert disk.read(f"{folder}/b") == b"new"
    assert disk.identity(f"{folder}/b") == identity
    assert disk.list(folder) == ["b"]


def test_a_renamed_folder_takes_its_files_along(place: tuple[Any, str]) -> None:
    disk, folder = place
    disk.make_folder(f"{folder}/x/y")
    disk.write_atomic(f"{folder}/x/y/f", b"1")
    disk.rename(f"{folder}/x", f"{folder}/z")
    assert disk.read(f"{folder}/z/y/f") == b"1"
    assert not disk.exists(f"{folder}/x/y/f")


def test_only_an_empty_folder_is_removed(place: tuple[Any, str]) -> None:
    disk, folder = place
    disk.make_folder(f"{folder}/d")
    disk.write_atomic(f"{folder}/d/f", b"1")
    with pytest.raises(OSError) as caught:
        disk.remove(f"{folder}/d")
    assert caught.value.errno == errno.ENOTEMPTY
    disk.remove(f"{folder}/d/f")
    disk.remove(f"{folder}/d")
    assert disk.list(folder) == []


def test_an_open_file_outlives_its_name(place: tuple[Any, str]) -> None:
    disk, folder = place
    file = disk.open(f"{folder}/a", create=True)
    file.append(b"still")
    disk.remove(f"{folder}/a")
    assert file.read_at(0, 9) == b"still"
    file.append(b" here")
    file.sync()
    assert file.size() == 10


def test_write_atomic_leaves_nothing_else_behind(place: tuple[Any, str]) -> None:
    disk, folder = place
    disk.write_atomic(f"{folder}/a", b"1")
    disk.write_atomic(f"{folder}/a", memoryview(b"22"))
    assert disk.list(folder) == ["a"]
    assert disk.read(f"{folder}/a") == b"22"
    disk.write_atomic(f"{folder}/a", b"333", durable=False)
    assert disk.list(folder) == ["a"]
    assert disk.read(f"{folder}/a") == b"333"


def test_a_lock_is_held_once(place: tuple[Any, str]) -> None:
    disk, folder = place
    lock = disk.lock(f"{folder}/lock")
    with pytest.raises(Unavailable):
        disk.lock(f"{folder}/lock")
    lock.release()
    lock.release()
    disk.lock(f"{folder}/lock").release()


def test_make_folder_may_find_it_there_but_not_a_file(place: tuple[Any, str]) -> None:
    disk, folder = place
    disk.make_folder(f"{folder}/a/b")
    disk.make_folder(f"{folder}/a/b")
    disk.write_atomic(f"{folder}/f", b"")
    with pytest.raises(OSError):
        disk.make_folder(f"{folder}/f/g")
    with pytest.raises(OSError):
        disk.make_folder(f"{folder}/f")


def test_there_is_room_and_a_place_for_databases(place: tuple[Any, str]) -> None:
    disk, folder = place
    assert disk.free_bytes(folder) > 0
    path = disk.database_path(f"{folder}/index.sqlite")
    Path(path).write_bytes(b"x")
    assert disk.database_path(f"{folder}/index.sqlite") == path
