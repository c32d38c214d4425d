"""Places elsewhere that the status page is taken to: by SFTP, and into an S3-compatible store."""

from __future__ import annotations

import asyncio
import datetime
import os.path
import re
import urllib.parse
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from holdfast.care.status.publish import base
from holdfast.world import World
from holdfast.world.programs import run_program

if TYPE_CHECKING:
    from obstore.store import S3Store

T = TypeVar("T")
_CONNECT_S = 10
_TRY_S = datetime.timedelta(seconds=20)
_NO_NEWS = ("sftp>", "Connection closed")
_NEW = ".new-"  # before a file's name, until it is whole
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".atom": "application/atom+xml",
    ".ics": "text/calendar; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
}
_FRESH = "max-age=10"  # a page that says how it is now isn't kept for long


class SftpSettings(NamedTuple):
    """``folder``: '' is the user's own. ``key``, ``known_hosts``: paths, '' for what ssh finds by itself."""

    host: str
    port: int
    user: str
    folder: str
    key: str = ""
    known_hosts: str = ""


class SftpPlace:
    """By the system's ``sftp``, which asks nothing: keys it trusts are in its files. ``scratch``: a folder
    for what is on its way, best in memory."""

    batch = 100

    def __init__(self, world: World, settings: SftpSettings, scratch: str) -> None:
        self._world = world
        self._settings = settings
        self._scratch = scratch
        self._made = False

    async def names(self) -> list[str]:
        folder = self._settings.folder or "."
        own = await self._do([*self._folders(), f"-ls -1 {_quoted(folder)}"])
        theirs = await self._do([f"-ls -1 {_quoted(folder)}/*/*"])
        lines = [line.strip().rpartition("/")[2] for line in own.splitlines()]
        lines += ["/".join(line.strip().split("/")[-2:]) for line in theirs.splitlines() if "/" in line]
        return [line for line in lines if re.fullmatch(r"([a-z0-9-]+/)?[a-z0-9-][a-z0-9.-]*", line)]

    async def put(self, files: Sequence[tuple[str, bytes]]) -> None:
        await self._world.offload(self._lay_out, files)
        steps = [*self._folders(), *self._theirs(files)]
        for name, _ in files:
            folder, _, own = name.rpartition("/")
            new = self._there(os.path.join(folder, _NEW + own))
            steps.append(f"put {_quoted(self._scratch, name)} {new}")
            steps.append(f"chmod 644 {new}")
            steps.append(f"rename {new} {self._there(name)}")
        try:
            await self._do(steps)
        finally:
            await self._world.offload(self._clear, [name for name, _ in files])

    async def remove(self, names: Sequence[str]) -> None:
        await self._do([f"-rm {self._there(name)}" for name in names])

    def _there(self, name: str) -> str:
        return _quoted(self._settings.folder, name)

    def _folders(self) -> Iterator[str]:
        """Once; that one is there already is no error."""
        parts = self._settings.folder.split("/")
        for depth in range(1, len(parts) + 1):
            if not self._made and (path := "/".join(parts[:depth])):
                yield f"-mkdir {_quoted(path)}"

    def _theirs(self, files: Sequence[tuple[str, bytes]]) -> Iterator[str]:
        """Tenants' folders; likewise."""
        for folder in sorted({name.rpartition("/")[0] for name, _ in files} - {""}):
            yield f"-mkdir {self._there(folder)}"

    def _lay_out(self, files: Sequence[tuple[str, bytes]]) -> None:
        for name, data in files:
            path = os.path.join(self._scratch, name)
            self._world.disk.make_folder(os.path.dirname(path))
            self._world.disk.write_atomic(path, data, durable=False)

    def _clear(self, names: Sequence[str]) -> None:
        for name in names:
            if self._world.disk.exists(path := os.path.join(self._scratch, name)):
                self._world.disk.remove(path)

    async def _do(self, steps: Sequence[str]) -> str:
        """Raises ``OSError`` with what was said when one of them fails."""
        ended = await run_program(self._words(), "".join(f"{step}\n" for step in steps).encode())
        if ended.code:
            what = [line for line in ended.said.splitlines() if line and not line.startswith(_NO_NEWS)]
            raise OSError(f"sftp {self._settings.host}: {' '.join(what[-2:]) or ended.code}")
        self._made = True
        return ended.said

    def _words(self) -> list[str]:
        to = self._settings
        options = {
            "BatchMode": "yes",
            "StrictHostKeyChecking": "yes",
            "ConnectTimeout": str(_CONNECT_S),
            "LogLevel": "ERROR",
        }
        if to.known_hosts:
            options |= {"UserKnownHostsFile": to.known_hosts, "GlobalKnownHostsFile": "none"}
        if to.key:
            options |= {"IdentityFile": to.key, "IdentitiesOnly": "yes"}
        words = ["sftp", "-b", "-", "-P", str(to.port)]
        for name, value in options.items():
            words += ["-o", f"{name}={value}"]
        return [*words, f"{to.user}@{to.host}" if to.user else to.host]


def _quoted(*parts: str) -> str:
    path = os.path.join(*(each for each in parts if each))
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'


class S3Settings(NamedTuple):
    """``endpoint``: '' is Amazon's. ``secret``: read each time a connection is made."""

    bucket: str
    prefix: str
    region: str
    endpoint: str = ""
    access_key: str = ""
    secret: Callable[[], str] = lambda: ""


class S3Place:
    """Needs the extra ``s3``."""

    batch = 64

    def __init__(self, settings: S3Settings) -> None:
        self._settings = settings
        self._opened: S3Store | None = None

    async def names(self) -> list[str]:
        async def listed() -> list[str]:
            import obstore

            found = await obstore.list_with_delimiter_async(self._store)
            objects = list(found["objects"])
            for folder in found["common_prefixes"]:  # tenants'
                theirs = await obstore.list_with_delimiter_async(self._store, str(folder))
                objects += theirs["objects"]
            return [str(each["path"]) for each in objects]

        return await _asked(listed)

    async def put(self, files: Sequence[tuple[str, bytes]]) -> None:
        async def one(name: str, data: bytes) -> None:
            kind = _TYPES.get(os.path.splitext(name)[1], "application/octet-stream")
            attributes = {"Content-Type": kind, "Cache-Control": _FRESH}
            import obstore

            await obstore.put_async(self._store, name, data, attributes=attributes)

        async def all_() -> None:
            first = [each for each in files if not base(each[0]).startswith("index.")]
            await asyncio.gather(*(one(*each) for each in first))
            await asyncio.gather(*(one(*each) for each in files if each not in first))

        await _asked(all_)

    async def remove(self, names: Sequence[str]) -> None:
        async def gone() -> None:
            import obstore

            await obstore.delete_async(self._store, list(names))

        await _asked(gone)

    @property
    def _store(self) -> S3Store:
        if self._opened is None:
            from obstore.store import S3Store

            to = self._settings
            plain = to.endpoint.startswith("http://")
            keys = {"access_key_id": to.access_key, "secret_access_key": to.secret()} if to.access_key else {}
            self._opened = S3Store(
                to.bucket,
                prefix=to.prefix or None,
                region=to.region,
                endpoint=to.endpoint or None,
                client_options={"allow_http": plain, "timeout": f"{_CONNECT_S}s"},
                retry_config={"max_retries": 1, "retry_timeout": _TRY_S},
                **keys,  # type: ignore[arg-type]
            )
        return self._opened


async def _asked(work: Callable[[], Awaitable[T]]) -> T:
    """The store's own errors are ``OSError`` here, and so is that the extra is missing."""
    try:
        from obstore.exceptions import BaseError
    except ImportError:
        raise OSError("s3 needs the extra `s3`: pip install 'holdfast[s3]'") from None
    try:
        return await work()
    except (BaseError, OSError) as error:
        said = str(error).partition("\n")[0].partition("<?xml")[0].rstrip(" :")
        raise OSError(f"s3: {said}") from error


def sftp_settings(to: str, key: str = "", known_hosts: str = "") -> SftpSettings:
    """Of ``sftp://user@host:port/folder``."""
    parts = urllib.parse.urlsplit(to)
    folder = urllib.parse.unquote(parts.path)
    return SftpSettings(
        parts.hostname or "", parts.port or 22, parts.username or "", folder.rstrip("/"), key, known_hosts
    )
