"""Hooks hear of every change, in order, at least once; and of no secret."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any, get_args

import msgspec
import pytest

from holdfast.directory import records as r
from holdfast.directory.people import People
from holdfast.functions.admin.hook_events import name_of
from holdfast.functions.admin.hooks import Hook, HookSettings, signature
from holdfast.model.errors import Unavailable
from holdfast.model.ledgers import PEOPLE
from holdfast.packs.reader import LedgerReader
from holdfast.sim.world import SimWorld
from unit.directory.people_service import CHEAP, VOLUME, follow, serve
from unit.functions.admin.office import play

FOLDER = "/admin/hooks"


class Endpoint:
    """Takes events, or breaks: ``broken`` answers or errors come first."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.broken: list[int | Unavailable] = []
        self.asked = 0

    async def __call__(self, url: str, headers: dict[str, str], body: bytes) -> int:
        self.asked += 1
        if self.broken:
            answer = self.broken.pop(0)
            if isinstance(answer, Unavailable):
                raise answer
            return answer
        self.heard.append(msgspec.json.decode(body))
        self.headers.append(headers | {"body": body.decode()})
        return 204

    @property
    def names(self) -> list[str]:
        return [each["event"] for each in self.heard]


def hook(world: SimWorld, people: People, *events: str, name: str = "crm") -> Hook:
    reader = LedgerReader(world, VOLUME, PEOPLE)
    settings = HookSettings(name, "http://crm.example/", "a secret", events)
    return Hook(world, people, reader, FOLDER, settings)


async def until(world: SimWorld, true: Any, seconds: float = 1000.0) -> None:
    give_up = world.clock.monotonic() + seconds
    while not true():
        assert world.clock.monotonic() < give_up, "it never happened"
        await world.clock.sleep(0.01)


def test_every_kind_of_record_has_an_event_of_its_own():
    kinds = set(get_args(r.AnyRecord))
    states = {r.AccountStateSet(at=0.0, account=1, state=state) for state in r.AccountState}
    names = [name_of(each) for each in states]
    for kind in kinds - {r.AccountStateSet}:
        fields = {each.name: None for each in msgspec.structs.fields(kind) if each.required}
        names.append(name_of(kind(**fields)))
    assert all(names) and len(set(names)) == len(names)
    assert all(name.count(".") == 1 for name in names)


def test_the_signature_is_that_of_the_page():
    made = signature("key", 1_800_000_000, b"{}")
    wanted = hmac.new(b"key", b"1800000000.{}", hashlib.sha256).hexdigest()
    assert made == f"t=1800000000,v1={wanted}"


def test_a_hook_hears_what_it_wants():
    wants = HookSettings("x", "", "", ("account.", "domain.created")).wants
    assert wants("account.created") and wants("domain.created")
    assert not wants("domain.removed") and not wants("accounts.created")


@pytest.mark.slow
def test_admin_10_a_hook_hears_everything_once_in_order_and_no_secret(world):
    async def main() -> None:
        writer = await serve(world.process("people"))
        await writer.domain_add("before.example")
        people = await follow(world, "admin")
        world.disk.make_folder(FOLDER)
        endpoint = Endpoint()
        world.start(hook(world, people).run(endpoint))
        await world.clock.sleep(1)
        await writer.domain_add("example.org")
        account = await writer.account_add("ann@example.org", credential=CHEAP, once="k")
        await writer.password_set(account.id, credential=CHEAP)
        await writer.account_rm(account.id, by="account:9", why="moved away")
        await until(world, lambda: len(endpoint.heard) == 4)
        assert endpoint.names == [
            "domain.created",
            "account.created",
            "account.password_changed",
            "account.removed",
        ]
        assert endpoint.heard[1]["data"]["address"] == "ann@example.org"
        removed = endpoint.heard[3]
        assert (removed["account"], removed["by"], removed["why"]) == (account.id, "account:9", "moved away")
        assert removed["login"] == "ann@example.org"
        ids = [each["id"] for each in endpoint.heard]
        assert ids == sorted(set(ids))
        everything = msgspec.json.encode(endpoint.heard)
        assert b"argon2" not in everything and b"once" not in everything
        sent = endpoint.headers[0]
        at = int(sent["Holdfast-Signature"].partition(",")[0].removeprefix("t="))
        assert sent["Holdfast-Signature"] == signature("a secret", at, sent["body"].encode())

    play(world, main())


@pytest.mark.slow
def test_admin_10_what_fails_is_told_again_and_nothing_overtakes_it(world):
    async def main() -> None:
        writer = await serve(world.process("people"))
        people = await follow(world, "admin")
        await writer.domain_add("example.org")
        await people.settled(1.0)
        world.disk.make_folder(FOLDER)
        endpoint, other = Endpoint(), Endpoint()
        endpoint.broken = [503, Unavailable("partner/hook/crm", "refused"), 404, *[500] * 10]
        failing = hook(world, people, "account.")
        world.start(failing.run(endpoint))
        world.start(hook(world, people, "account.", name="other").run(other))
        await world.clock.sleep(1)
        for number in range(3):
            await writer.account_add(f"p{number}@example.org")
        await until(world, lambda: len(other.heard) == 3, 5.0)
        assert endpoint.heard == [] and failing.behind
        assert failing.failing_since and failing.last_error
        await until(world, lambda: len(endpoint.heard) == 3)
        assert [each["data"]["address"][:2] for each in endpoint.heard] == ["p0", "p1", "p2"]
        assert not failing.failing_since
        assert [entry.event.name for entry in world.journal.entries if entry.event.name == "hook_back"]

    play(world, main())


@pytest.mark.slow
def test_admin_10_a_hook_killed_at_any_moment_goes_on_where_it_was(world):
    async def main() -> None:
        writer = await serve(world.process("people"))
        await writer.domain_add("example.org")
        endpoint = Endpoint()
        world.disk.make_folder(FOLDER)
        for life in range(4):
            process = world.process(f"admin-{life}")
            people = await follow(process, "admin")
            process.start(hook(process, people).run(endpoint))
            await world.clock.sleep(0.5)
            await writer.account_add(f"a{life}@example.org")
            await until(world, lambda wanted=life + 1: len(set(_addresses(endpoint))) >= wanted)
            await writer.account_add(f"b{life}@example.org")  # maybe told, maybe not
            process.kill()
        process = world.process("admin-last")
        people = await follow(process, "admin")
        process.start(hook(process, people).run(endpoint))
        await until(world, lambda: len(set(_addresses(endpoint))) == 8)
        firsts = list(dict.fromkeys(_addresses(endpoint)))
        assert firsts == [f"{letter}{life}" for life in range(4) for letter in "ab"]

    play(world, main())


def _addresses(endpoint: Endpoint) -> list[str]:
    return [each["data"]["address"].partition("@")[0] for each in endpoint.heard]
