"""What programs read: ``summary.json``, ``feed.atom``, ``maintenance.ics``."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec
from markupsafe import escape

from holdfast.care.status.lines import Line
from holdfast.care.status.story import Teller
from holdfast.model.findings import State
from holdfast.watch import summary
from holdfast.watch.incidents.incidents import Incident

_STATUS: dict[State, str] = {
    "works": summary.OPERATIONAL,
    "degraded": summary.PARTIAL,
    "fails": summary.MAJOR,
    "unknown": summary.DEGRADED,
}
_FOLD = 73  # octets of a line, RFC 5545 §3.1, so that its break fits


class Maintenance(NamedTuple):
    """``titles``: by language. ``revision``: raised by each change."""

    id: str
    begins: float
    ends: float
    functions: tuple[str, ...]
    titles: dict[str, str]
    changed_at: float
    revision: int = 0


def summary_json(
    known: Sequence[Line],
    incidents: Sequence[tuple[Incident, float]],
    maintenances: Iterable[Maintenance],
    now: float,
    *,
    name: str,
    url: str,
    teller: Teller,
) -> bytes:
    """In the shape of the health door's. ``incidents``: the open ones, with the time of the next update."""
    due = {incident.number: at for incident, at in incidents}
    components = [
        summary.component(
            each.function,
            _STATUS[each.state],
            summary.UNKNOWN if each.state == "unknown" else "",
            each.tried_at or now,
            0.0 if each.state == "works" else each.since,
            due.get(each.incident, 0.0),
        )
        for each in known
    ]
    by_name = {str(each["id"]): each for each in components}
    told = [_incident(each, at, by_name, url, teller) for each, at in incidents]
    planned = [_maintenance(each, by_name, now, teller.language) for each in maintenances if each.ends > now]
    feed = summary.feed(components, now, name=name, url=url, incidents=told, maintenances=planned)
    return msgspec.json.format(msgspec.json.encode(feed), indent=1)


def _incident(
    incident: Incident, due: float, components: dict[str, summary.Json], url: str, teller: Teller
) -> summary.Json:
    at = summary.moment
    updates = [
        {
            "id": f"{incident.number}-{each.at:.0f}-{place}",
            "status": "investigating",
            "body": each.text,
            "created_at": at(each.at),
            "updated_at": at(each.at),
            "display_at": at(each.at),
        }
        for place, each in enumerate(teller.timeline(incident))
    ]
    return {
        "id": str(incident.number),
        "name": teller.title(incident),
        "status": "investigating" if incident.opinion is None else "identified",
        "impact": "major",
        "started_at": at(incident.since),
        "created_at": at(incident.opened_at),
        "updated_at": at(incident.changed_at),
        "resolved_at": None,
        "shortlink": f"{url}incident-{incident.number}.{teller.language}.html" if url else "",
        "components": [components[each] for each in incident.functions],
        "incident_updates": updates,
        "holdfast": {"next_update": at(due)},
    }


def _maintenance(
    each: Maintenance, components: dict[str, summary.Json], now: float, language: str
) -> summary.Json:
    return {
        "id": each.id,
        "name": each.titles[language],
        "status": "scheduled" if each.begins > now else "in_progress",
        "scheduled_for": summary.moment(each.begins),
        "scheduled_until": summary.moment(each.ends),
        "updated_at": summary.moment(each.changed_at),
        "components": [components[name] for name in each.functions],
    }


def atom(known: Iterable[Incident], changed_at: float, *, name: str, url: str, teller: Teller) -> bytes:
    """RFC 4287: one entry for each incident, the newest first. Ids stay when the address changes."""
    entries = "".join(_entry(each, url, teller) for each in known)
    link = f'<link rel="alternate" type="text/html" href="{escape(url)}index.{teller.language}.html"/>'
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n'
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{teller.language}">'
        f"<id>urn:holdfast:status</id><title>{escape(teller.say('status.title', name=name))}</title>"
        f"<updated>{summary.moment(changed_at)}</updated>{link}"
        f"<author><name>{escape(name)}</name></author>\n{entries}</feed>\n"
    ).encode()


def _entry(incident: Incident, url: str, teller: Teller) -> str:
    page = f"{url}incident-{incident.number}.{teller.language}.html"
    body = "".join(
        f"<p>{escape(teller.moment(each.at))}: {escape(each.text)}</p>" for each in teller.timeline(incident)
    )
    return (
        f"<entry><id>urn:holdfast:incident:{incident.number}:{incident.opened_at:.0f}</id>"
        f"<title>{escape(teller.title(incident))}</title>"
        f'<link href="{escape(page)}"/><published>{summary.moment(incident.opened_at)}</published>'
        f"<updated>{summary.moment(incident.changed_at)}</updated>"
        f'<content type="html">{escape(body)}</content></entry>\n'
    )


def calendar(maintenances: Iterable[Maintenance], *, name: str, teller: Teller) -> bytes:
    """RFC 5545: one event for each maintenance."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Holdfast//status//EN", f"NAME:{_text(name)}"]
    for each in maintenances:
        lines += [
            "BEGIN:VEVENT",
            f"UID:{_text(each.id)}@holdfast",
            f"SEQUENCE:{each.revision}",
            f"DTSTAMP:{_utc(each.changed_at)}",
            f"DTSTART:{_utc(each.begins)}",
            f"DTEND:{_utc(each.ends)}",
            f"SUMMARY:{_text(each.titles[teller.language])}",
            f"DESCRIPTION:{_text(teller.names(each.functions))}",
            "TRANSP:TRANSPARENT",
            "END:VEVENT",
        ]
    return "".join(_folded(line) for line in [*lines, "END:VCALENDAR"]).encode()


def _text(value: str) -> str:
    """RFC 5545 §3.3.11."""
    escaped = value.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return escaped.replace("\r", "").replace("\n", "\\n")


def _folded(line: str) -> str:
    """RFC 5545 §3.1: no line longer than 75 octets, no character cut in two."""
    found, length = "", 0
    for character in line:
        size = len(character.encode())
        if length + size > _FOLD:
            found, length = found + "\r\n ", 1
        found, length = found + character, length + size
    return found + "\r\n"


def _utc(at: float) -> str:
    return datetime.datetime.fromtimestamp(at, datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
