"""One request of one account: its calls in order, each with an answer of its own."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from holdfast.functions.jmap.asking import Ask
from holdfast.functions.jmap.methods import TABLE, joined
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.world import Entry
from unit.functions.jmap.rig import BEN, PEER, MethodFailed, rig, run

pytestmark = pytest.mark.slow


def test_echo_gives_back_what_it_was_given(tmp_path: Path) -> None:
    async def body() -> None:
        async with rig(tmp_path) as r:
            assert await r.call("Core/echo", {"hello": [True, 1]}) == {"hello": [True, 1]}

    run(body())


def test_jmapd_1_a_call_that_fails_costs_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(ask: Ask, arguments: Any) -> object:
        ask.also("Lost", {})
        raise arguments.get("error") or KeyError("a fault of ours")

    async def unsayable(ask: Ask, arguments: Any) -> object:
        return object()

    async def echo(ask: Ask, arguments: Any) -> object:
        ask.also("Further", {"n": 1})
        return arguments

    met: list[Entry] = []

    async def body() -> None:
        async with rig(tmp_path) as r:
            r.world.journal.at(met.append)
            for handler, kind in (
                (broken, "serverFail"),
                (unsayable, "serverFail"),
                (raising(Unavailable("cell-01/index")), "serverUnavailable"),
                (raising(Refused(Reason.NOT_ALLOWED, "no")), "forbidden"),
            ):
                monkeypatch.setitem(TABLE.handlers, "Core/echo", handler)
                ((name, said, _),) = await r.calls(("Core/echo", {}, "0"))
                assert (name, said["type"]) == ("error", kind)
                assert "KeyError" not in str(said)
            whose = {
                (each.keys["peer"], each.keys["cell"]) for each in met if each.name == "jmap_unavailable"
            }
            assert whose == {(PEER, r.account().cell)}
            monkeypatch.setitem(TABLE.handlers, "Core/echo", echo)
            said = await r.calls(("Core/echo", {}, "0"), ("Core/nothing", {}, "1"), ("Core/echo", {}, "2"))
            assert [(name, tag) for name, _, tag in said] == [
                ("Core/echo", "0"),
                ("Further", "0"),
                ("error", "1"),
                ("Core/echo", "2"),
                ("Further", "2"),
            ]

    run(body())


def raising(error: Exception) -> Any:
    async def handler(ask: Ask, arguments: Any) -> object:
        raise error

    return handler


def test_jmapd_2_only_methods_that_are_there_are_offered() -> None:
    assert TABLE.methods.keys() == TABLE.handlers.keys()
    module = ModuleType("module")
    module.HANDLERS = {"Core/none": raising(KeyError())}  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="Core/none"):
        joined([module])
    module.HANDLERS = {"Core/echo": raising(KeyError())}  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="Core/echo"):
        joined([module, module])
    assert joined([module]).capabilities == ["urn:ietf:params:jmap:core"]


def test_uploads_are_their_accounts_own(tmp_path: Path) -> None:
    async def body() -> None:
        async with rig(tmp_path) as r:
            blob = await r.upload(b"mine")
            uploads = r.parts.uploads
            assert await uploads.read(r.account().id, blob) == b"mine"
            assert await uploads.read(r.account(BEN).id, blob) is None
            assert await uploads.read(r.account().id, "U0-../../" + "a" * 20) is None
            with pytest.raises(MethodFailed):
                await r.call("Nothing/get")

    run(body())
