"""Accepting connections when a session can't be made."""

from __future__ import annotations

import asyncio
import os

from holdfast.world import real_world


def test_a_client_whose_session_cannot_be_made_is_not_left_hanging(tmp_path):
    def broken():
        raise ValueError("planted")

    async def body():
        world = real_world(journal_path=os.devnull)
        told = []
        world.journal.at(lambda entry: told.append(entry.name))
        listener = await world.net.listen(broken, ("127.0.0.1", 0))
        reader, writer = await asyncio.open_connection(*listener.addresses[0])
        assert await asyncio.wait_for(reader.read(), 60) == b""
        writer.close()
        listener.close()
        assert told == ["session_failed"]

    asyncio.run(body())
