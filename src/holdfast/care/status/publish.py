"""Files into a folder that a web server shows: each whole, only what changed, pages last.

A reader sees each file as it was or as it is, never half; what a page leads to is there before it.
"""

from __future__ import annotations

import contextlib
import os.path

from holdfast.care.status.page import Files
from holdfast.world import World

_LAST = ("index.", "customer-")  # they lead to the others
_OURS = ("incident-", "customer-")  # of these, what isn't among the files is removed


def publish(world: World, folder: str, files: Files) -> list[str]:
    """Names of what was written or removed. Blocks; raises ``OSError``."""
    disk = world.disk
    disk.make_folder(folder)
    changed = []
    for name in sorted(files, key=lambda name: (name.startswith(_LAST), name)):
        path = os.path.join(folder, name)
        if not _is(world, path, files[name]):
            disk.write_atomic(path, files[name], public=True)
            changed.append(name)
    for name in disk.list(folder):
        if name.startswith(_OURS) and name not in files:
            disk.remove(os.path.join(folder, name))
            changed.append(name)
    return changed


def _is(world: World, path: str, data: bytes) -> bool:
    with contextlib.suppress(OSError):
        return world.disk.exists(path) and world.disk.read(path) == data
    return False
