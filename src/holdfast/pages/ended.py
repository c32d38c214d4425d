"""Sessions that were signed out: in memory, and in a file of each process that all of them read (PAGES-4).

A line is a session's id, a space, and the UTC second until which it matters, LF. What isn't such a line
says nothing. A file that can't be written or read costs no page: the sign-out holds in its own process.
"""

from __future__ import annotations

import os.path
import re

from holdfast.model.limits import WEB_ENDED
from holdfast.pages.events import SIGN_OUT_NOT_KEPT
from holdfast.world import World
from holdfast.world.disk import File

ENDING = ".ended"
_LINE = re.compile(rb"([0-9a-z]{1,64}) ([0-9]{1,12})\n")
_LINE_BYTES = 32


class Ended:
    """``folder`` '': in memory alone. ``process``: names this process's file (``password-0``)."""

    def __init__(self, world: World, folder: str, process: str) -> None:
        self._world = world
        self._folder = folder
        self._prefix = process.rpartition("-")[0] or process
        self._path = os.path.join(folder, process + ENDING) if folder else ""
        self._until: dict[str, int] = {}
        self._read: dict[str, tuple[tuple[int, int], int]] = {}  # path → identity, bytes read
        self._file: File | None = None
        if folder:
            self._begin()

    def add(self, id: str, until: float) -> None:
        self._learn(id, int(until) + 1)
        try:
            if self._file is not None:
                self._file.append(f"{id} {int(until) + 1}\n".encode())
        except OSError as error:
            self._failed(error)

    def __contains__(self, id: str) -> bool:
        if self._folder:
            self._look()
        return id in self._until

    def _learn(self, id: str, until: int) -> None:
        if id not in self._until and len(self._until) >= WEB_ENDED:
            del self._until[next(iter(self._until))]
        self._until[id] = until

    def _begin(self) -> None:
        """Goes on from the own file, without what doesn't matter any more."""
        try:
            self._world.disk.make_folder(self._folder)
            self._look()
            now = self._world.clock.now()
            self._until = {id: until for id, until in self._until.items() if until > now}
            lines = "".join(f"{id} {until}\n" for id, until in self._until.items())
            self._world.disk.write_atomic(self._path, lines.encode())
            self._file = self._world.disk.open(self._path)
        except OSError as error:
            self._failed(error)

    def _look(self) -> None:
        """What any process of this function has written since."""
        try:
            for name in self._world.disk.list(self._folder):
                if name.startswith(self._prefix + "-") and name.endswith(ENDING):
                    self._look_at(os.path.join(self._folder, name))
        except OSError as error:
            self._failed(error)

    def _look_at(self, path: str) -> None:
        identity = self._world.disk.identity(path)
        if identity is None:
            return
        known, start = self._read.get(path, (identity, 0))
        if known != identity:
            start = 0
        file = self._world.disk.open(path, write=False)
        try:
            size = file.size()
            if size > start:
                text = file.read_at(start, min(size - start, WEB_ENDED * _LINE_BYTES))
                whole = text.rfind(b"\n") + 1
                for id, until in _LINE.findall(text[:whole]):
                    self._learn(id.decode(), int(until))
                start += whole
        finally:
            file.close()
        self._read[path] = identity, start

    def _failed(self, error: OSError) -> None:
        self._world.journal.emit(SIGN_OUT_NOT_KEPT, path=self._path, error=str(error))
