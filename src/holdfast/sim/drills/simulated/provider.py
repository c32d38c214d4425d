"""A provider of many machines: its parts, where each of them stands, and how each is.

It is the truth that drills play with. What those who watch it know of it stands apart (``known.py``) and says
it in other terms, so that nothing here can give an answer away.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from holdfast.model.errors import ComponentId

VANTAGES = ("east", "north", "west")
BALANCERS = ("lb-1", "lb-2", "lb-3")
RESOLVERS = ("resolver-1", "resolver-2")
FRONTS = ("f1", "f2")
NODES = ("n1", "n2", "n3", "n4")
CELLS = 8
EACH = CELLS // len(NODES)  # cells of one node, and of its volume
FRONT_ROLES = ("mx", "submission", "imap", "pop3", "web", "portal", "signup", "auth")
PARTNERS = ("objects", "sms", "smarthost")

# What a part does with what passes through it, where it doesn't just do its work; "anew": it is just being
# started again, as somebody asked for.
Mode = Literal["fails", "silent", "slow", "lies", "full", "readonly", "old", "some", "anew"]


class Condition(NamedTuple):
    """``share``: of what passes through it. ``said``: what is met, in its words. ``cells``: of whose accounts
    alone, () for everybody's."""

    mode: Mode
    share: float = 1.0
    said: str = ""
    cells: tuple[int, ...] = ()


class Fault(NamedTuple):
    """One part's, from ``begins`` on and before ``ends``: seconds after the drill's first fault."""

    part: ComponentId
    condition: Condition
    begins: float = 0.0
    ends: float = float("inf")


class Now(NamedTuple):
    """How a part is at this moment, and for how long it has been so."""

    condition: Condition
    age_s: float


class Conditions:
    """How all parts are, at any time."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._faults = tuple(faults)

    def at(self, time: float) -> Mapping[ComponentId, Now]:
        return {
            each.part: Now(each.condition, time - each.begins)
            for each in self._faults
            if each.begins <= time < each.ends
        }


def cell(number: int) -> str:
    return f"cell-{number:02d}"


def node_of(number: int) -> str:
    """On which a cell lies."""
    return NODES[number // EACH % len(NODES)]


def volume_of(number: int) -> str:
    return f"volume/v{NODES.index(node_of(number)) + 1}"


def shelf_of(volume: str) -> str:
    """Two volumes a shelf."""
    return "shelf/s1" if volume in ("volume/v1", "volume/v2") else "shelf/s2"


def workers(role: str) -> Sequence[ComponentId]:
    return tuple(f"process/{role}-{place}" for place in range(1, len(FRONTS) + 1))


def _standing() -> dict[ComponentId, tuple[ComponentId, ...]]:
    found: dict[ComponentId, tuple[ComponentId, ...]] = {}
    for n, front in enumerate(FRONTS, 1):
        found |= {f"process/{role}-{n}": (f"node/{front}",) for role in FRONT_ROLES}
        found |= {f"{kind}/{front}": (f"node/{front}",) for kind in ("copy", "intake")}
    for n, node in enumerate(NODES, 1):
        found |= {f"process/store-{n}": (f"node/{node}",), f"indexes/{node}": (f"node/{node}",)}
        found[f"volume/v{n}"] = (shelf_of(f"volume/v{n}"), "failover/map")
    for number in range(CELLS):
        name = cell(number)
        found[f"{name}/index"] = (f"{name}/storage", f"indexes/{node_of(number)}")
        found[f"{name}/packs"] = (f"{name}/storage", volume_of(number))
    return found | {
        "process/relay-1": ("node/f1",),
        "process/scanner-1": ("node/f2",),
        "process/search-1": ("node/n4",),
        "process/contacts-1": ("node/n4",),
        "process/directory-1": ("node/d1",),
        "process/quota-1": ("node/d1",),
        "db/credentials": ("node/d1",),
        "db/accounts": ("node/d1",),
        "sequence/accounts": ("db/accounts",),
        "sessions": ("node/f2",),
        "spool/uploads": ("volume/v1",),
    }


# What is gone when what it stands on is: a plug that is pulled asks no map.
STANDS_ON: Mapping[ComponentId, tuple[ComponentId, ...]] = _standing()
