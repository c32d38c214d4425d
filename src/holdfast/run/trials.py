"""What is tried of a running service, by its steps, and what each step passes through.

Steps have the names that the probes give them (``watch.probes``); a step that a fault spoils is the first
that uses what is at fault. A check that can't see a fault is no evidence of its absence and isn't here:
whether a file is there says nothing of what is in it. What no trial passes through is known (MAP-4).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from holdfast.model.edges import matches
from holdfast.model.errors import ComponentId
from holdfast.model.functions import BEHIND
from holdfast.run import canary_trials, ports
from holdfast.run.config import Config
from holdfast.watch.depends import Step, Trial

# GET of what, for doors that speak HTTP.
PAGES = {
    "password": "/",
    "signup": "/",
    "admin": "/",
    "jmap": "/.well-known/oauth-authorization-server",
    "webmail": "/healthz/live",
    "setup": "/healthz/live",
    "care": "/healthz/live",
}
_SEALED = ("password", "signup", "admin")  # a page of theirs opens what the browser keeps


def of(
    config: Config, there: frozenset[ComponentId], cells: Sequence[int], canaries: tuple[int, int] | None
) -> list[Trial]:
    """``there``: the components of this configuration. ``cells``: those with an account to sign in to.
    ``canaries``: the cells of the canaries' two accounts, None without them."""
    found = [*_Doors(config, there).trials(cells), *_checks(there)]
    return found if canaries is None else [*found, *canary_trials.of(there, *canaries)]


class _Doors:
    def __init__(self, config: Config, there: frozenset[ComponentId]) -> None:
        self._config = config
        self._there = there

    def trials(self, cells: Sequence[int]) -> Iterator[Trial]:
        for role, doors in ports.DOORS.items():
            for door in doors:
                if f"door/{door}" not in self._there or role == "health":
                    continue
                function = next((name for name, roles in BEHIND.items() if role in roles), "")
                yield Trial(f"{role}/{door}", function, tuple(self._steps(role, door, None)))
                if role in _SIGN_IN:
                    for cell in cells:
                        steps = tuple(self._steps(role, door, cell))
                        yield Trial(f"{role}/{door}/cell-{cell:02d}", function, steps)

    def _steps(self, role: str, door: str, cell: int | None) -> Iterator[Step]:
        in_tls, pages = door.endswith("s"), role in PAGES
        answering = self._all(f"process/{role}-{{worker}}")
        certificate = self._all("certificate/{name}")
        yield Step("connect", frozenset({f"door/{door}"}) | (answering if in_tls else frozenset()))
        if in_tls:
            yield Step("certificate", answering | certificate)
        if pages:
            more = self._all("key/pages") if role in _SEALED else frozenset()
            yield Step(f"GET {PAGES[role]}", answering | more)
            return
        yield Step("greeting", answering)
        if not in_tls:
            yield Step("STLS" if role == "pop3" else "STARTTLS", answering)
            yield Step("certificate", answering | certificate)
        copies = self._all(f"copy/{role}-{{worker}}")
        if role == "mx":
            yield Step("RCPT", answering | copies)
        elif cell is not None:
            yield Step("sign-in", answering | copies)
            if role in _LOOK:
                yield Step(_LOOK[role], answering | {f"cell-{cell:02d}/index"})

    def _all(self, pattern: str) -> frozenset[ComponentId]:
        return frozenset(each for each in self._there if matches(pattern, each))


_LOOK = {"imap": "SELECT", "pop3": "STAT"}
_SIGN_IN = ("submission", *_LOOK)

# Of each kind: what the check is called, of one component by itself.
_CHECKED: dict[str, str] = {"metrics": "answer", "disk": "room", "certificate": "end"}


def _checks(there: frozenset[ComponentId]) -> Iterator[Trial]:
    for component in sorted(there):
        step = _CHECKED.get(component.partition("/")[0])
        if step is not None:
            yield Trial(component, "", (Step(step, frozenset({component})),))
    yield Trial("supervisor", "", (Step("answer", frozenset({"socket/control"})),))
