"""The disk: files that are appended to, and folders, with syncs one can count on.

Calls block; make them from `world.offload` or a `Thread`, or where a few
microseconds don't matter. Errors are `OSError` with the system's `errno`.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import tempfile
from collections.abc import Sequence
from typing import Protocol

from holdfast.model.errors import Unavailable

Buffer = bytes | bytearray | memoryview

Names = list[str]  # `Disk.list` hides the builtin within the classes

IOV_MAX = 1024  # buffers per system call, Linux
CLOSED = 0x7FFFFFFF  # a descriptor that no process has: calls on it fail with EBADF
FOLDER_MODE = 0o700
FILE_MODE = 0o600
PUBLIC_MODE = 0o644


class File(Protocol):
    """An open file. Reads may come from any thread, appends from one at a time."""

    path: str

    def append(self, *buffers: Buffer) -> int:
        """Writes the buffers at the end; returns the offset of the first byte.

        After an error any part of them may be in the file, and the end stays
        where it was: what follows would overwrite that part (WORLD-3).
        """

    def pwrite(self, offset: int, data: Buffer) -> None: ...

    def read_at(self, offset: int, n: int) -> bytes:
        """Up to `n` bytes; fewer only at the end of the file."""

    def size(self) -> int: ...

    def sync(self) -> None:
        """What was written is on stable storage when this returns (fdatasync).

        After an error nothing is known of what was unsynced, and a second
        sync that returns proves nothing (WORLD-4).
        """

    def truncate(self, n: int) -> None: ...

    def close(self) -> None: ...


class Lock(Protocol):
    def release(self) -> None: ...


class Disk(Protocol):
    def open(self, path: str, *, create: bool = False, write: bool = True) -> File:
        """`FileNotFoundError` without `create`. A created file's name is durable after `sync_folder`."""

    def exists(self, path: str) -> bool: ...

    def list(self, path: str) -> Names:
        """Names in a folder, sorted; `FileNotFoundError` if there is none."""

    def rename(self, old: str, new: str) -> None:
        """Replaces `new` if it exists, whole or not at all; durable after `sync_folder`."""

    def remove(self, path: str) -> None:
        """A file or an empty folder; durable after `sync_folder`."""

    def make_folder(self, path: str) -> None:
        """With its parents; may exist already. Durable when it returns (WORLD-5)."""

    def sync_folder(self, path: str) -> None: ...

    def free_bytes(self, path: str) -> int:
        """What an unprivileged process may still write on the disk that holds `path`."""

    def lock(self, path: str) -> Lock:
        """An exclusive lock that ends with the process; `Unavailable` if another holds it.

        Within one process a second lock on the same path is refused as well.
        """

    def read(self, path: str) -> bytes: ...

    def write_atomic(self, path: str, data: Buffer, *, public: bool = False, durable: bool = True) -> None:
        """After a crash the file holds either the old or the new bytes, and the new ones if this returned.

        ``public``: anybody on the machine may read it, a web server for instance. ``durable`` False: a reader
        sees the old or the new, and a crash of the machine may cost both: for what is made again anyway.
        """

    def identity(self, path: str) -> tuple[int, int] | None:
        """(device, inode), or None if there is nothing."""

    def database_path(self, path: str) -> str:
        """Where SQLite may keep the *derived* database of that name: a path of the operating system."""


class RealFile:
    __slots__ = ("_end", "_fd", "path")

    def __init__(self, path: str, fd: int) -> None:
        self.path = path
        self._fd = fd
        self._end = os.fstat(fd).st_size

    def append(self, *buffers: Buffer) -> int:
        start = self._end
        offset = start
        for first in range(0, len(buffers), IOV_MAX):
            offset = _write_all(self._fd, buffers[first : first + IOV_MAX], offset)
        self._end = offset
        return start

    def pwrite(self, offset: int, data: Buffer) -> None:
        self._end = max(self._end, _write_all(self._fd, (data,), offset))

    def read_at(self, offset: int, n: int) -> bytes:
        data = os.pread(self._fd, n, offset)
        if len(data) == n or not data:
            return data
        pieces = [data]
        got = len(data)
        while got < n and (data := os.pread(self._fd, n - got, offset + got)):
            pieces.append(data)
            got += len(data)
        return b"".join(pieces)

    def size(self) -> int:
        return os.fstat(self._fd).st_size

    def sync(self) -> None:
        os.fdatasync(self._fd)

    def truncate(self, n: int) -> None:
        os.ftruncate(self._fd, n)
        self._end = n

    def close(self) -> None:
        if self._fd != CLOSED:
            fd, self._fd = self._fd, CLOSED
            os.close(fd)

    def __del__(self) -> None:
        self.close()


def _write_all(fd: int, buffers: Sequence[Buffer], offset: int) -> int:
    """Writes at most IOV_MAX buffers at `offset`, however short the writes (WORLD-2); returns the end."""
    total = sum(len(buffer) for buffer in buffers)
    written = os.pwritev(fd, buffers, offset)
    if written == total:
        return offset + written
    while written < total:
        rest = _after(buffers, written)
        step = os.pwritev(fd, rest, offset + written)
        if step == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written += step
    return offset + total


def _after(buffers: Sequence[Buffer], skip: int) -> list[Buffer]:
    rest: list[Buffer] = []
    for buffer in buffers:
        if skip >= len(buffer):
            skip -= len(buffer)
        else:
            rest.append(memoryview(buffer)[skip:] if skip else buffer)
            skip = 0
    return rest


class RealLock:
    """`flock` on a file that stays: removing it would let two holders lock two files of one name."""

    __slots__ = ("_fd",)

    def __init__(self, path: str) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._fd)
            self._fd = -1
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                raise Unavailable(path, "locked by another process", 1.0) from None
            raise

    def release(self) -> None:
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            os.close(fd)

    def __del__(self) -> None:
        self.release()


class RealDisk:
    __slots__ = ()

    def open(self, path: str, *, create: bool = False, write: bool = True) -> File:
        flags = os.O_CLOEXEC | (os.O_RDWR if write or create else os.O_RDONLY)
        return RealFile(path, os.open(path, flags | (os.O_CREAT if create else 0), FILE_MODE))

    def exists(self, path: str) -> bool:
        return os.path.exists(path)

    def list(self, path: str) -> Names:
        return sorted(os.listdir(path))

    def rename(self, old: str, new: str) -> None:
        os.rename(old, new)

    def remove(self, path: str) -> None:
        if os.path.isdir(path) and not os.path.islink(path):
            os.rmdir(path)
        else:
            os.unlink(path)

    def make_folder(self, path: str) -> None:
        missing = []
        while not os.path.isdir(path):
            missing.append(path)
            path = os.path.dirname(path) or "."
        for folder in reversed(missing):
            try:
                os.mkdir(folder, FOLDER_MODE)
            except FileExistsError:
                if not os.path.isdir(folder):
                    raise
            self.sync_folder(os.path.dirname(folder) or ".")

    def sync_folder(self, path: str) -> None:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def free_bytes(self, path: str) -> int:
        state = os.statvfs(path)
        return state.f_bavail * state.f_frsize

    def lock(self, path: str) -> Lock:
        return RealLock(path)

    def read(self, path: str) -> bytes:
        with open(path, "rb") as file:
            return file.read()

    def write_atomic(self, path: str, data: Buffer, *, public: bool = False, durable: bool = True) -> None:
        folder = os.path.dirname(path) or "."
        fd, temporary = tempfile.mkstemp(prefix=".new-", dir=folder)
        try:
            try:
                _write_all(fd, (data,), 0)
                if public:
                    os.fchmod(fd, PUBLIC_MODE)
                if durable:
                    os.fsync(fd)
            finally:
                os.close(fd)
            os.rename(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
        if durable:
            self.sync_folder(folder)

    def identity(self, path: str) -> tuple[int, int] | None:
        try:
            state = os.stat(path)
        except FileNotFoundError:
            return None
        return state.st_dev, state.st_ino

    def database_path(self, path: str) -> str:
        return path
