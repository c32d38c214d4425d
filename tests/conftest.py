"""Rules for all tests: in CI (``CI=1``) nothing may be skipped but what needs the corpus where there is
none, and that is said at the end; slow tests say that they are."""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import Any

import hypothesis
import pytest

hypothesis.settings.register_profile("holdfast", deadline=None)  # a slow machine is no wrong answer
hypothesis.settings.load_profile("holdfast")

IN_CI = os.environ.get("CI") == "1"
SLOW_S = 0.25

NO_CORPUS = "the corpus of real mail isn't here: it lies beside the checkout, or HOLDFAST_CORPUS names it"

_unmarked: dict[str, float] = {}
_without_corpus: list[str] = []


def _forbid_skip(report: Any) -> None:
    """A skipped test proves nothing; in CI what it needs must be there. An expected failure is not a skip."""
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        if str(why).endswith(NO_CORPUS):
            _without_corpus.append(report.nodeid)
            return
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI=1 forbids: {why}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    report = yield
    _forbid_skip(report)
    if report.when == "call" and report.duration > SLOW_S and item.get_closest_marker("slow") is None:
        _unmarked[item.nodeid] = report.duration
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    report = yield
    _forbid_skip(report)
    return report


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if _without_corpus:
        terminalreporter.section(f"SKIPPED: {NO_CORPUS}")
        for name in _without_corpus:
            terminalreporter.write_line(name)
    if _unmarked:
        terminalreporter.section(f"longer than {SLOW_S} s and not marked slow")
        for name, seconds in sorted(_unmarked.items(), key=lambda pair: -pair[1])[:20]:
            terminalreporter.write_line(f"{seconds:6.2f} s  {name}")
