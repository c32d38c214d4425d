"""The event source: states as they change, over one answer that doesn't end. RFC 8620 §7.3"""

from __future__ import annotations

import asyncio

from holdfast.functions.jmap.asking import Parts, opened
from holdfast.functions.jmap.incoming import Incoming
from holdfast.functions.jmap.watching import Listener, Watching
from holdfast.functions.jmap.who import Who
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.limits import JMAP_LOOK_S, JMAP_PING_LEAST_S, JMAP_PING_MOST_S
from holdfast.model.people import Account
from holdfast.wire.jmap.push import EventWishes, ping_event, read_wishes, state_event

HEADERS = {"content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no"}


class EventSource:
    def __init__(self, parts: Parts, watching: Watching, who: Who) -> None:
        self._parts = parts
        self._watching = watching
        self._who = who

    async def serve(self, request: Incoming, account: Account, also: dict[str, str]) -> None:
        query = request.query
        wishes = read_wishes(
            query.get("types", "*"),
            query.get("closeafter", "no"),
            query.get("ping", "0"),
            JMAP_PING_LEAST_S,
            JMAP_PING_MOST_S,
        )
        if wishes is None:
            raise Refused(Reason.BAD_SYNTAX, "closeafter is “state” or “no”, ping a number of seconds")
        await opened(self._parts, account)
        with self._watching.listen(account) as listener:
            listener.since(request.headers.get("last-event-id", ""))
            await request.begin(200, HEADERS | also)
            gone = asyncio.ensure_future(request.gone())
            gone.add_done_callback(lambda done: listener.end("the client is gone"))
            try:
                await self._tell(request, wishes, listener)
            finally:
                gone.cancel()

    async def _tell(self, request: Incoming, wishes: EventWishes, listener: Listener) -> None:
        clock = self._parts.world.clock
        await _send(request, b": \n\n")  # so that proxies and clients see the answer's head at once
        ping_at = clock.monotonic() + wishes.ping_s
        while not listener.ended:
            until = min(ping_at - clock.monotonic(), JMAP_LOOK_S) if wishes.ping_s else JMAP_LOOK_S
            woken = await listener.wait(max(0.0, until))
            if listener.ended or (not woken and not self._stands(request)):
                break
            try:
                change = listener.take() if woken else None
            except Unavailable as error:
                clock.call_later(error.retry_after_s, listener.wake)
                change = None
            if change is not None and (wanted := change.only(wishes.types)) is not None:
                await _send(request, state_event(wanted, str(listener.modseq)))
                if wishes.close_after == "state":
                    break
                ping_at = clock.monotonic() + wishes.ping_s  # RFC 8620 §7.3: an event is a ping
            elif wishes.ping_s and clock.monotonic() >= ping_at:
                await _send(request, ping_event(wishes.ping_s))
                ping_at = clock.monotonic() + wishes.ping_s
        if not listener.ended.startswith("the client"):
            await request.send({"type": "http.response.body", "body": b""})

    def _stands(self, request: Incoming) -> bool:
        try:
            return self._who.stands(request)
        except Unavailable:
            return True  # nothing is known against it


async def _send(request: Incoming, data: bytes) -> None:
    await request.send({"type": "http.response.body", "body": data, "more_body": True})
