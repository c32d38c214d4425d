"""Random operations through the people process, and what holds after every one of them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.directory import NewAccount, Operations, People, PeopleWriter
from holdfast.directory.audit import AuditTrail
from holdfast.directory.copy import MEMORY, Source
from holdfast.directory.names import name_key
from holdfast.model.errors import Refused, Unavailable
from holdfast.model.people import AccountState, AdminRole, Contact, FactorKind
from holdfast.sim.world import SimWorld, simulated
from unit.directory.people_service import CHEAP, VOLUME
from unit.directory.people_tape import dump

Work = Coroutine[Any, Any, Any]
Op = Callable[[Operations], Work]

domains = st.sampled_from(["example.org", "example.org", "example.net", "b\u00fccher.example"])
locals_ = st.sampled_from(["ann", "Ann", "bob", "eve", "eve+x", "team", "root"])
addresses = st.builds("{}@{}".format, locals_, domains)
whos = st.integers(2, 12) | addresses
keys = st.sampled_from(["", "", "key-1", "key-2"])
flags = st.booleans()
SECRET = "hfapp-abcd-efgh-jkmn-pqrs"


def op(make: Callable[..., Op], **drawn: st.SearchStrategy[Any]) -> st.SearchStrategy[Op]:
    return st.builds(make, **drawn)


def add_account(address: str, once: str, code: str, phone: str) -> Op:
    return lambda p: p.account_add(
        address, credential=CHEAP, invitation=code, contact=Contact(0, phone=phone), once=once and f"a {once}"
    )


def add_accounts(wanted: list[str], keep: bool) -> Op:
    accounts = [NewAccount(address=address) for address in wanted]
    return lambda p: p.account_add_many(accounts, keep_existing=keep)


def add_mask(who: Any, address: str, enabled: bool, once: str) -> Op:
    return lambda p: p.masked_set(who, address, enabled=enabled, once=once and f"m {once}")


def add_token(who: Any, role: AdminRole, once: str, number: int) -> Op:
    return lambda p: p.token_add(who, "t", role, f"{number:30}", once=once and f"t {once}")


def set_password(who: Any, once: str) -> Op:
    return lambda p: p.password_set(who, credential=CHEAP, sign_out=True, once=once and f"p {once}")


def add_app_password(who: Any, once: str) -> Op:
    return lambda p: p.app_password_add(who, "phone", SECRET, once=once and f"x {once}")


ops: st.SearchStrategy[Op] = st.one_of(
    op(lambda name: lambda p: p.domain_add(name), name=domains),
    op(lambda name, n: lambda p: p.domain_rm(name, accounts=n), name=domains, n=st.integers(0, 5)),
    op(lambda name: lambda p: p.domain_restore(name), name=domains),
    op(
        add_account,
        address=addresses,
        once=keys,
        code=st.sampled_from(["", "", "code"]),
        phone=st.sampled_from(["", "+4930123456", "1"]),
    ),
    op(add_accounts, wanted=st.lists(addresses, max_size=4), keep=flags),
    op(
        lambda who, state, name: lambda p: p.account_set(who, state=state, name=name),
        who=whos,
        state=st.sampled_from(AccountState),
        name=st.sampled_from([None, "N"]),
    ),
    op(lambda who, on: lambda p: p.hold_set(who, on, why="test"), who=whos, on=flags),
    op(lambda who, address: lambda p: p.address_add(who, address), who=whos, address=addresses),
    op(lambda address: lambda p: p.address_rm(address), address=addresses),
    op(
        lambda address, to, replace: lambda p: p.alias_set(address, [to], replace=replace),
        address=addresses,
        to=addresses,
        replace=flags,
    ),
    op(lambda address: lambda p: p.alias_rm(address), address=addresses),
    op(add_mask, who=whos, address=addresses | st.just(""), enabled=flags, once=keys),
    op(add_app_password, who=whos, once=keys),
    op(
        lambda who, kind: lambda p: p.factor_add(who, kind, "f", b"1" * 64),
        who=whos,
        kind=st.sampled_from(FactorKind),
    ),
    op(lambda who, id_: lambda p: p.recovery_use(who, id_, b"1" * 32), who=whos, id_=st.integers(1, 30)),
    op(
        lambda who, role: lambda p: p.grant_add(who, role, domain="example.org"),
        who=whos,
        role=st.sampled_from(AdminRole),
    ),
    op(add_token, who=whos, role=st.sampled_from(AdminRole), once=keys, number=st.integers(1, 3)),
    op(lambda uses: lambda p: p.invitation_add("example.org", "code", uses=uses), uses=st.integers(1, 3)),
    op(set_password, who=whos, once=keys),
    op(lambda count: lambda p: p.announce(count, "test"), count=st.integers(1, 5)),
)


class Watched:
    """A people process, and what must hold of it. ``owners``: who had a name, for ever."""

    def __init__(self, world: SimWorld, people: PeopleWriter) -> None:
        self.world = world
        self.people = people
        self.owners: dict[str, int] = {}

    @property
    def sequence(self) -> int:
        return self.people._copy.fold.sequence

    async def ask(self, change: Op) -> None:
        """One that is refused adds nothing; one with a key adds nothing when it is asked again."""
        before, keys_before = self.sequence, self.known_keys()
        try:
            await change(self.people)
        except Refused:
            assert self.sequence == before
            return
        if self.known_keys() != keys_before:
            after = self.sequence
            await change(self.people)
            assert self.sequence == after, "PEOPLE-12: a key never doubles"

    def known_keys(self) -> list[tuple[object, ...]]:
        return list(self.people._copy._db.execute("SELECT key, sequence FROM once ORDER BY key"))

    def check(self) -> None:
        copy = self.people._copy
        for key, account in copy._db.execute("SELECT key, account FROM address WHERE account > 0"):
            owner = self.owners.setdefault(str(key), int(str(account)))
            assert owner == account, f"PEOPLE-6: {key} was {owner}'s"
        kept = {str(key) for (key,) in copy._db.execute("SELECT key FROM address")}
        assert self.owners.keys() <= kept
        assert all(one.used <= one.uses for one in copy.belongings.invitations())
        accounts, counts = copy.lists.accounts(), copy.lists.counts()
        by_state = [sum(account.state is state for account in accounts) for state in AccountState]
        assert [counts.active, counts.disabled, counts.removed] == by_state
        assert copy.fold.shrinking.active == counts.active
        filled = sum(int(str(n)) for (n,) in copy._db.execute("SELECT accounts FROM domain"))
        assert filled == counts.active + counts.disabled == sum(copy.lists.cells().values())
        for account in accounts:
            assert name_key(account.login) in self.owners
            assert not (account.held and account.state is AccountState.REMOVED)

    async def check_derived(self) -> None:
        """PEOPLE-1: a copy that is folded from the ledger is the writer's; the trail has every frame."""
        copy = await People.open(self.world, MEMORY, VOLUME)
        assert copy._copy is not None and dump(copy._copy) == dump(self.people._copy)
        copy.close()
        trail = AuditTrail(self.world, MEMORY, Source(self.world, VOLUME, "people", ()))
        assert await trail.catch_up(self.people.durable)
        assert [entry.id for entry in trail.page()] == list(range(self.sequence, 0, -1))
        trail.close()


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(ops, min_size=5, max_size=40), st.integers(0, 40), st.integers(0, 40))
def test_whatever_is_asked_names_are_kept_keys_never_double_and_copies_are_equal(
    changes: list[Op], refused_disk: int, started_again: int
) -> None:
    async def main() -> None:
        people = await PeopleWriter.open(world, VOLUME, "/copies/people.db", cells=4)
        await people.domain_add("example.org")
        watched = Watched(world, people)
        for number, change in enumerate(changes):
            if number == refused_disk:
                sequence = watched.sequence
                fault = world.platter.fail("sync", f"{VOLUME}/people")
                with pytest.raises(Unavailable):
                    await people.customer_add("nobody")
                fault.lift()
                assert watched.sequence == sequence, "PEOPLE-10"
            if number == started_again:
                await watched.people.close()
                watched.people = people = await PeopleWriter.open(world, VOLUME, "/copies/people.db", cells=4)
            await watched.ask(change)
            watched.check()
        await watched.check_derived()

    with simulated(1) as world:
        world.run(main())
        assert world.simulation.unhandled == []
