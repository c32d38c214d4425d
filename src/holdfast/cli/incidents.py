"""`holdfast incident`: what failed, why, and what was promised. Read from its ledger; all may be dead.

What people add is told to the role `watch`; while none runs, it is written here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.cli import terminal
from holdfast.model.errors import Reason, Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from holdfast.pages.texts import Texts
    from holdfast.watch.incidents import Incident, Incidents
    from holdfast.watch.incidents.record import AnyEntry

Number = Annotated[int, typer.Argument(metavar="NUMBER", help="As `incident list` shows it.")]
By = Annotated[str, typer.Option(help="Who says so; '' is who is signed in.")]
Language = Annotated[str, typer.Option(help="Of the diagnosis, to be read out: en or de.")]


def add_to(app: typer.Typer) -> None:
    words = typer.Typer(help="What failed, why, and what was said; no process needs to run.")
    words.command("list")(list_)
    words.command("show")(show)
    words.command("note")(note)
    actions = typer.Typer(help="What is to be done so that it doesn't come again.", no_args_is_help=True)
    actions.command("add")(action_add)
    actions.command("done")(action_done)
    words.add_typer(actions, name="action")
    app.add_typer(words, name="incident")


def list_(as_json: terminal.Json = False) -> None:
    """Lists all incidents, the newest first."""
    known = _incidents()
    rows = [
        {
            "number": each.number,
            "state": "closed" if each.closed_at else "open",
            "since": _moment(each.since),
            "until": _moment(each.ended_at),
            "functions": each.functions,
            "cause": sorted(each.opinion.report.components) if each.opinion else (),
            "missed": sum(counts["missed"] for counts in each.score().values()),
            "like": [number for number, why in sorted(each.links.items()) if why == "fingerprint"],
        }
        for each in reversed(list(known))
    ]
    terminal.show(
        rows, ["number", "state", "since", "until", "functions", "cause", "missed", "like"], as_json
    )


def show(number: Number, as_json: terminal.Json = False, language: Language = "en") -> None:
    """Shows one incident: what fails, the diagnosis, promises and what became of them, the timeline."""
    import json

    from holdfast.pages.texts import LANGUAGES
    from holdfast.watch.incidents.incidents import told

    if language not in LANGUAGES:
        raise Refused(Reason.BAD_SYNTAX, f"--language {language}: there are {', '.join(LANGUAGES)}")
    known = _incidents()
    incident = known.get(number)
    if incident is None:
        raise Refused(Reason.BAD_SYNTAX, f"there is no incident {number}; see `holdfast incident list`")
    if as_json:
        print(json.dumps(told(known, incident), ensure_ascii=False))
        return
    _head(known, incident)
    _diagnosis(incident, language)
    _promises(incident)
    _actions(incident)
    print("\nTimeline")
    for entry in incident.timeline:
        print(f"  {_moment(entry.at)}  {_line(entry)}")
    if incident.thinned:
        print(f"  {incident.thinned} findings of before are left out")


def note(
    number: Number, text: Annotated[str, typer.Argument(help="One line of the timeline.")], by: By = ""
) -> None:
    """Adds a line to an incident's timeline."""
    from holdfast.watch.incidents.record import Note

    _add(lambda at: Note(at=at, incident=number, text=text, by=by or terminal.user_name()))


def action_add(
    number: Number,
    text: Annotated[str, typer.Argument(help="What is to be done.")],
    by: Annotated[str, typer.Option(help="Who is to do it.")] = "",
    due: Annotated[str, typer.Option(help="Until when, as ISO 8601 has it; '' for no time.")] = "",
) -> None:
    """Adds something to be done; while it isn't, every later incident of the same kind shows it."""
    from holdfast.watch.incidents.record import Planned

    until = _time(due)
    _add(lambda at: Planned(at=at, incident=number, action=0, text=text, due=until, by=by))


def action_done(
    number: Number,
    action: Annotated[int, typer.Argument(help="Its number, as `incident show` has it.")],
    by: By = "",
) -> None:
    """Says that it has been done."""
    from holdfast.watch.incidents.record import Done

    incident = _incidents().get(number)
    if incident is None or action not in incident.actions:
        raise Refused(Reason.BAD_SYNTAX, f"incident {number} has no action {action}")
    _add(lambda at: Done(at=at, incident=number, action=action, by=by or terminal.user_name()))


def _add(make: Callable[[float], AnyEntry]) -> None:
    from holdfast.run.incidents import add
    from holdfast.world import real_world, run

    world = real_world(level="warn")
    run(add(world, terminal.load_config(), [make(world.clock.now())]))


def _time(text: str) -> float:
    """UTC seconds; without an offset, in the local time zone."""
    import datetime

    if not text:
        return 0.0
    try:
        return datetime.datetime.fromisoformat(text).timestamp()
    except ValueError as error:
        raise Refused(Reason.BAD_SYNTAX, f"--due {text}: {error}") from None


def _incidents() -> Incidents:
    from holdfast.cli.care import incidents
    from holdfast.world import real_world

    return incidents(real_world(level="warn"), terminal.load_config())


def _head(known: Incidents, incident: Incident) -> None:
    state = f"closed {_moment(incident.closed_at)}" if incident.closed_at else "open"
    print(f"Incident {incident.number}, {state}")
    for function in incident.functions:
        for span in incident.spans[function]:
            end = f"until {_moment(span.until)}" if span.until else incident.states.get(function, "fails")
            print(f"  {function}: since {_moment(span.since)}, {end}")
    for hits in (incident.affected.counts if incident.affected else {}).items():
        print(f"  {hits[0]}: {', '.join(f'{each.count} of {each.of} {each.what}' for each in hits[1])}")
    recurrence = known.recurrence(incident)
    if recurrence is not None:
        like = ", ".join(map(str, recurrence.earlier))
        print(f"  number {recurrence.times} of its kind since {_moment(recurrence.since)}, like {like}")
        for number, action in recurrence.undone:
            print(f"  still to be done after {number}: {action.text}")


def _diagnosis(incident: Incident, language: str) -> None:
    from holdfast.watch.diagnosis.wording import Wording

    wording = Wording(_texts(), language)
    opinion = incident.opinion
    if opinion is not None:
        before = incident.opinions[-2].fate if len(incident.opinions) > 1 else ""
        print(f"\n{wording.tell(opinion.report, '' if before == 'followed' else before).text}", end="")
    for each in incident.opinions:
        if each.fate not in ("", "followed"):
            said = wording.tell(each.report).headline
            print(f"\n{_moment(each.at)}: {said} {each.fate} {_moment(each.until)}")


def _texts() -> Texts:
    from holdfast.pages.texts import Texts
    from holdfast.watch.diagnosis.wording import FOLDER

    return Texts([FOLDER], time_zone=terminal.load_config().web.time_zone)


def _actions(incident: Incident) -> None:
    rows = [
        {
            "action": each.number,
            "what": each.text,
            "by": each.by,
            "due": _moment(each.due),
            "done": _moment(each.done_at),
        }
        for each in incident.actions.values()
    ]
    if rows:
        print()
        terminal.show(rows, ["action", "what", "by", "due", "done"], False)


def _promises(incident: Incident) -> None:
    rows = [
        {
            "promise": each.what,
            "made": _moment(each.made_at),
            "due": _moment(each.due),
            "became": each.settled or "open",
        }
        for each in incident.promises.values()
    ]
    if rows:
        print()
        terminal.show(rows, ["promise", "made", "due", "became"], False)


def _line(entry: AnyEntry) -> str:
    """The entry's name and what it says, each field by its name; the report is shown by itself."""
    import msgspec

    from holdfast.watch.incidents.record import Diagnosed, name_of

    if isinstance(entry, Diagnosed):
        report = entry.report
        what = ", ".join(cause.component for cause in report.causes)
        return f"diagnosed: {what or report.verdict}{f' ({entry.before})' if entry.before else ''}"
    fields = msgspec.to_builtins(entry)
    said = [f"{name} {_value(fields[name])}" for name in fields if name not in ("is", "at", "incident")]
    return f"{name_of(entry)}: {'; '.join(said)}" if said else name_of(entry)


def _value(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_value(each)}" for name, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(
            str(each["trial"]) if isinstance(each, dict) and "trial" in each else _value(each)
            for each in value
        )
    if isinstance(value, float) and value > 1e9:
        return _moment(value)
    return str(value)


def _moment(at: float) -> str:
    from holdfast.cli.queue import moment

    return moment(at)
