"""The audit trail: every change, by whom and why, and no secret."""

from __future__ import annotations

from typing import Any, get_args

import msgspec
import pytest

from holdfast.directory import PeopleWriter
from holdfast.directory import records as r
from holdfast.directory.audit import SECRETS, AuditTrail, detail_of
from holdfast.directory.copy import MEMORY, Source
from holdfast.model.people import AdminRole, Brand, Contact, FactorKind
from holdfast.sim.world import SimWorld
from unit.directory.people_service import CHEAP, PACK, VOLUME, follow, serve

MARK = "very-secret-0451"
SECRET_FIELDS = {"credential", "digest", "salt", "secret"}


def trail_of(world: SimWorld, path: str = MEMORY) -> AuditTrail:
    return AuditTrail(world, path, Source(world, VOLUME, "people", ()))


async def peopled(world: SimWorld) -> PeopleWriter:
    people = await serve(world)
    await people.domain_add("example.org", by="cli:root")
    await people.account_add("ann@example.org", credential=CHEAP, contact=Contact(0, phone="+4930123456"))
    await people.address_add("ann@example.org", "annie@example.org", by="account:2")
    await people.address_rm("annie@example.org", by="account:2", why="no longer wanted")
    token = await people.token_add("ann@example.org", "crm", AdminRole.OWNER, MARK * 3, by="account:2")
    await people.token_rm(token.id, by="account:2")
    return people


def test_every_change_is_there_with_whom_it_is_about(world: SimWorld) -> None:
    async def main() -> None:
        people = await peopled(world)
        trail = trail_of(world)
        assert await trail.catch_up()
        entries = trail.page()
        assert [(entry.id, entry.what, entry.account) for entry in entries] == [
            (7, "token_removed", 2),
            (6, "token_made", 2),
            (5, "address_removed", 2),
            (4, "address_added", 2),
            (3, "contact_set", 2),
            (2, "account_made", 2),
            (1, "domain_made", 0),
        ]
        assert (entries[2].by, entries[2].why) == ("account:2", "no longer wanted")
        assert entries[2].detail == {"address": "annie@example.org", "kept": True}
        assert entries[-1].by == "cli:root" and entries[-1].at > 0
        assert entries[0].id == people._copy.fold.sequence

    world.run(main())


def test_pages_are_narrowed_and_follow_each_other(world: SimWorld) -> None:
    async def main() -> None:
        people = await peopled(world)
        await world.clock.sleep(100)
        since = world.clock.now()
        bob = await people.account_add("bob@example.org", by="account:2")
        trail = trail_of(world)
        assert await trail.catch_up()
        seen: list[int] = []
        while page := trail.page(before=seen[-1] if seen else 0, limit=3):
            seen += [entry.id for entry in page]
        assert seen == [8, 7, 6, 5, 4, 3, 2, 1]
        assert [entry.id for entry in trail.page(account=2, what="token_made")] == [6]
        assert [entry.id for entry in trail.page(by="account:2", account=2)] == [7, 6, 5, 4]
        assert [entry.id for entry in trail.page(since=since)] == [8] == [bob.id]
        assert trail.page(since=since + 100) == [] and trail.page(account=99) == []

    world.run(main())


def test_it_follows_a_copy_and_goes_on_where_it_was_left(world: SimWorld) -> None:
    async def main() -> None:
        people = await peopled(world)
        copy = await follow(world, "admin")
        trail = trail_of(world, "/copies/audit.db")
        task = world.start(trail.follow(copy))
        await people.customer_add("Smith", by="cli:root")
        await copy.reached(people.durable)
        await world.clock.sleep(0.1)
        assert trail.page(limit=1)[0].what == "customer_made" and len(trail.page()) == 8
        if task is not None:
            task.cancel()
        await world.clock.sleep(0.1)
        trail.close()
        again = trail_of(world, "/copies/audit.db")
        assert again.position == people.durable and len(again.page()) == 8

    world.run(main())


def test_a_ledger_that_is_gone_takes_nothing_from_it(world: SimWorld) -> None:
    async def main() -> None:
        people = await peopled(world)
        trail = trail_of(world, "/copies/audit.db")
        assert await trail.catch_up()
        await people.close()
        world.disk.remove(PACK)
        assert not await trail.catch_up()
        assert len(trail.page()) == 7
        assert [entry.name for entry in world.journal.named("audit_failed")] == ["audit_failed"]

    world.run(main())


def test_a_frame_that_cant_be_read_is_an_entry_too(world: SimWorld) -> None:
    async def main() -> None:
        from holdfast.model.mail import Position
        from unit.directory.people_tape import frame

        trail = trail_of(world)
        trail._take([frame(1, b"no record")], Position(1, 64), b"0123456789abcdef")
        assert [(entry.id, entry.what) for entry in trail.page()] == [(1, "unreadable")]

    world.run(main())


def _filled(kind: Any) -> Any:
    """One of each record, secrets and all."""
    given: dict[str, object] = {
        "at": 1.0,
        "name": "n",
        "address": "a@example.org",
        "cell": 1,
        "account": 7,
        "customer": 7,
        "id": 7,
        "tenant": 7,
        "state": "removed",
        "kind": FactorKind.TOTP,
        "role": AdminRole.OWNER if "role" in kind.__struct_fields__ and kind is not r.AccountMade else "",
        "domain": "example.org",
        "names": ("root",),
        "targets": ("b@example.org",),
        "brand": Brand(title="T"),
        "count": 1,
        "reason": "r",
        "what": "INBOX",
        "auditor": 8,
        "approved_by": 9,
        "until": 5.0,
        "on": True,
        "credential": MARK,
        "digest": MARK.encode(),
        "salt": MARK.encode(),
        "secret": MARK.encode(),
    }
    known = {field: given[field] for field in kind.__struct_fields__ if field in given}
    return kind(**known)


@pytest.mark.parametrize("kind", get_args(r.AnyRecord), ids=lambda kind: kind.__struct_config__.tag)
def test_people_14_no_secret_of_any_record_is_in_the_trail(kind: Any) -> None:
    record = _filled(kind)
    for field in msgspec.structs.fields(kind):
        if field.type is bytes or field.name in SECRET_FIELDS:
            assert MARK in str(getattr(record, field.name)), "the test fills it"
    shown = msgspec.json.encode(detail_of(record)).decode()
    assert MARK not in shown and not SECRETS & detail_of(record).keys()


def test_people_14_every_field_of_bytes_is_a_secret() -> None:
    """So that a new one is thought of."""
    fields = {
        field.name
        for kind in get_args(r.AnyRecord)
        for field in msgspec.structs.fields(kind)
        if field.type is bytes
    }
    assert fields | {"credential"} == SECRETS == SECRET_FIELDS


def test_people_14_the_trails_file_has_no_secret_in_it(world: SimWorld) -> None:
    async def main() -> None:
        people = await peopled(world)
        await people.app_password_add("ann@example.org", "phone", MARK + "abcdefgh")
        await people.factor_add("ann@example.org", FactorKind.TOTP, "phone", MARK.encode())
        trail = trail_of(world)
        assert await trail.catch_up()
        kept = str(trail._db.execute("SELECT * FROM entry").fetchall())
        assert MARK not in kept and "argon2id" not in kept

    world.run(main())
