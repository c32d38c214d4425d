"""A disk modelled to the byte: what is synced survives, the rest goes as real disks lose it (SIM-7)."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Callable

from holdfast.model.errors import Unavailable
from holdfast.sim.inode import Inode
from holdfast.sim.loop import Life
from holdfast.sim.names import Names, parent
from holdfast.sim.rules import Operation, Rule
from holdfast.sim.seed import Random
from holdfast.world.disk import Buffer, File, Lock
from holdfast.world.disk import Names as NameList

PLENTY_BYTES = 1 << 40


class Platter:
    """The disk of one machine, shared by its processes; it outlives them, and power cuts."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.names = Names()
        self.rules: list[Rule] = []
        self.locks: dict[str, SimLock] = {}
        self.capacity_bytes: int | None = None
        self.operations = 0  # all there were, faults included
        self.trace: list[tuple[str, str]] | None = None  # set to a list to have operations noted
        self.cut_power: Callable[[], None] = lambda: None
        self.hang: Callable[[float | None, str], None] = lambda seconds, what: None
        self._next_inode = 1
        self._databases: tempfile.TemporaryDirectory[str] | None = None

    # -- faults -------------------------------------------------------------------------------

    def fail(
        self,
        operation: Operation,
        prefix: str = "",
        code: int = errno.EIO,
        *,
        after: int = 0,
        times: int | None = None,
    ) -> Rule:
        """Matching operations fail with that errno; an append may have written a part."""
        return self._rule(Rule("error", operation, prefix, code=code, after=after, times=times))

    def hang_at(
        self,
        operation: Operation,
        prefix: str = "",
        seconds: float | None = None,
        *,
        after: int = 0,
        times: int | None = None,
    ) -> Rule:
        """Matching operations take so long of virtual time, or for ever; then they are carried out."""
        return self._rule(Rule("hang", operation, prefix, seconds=seconds, after=after, times=times))

    def misread(self, prefix: str = "", *, after: int = 0, times: int | None = 1) -> Rule:
        """Reads return one flipped bit, while the stored bytes are good."""
        return self._rule(Rule("flip", "read", prefix, after=after, times=times))

    def cut_power_at(self, operation: Operation, prefix: str = "", *, after: int = 0) -> Rule:
        """Power goes in the middle of such an operation; a write of it may have arrived."""
        return self._rule(Rule("power", operation, prefix, after=after, times=1))

    def rot(self, path: str, offset: int | None = None) -> int:
        """Flips one stored bit, at `offset` or anywhere in the file; returns the offset."""
        inode = self.names.file(path)
        if offset is None:
            offset = self.random.randrange(len(inode.seen))
        inode.flip(offset, self.random.randrange(8))
        return offset

    def forget_caches(self) -> None:
        """The page cache is given away: what a failed sync pretended to hold is gone."""
        for inode in self.inodes():
            inode.forget_cache()

    def survive(self) -> None:
        """What a power cut leaves."""
        self.names.survive(self.random)
        everything = self.inodes()
        stale = b"".join(bytes(inode.durable[:4096]) for inode in everything[:8])
        for inode in everything:
            inode.survive(self.random, stale)
        self.locks.clear()
        self._renew_databases(self.random.random() < 0.5)

    def close(self) -> None:
        if self._databases is not None:
            self._databases.cleanup()
            self._databases = None

    # -- for the views ------------------------------------------------------------------------

    def inodes(self) -> list[Inode]:
        found = {
            inode.number: inode
            for names in (self.names.seen, self.names.durable)
            for inode in names.values()
            if inode is not None
        }
        return [found[number] for number in sorted(found)]

    def new_inode(self) -> Inode:
        self._next_inode += 1
        return Inode(self._next_inode)

    def room(self) -> int:
        if self.capacity_bytes is None:
            return PLENTY_BYTES
        used = sum(len(inode.seen) for inode in self.names.seen.values() if inode is not None)
        return max(0, self.capacity_bytes - used)

    def strike(self, operation: str, path: str) -> Rule | None:
        """The rule that this operation meets, if any; hanging is done here."""
        self.operations += 1
        if self.trace is not None:
            self.trace.append((operation, path))
        for rule in self.rules:
            if rule.meets(operation, path):
                if rule.effect != "hang":
                    return rule
                self.hang(rule.seconds, f"{operation} {path}")
        return None

    def may_hang(self) -> bool:
        return any(rule.active and rule.effect == "hang" for rule in self.rules)

    def database_path(self, path: str) -> str:
        if self._databases is None:
            self._databases = tempfile.TemporaryDirectory(prefix="holdfast-sim-")
        real = os.path.join(self._databases.name, path.lstrip("/"))
        os.makedirs(os.path.dirname(real), exist_ok=True)
        return real

    def _renew_databases(self, keep: bool) -> None:
        """Derived databases survive or don't. A copy, for the dead still hold their locks on the old ones."""
        if self._databases is None:
            return
        old, self._databases = self._databases, None
        if keep:
            self._databases = tempfile.TemporaryDirectory(prefix="holdfast-sim-")
            unwanted = shutil.ignore_patterns("*-shm")
            shutil.copytree(old.name, self._databases.name, dirs_exist_ok=True, ignore=unwanted)
        old.cleanup()

    def _rule(self, rule: Rule) -> Rule:
        self.rules.append(rule)
        return rule


class SimDisk:
    """The disk as one process sees it; `platter` is for the one who breaks it."""

    __slots__ = ("_life", "platter")

    def __init__(self, platter: Platter, life: Life) -> None:
        self.platter = platter
        self._life = life

    def gate(self, operation: str, path: str) -> Rule | None:
        """Before every operation: is there still a process, and what goes wrong?"""
        self._life.check()
        rule = self.platter.strike(operation, path)
        self._life.check()
        return rule

    def plain(self, operation: str, path: str) -> None:
        """`gate` for operations that happen or don't; a power cut comes just before or just after."""
        rule = self.gate(operation, path)
        if rule is not None and rule.effect == "error":
            raise rule.error(path)
        if rule is not None and rule.effect == "power":
            self.die()

    def die(self) -> None:
        self.platter.cut_power()
        self._life.check()

    def open(self, path: str, *, create: bool = False, write: bool = True) -> File:
        path = _normal(path)
        self.plain("open", path)
        names = self.platter.names
        if create and path not in names.seen:
            names.change(None, path, self.platter.new_inode())
        return SimFile(self, path, names.file(path), write or create)

    def exists(self, path: str) -> bool:
        self._life.check()
        return _normal(path) in self.platter.names.seen

    def list(self, path: str) -> NameList:
        path = _normal(path)
        self.plain("list", path)
        return self.platter.names.children(path)

    def rename(self, old: str, new: str) -> None:
        old, new = _normal(old), _normal(new)
        self.plain("rename", old)
        names = self.platter.names
        if old not in names.seen:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), old)
        if new in names.seen and (names.seen[new] is None) != (names.seen[old] is None):
            code = errno.EISDIR if names.seen[new] is None else errno.ENOTDIR
            raise OSError(code, os.strerror(code), new)
        if new in names.seen and names.seen[new] is None and names.children(new):
            raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), new)
        names.change(old, new, names.seen[old])

    def remove(self, path: str) -> None:
        path = _normal(path)
        self.plain("remove", path)
        names = self.platter.names
        if path not in names.seen:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        if names.seen[path] is None and names.children(path):
            raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), path)
        names.change(path, None, names.seen[path])

    def make_folder(self, path: str) -> None:
        path = _normal(path)
        missing = []
        while path not in self.platter.names.seen:
            missing.append(path)
            path = parent(path)
        self.platter.names.folder(path)
        for folder in reversed(missing):
            self.platter.names.change(None, folder, None)
            self.sync_folder(parent(folder))

    def sync_folder(self, path: str) -> None:
        path = _normal(path)
        self.plain("sync_folder", path)
        self.platter.names.sync(path)

    def free_bytes(self, path: str) -> int:
        self._life.check()
        return self.platter.room()

    def lock(self, path: str) -> Lock:
        self._life.check()
        path = _normal(path)
        held = self.platter.locks.get(path)
        if held is not None and not held.life.dead:
            raise Unavailable(path, "locked by another process", 1.0)
        if path not in self.platter.names.seen:
            self.platter.names.change(None, path, self.platter.new_inode())
        lock = self.platter.locks[path] = SimLock(self.platter, path, self._life)
        return lock

    def read(self, path: str) -> bytes:
        file = self.open(path, write=False)
        return file.read_at(0, file.size())

    def write_atomic(self, path: str, data: Buffer, *, public: bool = False, durable: bool = True) -> None:
        path = _normal(path)
        temporary = f"{parent(path).rstrip('/')}/.new-{self.platter.random.getrandbits(40):010x}"
        file = self.open(temporary, create=True)
        try:
            file.append(data)
            if durable:
                file.sync()
            self.rename(temporary, path)
        except OSError:
            with contextlib.suppress(OSError):
                self.remove(temporary)
            raise
        if durable:
            self.sync_folder(parent(path))

    def identity(self, path: str) -> tuple[int, int] | None:
        self._life.check()
        path = _normal(path)
        if path not in self.platter.names.seen:
            return None
        node = self.platter.names.seen[path]
        return (1, node.number if node is not None else -len(path))

    def database_path(self, path: str) -> str:
        self._life.check()
        return self.platter.database_path(_normal(path))


class SimFile:
    __slots__ = ("_disk", "_end", "_inode", "_open", "_write", "path")

    def __init__(self, disk: SimDisk, path: str, inode: Inode, write: bool) -> None:
        self.path = path
        self._disk = disk
        self._inode = inode
        self._write = write
        self._open = True
        self._end = len(inode.seen)

    def append(self, *buffers: Buffer) -> int:
        start = self._end
        data = b"".join(buffers)
        self._put(start, data)
        self._end = start + len(data)
        return start

    def pwrite(self, offset: int, data: Buffer) -> None:
        self._put(offset, bytes(data))
        self._end = max(self._end, offset + len(data))

    def read_at(self, offset: int, n: int) -> bytes:
        self._usable()
        rule = self._disk.gate("read", self.path)
        if rule is not None and rule.effect == "error":
            raise rule.error(self.path)
        if rule is not None and rule.effect == "power":
            self._disk.die()
        data = bytes(self._inode.seen[offset : offset + n])
        if rule is not None and rule.effect == "flip" and data:
            random = self._disk.platter.random
            wrong = bytearray(data)
            wrong[random.randrange(len(wrong))] ^= 1 << random.randrange(8)
            return bytes(wrong)
        return data

    def size(self) -> int:
        self._usable()
        self._disk._life.check()
        return len(self._inode.seen)

    def sync(self) -> None:
        self._usable()
        rule = self._disk.gate("sync", self.path)
        if rule is not None and rule.effect == "error":
            self._inode.fail_sync(self._disk.platter.random)
            raise rule.error(self.path)
        if rule is not None and rule.effect == "power":
            self._disk.die()
        self._inode.sync()

    def truncate(self, n: int) -> None:
        self._usable(write=True)
        self._disk.plain("truncate", self.path)
        self._inode.truncate(n)
        self._end = n

    def close(self) -> None:
        self._open = False

    def _usable(self, write: bool = False) -> None:
        if not self._open or (write and not self._write):
            raise OSError(errno.EBADF, os.strerror(errno.EBADF), self.path)

    def _put(self, offset: int, data: bytes) -> None:
        self._usable(write=True)
        platter = self._disk.platter
        rule = self._disk.gate("append", self.path)
        if rule is not None and rule.effect in ("error", "power"):
            if data and platter.random.random() < 0.5:
                self._inode.write(offset, data[: platter.random.randrange(len(data) + 1)])
            if rule.effect == "power":
                self._disk.die()
            raise rule.error(self.path)
        growth = offset + len(data) - len(self._inode.seen)
        room = platter.room() if growth > 0 and platter.capacity_bytes is not None else growth
        if growth > room:
            fits = len(data) - (growth - room)
            if fits > 0:
                self._inode.write(offset, data[:fits])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self.path)
        if data:
            self._inode.write(offset, data)


class SimLock:
    __slots__ = ("_path", "_platter", "life")

    def __init__(self, platter: Platter, path: str, life: Life) -> None:
        self._platter = platter
        self._path = path
        self.life = life

    def release(self) -> None:
        if self._platter.locks.get(self._path) is self:
            del self._platter.locks[self._path]


def _normal(path: str) -> str:
    return os.path.normpath("/" + path.lstrip("/"))
