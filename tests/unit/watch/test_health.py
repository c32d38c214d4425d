"""Verdicts: from what was found out at the doors to one word for a function."""

from __future__ import annotations

import asyncio
import errno
from typing import NamedTuple

import pytest

from holdfast.watch.clients import Target
from holdfast.watch.health import Check, Health, check, conclude
from holdfast.world import real_world, run
from holdfast.world.tls import client_context


def door(state: str, name: str = "imap") -> Check:
    return Check(name, state, [], "" if state == "healthy" else "greeting", "why")


@pytest.mark.parametrize(
    ("states", "word"),
    [
        (["healthy"], "healthy"),
        (["healthy", "healthy"], "healthy"),
        (["healthy", "unhealthy"], "degraded"),
        (["healthy", "unknown"], "degraded"),
        (["degraded"], "degraded"),
        (["unhealthy", "unhealthy"], "unhealthy"),
        (["unhealthy", "unknown"], "unhealthy"),
        (["unknown"], "unknown"),
        ([], "unknown"),
    ],
)
def test_watch_5_a_function_is_healthy_only_when_every_door_was_found_so(states, word):
    verdict = conclude("imap", [door(each) for each in states], 0.0)
    assert verdict.state == word
    assert verdict.serves == (word in ("healthy", "degraded"))
    assert (verdict.cause == "") == (word == "healthy")


def test_the_worst_door_is_named_with_its_cause():
    verdict = conclude("imap", [door("healthy"), door("unhealthy", "imaps")], 0.0)
    assert (verdict.component, verdict.cause) == ("imap/imaps", "greeting: why")


class _NoWay:
    """A net that has no more descriptors, or whose other side isn't there."""

    def __init__(self, error: OSError) -> None:
        self._error = error
        self.tries = 0

    async def connect(self, *words: object, **keys: object) -> object:
        self.tries += 1
        await asyncio.sleep(0)
        raise self._error


class _World(NamedTuple):
    net: _NoWay
    clock: object


def tried(error: OSError) -> Check:
    world = _World(_NoWay(error), real_world().clock)
    target = Target("imap", "imap", ("127.0.0.1", 1), "host", client_context(verify=False))
    return run(check(world, target))


@pytest.mark.slow
def test_watch_5_what_we_lack_ourselves_says_nothing_of_a_function():
    assert tried(OSError(errno.EMFILE, "too many open files")).state == "unknown"
    assert tried(ConnectionRefusedError(errno.ECONNREFUSED, "refused")).state == "unhealthy"


def test_watch_6_many_who_ask_at_once_cost_one_try():
    async def ask() -> int:
        world = _World(_NoWay(ConnectionRefusedError(errno.ECONNREFUSED, "refused")), real_world().clock)
        target = Target("imap", "imap", ("127.0.0.1", 1), "host", client_context(verify=False))
        health = Health(world, {"imap": [target]}, {})
        await asyncio.gather(*(health.verdict("imap") for _ in range(20)))
        await health.verdict("imap")
        return world.net.tries

    assert run(ask()) == 1


def test_watch_5_an_answer_that_never_came_is_unknown():
    async def fails() -> Check:
        raise RuntimeError("who knows")

    health = Health(real_world(), {}, {"relay": fails})
    assert run(health.verdict("relay")).state == "unknown"
