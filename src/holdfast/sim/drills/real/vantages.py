"""Vantage points of a service for drills: real processes, that see its doors by its names.

They run on the same machine; between each of them and port 25 lies a way that a drill can cut.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

from holdfast.watch.vantage.page import KEY_BYTES
from holdfast.world import Session, World

NAMES = ("east", "north", "west")
_HOST = "127.0.0.1"
_STOP_S = 10.0


class Way(Session):
    """One connection, handed on as it comes; while ``cut`` is so nothing passes, either way."""

    def __init__(self, world: World, port: int, cut: Callable[[], bool]) -> None:
        self._world = world
        self._port = port
        self._cut = cut
        self._beyond: _Beyond | None = None
        self._early = b""
        self._connecting: asyncio.Task[None] | None = None

    def connected(self) -> None:
        if not self._cut():
            self._connecting = asyncio.ensure_future(self._connect())

    async def _connect(self) -> None:
        try:
            self._beyond = await self._world.net.connect(lambda: _Beyond(self), (_HOST, self._port))
            self._beyond.connection.write(self._early)
        except OSError:
            self.connection.abort()

    def received(self, data: bytes) -> None:
        if self._cut():
            return
        if self._beyond is None:
            self._early += data
        else:
            self._beyond.connection.write(data)

    def back(self, data: bytes) -> None:
        if not self._cut():
            self.connection.write(data)

    def ended(self) -> None:
        self.connection.close()

    def lost(self, error: Exception | None) -> None:
        if self._connecting is not None:
            self._connecting.cancel()
        if self._beyond is not None:
            self._beyond.connection.abort()


class _Beyond(Session):
    def __init__(self, way: Way) -> None:
        self._way = way

    def received(self, data: bytes) -> None:
        self._way.back(data)

    def lost(self, error: Exception | None) -> None:
        self._way.connection.abort()


class Vantages:
    """``ports``: two for each of NAMES, of its page and of its way to ``mx``. ``doors``: name → port."""

    def __init__(self, world: World, folder: str, ports: Sequence[int], doors: Mapping[str, int]) -> None:
        self._world = world
        self._folder = os.path.join(folder, "vantages")
        self._pages = dict(zip(NAMES, ports[: len(NAMES)], strict=True))
        self._ways = dict(zip(NAMES, ports[len(NAMES) :], strict=True))
        self._doors = doors
        self._cut: set[str] = set()
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._closing = contextlib.ExitStack()

    def toml(self) -> str:
        """What the service's configuration says of them."""
        lines: list[str] = []
        for name, port in self._pages.items():
            lines += [
                f"[vantages.{name}]",
                f'url = "http://{_HOST}:{port}"',
                f'key = "file:{self._key(name)}"',
            ]
            lines.append(f"doors = [{', '.join(f'{chr(34)}{door}{chr(34)}' for door in self._doors)}]")
        return "\n".join(lines)

    async def start(
        self, command: Sequence[str], environment: Mapping[str, str], own: Mapping[str, str], host: str
    ) -> None:
        """``own``: what each one's file says besides its name, key, page and doors. Raises ``OSError``."""
        os.makedirs(self._folder, exist_ok=True)
        for name in NAMES:
            way = await self._world.net.listen(
                lambda name=name: Way(self._world, self._doors["mx"], lambda: name in self._cut),  # type: ignore[misc]
                (_HOST, self._ways[name]),
            )
            self._closing.callback(way.close)
            with open(self._key(name), "w", encoding="ascii") as file:
                file.write(self._world.entropy.token(2 * KEY_BYTES))
            path = os.path.join(self._folder, f"{name}.toml")
            with open(path, "w", encoding="utf-8") as file:
                file.write(self._file(name, own, host))
            with open(os.path.join(self._folder, f"{name}.log"), "ab") as errors:
                words = [*command, "vantage", "run", path]
                self._running[name] = subprocess.Popen(words, stderr=errors, env=environment)

    def _file(self, name: str, own: Mapping[str, str], host: str) -> str:
        lines = [f'name = "{name}"', f'key = "file:{self._key(name)}"']
        lines += [
            f'listen = "{_HOST}:{self._pages[name]}"',
            *(f"{key} = {value}" for key, value in own.items()),
        ]
        ports = {**self._doors, "mx": self._ways[name]}
        return "\n".join(
            [*lines, "[doors]", *(f'{door} = "{host}:{port}"' for door, port in ports.items()), ""]
        )

    def _key(self, name: str) -> str:
        return os.path.join(self._folder, f"{name}.key")

    async def stop(self) -> None:
        """Whatever state they are in, none runs afterwards."""
        for each in self._running.values():
            each.send_signal(signal.SIGCONT)
            each.terminate()
        for each in self._running.values():
            try:
                await self._world.offload(each.wait, _STOP_S)
            except subprocess.TimeoutExpired:
                each.kill()
                await self._world.offload(each.wait)
        self._running.clear()
        self._closing.close()

    # what can be done to them

    @contextlib.asynccontextmanager
    async def cut(self, name: str) -> AsyncIterator[None]:
        """From there nothing passes to port 25 any more, nor back; all else does."""
        self._cut.add(name)
        try:
            yield
        finally:
            self._cut.discard(name)

    @contextlib.asynccontextmanager
    async def silent(self, *names: str) -> AsyncIterator[None]:
        """They see nothing, and say nothing."""
        for name in names:
            self._running[name].send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for name in names:
                self._running[name].send_signal(signal.SIGCONT)
