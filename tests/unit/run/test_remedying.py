"""Remedies carried out: what is a lease is ordered again while it is in force, and by nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from holdfast.directory.auth import AuthService
from holdfast.model.limits import SHED_LEASE_S, SHED_RENEW_S
from holdfast.run import layout
from holdfast.run.config import Config
from holdfast.run.config_care import Remedies as Said
from holdfast.run.remedying import Remedies
from holdfast.sim.world import SimWorld, simulated
from holdfast.watch.incidents import Incidents
from holdfast.watch.incidents import record as r
from holdfast.watch.incidents.lifecycle import Seen
from holdfast.watch.incidents.window import Window
from holdfast.watch.remedies import SIGN_INS


@pytest.fixture
def world() -> Iterator[SimWorld]:
    with simulated(1) as made:
        yield made


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Its data folder is short-lived; no supervisor answers there."""
    made = Config()
    return msgspec.structs.replace(made, service=msgspec.structs.replace(made.service, data=str(tmp_path)))


class Case:
    """An incident that is over, about which sign-ins are shed; the role watch looks every ten seconds."""

    def __init__(self, world: SimWorld, config: Config) -> None:
        self.world = world
        self.remedies = Remedies(world.process("watch"), config)
        self.incidents = Incidents()
        self.note(r.Opened(at=1.0, incident=1, since={"imap": 0.0}))
        self.remedied("shed")
        self.note(r.Closed(at=3.0, incident=1, until={"imap": 2.0}))

    def note(self, entry: r.AnyEntry) -> None:
        self.incidents.apply([entry])

    def remedied(self, action: str) -> None:
        self.note(
            r.Remedied(at=2.0, incident=1, rule="shed", component=SIGN_INS, action=action, outcome="done")
        )

    async def rounds(self, seconds: float) -> None:
        for _ in range(int(seconds / 10)):
            await self.remedies.round(Seen(Window([]), None, self.incidents, self.world.clock.now()))
            await self.world.clock.sleep(10)


async def auth_of(world: SimWorld, config: Config) -> AuthService:
    return await AuthService.serve(world.process("auth"), layout.socket_path(config, "auth"))


def test_remedy_6_a_lease_goes_on_while_it_is_in_force_and_ends_with_who_watches(
    world: SimWorld, config: Config
) -> None:
    async def main() -> None:
        auth = await auth_of(world, config)
        case = Case(world, config)
        await case.rounds(3 * SHED_LEASE_S)
        assert auth.shedding.at_work
        await world.clock.sleep(SHED_LEASE_S + 1)  # nobody watches
        assert not auth.shedding.at_work
        await case.rounds(10)
        assert auth.shedding.at_work
        case.remedied("resume")
        await case.rounds(SHED_LEASE_S + 20)
        assert not auth.shedding.at_work

    world.run(main())


def test_remedy_6_a_process_that_begins_anew_is_told_again_soon_and_one_that_is_gone_keeps_nobody(
    world: SimWorld, config: Config
) -> None:
    async def main() -> None:
        case = Case(world, config)
        await case.rounds(30)  # it isn't there
        auth = await auth_of(world, config)
        await case.rounds(SHED_RENEW_S + 10)
        assert auth.shedding.at_work

    world.run(main())


def test_remedy_4_where_remedies_are_off_nothing_is_ordered_again(world: SimWorld, config: Config) -> None:
    async def main() -> None:
        auth = await auth_of(world, config)
        for mode in ("off", "dry-run"):
            changed = msgspec.structs.replace(config, remedies=Said(mode=mode))  # type: ignore[arg-type]
            await Case(world, changed).rounds(60)
        assert not auth.shedding.at_work

    world.run(main())
