"""Directories outside: what is changed here for what they say, and what is not believed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import apsw
import pytest

from holdfast.directory import People, PeopleWriter
from holdfast.directory.credentials import Parameters, hash_password, verify_password
from holdfast.directory.sources.outside import Directory, Outsides
from holdfast.directory.sources.person import Found, NotThere, Person, plain_addresses
from holdfast.directory.sources.sql import SqlSettings, SqlSource
from holdfast.directory.sources.sync import Sync, kept_path
from holdfast.model.errors import Unavailable
from holdfast.model.limits import SOURCE_DAY_S, SOURCE_LEAST
from holdfast.model.people import Account, AccountState
from holdfast.sim.world import SimWorld
from unit.directory.people_service import follow, serve

FAST = Parameters(memory_kib=64, passes=1, lanes=1)
pytestmark = pytest.mark.slow

NAME = "ldap:staff"


class There:
    """A directory outside in memory."""

    name = NAME
    checks_passwords = True

    def __init__(self, *people: Person) -> None:
        self.people = {each.id: each for each in people}
        self.trouble: Exception | None = None
        self.password = "theirs"

    def read_all(self) -> Found:
        if self.trouble is not None:
            raise self.trouble
        return Found(list(self.people.values()))

    def read_changed(self, mark: str) -> Found | None:
        return None

    def password_right(self, id: str, password: str) -> bool:
        if self.trouble is not None:
            raise self.trouble
        if id not in self.people:
            raise NotThere(f"source/{NAME}", "has no entry")
        return password == self.password


def person(name: str, *aliases: str, disabled: bool = False) -> Person:
    addresses = tuple(f"{each}@example.org" for each in aliases)
    return Person(name, f"{name}@example.org", addresses, name.title(), disabled)


class Desk:
    def __init__(self, world: SimWorld, *people: Person) -> None:
        self.world = world
        self.there = There(*people)

    async def open(self) -> Desk:
        self.writer: PeopleWriter = await serve(self.world.process("people"))
        await self.writer.domain_add("example.org")
        self.people: People = await follow(self.world.process("sources"), "sources")
        self.sync = Sync(
            self.world.process("sources"),
            self.there,
            self.people,
            self.writer,
            "/data/sources",
            interval_s=60,
            full_s=60,
        )
        return self

    async def look(self, **keys: Any) -> list[str]:
        report = await self.sync.once(full=True, **keys)
        await self.people.written(5)
        return report.lines()

    def states(self) -> dict[str, str]:
        found = self.people.lists.of_source(NAME)
        return {each.external_id: each.state.value for each in found}

    def account(self, name: str) -> Account:
        found = self.people.by_external(NAME, name)
        assert found is not None
        return found


def scene(world: SimWorld, work: Any, *people: Person) -> None:
    async def main() -> None:
        await work(await Desk(world, *people).open())

    world.run(main())
    assert world.simulation.unhandled == []


def crowd(count: int) -> list[Person]:
    return [person(f"p{n:03d}") for n in range(count)]


def test_people_come_change_leave_and_come_back(world: SimWorld) -> None:
    async def work(desk: Desk) -> None:
        await desk.look()
        assert desk.states() == {"ann": "active", "ben": "active"}
        assert desk.people.addresses(desk.account("ann").id) == ["a.lee@example.org", "ann@example.org"]
        desk.there.people["ann"] = Person("ann", "ann.new@example.org", (), "Ann New")
        del desk.there.people["ben"]
        await desk.look()
        assert desk.account("ann").name == "Ann New"
        assert desk.people.addresses(desk.account("ann").id) == ["ann.new@example.org", "ann@example.org"]
        assert desk.states()["ben"] == "disabled"
        desk.there.people["ben"] = person("ben")
        await desk.look()
        assert desk.states()["ben"] == "active"
        assert await desk.look() == [], "what is as it should be is left alone"

    scene(world, work, person("ann", "a.lee"), person("ben"))


def test_source_1_trouble_of_the_directory_changes_nothing(world: SimWorld) -> None:
    async def work(desk: Desk) -> None:
        await desk.look()
        before = desk.people.position
        desk.there.trouble = Unavailable(f"source/{NAME}", "no answer")
        with pytest.raises(Unavailable):
            await desk.look()
        assert desk.people.position == before

    scene(world, work, person("ann"))


def test_source_2_far_fewer_people_are_not_believed_at_once_nor_bit_by_bit(world: SimWorld) -> None:
    async def work(desk: Desk) -> None:
        await desk.look()
        whole = dict(desk.there.people)
        desk.there.people.clear()
        assert any("not believed" in line for line in await desk.look())
        assert set(desk.states().values()) == {"active"}
        desk.there.people.update(whole)
        for _ in range(SOURCE_LEAST - 1):
            desk.there.people.popitem()
        await desk.look()
        assert list(desk.states().values()).count("disabled") == SOURCE_LEAST - 1
        desk.there.people.popitem()
        assert any("not believed" in line for line in await desk.look()), "the tenth within a day"
        await desk.world.clock.sleep(SOURCE_DAY_S + 1)
        await desk.look()
        assert list(desk.states().values()).count("disabled") == SOURCE_LEAST

    scene(world, work, *crowd(30))


def test_source_2_nobody_at_all_is_not_believed_however_few_there_were(world: SimWorld) -> None:
    async def work(desk: Desk) -> None:
        await desk.look()
        desk.there.people.clear()
        await desk.look()
        assert desk.states() == {"ann": "active"}
        await desk.look(believe=1)
        assert desk.states() == {"ann": "disabled"}

    scene(world, work, person("ann"))


def test_a_dry_run_says_all_and_changes_nothing(world: SimWorld) -> None:
    async def work(desk: Desk) -> None:
        before = desk.people.position
        lines = await desk.look(dry=True)
        assert lines[0] == "add ann@example.org (Ann)" and "can't: out" in lines[1]
        assert desk.people.position == before

    scene(world, work, person("ann"), Person("out", "out@elsewhere.example"))


def test_source_6_what_was_done_by_hand_is_not_undone(world: SimWorld) -> None:
    async def work(desk: Desk) -> None:
        await desk.look()
        ann, ben = desk.account("ann").id, desk.account("ben").id
        await desk.writer.account_set(ann, state=AccountState.DISABLED)
        await desk.writer.account_rm(ben)
        await desk.writer.address_add(ann, "by.hand@example.org")
        await desk.people.written(5)
        await desk.look()
        assert desk.states() == {"ann": "disabled", "ben": "removed"}
        assert "by.hand@example.org" in desk.people.addresses(ann)
        desk.there.people["ann"] = person("ann", disabled=True)
        await desk.look()
        desk.there.people["ann"] = person("ann")
        await desk.look()
        assert desk.states()["ann"] == "disabled"

    scene(world, work, person("ann"), person("ben"))


def test_source_6_without_its_memory_nobody_is_brought_back(world: SimWorld) -> None:
    async def work(desk: Desk) -> None:
        await desk.look()
        del desk.there.people["ann"]
        await desk.look()
        disk = desk.world.process("sources").disk
        disk.write_atomic(kept_path("/data/sources", NAME), b"{ damaged")
        desk.there.people["ann"] = person("ann")
        await desk.look()
        assert desk.states() == {"ann": "disabled", "ben": "active"}

    scene(world, work, person("ann"), person("ben"))


def test_an_account_of_ours_is_never_taken_over(world: SimWorld) -> None:
    async def work(desk: Desk) -> None:
        ours = await desk.writer.account_add("ann@example.org", name="Ours")
        await desk.people.written(5)
        assert any("is account" in line for line in await desk.look())
        found = desk.people.account(ours.id)
        assert found is not None and found.source == "" and found.name == "Ours"

    scene(world, work, person("ann"))


def test_source_5_two_looks_at_one_directory_do_not_meet(world: SimWorld) -> None:
    async def work(desk: Desk) -> None:
        disk = desk.world.process("sources").disk
        disk.make_folder("/data/sources")
        lock = disk.lock(kept_path("/data/sources", NAME) + ".lock")
        with pytest.raises(Unavailable):
            await desk.look()
        lock.release()
        await desk.look()

    scene(world, work, person("ann"))


# Passwords


async def outsides(desk: Desk, keep_s: float = 1000.0) -> Outsides:
    await desk.look()
    directory = Directory(desk.there, keep_s)
    return Outsides(desk.world.process("imap"), desk.people, desk.writer, {NAME: directory}, parameters=FAST)


async def kept_phc(desk: Desk, outside: Outsides) -> str:
    await outside.kept()
    await desk.people.written(5)
    return desk.people.credential(desk.account("ann").id).phc


def test_source_3_what_is_kept_of_a_password_is_what_the_directory_said_last(world: SimWorld) -> None:
    async def work(desk: Desk) -> None:
        outside = await outsides(desk)
        assert await outside.check(desk.account("ann"), "theirs")
        first = await kept_phc(desk, outside)
        assert verify_password("theirs", first)
        assert await outside.check(desk.account("ann"), "theirs")
        assert await kept_phc(desk, outside) == first, "not written for every sign-in"
        assert not await outside.check(desk.account("ann"), "guess")
        assert await kept_phc(desk, outside) == first, "a guess takes nothing away"
        desk.there.password = "changed"
        assert not await outside.check(desk.account("ann"), "theirs")
        assert not verify_password("theirs", await kept_phc(desk, outside))
        assert await outside.check(desk.account("ann"), "changed")
        assert verify_password("changed", await kept_phc(desk, outside))

    scene(world, work, person("ann"))


def test_source_4_what_is_kept_counts_for_a_time_since_it_was_right(world: SimWorld) -> None:
    async def work(desk: Desk) -> None:
        outside = await outsides(desk)
        for _ in range(3):
            assert await outside.check(desk.account("ann"), "theirs")
            await kept_phc(desk, outside)
            await desk.world.clock.sleep(600)
            assert outside.keeps(desk.account("ann"))
        await desk.world.clock.sleep(600)
        assert not outside.keeps(desk.account("ann"))

    scene(world, work, person("ann"))


def test_source_4_with_no_time_nothing_is_kept(world: SimWorld) -> None:
    async def work(desk: Desk) -> None:
        outside = await outsides(desk, keep_s=0.0)
        assert await outside.check(desk.account("ann"), "theirs")
        assert await kept_phc(desk, outside) == ""

    scene(world, work, person("ann"))


def test_source_1_one_person_it_does_not_find_is_no_trouble_for_the_others(world: SimWorld) -> None:
    async def work(desk: Desk) -> None:
        outside = await outsides(desk)
        ann, ben = desk.account("ann"), desk.account("ben")
        del desk.there.people["ben"]
        with pytest.raises(Unavailable):
            await outside.check(ben, "theirs")
        assert await outside.check(ann, "theirs")
        desk.there.trouble = Unavailable(f"source/{NAME}", "no answer")
        with pytest.raises(Unavailable):
            await outside.check(ann, "theirs")
        desk.there.trouble = None
        with pytest.raises(Unavailable):  # it rests, so that nobody waits for it
            await outside.check(ann, "theirs")

    scene(world, work, person("ann"), person("ben"))


# SQL


def database(folder: Path) -> SqlSettings:
    path = folder / "people.db"
    db = apsw.Connection(str(path))
    db.execute("CREATE TABLE crew (nr INTEGER, mail TEXT, also TEXT, full TEXT, gone BOOL, hash TEXT)")
    right = hash_password("theirs", b"s" * 16, FAST)
    rows = [
        (1, "ann@example.org", "a@example.org, lee@example.org", "Ann 100%", 0, right),
        (2, "ben@example.org", None, "Ben", 1, None),
        (3, "cleo@example.org", None, None, 0, "$2b$12$bcrypt"),
        (None, "nobody@example.org", None, None, 0, None),
    ]
    db.executemany("INSERT INTO crew VALUES (?, ?, ?, ?, ?, ?)", rows)
    db.close()
    return SqlSettings(
        name="sql:crew",
        url=f"sqlite:{path}",
        query="SELECT * FROM crew WHERE mail LIKE '%@example.org';",
        id="nr",
        address="mail",
        aliases="also",
        person_name="full",
        disabled="gone",
        password_hash="hash",
    )


def test_a_query_gives_people(tmp_path: Path) -> None:
    found = SqlSource(database(tmp_path)).read_all()
    also = ("a@example.org", "lee@example.org")
    assert found.people == [
        Person("1", "ann@example.org", also, "Ann 100%"),
        Person("2", "ben@example.org", (), "Ben", True),
        Person("3", "cleo@example.org"),
    ]
    assert found.nameless == 1


def test_a_password_is_checked_against_the_hash_of_a_row_and_nothing_else_is_called_wrong(
    tmp_path: Path,
) -> None:
    source = SqlSource(database(tmp_path))
    assert source.password_right("1", "theirs")
    assert not source.password_right("1", "guess")
    assert not source.password_right("2", "theirs"), "it has no password"
    for id in ("3", "9", "1' OR '1'='1"):
        with pytest.raises(NotThere):
            source.password_right(id, "theirs")


@pytest.mark.parametrize(
    "change",
    [{"url": "sqlite:/nowhere/people.db"}, {"query": "SELECT nothing"}, {"address": "mial"}],
)
def test_source_1_whatever_is_wrong_with_a_database_is_its_trouble(
    tmp_path: Path, change: dict[str, str]
) -> None:
    with pytest.raises(Unavailable) as caught:
        SqlSource(database(tmp_path)._replace(**change)).read_all()
    assert caught.value.component == "source/sql:crew"


def test_a_database_is_never_written_to(tmp_path: Path) -> None:
    settings = database(tmp_path)._replace(query="DELETE FROM crew RETURNING *")
    with pytest.raises(Unavailable):
        SqlSource(settings).read_all()
    assert len(SqlSource(settings._replace(query="SELECT * FROM crew")).read_all().people) == 3


@pytest.mark.parametrize(
    ("values", "addresses"),
    [
        (["smtp:b@x.example", "SMTP:a@x.example", "X500:/o=x"], ["a@x.example", "b@x.example"]),
        (["a@x.example", "a@x.example", " c@x.example "], ["a@x.example", "c@x.example"]),
        (["sip:a@x.example", "no address"], []),
    ],
)
def test_addresses_are_read_as_directories_write_them(values: list[str], addresses: list[str]) -> None:
    assert plain_addresses(values) == addresses
