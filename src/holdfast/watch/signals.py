"""What real sessions met: each temporary failure names the component that was out of reach.

Every process counts them (``holdfast_unavailable_total``) and what went well; ``Signals`` reads the counts
again and again, and what was added since is a signal, or evidence for the diagnosis.

SIGNAL-1 a process is one witness, however many of its sessions met the same: a crowd is no better proof.
SIGNAL-2 nothing is taken from silence: where nobody came, nothing is said to work or to fail.
SIGNAL-3 a bound that was reached, and a word that nobody registered, is no fault of any component.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Mapping

from holdfast.model.errors import ComponentId
from holdfast.model.findings import Signal
from holdfast.model.functions import function_behind
from holdfast.model.limits import SIGNALS_S
from holdfast.watch.collecting import Collected
from holdfast.watch.counting import Labels, Told
from holdfast.watch.depends import DependencyMap
from holdfast.watch.diagnosis.evidence import Outcome
from holdfast.watch.ratios import Ratios
from holdfast.world import World

PREFIX = "sessions/"  # of trials; the process follows
UNAVAILABLE = "holdfast_unavailable_total"
# What went well → how many of the first steps of a session trial have worked then.
SERVED = ("answered", "signed in", "accepted")
_WELL: Mapping[str, tuple[int, Callable[[Labels], bool]]] = {
    "holdfast_pages_total": (1, lambda labels: labels[1][:1] in ("2", "3")),
    "holdfast_jmap_requests_total": (1, lambda labels: labels[1][:1] == "2"),
    "holdfast_imap_commands_total": (1, lambda labels: labels[1] == "OK"),
    "holdfast_auth_total": (2, lambda labels: labels[1] == "right"),
    "holdfast_relay_tries_total": (3, lambda labels: labels[0] == "sent"),
    "holdfast_smtp_messages_total": (3, lambda labels: labels[1] == "accepted"),
}

Counted = dict[tuple[str, Labels], float]


def function_of(process: str) -> str:
    """'' for one that no function of customers is."""
    return function_behind(process.rpartition("-")[0])


class Signals:
    """``collect``: asks all processes; what doesn't answer says nothing. Not for several tasks at once."""

    def __init__(
        self, world: World, collect: Callable[[], Awaitable[Collected]], known: DependencyMap
    ) -> None:
        self._world = world
        self._collect = collect
        self._known = known
        self._before: dict[str, Counted] = {}
        self._outcomes: deque[Outcome] = deque()
        self.ratios = Ratios()  # of the same, by where they came from

    async def look(self) -> list[Signal]:
        """What was met since the last look; the first finds out where counting stands. Raises nothing."""
        told = (await self._collect()).told
        now = self._world.clock.now()
        self.ratios.look(told, self._world.clock.monotonic())
        found: list[Signal] = []
        for process, each in told.items():
            if each is not None:
                found += self._of(process, each, now)
        while self._outcomes and now - self._outcomes[0].at > SIGNALS_S:
            self._outcomes.popleft()
        return found

    def outcomes(self) -> list[Outcome]:
        """Of the last SIGNALS_S seconds, in order of time: evidence beside that of trials."""
        return list(self._outcomes)

    def _of(self, process: str, told: list[Told], now: float) -> list[Signal]:
        counts = _counts(told)
        before = self._before.get(process)
        self._before[process] = counts
        if before is None:
            return []
        # a process that began anew counts from nought
        grown = {
            at: value - (old if value >= (old := before.get(at, 0.0)) else 0.0)
            for at, value in counts.items()
        }
        found = [
            Signal(
                function_of(process),
                labels[0],
                now,
                f"{process}: {times:.0f} times since the last look",
                process,
                meant,
                round(times),
            )
            for (metric, labels), times in grown.items()
            if metric == UNAVAILABLE and times > 0 and (meant := self._meant(labels[0], process))
        ]
        self._note(process, grown, found, now)
        return found

    def _meant(self, word: str, process: str) -> tuple[ComponentId, ...]:
        """SIGNAL-3"""
        try:
            return tuple(sorted(self._known.meant(word, process)))
        except KeyError:
            return ()

    def _note(self, process: str, grown: Counted, found: list[Signal], now: float) -> None:
        """SIGNAL-1, SIGNAL-2"""
        trial = self._known.trials.get(f"{PREFIX}{process}")
        if trial is None:
            return
        steps = [step.name for step in trial.steps]
        served = max(
            (_WELL[metric][0] for (metric, _), times in grown.items() if metric in _WELL and times > 0),
            default=0,
        )
        if served:
            self._outcomes.append(Outcome(trial.id, now, reached=served))
        for signal in found:
            if signal.component in steps:
                self._outcomes.append(Outcome(trial.id, now, signal.component, 0, signal.said))


def _counts(told: list[Told]) -> Counted:
    """What signals are made of: what was out of reach, and of the rest what went well."""
    return {
        (each.metric, labels): value[0]
        for each in told
        for labels, value in each.values
        if each.metric == UNAVAILABLE or (each.metric in _WELL and _WELL[each.metric][1](labels))
    }
