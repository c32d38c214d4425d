"""Somebody who tries passwords from very many addresses, as a botnet does: each below what one may."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import ssl
from collections.abc import AsyncIterator, Iterator, Sequence

from holdfast.model.limits import AUTH_QUEUE
from holdfast.sim.drills.real.installation import HOST, Installation

AT_A_TIME = AUTH_QUEUE + 176  # addresses: more than may wait for a check
GUESSES = 8  # of one address, before the next takes its place: fewer than are slowed (WRONG_BURST)
_BEGIN_S = 0.01  # between those who begin, so that what is full is the checks, not the doors
_ANSWERED_S = 30.0
_REST_S = 3.0  # of who was asked to come later, and of who got no connection


@contextlib.asynccontextmanager
async def guessing(place: Installation, logins: Sequence[str]) -> AsyncIterator[None]:
    """At the door of POP3, wrong passwords for these names, while it lasts."""
    sources, names = _sources(), itertools.cycle(logins)
    trust = place.trust()

    async def one(number: int) -> None:
        await place.world.clock.sleep(number * _BEGIN_S)
        while True:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await _visit(place, trust, next(sources), next(names))
            await place.world.clock.sleep(_REST_S)

    tasks = [asyncio.ensure_future(one(number)) for number in range(AT_A_TIME)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _sources() -> Iterator[str]:
    """Loopback addresses, each of another network (/24) than all others and than our customers."""
    return itertools.cycle(f"127.{a}.{b}.1" for a in range(1, 255) for b in range(256))


async def _visit(place: Installation, trust: ssl.SSLContext, source: str, login: str) -> None:
    """Raises ``OSError`` (also ``TimeoutError``) and ``IncompleteReadError`` where nobody answers."""
    async with asyncio.timeout(_ANSWERED_S * GUESSES):
        reader, writer = await asyncio.open_connection(
            HOST, place.ports["pop3s"], ssl=trust, server_hostname="localhost", local_addr=(source, 0)
        )
        try:
            await reader.readuntil(b"\n")
            for _ in range(GUESSES):
                writer.write(f"USER {login}\r\nPASS {place.world.entropy.token(8)}\r\n".encode())
                await reader.readuntil(b"\n")
                answer = await reader.readuntil(b"\n")
                if b"[SYS/TEMP]" in answer:
                    await place.world.clock.sleep(_REST_S)
        finally:
            writer.transport.abort()
