"""Promises of one incident: which are settled by now, and which are to be made (INC-7)."""

from __future__ import annotations

from collections.abc import Iterator

from holdfast.model.limits import INCIDENT_UPDATE_S
from holdfast.watch.incidents import record as r
from holdfast.watch.incidents.incidents import Incident, Promise

_ESTIMATE_MOVED_S = 300.0  # an end that is expected so much later or sooner is promised anew


def promises_due(incident: Incident, now: float) -> Iterator[r.Kept | r.Missed | r.Promised]:
    for promise in incident.promises.values():
        if promise.settled:
            continue
        kept_at = _kept_at(incident, promise)
        if kept_at and kept_at <= promise.due:
            yield r.Kept(at=now, incident=incident.number, promise=promise.number)
        elif kept_at or now > promise.due:
            yield r.Missed(at=now, incident=incident.number, promise=promise.number)
    yield from _made(incident, now)


def _kept_at(incident: Incident, promise: Promise) -> float:
    """When what it promised was there; 0: not yet. Of a credit only who gives it can tell."""
    if promise.what == "estimate":
        return incident.ended_at
    if promise.what == "next_update":
        told = [
            each.at
            for each in incident.notices.values()
            if each.at >= promise.made_at and (each.promise > promise.number or each.about == "ended")
        ]
        return min(told, default=0.0)
    return 0.0


def _made(incident: Incident, now: float) -> Iterator[r.Promised]:
    if incident.closed_at:
        return
    number = max(incident.promises, default=0) + 1
    open_now = [each for each in incident.promises.values() if not each.settled and each.due >= now]
    if not any(each.what == "next_update" and not _kept_at(incident, each) for each in open_now):
        yield r.Promised(
            at=now,
            incident=incident.number,
            promise=number,
            what="next_update",
            due=now + INCIDENT_UPDATE_S,
        )
        number += 1
    newest = incident.estimates[max(incident.estimates)] if incident.estimates else None
    if newest is None or not newest.high:
        return
    told = [each.due for each in incident.promises.values() if each.what == "estimate"]
    if not told or abs(told[-1] - newest.high) > _ESTIMATE_MOVED_S:
        yield r.Promised(
            at=now,
            incident=incident.number,
            promise=number,
            what="estimate",
            due=newest.high,
            about=newest.estimate,
        )
