"""`holdfast notices`, `holdfast letters`: who was told what, what would be told, and what is left for paper.

Read from files; all processes may be dead.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from holdfast.cli import terminal
from holdfast.cli.care import incidents
from holdfast.cli.queue import moment
from holdfast.model.errors import Reason, Refused

if TYPE_CHECKING:
    from holdfast.care.notices.kept import KeptNotices, Notice
    from holdfast.run.config import Config
    from holdfast.watch.incidents import Incident, Incidents
    from holdfast.world import World

_COLUMNS = [
    *("number", "about", "at", "next_at", "customers", "reached"),
    *("waiting", "letters", "sent", "failed"),
]
Number = Annotated[int, typer.Argument(metavar="INCIDENT", help="As `holdfast incident list` shows it.")]


def add_to(app: typer.Typer) -> None:
    app.command()(notices)
    app.command()(letters)


def notices(
    number: Number,
    every: Annotated[
        bool, typer.Option("--all", help="Each message: to whom, by what, with what end.")
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="What the next notice would say, and to how many; sends nothing."),
    ] = False,
    as_json: terminal.Json = False,
) -> None:
    """Shows which notices of an incident there were, and how many of the customers got them."""
    import json

    from holdfast.world import real_world

    world, config = real_world(level="warn"), terminal.load_config()
    known = incidents(world, config)
    incident = _incident(known, number)
    kept = _kept(world, config)
    if dry_run:
        _preview(world, config, known, incident, kept)
        return
    rows = [_row(kept, each) for each in kept.notices(number)] if kept is not None else []
    messages = [each._asdict() for each in kept.messages(number)] if kept is not None and every else []
    if as_json:
        print(json.dumps({"incident": number, "notices": rows} | ({"messages": messages} if every else {})))
        return
    shown = [
        each
        | {name: moment(each[name]) for name in ("at", "next_at")}
        | {name: _counts(each[name]) for name in ("sent", "failed")}
        for each in rows
    ]
    terminal.show(shown, _COLUMNS, False)
    if every:
        columns = ["notice", "customer", "channel", "state", "tries", "at", "answer"]
        terminal.show([each | {"at": moment(each["at"])} for each in messages], columns, False)


def letters(
    number: Number,
    to: Annotated[str, typer.Option("--to", metavar="FOLDER", help="Where the files are put.")],
    addresses: Annotated[
        str, typer.Option(metavar="FILE", help="Postal addresses: CSV of contract, line, line …")
    ] = "",
) -> None:
    """Prints letters for customers of an incident whom no channel has reached: PDF, and a list as CSV."""
    from pathlib import Path

    from holdfast.care.notices import letters as paper
    from holdfast.care.notices import words
    from holdfast.run import noticing
    from holdfast.world import real_world

    world, config = real_world(level="warn"), terminal.load_config()
    _incident(incidents(world, config), number)
    kept = _kept(world, config)
    loud = [each for each in kept.notices(number) if not each.body.quiet] if kept is not None else []
    if kept is None or not loud:
        raise Refused(Reason.BAD_SYNTAX, f"nobody was told of incident {number}: there is nothing to print")
    where = paper.addresses(Path(addresses).read_text(encoding="utf-8")) if addresses else {}
    made = [
        paper.Letter(*each.to[:2], *each[1:4], where.get(each.to.contract, ()), each.sender)
        for each in noticing.writer(world, config).to_customers(kept.unreached(number), loud[-1])
    ]
    if not made:
        terminal.say("no channel is left out: there is nobody to write to")
        return
    said = words.texts(config.web.time_zone)
    name = f"incident-{number}-letters"
    for each in paper.print_letters(world, to, name, made, said, noticing.sender_name(config)):
        print(each)
    lacking = sum(not each.address for each in made)
    terminal.say(f"{len(made)} letters in {to}; {lacking} have their contract where no address is known")


def _incident(known: Incidents, number: int) -> Incident:
    found = known.get(number)
    if found is None:
        raise Refused(Reason.BAD_SYNTAX, f"there is no incident {number}; see `holdfast incident list`")
    return found


def _kept(world: World, config: Config) -> KeptNotices | None:
    """None while nobody was ever told anything."""
    from holdfast.care.notices.kept import KeptNotices
    from holdfast.run import layout

    path = layout.notices_path(config)
    return KeptNotices(world, path) if world.disk.exists(path) else None


def _row(kept: KeptNotices, notice: Notice) -> dict[str, Any]:
    return {
        "number": notice.number,
        "about": f"{notice.about} (published only)" if notice.body.quiet else notice.about,
        "at": notice.at,
        "next_at": notice.body.next_at,
        **kept.counts(notice.incident, notice.number)._asdict(),
        "texts": {language: words.public for language, words in notice.body.words.items()},
    }


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


def _preview(
    world: World, config: Config, known: Incidents, incident: Incident, kept: KeptNotices | None
) -> None:
    from holdfast.care.notices.due import due
    from holdfast.care.notices.part import next_due, told
    from holdfast.care.notices.rounds import Round
    from holdfast.care.notices.sending import Ways
    from holdfast.care.turns import Seen
    from holdfast.run import layout, noticing
    from holdfast.watch.now import read_now
    from holdfast.world.http import HttpClient

    now = world.clock.now()
    before = {each.number: kept.notices(each.number) if kept is not None else [] for each in known}
    what, at = next_due(incident, told(incident, before[incident.number], now), now)
    if what is None:
        print("all has been told")
        return
    round_ = Round(at)
    for each in known:
        theirs = before[each.number]
        is_due = what if each is incident else due(each, told(each, theirs, at), at)
        round_.add(each, is_due, theirs, is_held=False)
    customers = kept.customers(incident.number) if kept is not None else set[int]()
    seen = Seen(known, read_now(world, layout.now_path(config)), now)
    print(f"{what.about}, {'now' if at <= now else moment(at)}")
    plan = noticing.planner(world, config).plan(
        seen, incident, what, 0, customers, round_.beside(kept, incident, what)
    )
    ways: Ways = noticing.ways(world, config, HttpClient(world))
    counted = Counter(name for _, name in (*ways.firsts(plan.customers), *ways.for_all(quiet=what.quiet)))
    rows = [{"channel": name, "messages": count} for name, count in sorted(counted.items())]
    terminal.show(rows, ["channel", "messages"], False)
    writer = noticing.writer(world, config)
    for language, words in plan.notice.body.words.items():
        print(f"\n[{language}] {words.title}\n{words.public}")
    if plan.customers:
        [example] = writer.to_customers([plan.customers[0].customer], plan.notice)
        print(f"\nFor instance to customer {example.to.customer}:\n\n{example.text}\n\n{example.short}")
