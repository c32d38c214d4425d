"""Customers who are told, for tests: from a record of incidents to messages at a real gateway."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from gateway import Gateway
from holdfast.care.customers import AccountRow, CustomerRow, TenantRow
from holdfast.care.notices.part import NoticesPart
from holdfast.care.turns import Seen
from holdfast.run import layout
from holdfast.run.noticing import noticing
from holdfast.run.reading import parse
from holdfast.watch.incidents import Incidents
from holdfast.watch.incidents import record as r
from holdfast.world import World, real_world
from holdfast.world import run as run_really
from outage import hits, named
from unit.care.snapshot import written

CELL_3 = r.Failing(trial="imap/3", function="imap", state="fails", step="list", cell=3)


def phone(customer: int) -> str:
    return f"+4917000{customer:05d}"


def people(count: int) -> list[CustomerRow]:
    row = CustomerRow(0, phone_proven_at=1.0, language="en", consent_at=1.0)
    return [row._replace(id=each, contract=f"c-{each}", phone=phone(each)) for each in range(1, count + 1)]


class Told:
    """A record of incidents that the part is shown, and what it says is put into."""

    def __init__(self, world: World, part: NoticesPart) -> None:
        self.world = world
        self.part = part
        self.at = world.clock.now() - 7200  # so that what is laid down is due
        self.incidents = Incidents()
        self.said: list[r.AnyEntry] = []

    def apply(self, *entries: r.AnyEntry) -> None:
        self.incidents.apply(entries)

    async def turn(self, after_s: float = 0.0) -> Sequence[r.AnyEntry]:
        self.at += after_s
        found = await self.part.turn(Seen(self.incidents, None, self.at))
        self.incidents.apply(found)
        self.said += found
        return found

    def noticed(self) -> list[r.Noticed]:
        return [each for each in self.said if isinstance(each, r.Noticed)]

    async def until(self, true: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not true():
                await asyncio.sleep(0.02)


def go(
    folder: Path,
    of: Gateway,
    accounts: Sequence[AccountRow],
    customers: Sequence[CustomerRow],
    work: Callable[[Told], Awaitable[None]],
    more: str = "",
    tenants: Sequence[TenantRow] = (),
) -> list[dict[str, Any]]:
    """The journal afterwards."""
    journal = folder / "journal"
    world = real_world(journal_path=str(journal))
    text = f'[service]\ndata = "{folder}/data"\n[gateways]\nsms_url = "{of.url}"\nsender = "Example"\n{more}'
    config = parse(text, f"{folder}/holdfast.toml", {})
    written(world, folder / "data", accounts, customers, tenants)
    assert Path(layout.customers_path(config)).exists()

    async def whole() -> None:
        async with noticing(world, config) as part:
            await work(Told(world, part))

    run_really(whole())
    return [json.loads(line) for line in journal.read_text().splitlines()]


def opening(at: float) -> list[r.AnyEntry]:
    return [
        r.Opened(at=at, incident=1, since={"imap": at - 5}),
        r.Found(at=at, incident=1, states={"imap": "fails"}, failing=(CELL_3,), count=1),
        r.Promised(at=at, incident=1, promise=1, what="next_update", due=at + 1800),
        r.Diagnosed(at=at + 3, incident=1, report=named("cell-03/index", "index", "imap")),
    ]


def counted(at: float, customers: int) -> r.Affected:
    return r.Affected(at=at, incident=1, counts={"imap": hits(customers, customers, customers, customers)})


def texts(of: Gateway) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in of.requests:
        body = json.loads(each.body)
        if "to" not in body:  # the staff's
            continue
        found.setdefault(body["to"], []).append(body["text"])
    return found
