"""The provider's customers, by lot: most have one mailbox, some two, one household four."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import apsw

from holdfast.care import customers
from holdfast.care.credits.fees import Fee
from holdfast.sim.drills.simulated.provider import CELLS
from holdfast.sim.seed import Random
from holdfast.world import World

HOUSEHOLD = 1  # the customer with four mailboxes
ENGLISH = 10  # one who reads English
_NAMES = ("anna", "bernd", "clara", "david")
_FEES = ((2990, 0.8), (7990, 1.0))  # cents a month, and up to which share of the contracts
_TWO = 0.06  # have two mailboxes
_USED_S = 5 * 86_400.0


class People(NamedTuple):
    """``reachable``: how many have left a number or a second address, and agreed to be written to."""

    number: int
    reachable: int


def write(world: World, path: str, people: People, made_at: float, random: Random) -> dict[str, Fee]:
    """The snapshot; returns what each contract costs. Blocks; raises ``OSError`` and ``apsw.Error``."""
    fees: dict[str, Fee] = {}

    def fill(db: apsw.Connection) -> int:
        with db:
            db.executemany("INSERT INTO customer VALUES (?, ?, 1, ?, ?, ?, ?, ?, ?)", owners())
            db.executemany("INSERT INTO account VALUES (?, ?, ?, 'active', ?, 1, ?, ?)", mailboxes())
        return people.number

    def owners() -> Iterator[tuple[object, ...]]:
        for number in range(1, people.number + 1):
            contract = f"K{number:07d}"
            share = random.random()
            fee = next(fee for fee, most in _FEES if share < most)
            fees[contract] = Fee(_FEES[0][0] if number == HOUSEHOLD else fee, "EUR")
            asked = number <= people.reachable
            phone = f"+49170{number:07d}" if asked and number % 2 else ""
            address = f"kunde{number}@example.net" if asked and not number % 2 else ""
            language = "de" if number % 10 else "en"
            since = made_at - 200 * 86_400.0 if asked else 0.0
            yield (
                number,
                contract,
                phone,
                since if phone else 0.0,
                address,
                since if address else 0.0,
                language,
                since,
            )

    def mailboxes() -> Iterator[tuple[object, ...]]:
        account = 0
        for number in range(1, people.number + 1):
            many = len(_NAMES) if number == HOUSEHOLD else 2 if random.random() < _TWO else 1
            for place in range(many):
                account += 1
                name = f"{_NAMES[place]}.familie" if number == HOUSEHOLD else f"kunde{number}.{place + 1}"
                used = made_at - random.uniform(0, 8) * _USED_S
                yield (
                    account,
                    number,
                    random.randrange(CELLS),
                    f"{name}@example.org",
                    made_at - 400 * 86_400.0,
                    used,
                )

    customers.write(world, path, fill)
    return fees
