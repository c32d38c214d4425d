"""Whether a message that was taken is to be seen: by every way in which customers read (CANARY-3)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from holdfast.model.limits import CANARY_SEEN_S
from holdfast.watch.canaries.ground import Ground
from holdfast.watch.canaries.walk import Walk
from holdfast.watch.canaries.words import Account, Unsure
from holdfast.watch.clients import Fault, Steps
from holdfast.wire.imap import commands as c
from holdfast.wire.imap.answers import Searched

LOOK_S = 0.1  # between two looks
REST_S = 1.5  # the others may take longer than the first by that much
_NEWEST = 5  # of a mailbox that POP3 shows, so many are looked at

# Returns once it is to be seen. It says by ``looked`` that it could look at all.
Reader = Callable[[Ground, Account, str, asyncio.Event], Awaitable[None]]


async def seen(ground: Ground, walk: Walk, account: Account, subject: str) -> None:
    """Raises ``Fault``: nobody or not everybody sees it. ``Unsure``: nobody could look."""
    walk.begin("seen", CANARY_SEEN_S + REST_S)
    clock = ground.world.clock
    began = clock.monotonic()
    looked = {name: asyncio.Event() for name in READERS}
    tasks = {
        asyncio.ensure_future(read(ground, account, subject, looked[name])): name
        for name, read in READERS.items()
    }
    see, blind = set[str](), dict[str, str]()
    waiting = set(tasks)
    until = began + CANARY_SEEN_S
    try:
        while waiting and (left := until - clock.monotonic()) > 0:
            done, waiting = await asyncio.wait(waiting, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                name, error = tasks[task], task.exception()
                if error is None:
                    walk.notes.append(f"seen by {name} after {clock.monotonic() - began:.3f} s")
                    until = min(until, clock.monotonic() + REST_S)
                    see.add(name)
                else:
                    blind[name] = str(error) or type(error).__name__
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    _judge(walk, see, blind, {tasks[task] for task in waiting if looked[tasks[task]].is_set()})


def _judge(walk: Walk, see: set[str], blind: Mapping[str, str], not_there: set[str]) -> None:
    """``not_there``: who looked and didn't find it."""
    for name in sorted(READERS.keys() - see - not_there):
        walk.notes.append(f"{name} could not look: {blind.get(name, 'no answer')}")
    if see and not_there:
        raise Fault("seen", f"{_names(see)} shows it, {_names(not_there)} doesn't", partly=True)
    if not see and not_there:
        text = f"it was taken, and {_names(not_there)} doesn't show it after {CANARY_SEEN_S:g} s"
        raise Fault("seen", text, partly=True)
    if not see:
        raise Unsure("it was taken; nobody could be asked whether it is there")


def _names(readers: set[str]) -> str:
    return ", ".join(sorted(readers))


async def _by_imap(ground: Ground, account: Account, subject: str, looked: asyncio.Event) -> None:
    async with ground.imap(account, Steps()) as imap:
        await imap.do(c.Select("INBOX", read_only=True))
        looked.set()
        wanted = c.Search(c.SearchHeader("SUBJECT", subject), uid=True)
        while True:
            answers = await imap.do(wanted)
            if any(isinstance(each, Searched) and each.numbers for each in answers):
                return
            await ground.world.clock.sleep(LOOK_S)
            await imap.do(c.Noop())


async def _by_pop3(ground: Ground, account: Account, subject: str, looked: asyncio.Event) -> None:
    while True:  # a session shows what was there when it began
        async with ground.pop3(account, Steps()) as pop3:
            count = int((await pop3.do("STAT")).text.split()[0])
            looked.set()
            for number in range(count, max(0, count - _NEWEST), -1):
                head = await pop3.do(f"TOP {number} 0", multiline=True)
                if subject.encode() in (head.body or b""):
                    return
            await pop3.do("QUIT")
        await ground.world.clock.sleep(LOOK_S)


async def _by_jmap(ground: Ground, account: Account, subject: str, looked: asyncio.Event) -> None:
    async with ground.programs(account) as programs:
        await programs.sign_in()
        while True:
            found = await programs.call("Email/query", {"filter": {"subject": subject}})
            looked.set()
            if found["ids"]:
                return
            await ground.world.clock.sleep(LOOK_S)


READERS: Mapping[str, Reader] = {"IMAP": _by_imap, "POP3": _by_pop3, "JMAP": _by_jmap}
