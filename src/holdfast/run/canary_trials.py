"""What each step of the canaries passes through: the courses of `watch.canaries`, laid over the map.

A canary's mail lies in the cells of its two accounts. That one reader sees it is enough, so no reader is
among what its being seen passes through. What comes back from elsewhere is said to be missing only where
mail comes in, so nothing of that is either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from holdfast.model.edges import matches
from holdfast.model.errors import ComponentId
from holdfast.run import ports
from holdfast.watch.canaries.words import COURSES
from holdfast.watch.depends import Step, Trial

_STORE = ("socket/store", "process/store-{worker}", "ledger/mail")
_PEOPLE = ("socket/people", "process/people-{worker}", "ledger/people", "copy/people-writer")
_CHECKED = "load/sign-in"  # a password that nobody remembers; app passwords and tokens need no such turn
_FIRST, _SECOND = "{first}", "{second}"  # the indexes of the accounts' cells
_BACK = (
    *(
        "socket/relay",
        "process/relay-{worker}",
        "copy/relay-{worker}",
        "ledger/queue",
        "ledger/submission-{worker}",
    ),
    *("dns", "elsewhere", "partner/relay"),
)

# Trial → the role whose door it begins at, and what its steps pass through beyond that process.
USES: Mapping[str, tuple[str, Mapping[str, tuple[str, ...]]]] = {
    "canary/receive": (
        "mx",
        {"RCPT": ("copy/mx-{worker}",), "DATA": ("ledger/mx-{worker}",), "seen": (*_STORE, _FIRST)},
    ),
    "canary/refuse": ("mx", {"RCPT": ("copy/mx-{worker}",)}),
    "canary/send": (
        "submission",
        {
            "sign-in": ("copy/submission-{worker}",),
            "RCPT": ("copy/submission-{worker}",),
            "DATA": ("ledger/submission-{worker}",),
            "seen": (*_STORE, _SECOND),
        },
    ),
    "canary/relay": (
        "submission",
        {
            "sign-in": ("copy/submission-{worker}",),
            "RCPT": ("copy/submission-{worker}",),
            "DATA": ("ledger/submission-{worker}",),
            "back": _BACK,
        },
    ),
    "canary/imap": (
        "imap",
        {
            "sign-in": ("copy/imap-{worker}",),
            "SELECT": (_FIRST,),
            "FETCH": (_FIRST, "ledger/mail"),
            "APPEND": (_FIRST, *_STORE),
            "EXPUNGE": (_FIRST, *_STORE),
        },
    ),
    "canary/pop3": (
        "pop3",
        {
            "sign-in": ("copy/pop3-{worker}",),
            "STAT": (_FIRST,),
            "RETR": (_FIRST, "ledger/mail"),
            "QUIT": (_FIRST, *_STORE),
        },
    ),
    "canary/webmail": (
        "webmail",
        {
            "sign-in": ("door/jmap_https", "process/jmap-{worker}", "copy/jmap-{worker}"),
            "Email/query": ("process/jmap-{worker}", _FIRST),
            "Email/get": ("process/jmap-{worker}", _FIRST),
            "blob": ("process/jmap-{worker}", _FIRST, "ledger/mail"),
        },
    ),
    "canary/password": (
        "password",
        {
            "sign-in": ("copy/password-{worker}", "key/pages", _CHECKED),
            "change": _PEOPLE,
            "sign-in again": ("copy/password-{worker}", "key/pages", _CHECKED),
            "change back": _PEOPLE,
        },
    ),
    "canary/signup": (
        "signup",
        {
            "name": ("copy/signup-{worker}", "key/pages", "key/canary"),
            "made": (*_PEOPLE, "signup/requests", "ledger/signup-asked-{worker}"),
            "used": (_CHECKED,),
            "removed": (
                "door/account_https",
                "process/password-{worker}",
                "copy/password-{worker}",
                _CHECKED,
                *_PEOPLE,
            ),
        },
    ),
}
# Steps after which the first process is done with: what follows is others'.
_OTHERS = ("seen", "back", "used", "removed")


def of(there: frozenset[ComponentId], first: int, second: int) -> Iterator[Trial]:
    """``first``, ``second``: the cells of the canaries' accounts."""
    cells = {_FIRST: f"cell-{first:02d}/index", _SECOND: f"cell-{second:02d}/index"}
    for trial, (role, uses) in USES.items():
        doors = [each for each in ports.DOORS[role] if f"door/{each}" in there]
        if not doors or (trial == "canary/relay" and not there & {"elsewhere", "partner/relay"}):
            continue
        door = max(doors, key=lambda each: each.endswith("s"))
        in_tls = door.endswith("s")
        answering = _those(there, f"process/{role}-{{worker}}")
        certificate = _those(there, "certificate/{name}")
        steps = []
        for place, name in enumerate(COURSES[trial].steps):
            if name == "STARTTLS" and in_tls:
                continue
            passed = frozenset().union(*(_those(there, cells.get(each, each)) for each in uses.get(name, ())))
            if name not in _OTHERS and (place or in_tls):
                passed |= answering
            if place == 0:
                passed |= {f"door/{door}"}
            if name == "certificate" or (place == 0 and "certificate" not in COURSES[trial].steps):
                passed |= certificate
            steps.append(Step(name, passed))
        yield Trial(trial, COURSES[trial].function, tuple(steps))


def _those(there: frozenset[ComponentId], pattern: str) -> frozenset[ComponentId]:
    return frozenset(each for each in there if matches(pattern, each))
