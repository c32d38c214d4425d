"""Files into a folder that a web server shows: each whole, only what changed, pages last.

A reader sees each file as it was or as it is, never half; what a page leads to is there before it.
"""

from __future__ import annotations

import contextlib
import os.path
from collections.abc import Container, Iterable

from holdfast.care.status.page import Files
from holdfast.world import World

OWN = "customer-"
OURS = ("incident-", OWN)  # of these, what isn't among the files is taken away
_LAST = (OWN, "index.")  # they lead to the others


def in_order(name: str) -> tuple[object, ...]:
    """What a page leads to is there before it, and what everybody reads before what one customer does."""
    own = base(name)
    return (*(own.startswith(each) for each in _LAST), name)


def base(name: str) -> str:
    """Without the tenant's folder."""
    return name.rpartition("/")[2]


def publish(world: World, folder: str, files: Files) -> list[str]:
    """Names of what was written or removed. Blocks; raises ``OSError``."""
    changed = write(world, folder, ((name, files[name]) for name in sorted(files, key=in_order)))
    gone = [name for name in world.disk.list(folder) if name.startswith(OURS) and name not in files]
    remove(world, folder, gone)
    return changed + gone


def write(
    world: World,
    folder: str,
    files: Iterable[tuple[str, bytes]],
    *,
    durable: bool = True,
    other: Container[str] = (),
) -> list[str]:
    """Names of what wasn't there as it is now; ``other``: what is known to be otherwise. Blocks; raises
    ``OSError``."""
    disk, changed = world.disk, []
    for name, data in files:
        path = os.path.join(folder, name)
        if not disk.exists(os.path.dirname(path)):
            disk.make_folder(os.path.dirname(path))
        if name in other or not _is(world, path, data):
            disk.write_atomic(path, data, public=True, durable=durable)
            changed.append(name)
    return changed


def remove(world: World, folder: str, names: Iterable[str]) -> None:
    """Of these, what is there. Blocks; raises ``OSError``."""
    for name in names:
        path = os.path.join(folder, name)
        if world.disk.exists(path):
            world.disk.remove(path)


def _is(world: World, path: str, data: bytes) -> bool:
    with contextlib.suppress(OSError):
        return world.disk.exists(path) and world.disk.read(path) == data
    return False
