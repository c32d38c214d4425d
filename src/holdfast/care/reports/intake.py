"""The page “Something does not work”: there while all else is dead.

REPORTS-4 nothing that it says depends on who there is: no account and no address is looked up.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
from starlette.responses import Response

from holdfast.care.reports.kept import OTHER, CustomerReport, KeptReports
from holdfast.model.address import parse_address
from holdfast.model.errors import Refused, Unavailable
from holdfast.model.functions import FUNCTIONS
from holdfast.model.limits import (
    REPORT_ADDRESS_LETTERS,
    REPORT_LETTERS,
    REPORTS_BURST,
    REPORTS_EVERY_S,
)
from holdfast.pages import Pace, Site, Visit, Wrong
from holdfast.watch.incidents.incidents import Incident

FOLDER = Path(__file__).parent
SINCE = {"minutes": 600, "hour": 3600, "today": 12 * 3600, "day": 86_400, "longer": 3 * 86_400, "unknown": 0}
_encode = msgspec.msgpack.encode
_OF = "of"  # in the query: the tenant
_decode = msgspec.msgpack.Decoder(tuple[int, str, float]).decode


class Intake:
    """Mounts itself on ``site``. ``network_of``: an address, and which belong together.

    ``known``: the incident that a report is of, if there is one; raises ``Unavailable`` where that can't be
    said. ``status_url``: of the status page, a tenant's for its customers, '' for none.
    """

    def __init__(
        self,
        site: Site,
        kept: KeptReports,
        *,
        network_of: Callable[[str], str],
        known: Callable[[CustomerReport], Awaitable[Incident | None]],
        status_url: Callable[[Visit], str],
    ) -> None:
        self._world = site.world
        self._kept = kept
        self._network_of = network_of
        self._known = known
        self._status_url = status_url
        self._pace = Pace(site.world, burst=REPORTS_BURST, every_s=REPORTS_EVERY_S)
        site.page("/")(self._report)
        site.page("/sent", methods=("GET",))(self._sent)

    async def _report(self, visit: Visit) -> Response:
        wrong = None
        if visit.method == "POST":
            try:
                report = self._read(visit)
                self._pace.take(report.network)
                number = await self._kept.add(report)
                token = visit.seal("sent", _encode((number, report.function, report.at)))
                return visit.go(f"/sent?report={token}{_whose(visit)}")
            except Wrong as error:
                wrong = error
        asked = visit.query.get("function", "")
        return visit.show(
            "report.html",
            wrong=wrong,
            functions=[(each, visit.say(f"report.function.{each}")) for each in (*FUNCTIONS, OTHER)],
            chosen=visit.form.get("function") or (asked if asked in FUNCTIONS else ""),
            since=[(each, visit.say(f"report.since.{each}")) for each in SINCE],
            status_url=self._status_url(visit),
        )

    def _read(self, visit: Visit) -> CustomerReport:
        form, now = visit.form, self._world.clock.now()
        function, since = form.get("function"), form.get("since") or "unknown"
        if function not in (*FUNCTIONS, OTHER):
            raise Wrong("report.wrong.function", "function")
        if since not in SINCE:
            raise Wrong("report.wrong.since", "since")
        seen = form.get("seen")
        if len(seen) > REPORT_LETTERS:
            raise Wrong("report.wrong.seen", "seen", count=REPORT_LETTERS)
        if function == OTHER and not seen:
            raise Wrong("report.wrong.nothing", "seen")
        return CustomerReport(
            0,
            now,
            function,
            since=now - SINCE[since] if SINCE[since] else 0.0,
            seen=seen,
            address=_address(form.get("address")),
            language=visit.language,
            network=self._network_of(visit.peer),
        )

    async def _sent(self, visit: Visit) -> Response:
        sealed = visit.open("sent", visit.query.get("report", ""))
        if sealed is None:
            return visit.go("/")
        number, function, at = _decode(sealed)
        known, is_new = None, False
        try:
            known = await self._known(CustomerReport(number, at, function))
            is_new = known is None
        except Unavailable:
            pass  # it is kept all the same, and nothing is said of it
        return visit.show(
            "sent.html",
            number=number,
            known=known,
            is_new=is_new,
            status_url=self._status_url(visit),
            another=f"/?{_whose(visit)}",
        )


def tenant_of(visit: Visit) -> int:
    """Whose page the visitor comes from, 0 for everybody's."""
    said = visit.query.get(_OF, "")
    return int(said) if said.isascii() and said.isdigit() and len(said) < 16 else 0


def _whose(visit: Visit) -> str:
    """To be added to an address, so that the page stays whose it was."""
    of = tenant_of(visit)
    return f"&{_OF}={of}" if of else ""


def _address(text: str) -> str:
    """Raises ``Wrong``."""
    if not text:
        return ""
    try:
        if len(text) <= REPORT_ADDRESS_LETTERS:
            return str(parse_address(text))
    except Refused:
        pass
    raise Wrong("report.wrong.address", "address")
