"""What trying showed, and what real sessions met: all that is known about whether functions work."""

from __future__ import annotations

from typing import Literal, NamedTuple

from holdfast.model.errors import ComponentId

# ``unknown``: it could not be tried, or nobody has for too long. It is never taken for ``works``.
State = Literal["works", "degraded", "fails", "unknown"]
BAD: tuple[State, ...] = ("degraded", "fails")


class Finding(NamedTuple):
    """What one trial showed, of one function, tried from one place.

    ``trial``: as the dependency map names it; from a vantage point ``imap/imaps@east``. ``function``: one
    of FUNCTIONS, '' for a check of a component alone. ``step``, ``said``: the step that didn't go well, and
    what it met, '' where all went well. ``at``: UTC seconds, when it was known. ``cell``: None where it
    concerns no cell.
    """

    trial: str
    function: str
    state: State
    step: str
    said: str
    at: float
    took_s: float
    cell: int | None = None
    vantage: str = ""


def alike(trial: str) -> str:
    """What several vantage points try alike, ``imap/imaps@`` of ``imap/imaps@east``: unknown only where none
    of them can tell (VANTAGE-3). Of all else the trial itself."""
    what, there, _ = trial.partition("@")
    return what + there


class Signal(NamedTuple):
    """What real sessions met: they asked ``component`` for something that ``function`` needs, in vain.

    ``component``: the word that ``Unavailable`` had for it; ``meant``: the components that may be at fault.
    ``function``: '' for what no function of customers is. ``times``: how many, since the signal before.
    """

    function: str
    component: ComponentId
    at: float
    said: str = ""
    process: str = ""
    meant: tuple[ComponentId, ...] = ()
    times: int = 1
