"""The status feed: how each function is, for customers and programs, in the shape that status pages have.

``summary.json`` of Atlassian Statuspage, which many programs read. It names functions as customers know them,
no process and no person. What is not known is never called operational (WATCH-5).
"""

from __future__ import annotations

import datetime
from typing import Final

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
        works = [each["id"] for each in components if each["status"] == OPERATIONAL]
        for each in components:
            also = each["holdfast"]
            assert isinstance(also, dict)
            also["works"] = works
        indicator = max(
            (_INDICATORS[str(each["status"])] for each in components),
            key=list(_WORDS).index,
            default="minor",
        )
        at = max((each.at for each in verdicts.values()), default=0.0)
        page = {"id": "holdfast", "name": "Mail", "url": self._url, "time_zone": "Etc/UTC"}
        return {
            "page": page | {"updated_at": _text(at)},
            "status": {"indicator": indicator, "description": _WORDS[indicator]},
            "components": components,
            "incidents": [],
            "scheduled_maintenances": [],
        }

    def _component(self, name: str, title: str, there: list[Verdict]) -> Json:
        status, description = status_of(there)
        at = max(each.at for each in there)
        before, since = self._since.get(name, ("", at))
        if before != status + description:
            since = at
        self._since[name] = status + description, since
        return {
            "id": name,
            "name": title,
            "status": status,
            "description": description or None,
            "updated_at": _text(at),
            "holdfast": {"since": None if status == OPERATIONAL else _text(since), "next_update": None},
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


def _text(at: float) -> str:
    return datetime.datetime.fromtimestamp(at, datetime.UTC).isoformat(timespec="milliseconds")
