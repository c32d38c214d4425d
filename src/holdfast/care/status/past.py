"""All files of a page, look after look: pages of incidents that are over are seldom made anew."""

from __future__ import annotations

from holdfast.care.status.page import Files, Page, incident_page
from holdfast.model.limits import STATUS_PAST_S
from holdfast.pages.texts import LANGUAGES
from holdfast.watch.incidents.incidents import Incident


class PageFiles:
    """Of one page."""

    def __init__(self) -> None:
        self._past: dict[int, tuple[float, float, Files]] = {}  # changed at, made at

    def of(self, page: Page) -> Files:
        now = page.known.now

        def stale(incident: Incident) -> bool:
            changed_at, made_at, _ = self._past.get(incident.number, (0.0, 0.0, {}))
            fresh = changed_at == incident.changed_at and 0 <= now - made_at < STATUS_PAST_S
            return not (incident.closed_at and fresh)

        files = page.files(stale)
        for incident in page.incidents[1]:
            own = {
                name: files[name] for each in LANGUAGES if (name := incident_page(incident, each)) in files
            }
            if own:
                self._past[incident.number] = incident.changed_at, now, own
            files |= self._past[incident.number][2]
        return files
