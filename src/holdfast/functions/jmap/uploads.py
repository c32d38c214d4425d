"""Uploads: files below one folder, for all workers, until they are too old. RFC 8620 §6.1

An upload's id tells when it came and can't be guessed: ``U<seconds, hex>-<token>``. It is durable when its id
is given (JMAPD-3), belongs to its account alone, and is never changed.
"""

from __future__ import annotations

import contextlib
import os.path
import re
from collections.abc import Iterator

from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.limits import JMAP_UPLOAD_LIFE_S, JMAP_UPLOADED_BYTES, JMAP_UPLOADED_FILES
from holdfast.model.mail import AccountId
from holdfast.world import World
from holdfast.world.disk import File

COMPONENT = "uploads"
_COMING = "coming-"  # before the name of a file that isn't whole
_ID = re.compile(r"U([0-9a-f]{1,12})-[0-9a-z]{20}")


class Upload:
    """One that comes: ``add`` its pieces in order, then ``end``; ``drop`` if it doesn't."""

    __slots__ = ("_file", "_id", "_uploads", "account", "size")

    def __init__(self, uploads: Uploads, account: AccountId, upload_id: str, file: File) -> None:
        self._uploads = uploads
        self._id = upload_id
        self._file = file
        self.account = account
        self.size = 0

    async def add(self, piece: bytes | memoryview) -> None:
        self.size += len(piece)
        with _disk():
            await self._uploads.world.offload(self._file.append, piece)

    async def end(self) -> str:
        """Its id; from now on it is there."""
        with _disk():
            await self._uploads.world.offload(self._finish)
        return self._id

    def _finish(self) -> None:
        disk = self._uploads.world.disk
        folder = self._uploads.folder_of(self.account)
        self._file.sync()
        self._file.close()
        disk.rename(f"{folder}/{_COMING}{self._id}", f"{folder}/{self._id}")
        disk.sync_folder(folder)

    def drop(self) -> None:
        folder = self._uploads.folder_of(self.account)
        self._file.close()
        with contextlib.suppress(OSError):
            self._uploads.world.disk.remove(f"{folder}/{_COMING}{self._id}")


class Uploads:
    """``folder``: below it one folder per account."""

    def __init__(self, world: World, folder: str) -> None:
        self.world = world
        self._folder = folder

    def folder_of(self, account: AccountId) -> str:
        return os.path.join(self._folder, str(account))

    async def begin(self, account: AccountId) -> Upload:
        """Raises ``Refused(OVER_QUOTA)`` when the account has too much here that is in no message yet."""
        with _disk():
            return await self.world.offload(self._begin, account)

    def _begin(self, account: AccountId) -> Upload:
        disk, folder = self.world.disk, self.folder_of(account)
        disk.make_folder(folder)
        names = disk.list(folder)
        if len(names) >= JMAP_UPLOADED_FILES or self._bytes(folder, names) >= JMAP_UPLOADED_BYTES:
            raise Refused(
                Reason.OVER_QUOTA,
                "too much has been uploaded that is in no message; each upload goes a day after it came",
            )
        upload_id = f"U{int(self.world.clock.now()):x}-{self.world.entropy.token(20)}"
        file = disk.open(f"{folder}/{_COMING}{upload_id}", create=True)
        return Upload(self, account, upload_id, file)

    def _bytes(self, folder: str, names: list[str]) -> int:
        total = 0
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                file = self.world.disk.open(f"{folder}/{name}", write=False)
                total += file.size()
                file.close()
        return total

    async def put(self, account: AccountId, data: bytes | memoryview) -> str:
        """The same in one piece."""
        upload = await self.begin(account)
        try:
            await upload.add(data)
            return await upload.end()
        except BaseException:
            upload.drop()
            raise

    async def read(self, account: AccountId, upload_id: str) -> bytes | None:
        """None: there is none of that id, or it was too old. Raises ``Unavailable("uploads")``."""
        if _ID.fullmatch(upload_id) is None:
            return None
        with _disk():
            try:
                return await self.world.offload(
                    self.world.disk.read, f"{self.folder_of(account)}/{upload_id}"
                )
            except (FileNotFoundError, NotADirectoryError):
                return None

    async def sweep(self) -> int:
        """Removes what is too old; returns how many."""
        with _disk():
            return await self.world.offload(self._sweep)

    def _sweep(self) -> int:
        disk, removed = self.world.disk, 0
        if not disk.exists(self._folder):
            return 0
        oldest = self.world.clock.now() - JMAP_UPLOAD_LIFE_S
        for account in disk.list(self._folder):
            folder = os.path.join(self._folder, account)
            for name in disk.list(folder):
                match = _ID.fullmatch(name.removeprefix(_COMING))
                if match is not None and int(match[1], 16) < oldest:
                    with contextlib.suppress(FileNotFoundError):
                        disk.remove(f"{folder}/{name}")
                        removed += 1
        return removed


@contextlib.contextmanager
def _disk() -> Iterator[None]:
    """What the disk refuses is out of reach, not wrong."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Unavailable(COMPONENT, str(error)) from error
