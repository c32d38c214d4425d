"""What happens, and when: the faults of that week, what came before it, what customers were told in 2012.

Times are those of Europe/Berlin. The failure is the chain F44 with a storage partner that can't be reached
for 111 hours; mail programs work again first, the pages two days later.
"""

from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Iterator
from typing import NamedTuple

from holdfast.model.functions import FUNCTIONS
from holdfast.sim.drills.simulated.provider import Condition, Fault
from holdfast.sim.seed import Random
from holdfast.watch.incidents import record as r

ZONE = "Europe/Berlin"
_ZONE = zoneinfo.ZoneInfo(ZONE)
HOUR_S = 3600.0
DAY_S = 24 * HOUR_S


def moment(month: int, day: int, hour: int = 0, minute: int = 0) -> float:
    """Of 2012: UTC seconds."""
    return datetime.datetime(2012, month, day, hour, minute, tzinfo=_ZONE).timestamp()


BEGAN = moment(8, 15, 7, 50)
BACK = moment(8, 19, 23, 0)  # mail programs
PAGES_BACK = moment(8, 21, 18, 0)  # webmail, password, new accounts
ENDS = moment(8, 22, 12, 0)


class Episode(NamedTuple):
    """One failure. ``actions``: what was to be done about it afterwards, and until when; none of it was."""

    faults: tuple[Fault, ...]
    until: float
    actions: tuple[tuple[str, float], ...] = ()

    @property
    def since(self) -> float:
        return min(each.begins for each in self.faults)


def episodes() -> tuple[Episode, ...]:
    june, july = moment(6, 27, 9, 12), moment(7, 27, 6, 40)
    renew = ("Erneuere die Karte des Failovers jeden Tag", moment(7, 31, 18))
    apart = ("Trenne die Anmeldung vom Speicher der Postfächer", moment(8, 10, 18))
    return (
        Episode(_chain(june, june + 3 * HOUR_S), june + 3 * HOUR_S, (renew,)),
        Episode(_chain(july, july + 8 * HOUR_S), july + 8 * HOUR_S, (apart,)),
        Episode((*_chain(BEGAN, BACK), _after()), PAGES_BACK),
    )


def _chain(begins: float, ends: float) -> tuple[Fault, ...]:
    """F44 begun by the partner whose storage the shelf is; the sign-in of that time needs the store."""
    partner = Condition("fails", 1.0, "503 for every call")
    shelf = Condition("fails", 1.0, "I/O error")
    failover = Condition("fails", 1.0, "fenced by a map that is 3 days old")
    profiles = Condition("fails", 1.0, "profiles can't be read")
    return (
        Fault("partner/objects", partner, begins, ends),
        Fault("shelf/s1", shelf, begins + 2, ends),
        Fault("failover/map", failover, begins + 5, ends),
        Fault("profiles", profiles, begins + 11, ends),
    )


def _after() -> Fault:
    """What mail programs don't need comes back two days later."""
    return Fault("sessions", Condition("fails", 1.0, "it doesn't start"), BACK - HOUR_S, PAGES_BACK)


def earlier(random: Random) -> Iterator[r.AnyEntry]:
    """A year of small failures, by lot: by how long they took, an estimate is made."""
    for number, days in enumerate(sorted(random.sample(range(70, 360), 11), reverse=True), 1):
        at = BEGAN - days * DAY_S + random.uniform(-6, 6) * HOUR_S
        function = random.choice(FUNCTIONS)
        took_s = random.uniform(0.4, 9.0) * HOUR_S
        yield r.Opened(at=at + 4, incident=number, since={function: at})
        yield r.Closed(at=at + took_s + 60, incident=number, until={function: at + took_s})


# What is compared with 2012, in this order; the sentences are texts (``what.noticed``, ``then.noticed`` …).
THEN = ("noticed", "cause", "told", "affected", "end", "silence", "again", "functions", "credit", "contact")
