"""Hooks: what changes in the people ledger is told to the provider's own programs, over HTTP.

Each hook follows the ledger by itself, from a position that it keeps in a small file: in order, at least
once, and a dead endpoint is in nobody's way, neither mail's nor another hook's (ADMIN-10).
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import os.path
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import msgspec

from holdfast.directory import records as r
from holdfast.directory.people import People
from holdfast.functions.admin import shapes as s
from holdfast.functions.admin.call import Call
from holdfast.functions.admin.events import HOOK_BACK, HOOK_FAILED, HOOK_PASSED_OVER
from holdfast.functions.admin.hook_events import Event, event_of
from holdfast.model.errors import Unavailable
from holdfast.model.ledgers import Kind
from holdfast.model.limits import HOOK_FRAMES, HOOK_RETRY_FIRST_S, HOOK_RETRY_LONGEST_S, HOOK_TRY_S
from holdfast.model.mail import START, Position
from holdfast.packs.reader import LedgerReader
from holdfast.packs.words import BadFrame, Frame
from holdfast.world import World
from holdfast.world.http import HttpClient


class HookSettings(msgspec.Struct, frozen=True):
    """``events``: names, or beginnings that end with ``.``; () for all. ``secret``: of the signature."""

    name: str
    url: str
    secret: str
    events: tuple[str, ...] = ()

    def wants(self, event: str) -> bool:
        return not self.events or any(
            event == each or (each.endswith(".") and event.startswith(each)) for each in self.events
        )


class Place(msgspec.Struct, frozen=True):
    """How far a hook is: everything before it was told. ``identity``: of the ledger it is a place in."""

    pack: int
    offset: int
    sequence: int
    identity: bytes = b""


class Post(Protocol):
    def __call__(self, url: str, headers: dict[str, str], body: bytes) -> Awaitable[int]: ...


def signature(secret: str, at: int, body: bytes) -> str:
    """``t=<UTC seconds>,v1=<hex HMAC-SHA256 of "<t>.<body>">``: who has the secret can tell it is ours."""
    digest = hmac.new(secret.encode(), b"%d." % at + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


class Hook:
    """One endpoint, and how far it is. ``run`` until cancelled."""

    def __init__(
        self, world: World, people: People, reader: LedgerReader, folder: str, settings: HookSettings
    ) -> None:
        self._world = world
        self._people = people
        self._path = os.path.join(folder, f"{settings.name}.json")
        self._reader = reader
        self.settings = settings
        self.place = Place(0, 0, 0)
        self.failing_since = 0.0
        self.last_error = ""

    @property
    def behind(self) -> bool:
        return Position(self.place.pack, self.place.offset) < self._people.position

    def state(self) -> s.HookState:
        return s.HookState(
            self.settings.name,
            self.settings.url,
            list(self.settings.events),
            self.place.sequence,
            self.behind,
            self.failing_since,
            self.last_error,
        )

    async def run(self, post: Post) -> None:
        await self._begin()
        while True:
            position = Position(self.place.pack, self.place.offset)
            await self._people.moved(position)
            try:
                items = await self._world.offload(self._read, position, self._people.position)
            except (OSError, Unavailable) as error:
                self._failed("", f"the people ledger can't be read: {error}")
                await self._world.clock.sleep(HOOK_RETRY_FIRST_S)
                continue
            for item in items:
                await self._tell(item, post)
            if not items:
                await self._world.clock.sleep(HOOK_RETRY_FIRST_S)

    def _read(self, position: Position, until: Position) -> list[Frame | BadFrame]:
        found: list[Frame | BadFrame] = []
        for item in self._reader.follow(position, until):
            found.append(item)
            if len(found) == HOOK_FRAMES:
                break
        return found

    async def _begin(self) -> None:
        """Where it was; a new hook begins with what comes now."""
        with contextlib.suppress(OSError, msgspec.DecodeError):
            self.place = msgspec.json.decode(self._world.disk.read(self._path), type=Place)
        await self._people.moved(START)
        identity = await self._world.offload(lambda: self._reader.identity)
        if self.place.identity != identity:
            position = self._people.position
            self.place = Place(position.pack, position.offset, 0, identity)
            self._keep()

    async def _tell(self, item: Frame | BadFrame, post: Post) -> None:
        after = self._reader.after(item)
        place = Place(after.pack, after.offset, item.sequence or self.place.sequence, self.place.identity)
        event = self._event(item)
        if event is not None and self.settings.wants(event.event):
            await self._deliver(event, post)
            self.place = place
            self._keep()
        self.place = place  # what isn't wanted may be looked at again after a restart

    def _event(self, item: Frame | BadFrame) -> Event | None:
        if isinstance(item, BadFrame):
            self._world.journal.emit(HOOK_PASSED_OVER, hook=self.settings.name, reason=item.reason)
            return None
        if item.kind != Kind.PEOPLE:
            return None
        try:
            record = r.decode_record(item.body)
        except msgspec.DecodeError as error:
            self._world.journal.emit(HOOK_PASSED_OVER, hook=self.settings.name, reason=str(error))
            return None
        return event_of(item.sequence, record, self._people)

    async def _deliver(self, event: Event, post: Post) -> None:
        """Returns when the endpoint has taken it, however long that takes."""
        body = msgspec.json.encode(event)
        wait = HOOK_RETRY_FIRST_S
        while True:
            at = int(self._world.clock.now())
            headers = {
                "Content-Type": "application/json",
                "Holdfast-Event": event.event,
                "Holdfast-Delivery": str(event.id),
                "Holdfast-Signature": signature(self.settings.secret, at, body),
            }
            try:
                status = await post(self.settings.url, headers, body)
                error = "" if 200 <= status < 300 else f"it answered {status}"
            except Unavailable as unavailable:
                error = unavailable.text
            if not error:
                break
            self._failed(event.event, error)
            await self._world.clock.sleep(self._world.entropy.uniform(wait / 2, wait))
            wait = min(wait * 2, HOOK_RETRY_LONGEST_S)
        if self.failing_since:
            self.failing_since, self.last_error = 0.0, ""
            self._world.journal.emit(HOOK_BACK, hook=self.settings.name, what=event.event)

    def _failed(self, event: str, error: str) -> None:
        """Told once per cause."""
        if not self.failing_since:
            self.failing_since = self._world.clock.now()
        if error != self.last_error:
            self.last_error = error
            self._world.journal.emit(HOOK_FAILED, hook=self.settings.name, what=event, reason=error)

    def _keep(self) -> None:
        """Lost at worst: then something is told twice, which at least once allows."""
        try:
            self._world.disk.write_atomic(self._path, msgspec.json.encode(self.place))
        except OSError as error:
            self._failed("", f"its place can't be kept: {error}")


class Hooks:
    """All hooks of a configuration. ``reader`` makes one of the people ledger for each.

    ``folder``: where their places are kept; it is there.
    """

    def __init__(
        self,
        world: World,
        people: People,
        reader: Callable[[], LedgerReader],
        folder: str,
        settings: Sequence[HookSettings],
    ) -> None:
        self.all = [Hook(world, people, reader(), folder, each) for each in settings]
        self._world = world
        self._tasks: list[asyncio.Task[None]] = []
        self._client: HttpClient | None = None

    def start(self) -> None:
        if not self.all:
            return
        self._client = HttpClient(self._world)
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(each.run(self._poster(each))) for each in self.all]

    def _poster(self, hook: Hook) -> Callable[..., Awaitable[int]]:
        async def post(url: str, headers: dict[str, str], body: bytes) -> int:
            assert self._client is not None
            answer = await self._client.ask(
                "POST",
                url,
                component=f"partner/hook/{hook.settings.name}",
                headers=headers,
                content=body,
                timeout_s=HOOK_TRY_S,
            )
            return answer.status

        return post

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        if self._client is not None:
            await self._client.close()


async def hook_list(call: Call, asked: s.Nothing) -> s.HookList:
    hooks = call.desk.hooks
    return s.HookList([each.state() for each in hooks.all] if hooks is not None else [])
