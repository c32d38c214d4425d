"""Brings accounts in line with a directory outside, now and again.

It changes people as any administrator does, as ``source:ldap:staff``. What it can't read changes nothing.
"""

from __future__ import annotations

import asyncio
import os.path
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import msgspec

from holdfast.directory.names import parse_domain
from holdfast.directory.operations import Operations
from holdfast.directory.requests import NewAccount
from holdfast.directory.sources.events import (
    SOURCE_BACK,
    SOURCE_LOST,
    SOURCE_NOT_BELIEVED,
    SOURCE_PERSON_REFUSED,
    SOURCE_READ,
)
from holdfast.directory.sources.person import Found, Person, Source, component
from holdfast.directory.sources.plan import Change, Here, Kept, Plan, make_plan
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.limits import PEOPLE_PAGE, SOURCE_READ_S
from holdfast.model.mail import AccountId
from holdfast.model.people import Account, AccountState, Domain
from holdfast.world import World

SETTLE_S = 5.0  # for what was changed to be read here
REFUSED_MOST = 1000  # reasons that are remembered


class ListsAccounts(Protocol):
    def of_source(self, source: str, *, after: str = "", limit: int = PEOPLE_PAGE) -> list[Account]: ...


class KnowsPeople(Protocol):
    """What a sync asks of a copy."""

    @property
    def lists(self) -> ListsAccounts: ...

    def addresses(self, account: AccountId) -> Sequence[str]: ...

    def by_login(self, name: str) -> Account | None: ...

    def domain(self, name: str) -> Domain | None: ...

    @property
    def doubt(self) -> str: ...

    async def written(self, timeout_s: float) -> None: ...


class Report(NamedTuple):
    """What a look led to, or would lead to."""

    source: str
    full: bool
    people: int
    nameless: int
    plan: Plan

    def lines(self) -> list[str]:
        plan = self.plan
        return [
            *(f"add {each.address} ({each.name or each.id})" for each in plan.add),
            *(_line(each) for each in plan.change),
            *(f"disable {each.login}" for each in plan.disable),
            *(f"enable {each.login}" for each in plan.enable),
            *(f"can't: {id}: {why}" for id, why in plan.refused.items()),
            *([f"not believed: {plan.doubt}"] if plan.doubt else []),
        ]


class Sync:
    """One per source. ``folder``: where it remembers what it did; one at a time works there (SOURCE-5)."""

    def __init__(
        self,
        world: World,
        source: Source,
        people: KnowsPeople,
        operations: Operations,
        folder: str,
        *,
        interval_s: float,
        full_s: float,
    ) -> None:
        self._world = world
        self.source = source
        self._people = people
        self._operations = operations.acting(f"source:{source.name}")
        self._folder = folder
        self._interval_s = interval_s
        self._full_s = full_s
        self._lost = ""
        self._reading = False

    async def run(self) -> None:
        """Until it is cancelled. No trouble ends it."""
        while True:
            try:
                await self.once()
            except (Unavailable, Refused, OSError) as error:
                self._note_lost(str(error))
            await self._world.clock.sleep(self._interval_s)

    def _note_lost(self, reason: str) -> None:
        if reason != self._lost:
            self._world.journal.emit(SOURCE_LOST, source=self.source.name, reason=reason)
        self._lost = reason

    async def once(self, *, full: bool = False, dry: bool = False, believe: int = 0) -> Report:
        """One look. ``full``: at everybody, however long ago that was. ``dry``: changes nothing.

        ``believe``: so many accounts may be disabled, whatever SOURCE-2 says. Raises ``Unavailable``.
        """
        if dry:
            return await self._look(load_kept(self._world, self._folder, self.source.name), True, 0)
        self._world.disk.make_folder(self._folder)
        lock = self._world.disk.lock(kept_path(self._folder, self.source.name) + ".lock")
        try:
            kept = load_kept(self._world, self._folder, self.source.name)
            return await self._carry_out(kept, full, believe)
        finally:
            lock.release()

    async def _carry_out(self, kept: Kept, full: bool, believe: int) -> Report:
        now = self._world.clock.now()
        kept.tried_at = now
        full = full or not kept.mark or now >= kept.full_at + self._full_s
        try:
            found_mark, report = await self._look_with_mark(kept, full, believe)
        except Unavailable as unavailable:
            kept.trouble = unavailable.text
            self._save(kept)
            raise
        plan = report.plan
        kept.trouble, kept.read_at, kept.people = "", now, report.people if report.full else kept.people
        if report.full or plan.doubt:
            kept.doubt = plan.doubt
        for account in plan.disable:  # before it is done: a crash must not make it nobody's doing
            kept.disabled[account.external_id] = now
        for person in plan.add:
            self._note_aliases(kept, person)
        for change in plan.change:
            if change.add:
                kept.aliases.setdefault(change.account.external_id, []).extend(change.add)
        self._save(kept)
        await self._change(plan, kept, believe)
        await self._people.written(SETTLE_S)
        kept.mark = max(kept.mark, found_mark)
        if report.full:
            kept.full_at = now
        self._say_refused(kept, plan, report.full)
        self._save(kept)
        self._emit(report)
        return report

    def _note_aliases(self, kept: Kept, person: Person) -> None:
        if person.aliases:
            kept.aliases[person.id] = list(person.aliases)

    # Looking

    async def _look(self, kept: Kept, full: bool, believe: int) -> Report:
        return (await self._look_with_mark(kept, full, believe))[1]

    async def _look_with_mark(self, kept: Kept, full: bool, believe: int) -> tuple[str, Report]:
        found = await self._read("" if full else kept.mark)
        people = self._people
        if people.doubt:
            raise Unavailable("people", people.doubt)
        here = Here(
            accounts=self._accounts(),
            addresses=people.addresses,
            owner=self._owner,
        )
        now = self._world.clock.now()
        plan = make_plan(found.people, here, kept, full=full, believe=believe, now=now)
        return found.mark, Report(self.source.name, full, len(found.people), found.nameless, plan)

    async def _read(self, mark: str) -> Found:
        """In a thread of its own: a directory that hangs holds up nothing but this."""
        name = self.source.name
        if self._reading:
            raise Unavailable(component(name), "does not answer; the last look at it still waits")
        thread = self._world.thread(f"read-{name}")
        try:
            async with asyncio.timeout(SOURCE_READ_S):
                return await thread.run(self._read_here, mark)
        except TimeoutError:
            raise Unavailable(component(name), f"not read within {SOURCE_READ_S:g} seconds") from None
        finally:
            thread.close()

    def _read_here(self, mark: str) -> Found:
        self._reading = True
        try:
            changed = self.source.read_changed(mark) if mark else None
            return changed if changed is not None else self.source.read_all()
        finally:
            self._reading = False

    def _accounts(self) -> dict[str, Account]:
        """By their names there; of several (a removed one, a new one) the newest."""
        found: dict[str, Account] = {}
        after = ""
        while page := self._people.lists.of_source(self.source.name, after=after):
            found.update({each.external_id: each for each in page})
            after = page[-1].external_id
        return found

    def _owner(self, address: str) -> AccountId:
        domain = parse_domain(address.rpartition("@")[2])
        if self._people.domain(domain) is None:
            raise Refused(Reason.NO_SUCH_DOMAIN, f"{address} is in no domain of this service")
        account = self._people.by_login(address)
        return account.id if account is not None else 0

    # Changing

    async def _change(self, plan: Plan, kept: Kept, believe: int) -> None:
        people = self._operations
        if plan.enable:
            await people.account_state_many([each.id for each in plan.enable], AccountState.ACTIVE)
            for account in plan.enable:
                kept.disabled.pop(account.external_id, None)
        for change in plan.change:
            try:
                await self._change_one(change)
            except Refused as refused:
                plan.refused[change.account.external_id] = refused.text
        await self._add(plan)
        if plan.disable:
            why = f"no longer active in {self.source.name}"
            if believe:
                await people.announce(len(plan.disable), why)
            await people.account_state_many(
                [each.id for each in plan.disable], AccountState.DISABLED, why=why
            )

    async def _change_one(self, change: Change) -> None:
        account = change.account.id
        if change.name is not None:
            await self._operations.account_set(account, name=change.name)
        for address in change.add:
            await self._operations.address_add(account, address)
        for address in change.drop:
            await self._operations.address_rm(address)

    async def _add(self, plan: Plan) -> None:
        new = [
            NewAccount(address=each.address, name=each.name, source=self.source.name, external_id=each.id)
            for each in plan.add
        ]
        if not new:
            return
        for person, made in zip(plan.add, await self._operations.account_add_many(new), strict=True):
            if made.reason:
                plan.refused[person.id] = made.text
                continue
            for alias in person.aliases:
                try:
                    await self._operations.address_add(made.id, alias)
                except Refused as refused:
                    plan.refused[person.id] = refused.text

    # Remembering

    def _say_refused(self, kept: Kept, plan: Plan, full: bool) -> None:
        for id, reason in plan.refused.items():
            if kept.refused.get(id) != reason:
                self._world.journal.emit(
                    SOURCE_PERSON_REFUSED, source=self.source.name, id=id[:100], reason=reason
                )
        known = {} if full else kept.refused
        kept.refused = dict(list({**known, **plan.refused}.items())[-REFUSED_MOST:])

    def _save(self, kept: Kept) -> None:
        path = kept_path(self._folder, self.source.name)
        self._world.disk.write_atomic(path, msgspec.json.encode(kept))

    def _emit(self, report: Report) -> None:
        name, plan = self.source.name, report.plan
        if self._lost:
            self._world.journal.emit(SOURCE_BACK, source=name)
            self._lost = ""
        if plan.doubt:
            self._world.journal.emit(SOURCE_NOT_BELIEVED, source=name, reason=plan.doubt)
        if report.full or plan.add or plan.change or plan.disable or plan.enable:
            self._world.journal.emit(
                SOURCE_READ,
                source=name,
                full=report.full,
                people=report.people,
                added=len(plan.add),
                changed=len(plan.change),
                disabled=len(plan.disable),
                enabled=len(plan.enable),
                refused=len(plan.refused),
            )


def kept_path(folder: str, source: str) -> str:
    return os.path.join(folder, source.replace(":", "-") + ".json")


def load_kept(world: World, folder: str, source: str) -> Kept:
    """SOURCE-6: without it, or with a damaged one, nobody is brought back and no address is taken off."""
    try:
        return msgspec.json.decode(world.disk.read(kept_path(folder, source)), type=Kept)
    except (OSError, msgspec.MsgspecError):
        return Kept()


def _line(change: Change) -> str:
    parts = [f"name {change.name!r}"] if change.name is not None else []
    parts += [f"+{address}" for address in change.add] + [f"-{address}" for address in change.drop]
    return f"change {change.account.login}: {', '.join(parts)}"
