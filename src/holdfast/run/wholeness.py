"""Whether a file of the service is whole, as far as a short look shows. Everything here blocks."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from functools import partial

import apsw

from holdfast.model.errors import ComponentId
from holdfast.model.limits import FILE_LOOK_S
from holdfast.run import mapping
from holdfast.run.config import Config
from holdfast.run.keys import KEY_BYTES
from holdfast.run.trials import FILES, kind_of
from holdfast.world import World

_OPCODES = 1000  # between looks at the clock
_BUSY = (apsw.BusyError, apsw.LockedError, apsw.InterruptError)

_LOCKS = "/proc/locks"  # proc(5)
_WRITER = 120  # the byte of a WAL's ``-shm`` that its one writer holds: sqlite.org/walformat.html §2.3.3
_ALWAYS = ("index",)  # the store makes every one as soon as it begins

Look = Callable[[], "str | None"]


def looks(world: World, config: Config) -> dict[ComponentId, Look]:
    """Of each file that the map has: what is wrong with it, '' for nothing, None where there is none."""
    found: dict[ComponentId, Look] = {}
    there = mapping.components(config)
    for path, component in mapping.places(config).items():
        kind = kind_of(component)
        if kind in FILES and component in there and component not in found:
            what = database if path.endswith(".sqlite") else key if kind == "key" else entry
            look: Look = partial(what, world, path)
            found[component] = partial(_there, look, path) if kind in _ALWAYS else look
    return found


def databases(config: Config) -> dict[ComponentId, str]:
    """Path of each database that the map has."""
    there, found = mapping.components(config), mapping.places(config)
    return {id: path for path, id in found.items() if path.endswith(".sqlite") and id in there}


def missing(world: World, paths: Mapping[ComponentId, str]) -> list[ComponentId]:
    """Of databases that are always there those that aren't. Cheap: of all of them in one look."""
    return [id for id, path in paths.items() if kind_of(id) in _ALWAYS and not world.disk.exists(path)]


def writers(world: World, paths: Mapping[ComponentId, str]) -> dict[ComponentId, int]:
    """Who holds the lock that writing to a database takes, by process id: as the kernel tells it, so that no
    lock is taken for it. None where it doesn't tell."""
    try:
        with open(_LOCKS, encoding="ascii") as file:
            held = dict(each for line in file if (each := _writing(line)) is not None)
    except OSError:
        return {}
    found: dict[ComponentId, int] = {}
    for component, path in paths.items() if held else ():
        try:
            file_ = os.stat(f"{world.disk.database_path(path)}-shm")
        except OSError:
            continue
        if pid := held.get((file_.st_dev, file_.st_ino)):
            found[component] = pid
    return found


def _writing(line: str) -> tuple[tuple[int, int], int] | None:
    """``1: POSIX  ADVISORY  WRITE 20959 fe:00:3645463 120 120`` → ((device, inode), 20959)."""
    words = line.split()
    if len(words) != 8 or words[1:4] != ["POSIX", "ADVISORY", "WRITE"] or words[6] != str(_WRITER):
        return None
    major, minor, inode = words[5].split(":")
    return (os.makedev(int(major, 16), int(minor, 16)), int(inode)), int(words[4])


def _there(look: Look, path: str) -> str:
    found = look()
    return f"{path}: it is gone" if found is None else found


def database(world: World, path: str) -> str | None:
    """SQLite's own check, for FILE_LOOK_S: of a large file the beginning."""
    until = world.clock.monotonic() + FILE_LOOK_S
    if not world.disk.exists(path):
        return None
    try:
        with contextlib.closing(
            apsw.Connection(world.disk.database_path(path), flags=apsw.SQLITE_OPEN_READONLY)
        ) as db:
            db.set_progress_handler(lambda: world.clock.monotonic() > until, _OPCODES)
            [(said,)] = db.execute("PRAGMA quick_check(1)")
    except _BUSY:
        return ""
    except apsw.Error as error:
        return f"{path}: {error}"
    return "" if said == "ok" else f"{path}: {said}"


def key(world: World, path: str) -> str | None:
    if not world.disk.exists(path):
        return None
    try:
        size = len(world.disk.read(path))
    except OSError as error:
        return f"{path}: {error.strerror or error}"
    return "" if size >= KEY_BYTES else f"{path}: {size} bytes are no key"


def entry(world: World, path: str) -> str | None:
    """A file that can be read, or a folder that can be listed and written to."""
    if not world.disk.exists(path):
        return None
    wanted = os.R_OK | os.W_OK | os.X_OK if os.path.isdir(path) else os.R_OK
    return "" if os.access(path, wanted) else f"{path}: it may not be used by this user"
