"""What clients wait for: event source and websocket."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import websockets
from websockets.asyncio.client import ClientConnection, connect

from holdfast.model.errors import Unavailable
from holdfast.model.limits import JMAP_LISTENERS
from holdfast.wire.jmap.core import CORE
from unit.functions.jmap.http_rig import WEBMAIL, HttpRig, bearer, http_rig
from unit.functions.jmap.rig import BEN, message, run

pytestmark = pytest.mark.slow
MAIL_TYPES = {"Email", "Thread", "Mailbox", "EmailDelivery"}


def changed(r: HttpRig, event: dict[str, Any] | None) -> dict[str, str]:
    assert event is not None and event["event"] == "state", event
    assert event["data"]["@type"] == "StateChange"
    return dict(event["data"]["changed"][r.name_of()])


def test_jmapd_14_new_mail_is_told_and_what_was_missed_is_told_on_return(tmp_path: Path) -> None:
    async def body() -> None:
        async with http_rig(tmp_path) as r:
            async with r.events("types=*&closeafter=no&ping=0") as events:
                assert events.answer.headers["content-type"].startswith("text/event-stream")
                await r.deliver(message(1))
                first = await events.next()
                states = changed(r, first)
                assert states.keys() >= MAIL_TYPES
                assert first is not None
            await r.deliver(message(2), BEN)  # nobody's business here
            await r.deliver(message(3))
            await r.deliver(message(4))
            async with r.events("types=Email,Mailbox", {"last-event-id": first["id"]}) as events:
                again = changed(r, await events.next())
                assert again.keys() == {"Email", "Mailbox"} and again["Email"] != states["Email"]

    run(body())


def test_an_event_source_closes_after_a_change_if_asked_and_pings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdfast.functions.jmap.events_source.JMAP_PING_LEAST_S", 1)

    async def body() -> None:
        async with http_rig(tmp_path) as r:
            async with r.events("types=Mailbox&closeafter=state&ping=1") as events:
                ping = await events.next()
                assert ping is not None and ping["event"] == "ping" and ping["data"] == {"interval": 1}
                await r.deliver(message(1))
                while (event := await events.next()) is not None and event["event"] == "ping":
                    pass
                assert changed(r, event).keys() == {"Mailbox"}
                assert await events.next() is None
            for wrong in ("closeafter=never", "ping=-1", "ping=x"):
                assert (await r.ada.get(f"/jmap/events?{wrong}")).status_code == 400

    run(body())


def test_jmapd_14_what_cannot_be_read_for_a_while_is_told_later(tmp_path: Path) -> None:
    async def body() -> None:
        async with http_rig(tmp_path) as r, r.events() as events:
            account, times = r.store.account, iter(range(3))

            def gone(*whose: int) -> Any:
                if next(times, None) is None:
                    return account(*whose)
                raise Unavailable("cell-01/index", "being made anew", 0.01)

            r.store.account = gone  # type: ignore[method-assign, assignment]
            await r.deliver(message(1))
            assert "Email" in changed(r, await events.next())

    run(body())


def test_jmapd_4_what_lasts_ends_with_the_sign_in(tmp_path: Path) -> None:
    async def body() -> None:
        async with http_rig(tmp_path) as r:
            token = (await r.pair())["access_token"]
            async with r.events() as events, socket(r, bearer(token)) as ws:
                await r.people_writer.sign_out(r.account().id)
                assert await events.next() is None
                with pytest.raises(websockets.ConnectionClosed) as closed:
                    await ws.recv()
                assert closed.value.rcvd is not None and closed.value.rcvd.code == 1008

    run(body())


def test_so_many_wait_for_one_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holdfast.functions.jmap.watching.JMAP_LISTENERS", 2)
    assert JMAP_LISTENERS > 2

    async def body() -> None:
        async with http_rig(tmp_path) as r:
            async with r.events(), r.events():
                assert (await r.ada.get("/jmap/events")).json()["limit"] == "maxConcurrentRequests"
            async with asyncio.timeout(10):
                while r.watching._counts:  # until the server has noticed that they went away
                    await asyncio.sleep(0.005)
            async with r.events():
                pass

    run(body())


# Websocket


def socket(r: HttpRig, headers: dict[str, str], protocol: str = "jmap") -> connect:
    url = f"ws://localhost:{r.port}/jmap/ws"
    return connect(url, additional_headers=headers, subprotocols=[protocol], proxy=None)  # type: ignore[list-item]


async def said(ws: ClientConnection) -> Any:
    async with asyncio.timeout(10):
        return json.loads(await ws.recv())


def request(id: str, *calls: list[object]) -> str:
    return json.dumps({"@type": "Request", "id": id, "using": [CORE], "methodCalls": calls})


def test_requests_over_a_websocket_are_answered_by_their_ids(tmp_path: Path) -> None:
    async def body() -> None:
        async with http_rig(tmp_path) as r:
            token = (await r.pair())["access_token"]
            async with socket(r, bearer(token)) as ws:
                assert ws.subprotocol == "jmap"
                for id in ("R1", "R2"):
                    await ws.send(request(id, ["Core/echo", {"id": id}, "c"]))
                answers = {each["requestId"]: each for each in (await said(ws), await said(ws))}
                assert answers["R2"]["methodResponses"] == [["Core/echo", {"id": "R2"}, "c"]]
                assert answers["R1"]["@type"] == "Response" and answers["R1"]["sessionState"]
                await ws.send('{"@type":"Request","id":"R3"}')
                wrong = await said(ws)
                assert (wrong["@type"], wrong["requestId"]) == ("RequestError", "R3")
                await ws.send(b"binary")
                with pytest.raises(websockets.ConnectionClosed) as closed:
                    await ws.recv()
                assert closed.value.rcvd is not None and closed.value.rcvd.code == 1003
            assert len(r.jmap._requests) == 0

    run(body())


def test_a_websocket_pushes_once_it_is_asked_to_and_from_where_it_was(tmp_path: Path) -> None:
    async def body() -> None:
        async with http_rig(tmp_path) as r:
            token = (await r.pair())["access_token"]
            async with socket(r, bearer(token)) as ws:
                await ws.send(json.dumps({"@type": "WebSocketPushEnable", "dataTypes": ["Email"]}))
                await ws.send(request("R1", ["Core/echo", {}, "c"]))
                assert (await said(ws))["requestId"] == "R1"
                await r.deliver(message(1))
                change = await said(ws)
                assert change["@type"] == "StateChange"
                assert change["changed"][r.name_of()].keys() == {"Email"}
            await r.deliver(message(2))
            async with socket(r, bearer(token)) as ws:
                await ws.send(
                    json.dumps(
                        {"@type": "WebSocketPushEnable", "dataTypes": None, "pushState": change["pushState"]}
                    )
                )
                assert (await said(ws))["changed"][r.name_of()].keys() >= MAIL_TYPES
                await ws.send('{"@type":"WebSocketPushDisable"}')

    run(body())


def test_who_may_open_a_websocket(tmp_path: Path) -> None:
    async def body() -> None:
        async with http_rig(tmp_path) as r:
            token = (await r.pair())["access_token"]
            for headers, protocol, status in (
                ({}, "jmap", 401),
                (bearer("hfat_x"), "jmap", 401),
                (bearer(token) | {"origin": "https://evil.example"}, "jmap", 403),
                (bearer(token), "other", 400),
            ):
                with pytest.raises(websockets.InvalidStatus) as refused:
                    async with socket(r, headers, protocol):
                        pass
                assert refused.value.response.status_code == status
            async with socket(r, bearer(token) | {"origin": WEBMAIL}):
                pass

    run(body())


def test_connections_that_became_websockets_are_counted_until_they_end(tmp_path: Path) -> None:
    async def body() -> None:
        async with http_rig(tmp_path) as r:
            token = (await r.pair())["access_token"]
            for _ in range(250):  # more than one address may have at a time
                async with socket(r, bearer(token)):
                    pass
            assert (await r.ada.get("/.well-known/jmap")).status_code == 200

    run(body())
