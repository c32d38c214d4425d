"""What is tried of a running service, by its steps, and what each step passes through.

Steps have the names that the probes give them (``watch.probes``); a step that a fault spoils is the first
that uses what is at fault. A check that can't see a fault is no evidence of its absence and isn't here:
whether a file is there says nothing of what is in it. What no trial passes through is known (MAP-4).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

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
# Kinds of components that are files, or folders, each looked at by itself.
FILES = (
    *("copy", "history", "sessions", "proofs", "key", "index", "signup", "customers", "reports", "admin"),
    *("notices", "uploads", "acme", "sources", "secret"),
)
_SEALED = ("password", "signup", "admin")  # a page of theirs opens what the browser keeps


def kind_of(component: ComponentId) -> str:
    """``process`` of ``process/mx-0``; ``index`` of ``cell-07/index``."""
    head, _, rest = component.partition("/")
    return "index" if rest == "index" else head


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

# Of each kind: the steps of the check of one component by itself, as ``watch.components`` has them.
_CHECKED: Mapping[str, tuple[str, ...]] = {
    "metrics": ("answer", "lag"),
    "process": ("runs", "descriptors", "threads"),
    "socket": ("answer",),
    "disk": ("answer", "room", "sync", "read-back"),
    "certificate": ("end", "chain"),
    "dns": ("answer",),
    "name": ("address",),
    "partner": ("answer",),
    "ledger": ("frames", "shown", "commit"),
    "load": ("wait", "put off"),
    "ledger/people": ("frames", "size", "commit"),
    **dict.fromkeys(FILES, ("whole", "lock")),
    "copy": ("whole", "lock", "size", "age"),
    "door/health_http": ("answer",),  # nobody else tries it
}
# Whatever else is at fault may go well by its check all the same (DIAG-8).
_PROVING = ("disk", "certificate", "dns", "name", "load")
# What a step passes through besides: what is old, or not shown, may be so because of who tells or shows it.
_BESIDE: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("copy", "age"): ("socket/people", "ledger/people"),
    ("ledger", "shown"): ("socket/store",),
    ("name", "address"): ("dns",),  # ours; others find it by theirs
}
_UNMET = ("partner/push", "socket/control")  # many at once; the supervisor answers there


def _checks(there: frozenset[ComponentId]) -> Iterator[Trial]:
    for component in sorted(there):
        kind = kind_of(component)
        steps = _CHECKED.get(component, _CHECKED.get(kind))
        if steps is not None and component not in _UNMET:
            beside = [there & {*_BESIDE.get((kind, step), ()), *_writers(component, step)} for step in steps]
            uses = [frozenset({component}) | more for more in beside]
            made = tuple(Step(step, use) for step, use in zip(steps, uses, strict=True))
            yield Trial(component, "", made, proves=kind in _PROVING)
    yield Trial("supervisor", "", (Step("answer", frozenset({"socket/control"})),))


def _writers(component: ComponentId, step: str) -> Iterator[ComponentId]:
    """Whose thread it may be that stands still in a commit to the ledger."""
    ledger = component.partition("/")[2]
    if step == "commit":
        yield f"process/{_WRITES.get(ledger, ledger.replace('-asked-', '-'))}"


_WRITES = {"mail": "store-0", "people": "people-0", "queue": "relay-0", "incidents": "watch-0"}
