"""STORE-12: who has no room is found out beside the folding, and told to whoever takes mail."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from contracts.store_forms import ANNA, BEN, CELLS, Form, eventually, opened, quick_folder
from holdfast.model.errors import Unavailable
from holdfast.store import Expunge, RemoteWrites, StoreService, fullness
from holdfast.store.fullness import Fullness
from holdfast.store.reader import Readers
from holdfast.store.replay import Volume


class Limits:
    def __init__(self) -> None:
        self.of: dict[int, int] = {}
        self.down = False
        self.quotas_moved = 0

    def quota_of(self, account: int) -> int:
        if self.down:
            raise Unavailable("people")
        return self.of.get(account, 0)


class Service:
    """A store that tells who is full, and one that takes mail."""

    def __init__(self, store: Form) -> None:
        self.store = store
        self.limits = Limits()
        self.path = store.volume + "/store.sock"
        self.intake = RemoteWrites(store.world, self.path)
        self.intake.watch_full()

    async def start(self) -> None:
        store = self.store
        readers = Readers(store.world, store.files, Volume(store.world, store.volume))
        self.fullness = Fullness(store.world, readers, CELLS, self.limits)
        service = StoreService(store.writer)
        self.listener = await store.world.net.listen(service.session, self.path)
        service.tell_full(self.fullness)
        self.looking = asyncio.create_task(self.fullness.run())

    async def stop(self) -> None:
        self.looking.cancel()
        self.listener.close()
        for connection in list(self.listener.connections):
            connection.abort()


def play(scene: Callable[[Service], object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fullness, "LOOK_S", 0.005)
    monkeypatch.setattr(fullness, "AGAIN_S", 0.01)

    @contextlib.asynccontextmanager
    async def running() -> AsyncIterator[Service]:
        with quick_folder() as folder:
            async with opened(Form, Path(folder)) as store:
                service = Service(store)
                await service.start()
                service.intake.start()
                try:
                    yield service
                finally:
                    service.intake.close()
                    await service.stop()

    async def body() -> None:
        async with running() as service:
            await scene(service)  # type: ignore[misc]

    asyncio.run(body())


def test_an_account_is_full_from_its_limit_on_and_has_room_again_when_something_is_removed(monkeypatch):
    async def scene(service: Service) -> None:
        store, intake = service.store, service.intake
        box = await store.filled(3)
        service.limits.of[ANNA] = store.anna.usage().bytes + 1
        await store.deliver(BEN)
        assert intake.full == set()
        await store.append(b"one more\r\n")
        await eventually(lambda: intake.full == {ANNA})
        await store.deliver(ANNA)  # what was accepted is delivered all the same
        assert store.box().exists == 5
        await store.do(Expunge, mailbox=box, uids=[1, 2, 3], only_deleted=False)
        await eventually(lambda: not intake.full)

    play(scene, monkeypatch)


def test_a_limit_that_is_raised_makes_room_without_any_mail(monkeypatch):
    async def scene(service: Service) -> None:
        service.limits.of[ANNA] = 10
        await service.store.filled(1)
        await eventually(lambda: service.intake.full == {ANNA})
        service.limits.of[ANNA] = 10_000
        await eventually(lambda: not service.intake.full)

    play(scene, monkeypatch)


def test_a_limit_that_comes_down_is_noticed_without_any_mail(monkeypatch):
    async def scene(service: Service) -> None:
        await service.store.filled(1)
        await eventually(lambda: service.fullness.known and not service.fullness._touched)
        assert not service.intake.full
        service.limits.of[ANNA] = 10
        service.limits.quotas_moved += 1
        await eventually(lambda: service.intake.full == {ANNA})

    play(scene, monkeypatch)


def test_who_was_full_before_the_store_began_is_told_to_who_comes_and_what_was_known_stays(monkeypatch):
    async def scene(service: Service) -> None:
        store, intake = service.store, service.intake
        service.limits.of[ANNA] = 10
        await store.filled(1)
        await eventually(lambda: intake.full == {ANNA})
        await service.stop()
        await eventually(lambda: not intake.connected)
        assert intake.full == {ANNA}
        service.limits.down = True  # all can't be looked up yet: nobody is told that nobody is full
        await service.start()
        await eventually(lambda: intake.connected)
        await eventually(lambda: not service.fullness.known and intake.full == {ANNA})
        late = RemoteWrites(store.world, service.path)
        late.watch_full()
        late.start()
        await eventually(lambda: late.connected)
        assert late.full == set()
        service.limits.down = False
        await eventually(lambda: late.full == {ANNA} == intake.full)
        late.close()

    play(scene, monkeypatch)


def test_a_limit_that_can_t_be_looked_up_changes_nothing_and_is_looked_up_again(monkeypatch):
    async def scene(service: Service) -> None:
        await eventually(lambda: service.fullness.known)
        service.limits.of[ANNA], service.limits.down = 10, True
        await service.store.filled(1)
        await service.store.deliver(BEN)
        assert not service.intake.full
        service.limits.down = False
        await eventually(lambda: service.intake.full == {ANNA})

    play(scene, monkeypatch)
