"""How long what is sent elsewhere takes to come back, and how long it is waited for.

What usually is back within a second is missing long before a minute has passed.
CANARY-7 what is sent elsewhere is overdue by how long it has taken so far; then it is degraded, as it
may still come, and what comes late again and again is what is usual.
"""

from __future__ import annotations

from collections import deque

from holdfast.model.limits import (
    CANARY_BACK_S,
    CANARY_BACK_TIMES,
    CANARY_LATE,
    CANARY_OUTSIDE_S,
    CANARY_RETURNS,
    CANARY_RETURNS_KNOWN,
)


class Returns:
    """Kept from one run to the next. ``token``: of one message; ``at``: by the monotonic clock, seconds."""

    def __init__(self) -> None:
        self._took: deque[float] = deque(maxlen=CANARY_RETURNS)
        self._out: dict[str, float] = {}  # what isn't back yet → when it was sent
        self._late: list[float] = []  # in a row: at each look that found such, how long it took at most

    def sent(self, token: str, at: float) -> None:
        self._out[token] = at
        while len(self._out) > CANARY_RETURNS:
            del self._out[next(iter(self._out))]

    def missing(self) -> list[str]:
        """Those that aren't back yet, but for the last one that was sent."""
        return list(self._out)[:-1]

    def back(self, token: str, at: float) -> None:
        """In time: while it was waited for."""
        self._took.append(at - self._out.pop(token))
        self._late.clear()

    def late(self, tokens: list[str], at: float) -> None:
        """Found at one look, when they were waited for no longer."""
        if not tokens:
            return
        self._late.append(min(max(at - self._out.pop(each) for each in tokens), CANARY_OUTSIDE_S))
        if len(self._late) >= CANARY_LATE:
            self._took.extend(self._late)
            self._late.clear()

    def usual_s(self) -> float | None:
        """The longest that it has taken of late; None where too little is known."""
        return max(self._took) if len(self._took) >= CANARY_RETURNS_KNOWN else None

    def patience_s(self) -> float:
        """For so long it is waited for."""
        usual = self.usual_s()
        if usual is None:
            return CANARY_OUTSIDE_S
        return min(CANARY_OUTSIDE_S, max(CANARY_BACK_S, CANARY_BACK_TIMES * usual))
