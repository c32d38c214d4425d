"""A small service with its map, and what its trials show when components of it are at fault."""

from __future__ import annotations

from random import Random

from holdfast.watch.depends import Component, DependencyMap, Edge, Step, Trial
from holdfast.watch.diagnosis import Outcome

CELLS = 16


def service() -> DependencyMap:
    """A small service: doors over processes over a store over cells over a disk; partners beside it."""
    components = [
        *(Component(f"process/{role}", "process") for role in ROLES),
        *(Component(f"cell-{n:02d}/index", "index") for n in range(CELLS)),
        *(Component(f"disk/{name}", "disk") for name in ("v1", "data")),
        *(Component(f"ledger/{name}", "ledger") for name in ("mx-0", "mail", "people")),
        Component("dns", "partner"),
        Component("partner/sms", "partner", 3.0),
        Component("partner/keys", "partner"),
        Component("spool", "queue"),
        Component("machine", "machine", 0.1),
        Component("controller", "disk"),
    ]
    needs = [
        Edge("ledger/mx-0", "disk/v1", "lies on"),
        Edge("ledger/mail", "disk/v1", "lies on"),
        Edge("ledger/people", "disk/data", "lies on"),
        Edge("disk/data", "controller", "hangs on"),
        *(Edge(f"cell-{n:02d}/index", "disk/v1", "lies on") for n in range(CELLS)),
        *(Edge(f"process/{role}", "machine", "runs on") for role in ROLES),
    ]
    breaks = [
        Edge("partner/keys", "spool", "uploads are refused and pile up"),
        Edge("spool", "disk/v1", "fills it"),
    ]

    def step(name: str, *uses: str) -> Step:
        return Step(name, frozenset(uses))

    trials = [
        Trial("mx", "receive", (step("greeting", "process/mx"), step("accept", "ledger/mx-0"))),
        Trial("people", "", (step("answer", "process/people"), step("change", "ledger/people"))),
        Trial("store", "", (step("answer", "process/store"), step("commit", "ledger/mail"))),
        Trial("sms", "", (step("answer", "partner/sms"),)),
        Trial("dns", "", (step("answer", "dns"),)),
        Trial("keys", "", (step("upload", "partner/keys"),)),
        Trial("spool", "", (step("size", "spool"),)),
        Trial("disk/v1", "", (step("write", "disk/v1"),)),
        Trial("disk/data", "", (step("write", "disk/data"),)),
        Trial(
            "password",
            "password",
            (step("page", "process/password"), step("change", "process/people", "ledger/people")),
        ),
        Trial("signup", "signup", (step("page", "process/signup"), step("code", "partner/sms"))),
    ]
    for n in range(CELLS):
        cell = f"cell-{n:02d}/index"
        trials.append(
            Trial(
                f"imap/{n}",
                "imap",
                (step("greeting", "process/imap"), step("sign in", "process/auth"), step("select", cell)),
            )
        )
        trials.append(
            Trial(
                f"deliver/{n}",
                "receive",
                (step("accept", "process/mx"), step("seen", "process/store", cell)),
            )
        )
    return DependencyMap(components, needs, breaks, trials)


ROLES = ("mx", "store", "people", "imap", "auth", "password", "signup")
MAP = service()
ALIKE = ("disk/data", "controller")  # no trial passes through one and not the other


def outcomes(
    known: DependencyMap,
    faulty: dict[str, float],
    *,
    rounds: int = 4,
    noise: float = 0.0,
    random: Random | None = None,
    since: dict[str, float] | None = None,
) -> list[Outcome]:
    """What the trials show when those components fail at their rates, each from its time on."""
    random = random or Random(1)
    found = []
    for time in range(rounds):
        for trial in known.trials.values():
            failed = ""
            for step in trial.steps:
                spoils = [
                    rate
                    for name, rate in faulty.items()
                    if name in known.under(step.uses) and time >= (since or {}).get(name, 0)
                ]
                bad = any(random.random() < rate for rate in spoils)
                if bad != (random.random() < noise):
                    failed = step.name
                    break
            found.append(Outcome(trial.id, 1000.0 + time, failed))
    return found
