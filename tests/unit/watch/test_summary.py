"""The status feed: what customers are told of each function."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from holdfast.watch.health import Verdict
from holdfast.watch.summary import Summary, status_of


def verdict(function: str, state: str, at: float = 1000.0) -> Verdict:
    return Verdict(function, state, "", "", at, [])


@pytest.mark.parametrize(
    ("states", "status"),
    [
        (["healthy"], ("operational", "")),
        (["unhealthy"], ("major_outage", "")),
        (["healthy", "unhealthy"], ("partial_outage", "")),
        (["unhealthy", "healthy"], ("major_outage", "")),
        (["degraded", "healthy"], ("degraded_performance", "")),
        (["unknown"], ("degraded_performance", "unknown")),
        (["healthy", "unknown"], ("degraded_performance", "unknown")),
    ],
)
def test_watch_5_what_is_not_known_is_never_called_operational(
    states: list[str], status: tuple[str, str]
) -> None:
    assert status_of([verdict("imap", each) for each in states]) == status


class Seen:
    """What health would say."""

    def __init__(self) -> None:
        self.states = {"mx": "healthy", "submission": "healthy", "relay": "healthy", "jmap": "healthy"}
        self.at = 1000.0

    async def verdicts(self) -> list[Verdict]:
        return [verdict(name, state, self.at) for name, state in self.states.items()]


def test_a_fault_has_its_beginning_and_what_works_nevertheless() -> None:
    seen = Seen()
    summary = Summary(seen)  # type: ignore[arg-type]

    def now() -> dict[str, Any]:
        page = asyncio.run(summary.now())
        return {each["id"]: each for each in page["components"]} | {"": page["status"]}  # type: ignore[attr-defined]

    assert now()[""]["indicator"] == "none" and list(now()) == ["receive", "send", "webmail", ""]
    seen.at, seen.states["mx"] = 1010.0, "unhealthy"
    first = now()
    assert first[""]["indicator"] == "critical"
    receive = first["receive"]
    assert receive["status"] == "major_outage"
    assert receive["holdfast"]["since"] == "1970-01-01T00:16:50.000+00:00"
    assert receive["holdfast"]["works"] == ["send", "webmail"]
    seen.at = 1100.0
    again = now()["receive"]
    assert again["holdfast"]["since"] == receive["holdfast"]["since"]
    assert again["updated_at"] == "1970-01-01T00:18:20.000+00:00"
    seen.states["mx"] = "healthy"
    assert now()["receive"]["holdfast"]["since"] is None
