"""Everything an account has, as one zip: an mbox per folder, and JSON of all the rest.

Streamed: what is made is sent, so a large mailbox needs neither memory nor disk. What can't be read
is named in ``report.json`` and stops nothing (PASSWORD-6).
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from typing import NamedTuple

PIECE_BYTES = 256 * 1024  # handed on at once
_LEVEL = 1  # mail with attachments hardly gets smaller; the sender's processor is everybody's


class Entry(NamedTuple):
    """One file of the zip. ``pieces``: its bytes; may be read only once."""

    name: str
    pieces: Iterable[bytes]


class _Pipe(io.RawIOBase):
    """What the zip writes to; it can't be sought, so sizes follow after each file's bytes."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        chunk = bytes(memoryview(data))  # type: ignore[arg-type]
        self._chunks.append(chunk)
        self._size += len(chunk)
        return len(chunk)

    def taken(self, least: int) -> bytes:
        """What was written so far; nothing while it is less than ``least``."""
        if self._size < least:
            return b""
        whole, self._chunks, self._size = b"".join(self._chunks), [], 0
        return whole


def zip_stream(entries: Iterable[Entry], at: tuple[int, int, int, int, int, int]) -> Iterator[bytes]:
    """The zip's bytes in pieces of some PIECE_BYTES. ``at``: local time put on each file."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive:
        for entry in entries:
            info = zipfile.ZipInfo(entry.name, at)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o600 << 16
            with archive.open(info, "w", force_zip64=True) as file:
                for piece in entry.pieces:
                    file.write(piece)
                    if ready := pipe.taken(PIECE_BYTES):
                        yield ready
    if rest := pipe.taken(0):
        yield rest


def file_names(folders: Iterable[str]) -> dict[str, str]:
    """Folder → ``mail/Name.mbox``, none twice, also where case doesn't count; levels become folders."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for folder in folders:
        levels = [re.sub(r'[\x00-\x1f\x7f<>:"|?*\\]', "_", level).strip(". ") for level in folder.split("/")]
        plain = "mail/" + "/".join(level or "_" for level in levels)
        name, number = f"{plain}.mbox", 2
        while name.casefold() in taken:
            name, number = f"{plain} ({number}).mbox", number + 1
        taken.add(name.casefold())
        found[folder] = name
    return found
