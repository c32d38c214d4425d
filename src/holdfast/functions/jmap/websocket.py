"""JMAP over a websocket: requests and pushes on one connection. RFC 8887"""

from __future__ import annotations

import asyncio
import contextlib
from typing import NamedTuple

from holdfast.functions.jmap.asking import Ask, Parts, carry_out, opened
from holdfast.functions.jmap.incoming import Incoming, Reply, error_reply
from holdfast.functions.jmap.methods import Table
from holdfast.functions.jmap.permits import Permits
from holdfast.functions.jmap.session import Sessions
from holdfast.functions.jmap.watching import Listener, Watching
from holdfast.functions.jmap.who import Who
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.limits import JMAP_LOOK_S
from holdfast.model.people import Account
from holdfast.wire.jmap.errors import RequestError
from holdfast.wire.jmap.websocket import SUBPROTOCOL, Exchange, PushEnable, SocketServer
from holdfast.world.http import Receive

GOING_AWAY, NOT_TEXT, SIGNED_OUT = 1001, 1003, 1008  # RFC 6455 §7.4.1


class Given(NamedTuple):
    """What all sockets of a process share. ``requests``: how many each account may have worked on."""

    parts: Parts
    table: Table
    sessions: Sessions
    who: Who
    requests: Permits


class Sockets:
    def __init__(self, given: Given, watching: Watching) -> None:
        self._given = given
        self._watching = watching

    async def serve(self, request: Incoming, receive: Receive, origin_fits: bool) -> None:
        await receive()  # websocket.connect
        try:
            account = await self._admitted(request, origin_fits)
            await opened(self._given.parts, account)
            with self._watching.listen(account) as listener:
                await request.send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL})
                await _Connection(self._given, request, receive, account, listener).run()
        except (Refused, Unavailable) as error:
            await _refuse(request, error_reply(error))

    async def _admitted(self, request: Incoming, origin_fits: bool) -> Account:
        account = await self._given.who.account(request)
        if not origin_fits:
            raise Refused(Reason.NOT_ALLOWED, "a page of another site may not open this")
        if SUBPROTOCOL not in request.scope.get("subprotocols", ()):
            raise Refused(
                Reason.BAD_SYNTAX, f"the subprotocol “{SUBPROTOCOL}” must be offered (RFC 8887 §4.1)"
            )
        return account


class _Connection:
    """One that was let in. Its requests are worked on at once, as many as the account may have."""

    def __init__(
        self, of: Given, request: Incoming, receive: Receive, account: Account, listener: Listener
    ) -> None:
        self._of = of
        self._request = request
        self._receive = receive
        self._account = account
        self._listener = listener
        self._socket = SocketServer(of.table.methods, of.parts.limits, of.sessions.capabilities)
        self._working: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        reading = asyncio.ensure_future(self._read())
        reading.add_done_callback(lambda done: self._listener.end("the client is gone"))
        try:
            await self._push()
        finally:
            reading.cancel()
            for task in self._working:
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reading

    async def _read(self) -> None:
        while True:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text")
            if text is None:
                await self._close(NOT_TEXT)
                return
            await self._take(text)

    async def _take(self, text: str) -> None:
        event = self._socket.receive(text, self._of.sessions.of(self._account).state)
        if isinstance(event, str):
            await self._say(event)
        elif isinstance(event, PushEnable):
            self._listener.since(event.push_state or "")
        elif isinstance(event, Exchange):
            task = asyncio.ensure_future(self._answer(event))
            self._working.add(task)
            task.add_done_callback(self._working.discard)

    async def _answer(self, exchange: Exchange) -> None:
        try:
            with self._of.requests.one(self._account.id):
                ask = Ask(self._of.parts, self._account, exchange.server, self._request.peer)
                await carry_out(ask, self._of.table.handlers)
                answer = exchange.take()
        except RequestError as error:
            answer = exchange.refused(error)
        await self._say(answer)

    async def _push(self) -> None:
        listener, clock = self._listener, self._of.parts.world.clock
        while not listener.ended:
            if not await listener.wait(JMAP_LOOK_S):
                if not self._stands():
                    listener.end("signed out")
                continue
            try:
                change = None if listener.ended else listener.take()
            except Unavailable as error:
                clock.call_later(error.retry_after_s, listener.wake)
                continue
            if change is not None and (text := self._socket.push(change)) is not None:
                await self._say(text)
        if not listener.ended.startswith("the client"):
            await self._close(SIGNED_OUT if listener.ended == "signed out" else GOING_AWAY)

    def _stands(self) -> bool:
        try:
            return self._of.who.stands(self._request)
        except Unavailable:
            return True  # nothing is known against it

    async def _say(self, text: str) -> None:
        with contextlib.suppress(OSError):  # the client is gone; reading says so too
            await self._request.send({"type": "websocket.send", "text": text})

    async def _close(self, code: int) -> None:
        with contextlib.suppress(OSError):
            await self._request.send({"type": "websocket.close", "code": code})


async def _refuse(request: Incoming, reply: Reply) -> None:
    """An answer in HTTP instead of the handshake's."""
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers.items()]
    start = {"type": "websocket.http.response.start", "status": reply.status, "headers": raw}
    await request.send(start)
    await request.send({"type": "websocket.http.response.body", "body": bytes(reply.body)})
