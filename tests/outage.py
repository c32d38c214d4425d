"""An outage for tests of what is told about one: two functions in two cells, one past incident, one promise
missed; at ten to ten in the morning of a Wednesday in August, Berlin time."""

from __future__ import annotations

from holdfast.care.status.feeds import Maintenance
from holdfast.care.status.page import Known, Look
from holdfast.model.findings import Finding, State
from holdfast.model.functions import FUNCTIONS
from holdfast.model.people import Brand
from holdfast.watch.depends import cell_of
from holdfast.watch.diagnosis.report import NamedCause, Report
from holdfast.watch.incidents import record as r
from holdfast.watch.incidents.incidents import Incidents, Span

ZONE = "Europe/Berlin"
DAY_S = 86_400.0
NOON = 1_345_032_000.0  # 15 August 2012, 12:00 UTC
NOW = NOON - 4 * 3600 - 600
BEGAN = NOW - 47 * 60
LOOK = Look(
    Brand(colour="#1f5f8b", support_url="https://example.org/help", support_phone="+49 30 1234"),
    "Example Mail",
    "https://status.example.org/",
    report="https://report.example.org",
)
_STATES: dict[str, State] = {"imap": "degraded", "webmail": "fails", "signup": "unknown"}


def finding(function: str, state: State, *, at: float = NOW - 4, cell: int | None = None) -> Finding:
    return Finding(
        f"{function}/{cell}", function, state, "" if state == "works" else "list", "", at, 0.2, cell
    )


def findings() -> list[Finding]:
    found = [finding(each, _STATES.get(each, "works")) for each in FUNCTIONS]
    return [*found, finding("imap", "fails", cell=3)]


def hits(customers: int, contracts: int, mailboxes: int, active: int) -> tuple[r.Hit, ...]:
    return (
        r.Hit(what="customers", count=customers, of=61_204),
        r.Hit(what="contracts", count=contracts, of=60_911),
        r.Hit(what="mailboxes", count=mailboxes, of=100_000),
        r.Hit(what="active", count=active, of=81_377),
    )


def named(component: str, kind: str, *functions: str) -> Report:
    cell = cell_of(component)
    cells = () if cell is None else (cell,)
    hits = {each: {"list": cells} for each in functions}
    cause = NamedCause(component=component, since=BEGAN, functions=functions, hits=hits)
    return Report(verdict="named", probability=0.98, causes=(cause,), kinds={component: kind})


def past() -> list[r.AnyEntry]:
    began = NOW - 17 * DAY_S
    return [
        r.Opened(at=began + 5, incident=1, since={"receive": began, "send": began}),
        r.Promised(at=began + 40, incident=1, promise=1, what="next_update", due=began + 1800),
        r.Noticed(
            at=began + 40,
            incident=1,
            notice=1,
            about="opened",
            promise=1,
            texts={
                "en": "Mail is neither received nor sent. What was accepted is kept.",
                "de": "Mail wird weder empfangen noch gesendet. Was angenommen wurde, ist aufgehoben.",
            },
        ),
        r.Diagnosed(at=began + 90, incident=1, report=named("disk/v1", "disk", "receive", "send")),
        r.Affected(at=began + 95, incident=1, counts={"receive": hits(61_204, 60_911, 100_000, 81_377)}),
        r.Missed(at=began + 1801, incident=1, promise=1),
        r.Promised(at=began + 2000, incident=1, promise=2, what="next_update", due=began + 3600),
        r.Kept(at=began + 3500, incident=1, promise=2),
        r.Remedied(
            at=began + 5000, incident=1, rule="operator", component="disk/v1", action="", outcome="done"
        ),
        r.Closed(at=began + 7200, incident=1, until={"receive": began + 7140, "send": began + 7100}),
    ]


def present(*, promised: bool = True, estimated: bool = True) -> list[r.AnyEntry]:
    failing = (
        r.Failing(trial="imap/3", function="imap", state="fails", step="list", cell=3),
        r.Failing(trial="webmail/3", function="webmail", state="fails", step="list", cell=3),
    )
    found: list[r.AnyEntry] = [
        r.Opened(at=BEGAN + 4, incident=2, since={"imap": BEGAN}),
        r.Joined(at=BEGAN + 9, incident=2, since={"webmail": BEGAN + 5}),
        r.Found(
            at=BEGAN + 9,
            incident=2,
            states={"imap": "degraded", "webmail": "fails"},
            failing=failing,
            count=2,
        ),
        r.Diagnosed(at=BEGAN + 21, incident=2, report=named("cell-3/index", "index", "imap", "webmail")),
        r.Affected(
            at=BEGAN + 24,
            incident=2,
            counts={"imap": hits(948, 941, 1562, 1271), "webmail": hits(948, 941, 1562, 1271)},
        ),
        r.Note(at=BEGAN + 300, incident=2, text="called the disk's vendor", by="ann"),
    ]
    if estimated:
        found += [
            r.Estimated(at=BEGAN + 60, incident=2, estimate=1, reason="estimate.too_few", known=3, needed=9),
            r.Estimated(
                at=BEGAN + 900,
                incident=2,
                estimate=2,
                low=NOW + 900,
                likely=NOW + 2100,
                high=NOW + 4200,
                basis="progress",
                among=23,
            ),
        ]
    if promised:
        found.append(r.Promised(at=NOW - 300, incident=2, promise=1, what="next_update", due=NOW + 1500))
    return found


def maintenance() -> Maintenance:
    titles = {"en": "The index of cell 7 moves to another disk", "de": "Der Index von Zelle 7 zieht um"}
    return Maintenance("m1", NOW + 5 * DAY_S, NOW + 5 * DAY_S + 3600, ("imap", "webmail"), titles, NOW)


def known(*entries: r.AnyEntry, next_update: float = NOW + 1800) -> Known:
    incidents = Incidents()
    incidents.apply(entries)
    watched = [Span(NOW - 71 * DAY_S, NOW - 40 * DAY_S), Span(NOW - 38 * DAY_S)]
    return Known(NOW, findings(), incidents, dict.fromkeys(FUNCTIONS, watched), next_update, (maintenance(),))


def outage() -> Known:
    return known(*past(), *present())


def calm() -> Known:
    """All works, and nothing ever happened while it was watched."""
    works = [finding(each, "works") for each in FUNCTIONS]
    return Known(NOW, works, Incidents(), {each: [Span(NOW - 100 * DAY_S)] for each in FUNCTIONS}, NOW + 1800)
