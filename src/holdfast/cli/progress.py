"""A bar for what takes long: on a terminal, and silent elsewhere. The only place that loads rich."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Bar:
    """``advance`` by some, or ``to`` a number of the whole."""

    def __init__(self, shown: Any = None, task: Any = None) -> None:
        self._shown = shown
        self._task = task
        self.done = 0

    def advance(self, by: int = 1) -> None:
        self.to(self.done + by)

    def to(self, done: int) -> None:
        self.done = done
        if self._shown is not None:
            self._shown.update(self._task, completed=done)


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Bar]:
    """``total``: None when it isn't known."""
    if not sys.stderr.isatty():
        yield Bar()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        yield Bar(shown, shown.add_task(what, total=total))
