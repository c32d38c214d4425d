"""How long a JMAP request takes at the server against a mailbox of 100,000 messages; prints JSON.

    python bench/jmap_server.py [messages] [rounds]

One process: the methods over a real store on a disk, from a request's bytes to the answer's; no network.
Milliseconds of wall time, medians of the rounds. ``window``: Email/query of a mailbox, newest first, one
of each thread, 50 of them, and Email/get of what a list shows by reference. ``…_first``: nothing is kept.
``far``: 50 in the middle. ``after_mail``: the first ones, with a total, after a new message. ``flags_500``:
Email/set of 500 keywords, one commit, synced. ``unread``: the same list of what is unread.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
import types
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from holdfast.functions.jmap.asking import Ask, Parts, carry_out
from holdfast.functions.jmap.methods import TABLE
from holdfast.functions.jmap.query_lists import Lists
from holdfast.model.people import Account
from holdfast.store import AppendAll, IndexFiles, MailStore, NewMessage, StoreWriter
from holdfast.wire.jmap.core import CORE, MAIL, CoreLimits
from holdfast.wire.jmap.server import Server
from holdfast.world import World, real_world, run

ACCOUNT, CELL, BATCH = 7, 1, 1000
SHOWN = [
    *("id", "threadId", "mailboxIds", "keywords", "from", "to", "subject", "receivedAt", "size"),
    *("preview", "hasAttachment"),
]
TEXT = "Some words of a text that says what such texts say, line after line.\r\n" * 8


def message(number: int) -> bytes:
    """Every second one answers the one before."""
    about = number - number % 2
    answers = f"In-Reply-To: <{about}@x>\r\n" if number % 2 else ""
    subject = f"{'Re: ' if number % 2 else ''}Minutes of the {about}th meeting"
    return (
        f"From: =?utf-8?q?J=C3=B6rg?= Author <joerg@example.net>\r\n"
        "To: Ada <ada@example.org>, b@example.org\r\n"
        f"Subject: {subject}\r\nMessage-ID: <{number}@x>\r\n{answers}Date: Thu, 1 Jan 2026 00:00:00 +0000\r\n"
        f'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="b"\r\n\r\n'
        f"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{number}: {TEXT}\r\n"
        f"--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>{TEXT}</p>\r\n--b--\r\n"
    ).encode()


class Nobody:
    """A directory that knows no limits."""

    def quota_of(self, account: int) -> int:
        return 0


class Bench:
    def __init__(self, parts: Parts, account: Account, store: MailStore) -> None:
        self.parts = parts
        self.account = account
        self.store = store
        self.number = 0

    async def fill(self, count: int) -> None:
        while count > 0:
            new = tuple(self._new() for _ in range(min(count, BATCH)))
            await self.store.commit_one(AppendAll(account=ACCOUNT, cell=CELL, mailbox="INBOX", messages=new))
            count -= len(new)

    def _new(self) -> NewMessage:
        self.number += 1
        when = 1_700_000_000.0 + self.number
        return NewMessage(message(self.number), flags=int(self.number % 5 > 0), internaldate=when)

    async def ask(self, *calls: tuple[str, dict[str, Any]]) -> list[Any]:
        whole = [
            (name, {"accountId": f"a{ACCOUNT}"} | given, str(n)) for n, (name, given) in enumerate(calls)
        ]
        body = msgspec.json.encode({"using": [CORE, MAIL], "methodCalls": whole})
        server = Server(TABLE.methods, self.parts.limits, "s")
        server.receive(body)
        server.end()
        await carry_out(Ask(self.parts, self.account, server, "192.0.2.1"), TABLE.handlers)
        answers = msgspec.json.decode(server.take().body)["methodResponses"]
        assert all(name != "error" for name, _, _ in answers), answers
        return [answer for _, answer, _ in answers]


def window(mailbox: str, **also: Any) -> list[tuple[str, dict[str, Any]]]:
    asked = {"filter": {"inMailbox": mailbox}, "collapseThreads": True, "limit": 50} | also
    asked["sort"] = [{"property": "receivedAt", "isAscending": False}]
    ids = {"resultOf": "0", "name": "Email/query", "path": "/ids"}
    return [("Email/query", asked), ("Email/get", {"#ids": ids, "properties": SHOWN})]


async def median(
    work: Callable[[], Awaitable[object]], rounds: int, before: Callable[[], Awaitable[object]] | None = None
) -> float:
    taken = []
    for _ in range(rounds):
        if before is not None:
            await before()
        begin = time.perf_counter()
        await work()
        taken.append((time.perf_counter() - begin) * 1000)
    return round(statistics.median(taken), 2)


async def measure(bench: Bench, messages: int, rounds: int) -> dict[str, float]:
    mailbox = next(
        each["id"] for each in (await bench.ask(("Mailbox/get", {})))[0]["list"] if each["role"] == "inbox"
    )

    async def forget() -> None:
        bench.parts.lists = Lists()

    async def mail() -> None:
        await bench.fill(1)

    found: dict[str, float] = {}
    found["window"] = await median(lambda: bench.ask(*window(mailbox)), rounds, forget)
    total = window(mailbox, calculateTotal=True)
    found["total_first"] = await median(lambda: bench.ask(*total), max(1, rounds // 5), forget)
    found["total"] = await median(lambda: bench.ask(*total), rounds)
    far = window(mailbox, calculateTotal=True, position=messages // 4)
    found["far"] = await median(lambda: bench.ask(*far), rounds)
    found["after_mail"] = await median(lambda: bench.ask(*total), rounds, mail)
    state = (await bench.ask(*total))[0]["queryState"]
    asked = {name: held for name, held in total[0][1].items() if name != "limit"}
    await mail()
    changes = ("Email/queryChanges", asked | {"sinceQueryState": state})
    found["query_changes"] = await median(lambda: bench.ask(changes), rounds)
    unread = window(mailbox, filter={"inMailbox": mailbox, "notKeyword": "$seen"}, calculateTotal=True)
    found["unread_first"] = await median(lambda: bench.ask(*unread), max(1, rounds // 5), mail)
    found["unread"] = await median(lambda: bench.ask(*unread), rounds)
    found["mailboxes_after_mail"] = await median(lambda: bench.ask(("Mailbox/get", {})), rounds, mail)
    ids = (await bench.ask(("Email/query", {"filter": {"inMailbox": mailbox}, "limit": 500})))[0]["ids"]
    on = iter([True, None] * rounds * 2)

    async def flags() -> None:
        patch = {"keywords/$flagged": next(on)}
        (answer,) = await bench.ask(("Email/set", {"update": dict.fromkeys(ids, patch)}))
        assert len(answer["updated"]) == 500

    found["flags_500"] = await median(flags, max(2, rounds // 5))
    body = {"ids": ids[:1], "fetchAllBodyValues": True}
    found["one_body"] = await median(lambda: bench.ask(("Email/get", body)), rounds)
    return found


async def play(folder: str, messages: int, rounds: int) -> dict[str, Any]:
    world: World = real_world(journal_path=os.devnull)
    files = IndexFiles(world, f"{folder}/index")
    writer = await StoreWriter.open(world, f"{folder}/volume", files, cells=4)
    store = MailStore(world, writer, files, f"{folder}/volume")
    account: Account = types.SimpleNamespace(id=ACCOUNT, cell=CELL)  # type: ignore[assignment]
    await store.open_account(ACCOUNT, CELL)
    parts: Any = Parts.__new__(Parts)
    parts.world, parts.store, parts.people, parts.limits = world, store, Nobody(), CoreLimits()
    parts.lists, parts.hostname = Lists(), "mail.example.org"
    bench = Bench(parts, account, store)
    begin = time.perf_counter()
    await bench.fill(messages)
    filled = time.perf_counter() - begin
    found = await measure(bench, messages, rounds)
    await writer.close()
    return {"messages": messages, "filled_s": round(filled, 1), "ms": found}


def main() -> None:
    messages = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 15
    with tempfile.TemporaryDirectory(prefix="bench-jmap-") as folder:
        print(json.dumps(run(play(folder, messages, rounds))))


if __name__ == "__main__":
    main()
