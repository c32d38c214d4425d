"""`holdfast report`: what customers report, what is due to authorities, drafts. No process needs to run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from holdfast.cli import terminal
from holdfast.model.errors import Reason, Refused

if TYPE_CHECKING:
    from holdfast.care.reports.authorities import Duty
    from holdfast.care.reports.kept import CustomerReport, KeptReports
    from holdfast.run.config import Config
    from holdfast.watch.incidents import Incident, Incidents
    from holdfast.world import World

Number = Annotated[int, typer.Argument(metavar="INCIDENT", help="Of this incident, by its number.")]


def add_to(app: typer.Typer) -> None:
    words = typer.Typer(
        help="What customers report; reports to authorities; drafts. No process needs to run."
    )
    words.command("add")(add)
    words.command("list")(list_)
    words.command("draft")(draft)
    words.command("filed")(filed)
    app.add_typer(words, name="report")


def add(
    function: Annotated[str, typer.Argument(help="What doesn't work: imap …, or `other`.")],
    seen: Annotated[str, typer.Option(help="What the caller sees, in his words.")] = "",
    minutes: Annotated[float, typer.Option(help="For how many minutes by now; 0: not known.", min=0)] = 0,
    address: Annotated[str, typer.Option(help="Where an answer is wished.")] = "",
    language: Annotated[str, typer.Option(help="The caller's: en, de; '' is that of pages.")] = "",
) -> None:
    """Takes down what a customer reports by telephone."""
    from holdfast.care.reports.kept import OTHER, CustomerReport
    from holdfast.model.functions import FUNCTIONS
    from holdfast.model.limits import REPORT_ADDRESS_LETTERS, REPORT_LETTERS
    from holdfast.pages.texts import LANGUAGES
    from holdfast.world import run

    if function not in (*FUNCTIONS, OTHER):
        raise Refused(Reason.BAD_SYNTAX, f"{function} is none of {', '.join((*FUNCTIONS, OTHER))}")
    if language not in ("", *LANGUAGES):
        raise Refused(Reason.BAD_SYNTAX, f"--language {language}: there are {', '.join(LANGUAGES)}")
    if len(seen) > REPORT_LETTERS or len(address) > REPORT_ADDRESS_LETTERS:
        most = f"--seen has {REPORT_LETTERS} letters at most, --address {REPORT_ADDRESS_LETTERS}"
        raise Refused(Reason.BAD_SYNTAX, most)
    world, config = _service()
    now = world.clock.now()
    since = now - minutes * 60 if minutes else 0.0
    said = language or config.web.language
    report = CustomerReport(0, now, function, since, seen.strip(), address.strip(), said, by="phone")
    number = run(_kept(world, config).add(report))
    print(f"kept as report {number}")


def list_(
    hours: Annotated[float, typer.Option(help="Reports of so many hours.", min=0)] = 24,
    each: Annotated[bool, typer.Option("--each", help="Each report, in the words of who made it.")] = False,
    as_json: terminal.Json = False,
) -> None:
    """Lists what customers reported, when they came first, and what is due to authorities until when."""
    from holdfast.care.reports.clustering import clusters
    from holdfast.cli.care import incidents
    from holdfast.world import run

    world, config = _service()
    known, now = incidents(world, config), world.clock.now()
    since = now - hours * 3600
    kept = _kept(world, config)

    async def read() -> tuple[Any, Any]:
        return await kept.since(since), await kept.aheads(since)

    reports, aheads = run(read()) if world.disk.exists(_path(config)) else ([], [])
    found = clusters(reports, known)
    due = _duties(config, known, now)
    if each:
        _print_each(reports, known, as_json)
        return
    if as_json:
        _print_json(found, aheads, due)
        return
    rows: list[dict[str, object]] = [
        {
            "reports": len(cluster.reports),
            "functions": ", ".join(f"{name} {count}" for name, count in cluster.functions.items()),
            "first": _moment(cluster.first_at),
            "last": _moment(cluster.last_at),
            "incident": cluster.incident or "none",
            "words": " ".join(cluster.words),
        }
        for cluster in found
    ]
    terminal.show(rows, ["reports", "functions", "first", "last", "incident", "words"], False)
    for ahead in aheads:
        print(f"{_moment(ahead.at)}: customers came first: {ahead.function}, {ahead.people} people")
    print()
    rows = [
        {"report": duty.report, "incident": duty.incident, "due": _moment(duty.due_at), "state": duty.state}
        for duty in due
    ]
    terminal.show(rows, ["report", "incident", "due", "state"], False)


def draft(
    number: Number,
    to: Annotated[str, typer.Option(help="The folder they are written into.")],
) -> None:
    """Drafts the report after an incident, and those to authorities that are due; people review them."""
    from holdfast.care.reports.drafting import filed as files_of
    from holdfast.care.reports.drafting import reviewed, write
    from holdfast.cli.care import incidents
    from holdfast.run.reporting import press
    from holdfast.world import real_world

    world, config = real_world(level="warn"), terminal.load_config()
    known, now = incidents(world, config), world.clock.now()
    incident = _incident(known, number)
    made = press(world, config)
    files = reviewed(made, known, incident, now)
    for duty in _duties(config, [incident], now):
        files |= files_of(made, known, duty, now)
    written = write(world, to, files, {})
    for name in sorted(written):
        print(f"{to}/{name}")
    if left := len(files) - len(written):
        terminal.say(f"{left} files were there already and are left as they are")


def filed(
    number: Number,
    report: Annotated[str, typer.Argument(help="Which was handed in: nis2.early …, see `report list`.")],
    reference: Annotated[str, typer.Option(help="What the authority calls it.")] = "",
    by: Annotated[str, typer.Option(help="Who handed it in; '' is who asks.")] = "",
) -> None:
    """Notes that people handed in a report to an authority."""
    from holdfast.care.reports.authorities import laws
    from holdfast.cli.care import incidents
    from holdfast.run.incidents import add
    from holdfast.watch.incidents.record import Filed
    from holdfast.world import run

    names = [f"{law}.{form.name}" for law, found in laws().items() for form in found.report]
    if report not in names:
        raise Refused(Reason.BAD_SYNTAX, f"{report} is none of {', '.join(names)}")
    world, config = _service()
    _incident(incidents(world, config), number)
    who = by or terminal.user_name()
    entry = Filed(at=world.clock.now(), incident=number, report=report, number=reference, by=who)
    run(add(world, config, [entry]))
    print(f"incident {number}: {report} is handed in")


def _service() -> tuple[World, Config]:
    """As its user, so that what is written here can be written by the service."""
    from holdfast.world import real_world

    config = terminal.become_service()
    return real_world(level="warn"), config


def _path(config: Config) -> str:
    from holdfast.run import layout

    return layout.reports_path(config)


def _kept(world: World, config: Config) -> KeptReports:
    from holdfast.care.reports.kept import KeptReports

    return KeptReports(world, _path(config))


def _incident(known: Incidents, number: int) -> Incident:
    incident = known.get(number)
    if incident is None:
        raise Refused(Reason.BAD_SYNTAX, f"there is no incident {number}; see `holdfast incident list`")
    return incident


def _duties(config: Config, known: Any, now: float) -> list[Duty]:
    from zoneinfo import ZoneInfo

    from holdfast.care.reports.authorities import duties
    from holdfast.run.reporting import thresholds

    return duties(known, thresholds(config), ZoneInfo(config.web.time_zone), now)


def _print_each(reports: list[CustomerReport], known: Incidents, as_json: bool) -> None:
    """The newest first."""
    from holdfast.care.reports.clustering import Matching

    matching = Matching(known)
    rows = [
        {
            "number": report.number,
            "at": _moment(report.at),
            "function": report.function,
            "since": _moment(report.since),
            "seen": report.seen,
            "answer": report.address,
            "incident": matching.of(report) or "none",
        }
        for report in reversed(reports)
    ]
    terminal.show(rows, list(rows[0]) if rows else [], as_json)


def _print_json(found: Any, aheads: Any, due: list[Duty]) -> None:
    import json

    plain = {
        "clusters": [each._asdict() for each in found],
        "customers_first": [each._asdict() for each in aheads],
        "due": [
            {"report": each.report, "incident": each.incident, "due_at": each.due_at, "state": each.state}
            for each in due
        ],
    }
    print(json.dumps(plain, ensure_ascii=False))


def _moment(at: float) -> str:
    from holdfast.cli.queue import moment

    return moment(at)
