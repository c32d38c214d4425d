"""Names on a simulated disk: what one sees, what survives, and the changes between."""

from __future__ import annotations

import errno
import os
from typing import NamedTuple

from holdfast.sim.inode import Inode
from holdfast.sim.seed import Random

Node = Inode | None
"""A file, or None for a folder."""


class NameChange(NamedTuple):
    """`new` None is a removal, `old` None a creation, both a rename; `node` is what the name leads to."""

    old: str | None
    new: str | None
    node: Node

    def folders(self) -> set[str]:
        return {parent(path) for path in (self.old, self.new) if path is not None}

    def touches(self, paths: set[str]) -> bool:
        return any(_within(path, other) for path in (self.old, self.new) if path for other in paths)


def parent(path: str) -> str:
    return os.path.dirname(path) or "/"


def _within(path: str, other: str) -> bool:
    return path == other or path.startswith(other + "/") or other.startswith(path + "/")


class Names:
    """Paths are absolute and normal; '/' always exists."""

    __slots__ = ("durable", "seen", "unsynced")

    def __init__(self) -> None:
        self.seen: dict[str, Node] = {"/": None}
        self.durable: dict[str, Node] = {"/": None}
        self.unsynced: list[NameChange] = []

    def file(self, path: str) -> Inode:
        if path not in self.seen:
            raise _error(errno.ENOENT, path)
        node = self.seen[path]
        if node is None:
            raise _error(errno.EISDIR, path)
        return node

    def folder(self, path: str) -> None:
        if path not in self.seen:
            raise _error(errno.ENOENT, path)
        if self.seen[path] is not None:
            raise _error(errno.ENOTDIR, path)

    def children(self, path: str) -> list[str]:
        self.folder(path)
        return sorted(os.path.basename(name) for name in self.seen if name != "/" and parent(name) == path)

    def change(self, old: str | None, new: str | None, node: Node) -> None:
        for path in (old, new):
            if path is not None:
                self.folder(parent(path))
        change = NameChange(old, new, node)
        _apply(self.seen, change)
        self.unsynced.append(change)

    def sync(self, folder: str) -> None:
        """Changes in that folder are durable, with those they build upon."""
        self.folder(folder)
        paths: set[str] = set()
        carried: list[NameChange] = []
        for change in reversed(self.unsynced):
            if folder in change.folders() or (paths and change.touches(paths)):
                carried.append(change)
                paths.update(path for path in (change.old, change.new) if path)
        for change in reversed(carried):
            _apply(self.durable, change)
        self.unsynced = [change for change in self.unsynced if not any(change is one for one in carried)]

    def survive(self, random: Random) -> None:
        """Power is gone: unsynced changes are kept in order up to some point, or by lot."""
        if random.random() < 0.5:
            kept = self.unsynced[: random.randrange(len(self.unsynced) + 1)]
        else:
            kept, lost = [], set[str]()
            for change in self.unsynced:
                if random.random() < 0.5 or (lost and change.touches(lost)):
                    lost.update(path for path in (change.old, change.new) if path)
                else:
                    kept.append(change)
        for change in kept:
            _apply(self.durable, change)
        self.unsynced = []
        for path in sorted(self.durable, key=len):
            if parent(path) not in self.durable:
                del self.durable[path]
        self.seen = dict(self.durable)


def _apply(names: dict[str, Node], change: NameChange) -> None:
    old, new, node = change
    moved: dict[str, Node] = {}
    if old is not None:
        names.pop(old, None)
        if node is None:
            for path in [path for path in names if path.startswith(old + "/")]:
                below = names.pop(path)
                if new is not None:
                    moved[new + path[len(old) :]] = below
    if new is not None:
        names[new] = node
        names.update(moved)


def _error(code: int, path: str) -> OSError:
    return OSError(code, os.strerror(code), path)
