"""One round of telling: what is due of each incident, and what each is beside the others. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from holdfast.care.affected import scopes_during, scopes_of
from holdfast.care.notices.due import NoticeDue, said_of
from holdfast.care.notices.kept import Notice
from holdfast.care.notices.recipients import kept
from holdfast.care.notices.together import Other
from holdfast.watch.incidents.incidents import Incident

_FIRST = ("opened", "correction", "update", "ended")  # the worst is what a message begins with


class Round:
    def __init__(self, at: float) -> None:
        self.due: dict[int, NoticeDue | None] = {}
        self._at = at
        self._incidents: dict[int, Incident] = {}
        self._heard: set[int] = set()  # of which people were told, or are now
        self._made: dict[int, Other] = {}

    def add(
        self, incident: Incident, what: NoticeDue | None, notices: Sequence[Notice], *, is_held: bool
    ) -> None:
        """``is_held``: nothing of it may go out for now."""
        number = incident.number
        self._incidents[number], self.due[number] = incident, what
        is_due = what is not None and not what.quiet
        if not is_held and (is_due or any(not each.body.quiet for each in notices)):
            self._heard.add(number)

    def ordered(self) -> list[Incident]:
        """As they are told."""

        def place(incident: Incident) -> tuple[int, int]:
            what = self.due[incident.number]
            return (_FIRST.index(what.about) if what is not None else len(_FIRST)), incident.number

        return sorted(self._incidents.values(), key=place)

    def others(self, incident: Incident) -> tuple[Other, ...]:
        """What is told beside that one: what else is open, and what ends in this round."""
        return tuple(
            self._other(each)
            for each in self._incidents.values()
            if each.number != incident.number and (not each.closed_at or self._ends(each))
        )

    def over(self, number: int) -> Other | None:
        """One that has ended, not long ago."""
        incident = self._incidents.get(number)
        return None if incident is None or not incident.closed_at else self._other(incident)

    def _ends(self, incident: Incident) -> bool:
        what = self.due[incident.number]
        return what is not None and what.about == "ended" and not what.quiet

    def _other(self, incident: Incident) -> Other:
        number = incident.number
        if number not in self._made:
            is_over = bool(incident.closed_at)
            self._made[number] = Other(
                number,
                "over" if is_over else "open" if number in self._heard else "silent",
                said_of(incident, self._at),
                kept(scopes_during(incident) if is_over else scopes_of(incident)),
                incident.since,
            )
        return self._made[number]
