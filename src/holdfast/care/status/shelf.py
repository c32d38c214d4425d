"""What is to be public just now: each file by name with its version; whoever takes it elsewhere looks here.

It is in memory, so that a disk that is full or gone keeps no page from being published.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Mapping
from typing import NamedTuple

from holdfast.care.status.many import Many
from holdfast.care.status.page import Files


class Stand(NamedTuple):
    """As it was put, never changed. ``many`` None: whose own pages are to be there isn't known yet;
    ``theirs``: nor is it, without, what is to be in tenants' folders."""

    files: Files
    many: Many | None
    versions: Mapping[str, object]
    theirs: bool

    def read(self, name: str) -> bytes:
        """Raises ``KeyError``."""
        if name in self.files or self.many is None:
            return self.files[name]
        return self.many.read(name)


class Shelf:
    """``stand`` None: what is for everybody wasn't put yet."""

    def __init__(self) -> None:
        self.stand: Stand | None = None
        self._files: Files | None = None
        self._theirs: Files | None = None
        self._many: Many | None = None
        self._news = asyncio.Event()

    def put(self, files: Files) -> None:
        """What is to be there for everybody from now on."""
        self._files = files
        self._change()

    def put_theirs(self, files: Files) -> None:
        """Likewise for tenants' customers: below folders of theirs."""
        self._theirs = files
        self._change()

    def put_own(self, many: Many) -> None:
        """What is to be there for single customers from now on."""
        self._many = many
        self._change()

    def _change(self) -> None:
        if self._files is None:
            return
        files = self._files | (self._theirs or {})
        versions: dict[str, object] = {name: hashlib.sha256(data).digest() for name, data in files.items()}
        if self._many is not None:
            versions.update(self._many.versions())
        self.stand = Stand(files, self._many, versions, self._theirs is not None)
        self._news.set()
        self._news = asyncio.Event()

    async def changed(self, since: Stand | None, seconds: float) -> Stand | None:
        """What is there when it isn't ``since`` any more, or after so many seconds."""
        if self.stand is since:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._news.wait()
        return self.stand
