"""IMAP for customers; see README.md."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

from holdfast.functions.imap.dispatch import HANDLERS
from holdfast.functions.imap.serving import Knows, Quotas, Serving, SignIn
from holdfast.functions.imap.session import ImapSession
from holdfast.functions.imap.settings import Settings
from holdfast.functions.imap.signin import respond
from holdfast.store.mailstore import MailStore
from holdfast.wire.imap import replies
from holdfast.world import Listener, Peer, World

__all__ = ["ImapSession", "Serving", "Settings", "Sockets", "listen", "serve", "serving"]


class Sockets(NamedTuple):
    """Where to listen: an address, or sockets passed down. ``in_tls``: TLS from the first byte."""

    where: Peer | Sequence[Any]
    in_tls: bool = False


def serving(
    world: World, settings: Settings, sign_in: SignIn, store: MailStore, quotas: Quotas | None = None
) -> Serving:
    """What the sessions of one process share."""
    return Serving(world, settings, sign_in, store, HANDLERS, respond, quotas)


async def listen(shared: Serving, sockets: Sequence[Sockets]) -> list[Listener]:
    """Accepts connections. Raises ``OSError`` when it can't."""
    tls = shared.settings.tls
    return [
        await shared.world.net.listen(lambda: ImapSession(shared), each.where, tls if each.in_tls else None)
        for each in sockets
    ]


async def serve(
    world: World,
    settings: Settings,
    sockets: Sequence[Sockets],
    people: Knows,
    sign_in: SignIn,
    store: MailStore,
) -> None:
    """Serves until cancelled; then everybody connected is told BYE. ``people`` is asked for quotas, and
    says whose sessions end (IMAPD-10): sign-in tells account and cell."""
    shared = serving(world, settings, sign_in, store, people)
    people.watch_sign_outs(shared.sign_out)
    listeners = await listen(shared, sockets)
    try:
        await asyncio.get_running_loop().create_future()
    finally:
        for listener in listeners:
            listener.close()
            for connection in listener.connections:
                connection.write(replies.bye("The server restarts, come again.", b"UNAVAILABLE"))
                connection.close()
