"""One round of telling: what is due of each incident, and what each is beside the others."""

from __future__ import annotations

from collections.abc import Sequence

from holdfast.care.affected import scopes_during, scopes_of
from holdfast.care.notices.due import NoticeDue, said_of
from holdfast.care.notices.kept import KeptNotices, Notice
from holdfast.care.notices.recipients import kept
from holdfast.care.notices.together import Beside, Last, Other
from holdfast.watch.incidents.incidents import Incident

_FIRST = ("opened", "correction", "update", "ended")  # the worst is what a message begins with


class Round:
    def __init__(self, at: float) -> None:
        self.due: dict[int, NoticeDue | None] = {}
        self._at = at
        self._incidents: dict[int, Incident] = {}
        self._notices: dict[int, Sequence[Notice]] = {}
        self._heard: set[int] = set()  # of which people were told, or are now
        self._made: dict[int, Other] = {}

    def add(
        self, incident: Incident, what: NoticeDue | None, notices: Sequence[Notice], *, is_held: bool
    ) -> None:
        """``is_held``: nothing of it may go out for now."""
        number = incident.number
        self._incidents[number], self._notices[number], self.due[number] = incident, notices, what
        is_due = what is not None and not what.quiet
        if not is_held and (is_due or any(not each.body.quiet for each in notices)):
            self._heard.add(number)

    def ordered(self) -> list[Incident]:
        """As they are told."""

        def place(incident: Incident) -> tuple[int, int]:
            what = self.due[incident.number]
            return (_FIRST.index(what.about) if what is not None else len(_FIRST)), incident.number

        return sorted(self._incidents.values(), key=place)

    def beside(self, kept: KeptNotices | None, incident: Incident, what: NoticeDue | None) -> Beside:
        """What is told beside that one; ``what``: None for who is hit after it was laid down. ``kept``: None
        while nobody was ever told anything. Blocks; raises ``Unavailable``."""
        if what is not None and what.quiet:
            return Beside()
        left: tuple[Other, ...] = ()
        if what is not None and what.about == "ended" and kept is not None:
            over = (self._incidents.get(each) for each in kept.left_to(incident.number))
            left = tuple(self._other(each) for each in over if each is not None and each.closed_at)
        others = tuple(
            self._other(each)
            for each in self._incidents.values()
            if each.number != incident.number and (not each.closed_at or self._ends(each))
        )
        return Beside(others, left, self._last(kept, incident, others) if others and kept else {})

    def _last(self, kept: KeptNotices, incident: Incident, others: Sequence[Other]) -> dict[int, Last]:
        """What each customer was told last of any of them."""
        newest = kept.last([incident.number, *(each.incident for each in others)])
        made: dict[tuple[int, int], Last] = {}
        for number in {number for number, _ in newest.values()}:
            for each in self._notices[number]:
                heard = [other for other in each.body.others if not other.later]
                made[each[:2]] = Last(*each[:2], each.at, each.own, heard)
        return {customer: made[of] for customer, of in newest.items() if of in made}

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
