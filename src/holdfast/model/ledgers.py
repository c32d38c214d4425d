"""Names and numbers of ledgers, and the kinds of frames each may hold.

A ledger's number is a function of its name, so that ids made from it are the same
after any rebuild. Numbers fit 15 bits; they are the upper bits of message ids.
"""

from __future__ import annotations

import enum

from holdfast.model.errors import Reason, Refused

MAIL = "mail"
PEOPLE = "people"
QUEUE = "queue"
INCIDENTS = "incidents"

_FIXED = {MAIL: 1, PEOPLE: 2, QUEUE: 3, INCIDENTS: 4}
# Plus the worker's number, < 256.
INTAKES = {
    "mx": 256,
    "submission": 1024,
    "relay": 2048,
    "import": 4096,
    "password": 5120,
    "signup": 6144,
    "jmap": 7168,
}
_ASKED = {"password-asked": 8192, "signup-asked": 8448}  # by customers, while people was out of reach


def ledger_number(name: str) -> int:
    """``mail`` → 1, ``mx-3`` → 259. Raises ``Refused`` for a name that isn't one."""
    if name in _FIXED:
        return _FIXED[name]
    role, _, worker = name.rpartition("-")
    base = INTAKES.get(role) or _ASKED.get(role)
    if base and worker.isdecimal() and int(worker) < 256:
        return base + int(worker)
    raise Refused(Reason.BAD_NAME, f"not a ledger: {name!r}")


def ledger_name(number: int) -> str:
    """The inverse of ``ledger_number``."""
    for name, fixed in _FIXED.items():
        if fixed == number:
            return name
    for role, base in (INTAKES | _ASKED).items():
        if base <= number < base + 256:
            return f"{role}-{number - base}"
    raise Refused(Reason.BAD_NAME, f"not a ledger's number: {number}")


def is_intake(name: str) -> bool:
    """Not what is kept beside one: ``submission-0.sent``."""
    role, _, worker = name.rpartition("-")
    return role in INTAKES and worker.isdecimal() and int(worker) < 256


# In a frame's list of cells: it has recipients elsewhere. So the relay finds its frames by their heads.
ELSEWHERE = 65_535


class Kind(enum.IntEnum):
    """What a frame is. MODEL-1: numbers are on disk, never changed, never reused."""

    # intake ledgers (mx-N, submission-N, relay-N)
    DELIVERY = 1  # one message for one or more recipients: meta, then the message
    STARTED = 2  # a writer opened the ledger: what it found unacknowledged
    # mail ledger
    MERGED = 16  # a range of an intake ledger, in this place of the order
    COMMAND = 17  # one change of mail state: meta, then the message if it is an APPEND
    MESSAGE = 18  # a message that counts for nothing until a later COMMAND names it
    # people ledger
    PEOPLE = 32
    # queue ledger
    QUEUE = 48
    # ledgers of what was asked (password-asked-N, signup-asked-N)
    ASKED = 64
    # ledger of incidents
    INCIDENT = 80
