"""A conversation with a door of ours as a client has it: connect, wait for an answer, TLS."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from holdfast.world import Peer, Session, World


class Talk(Session):
    """``more`` waits for what the other side says next."""

    __slots__ = ("_arrived", "_came", "_over")

    def __init__(self) -> None:
        self._came = bytearray()
        self._arrived = asyncio.Event()
        self._over = False

    async def more(self) -> bytes:
        """Raises ``ConnectionError`` when there will be no more."""
        while not self._came:
            if self._over:
                raise ConnectionResetError("the connection was closed")
            self._arrived.clear()
            await self._arrived.wait()
        data = bytes(self._came)
        self._came.clear()
        return data

    async def secure(self, context: ssl.SSLContext, host: str) -> None:
        """TLS from here on. Raises ``ConnectionError``."""
        self._came.clear()
        await self.connection.start_tls(context, server_side=False, server_name=host)

    def certificate(self) -> bytes:
        """The other side's, DER; b'' without TLS."""
        found: Any = self.connection.tls
        return b"" if found is None else found.getpeercert(binary_form=True) or b""

    # what the connection says

    def received(self, data: bytes) -> None:
        self._came += data
        self._arrived.set()

    def ended(self) -> None:
        self._end()
        self.connection.close()

    def lost(self, error: Exception | None) -> None:
        self._end()

    def _end(self) -> None:
        self._over = True
        self._arrived.set()


@asynccontextmanager
async def talking(
    world: World, address: Peer, tls: ssl.SSLContext | None = None, host: str = ""
) -> AsyncIterator[Talk]:
    """A connection, ended however that goes. Raises ``OSError``."""
    talk = await world.net.connect(Talk, address, tls, server_name=host or None)
    try:
        yield talk
    finally:
        talk.connection.abort()
