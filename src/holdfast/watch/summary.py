"""The status feed: how each function is, for customers and programs, in the shape that status pages have.

``summary.json`` of Atlassian Statuspage, which many programs read. It names functions as customers know them,
no process and no person. What is not known is never called operational (WATCH-5).
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from typing import Final

from holdfast.model.findings import Finding, State
from holdfast.watch.health import Health, Verdict

OPERATIONAL, DEGRADED, PARTIAL, MAJOR = (
    "operational",
    "degraded_performance",
    "partial_outage",
    "major_outage",
)
UNKNOWN: Final = "unknown"  # the description of a component of which nothing is known

# Function as customers know it → its name, and what it is made of: without the first it is gone.
COMPONENTS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "receive": ("Receiving mail", ("mx",)),
    "send": ("Sending mail", ("submission", "relay")),
    "imap": ("Reading with mail programs (IMAP)", ("imap",)),
    "pop3": ("Fetching with mail programs (POP3)", ("pop3",)),
    "webmail": ("Webmail", ("jmap", "webmail")),
    "password": ("Account and password", ("password",)),
    "signup": ("New accounts", ("signup",)),
}
_INDICATORS = {OPERATIONAL: "none", DEGRADED: "minor", PARTIAL: "major", MAJOR: "critical"}
_WORDS = {
    "none": "All functions work",
    "minor": "Some functions may be slow or are not known to work",
    "major": "Some functions don't work in part",
    "critical": "Some functions don't work",
}
Json = dict[str, object]


class Summary:
    """``url``: of a page for people, '' for none. It remembers since when each component is as it is."""

    def __init__(self, health: Health, url: str = "") -> None:
        self._health = health
        self._url = url
        self._since: dict[str, tuple[str, float]] = {}

    async def now(self) -> Json:
        verdicts = {each.function: each for each in await self._health.verdicts()}
        components = []
        for name, (title, parts) in COMPONENTS.items():
            there = [verdicts[part] for part in parts if part in verdicts]
            if there:
                components.append(self._component(name, title, there))
        at = max((each.at for each in verdicts.values()), default=0.0)
        return feed(components, at, url=self._url)

    def _component(self, name: str, title: str, there: list[Verdict]) -> Json:
        status, description = status_of(there)
        at = max(each.at for each in there)
        before, since = self._since.get(name, ("", at))
        if before != status + description:
            since = at
        self._since[name] = status + description, since
        return component(name, status, description, at, 0.0 if status == OPERATIONAL else since)


def component(
    name: str, status: str, description: str, at: float, since: float = 0.0, next_update: float = 0.0
) -> Json:
    """``since``: 0 where it works, or that isn't known; ``next_update``: 0 for none."""
    title, _ = COMPONENTS[name]
    return {
        "id": name,
        "name": title,
        "status": status,
        "description": description or None,
        "updated_at": moment(at),
        "holdfast": {
            "since": moment(since) if since else None,
            "next_update": moment(next_update) if next_update else None,
        },
    }


def feed(
    components: Sequence[Json],
    at: float,
    *,
    name: str = "Mail",
    url: str = "",
    incidents: Sequence[Json] = (),
    maintenances: Sequence[Json] = (),
) -> Json:
    """All of it. Each component is told which of them work."""
    works = [each["id"] for each in components if each["status"] == OPERATIONAL]
    for each in components:
        also = each["holdfast"]
        assert isinstance(also, dict)
        also["works"] = works
    indicator = max(
        (_INDICATORS[str(each["status"])] for each in components), key=list(_WORDS).index, default="minor"
    )
    page = {"id": "holdfast", "name": name, "url": url, "time_zone": "Etc/UTC", "updated_at": moment(at)}
    return {
        "page": page,
        "status": {"indicator": indicator, "description": _WORDS[indicator]},
        "components": list(components),
        "incidents": list(incidents),
        "scheduled_maintenances": list(maintenances),
    }


def status_of(there: list[Verdict]) -> tuple[str, str]:
    """Status and description. The first verdict is of what the function can't do without."""
    states = [each.state for each in there]
    if states[0] == "unhealthy":
        return MAJOR, ""
    if "unhealthy" in states:
        return PARTIAL, ""
    if "unknown" in states:
        return DEGRADED, UNKNOWN
    return (DEGRADED, "") if "degraded" in states else (OPERATIONAL, "")


_STATES: Final[dict[str, State]] = {
    OPERATIONAL: "works",
    DEGRADED: "degraded",
    PARTIAL: "degraded",
    MAJOR: "fails",
}


def findings(verdicts: Iterable[Verdict]) -> list[Finding]:
    """The same as findings, one for each function as customers know it."""
    by_part = {each.function: each for each in verdicts}
    found = []
    for name, (_, parts) in COMPONENTS.items():
        there = [by_part[part] for part in parts if part in by_part]
        if not there:
            continue
        status, description = status_of(there)
        worst = next((each for each in there if each.state != "healthy"), there[0])
        state: State = "unknown" if description == UNKNOWN else _STATES[status]
        at = min(each.at for each in there)
        found.append(Finding(f"health/{name}", name, state, worst.component, worst.cause, at, 0.0))
    return found


def moment(at: float) -> str:
    return datetime.datetime.fromtimestamp(at, datetime.UTC).isoformat(timespec="milliseconds")
