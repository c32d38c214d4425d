"""`holdfast doctor`: what is wrong, why it matters, how to repair it. The checks are in ``checks``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from holdfast.cli import terminal

if TYPE_CHECKING:
    from holdfast.cli.checks import Trouble

_STATUS = {"error": 2, "warning": 1}


def add_to(app: typer.Typer) -> None:
    app.command()(doctor)


def doctor(as_json: terminal.Json = False) -> None:
    """Looks whether all is well: 0 yes, 1 something to mend soon, 2 something to mend now."""
    from holdfast.cli import checks

    troubles = checks.examine(terminal.config_path)
    if as_json:
        terminal.show([each._asdict() for each in troubles], [], True)
    else:
        for each in troubles:
            _tell(each)
        print(f"{len(checks.CHECKS)} checks, {len(troubles)} to mend" if troubles else "all is well")
    worst = max((_STATUS[each.severity] for each in troubles), default=0)
    raise typer.Exit(worst)


def _tell(trouble: Trouble) -> None:
    print(f"{trouble.severity}  {trouble.id}: {trouble.what}")
    print(f"    why     {trouble.why}")
    print(f"    repair  {trouble.repair}\n")
