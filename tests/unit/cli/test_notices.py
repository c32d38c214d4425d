"""`holdfast notices` and `holdfast letters`: who was told what, with every process dead."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from holdfast.care.customers import CustomerRow
from holdfast.care.notices.due import Told, due, said_of
from holdfast.care.notices.kept import LETTER, KeptNotices
from holdfast.care.turns import Seen
from holdfast.cli import notices, terminal
from holdfast.model.errors import Refused
from holdfast.run import layout, noticing
from holdfast.run.reading import parse
from holdfast.watch.incidents import IncidentLedger, Incidents
from holdfast.watch.incidents import record as r
from holdfast.world import World, real_world, run
from outage import hits, named
from unit.care.snapshot import account, written

PHONES = [
    CustomerRow(1, "c-1", phone="+491700000001", phone_proven_at=1.0, language="de", consent_at=1.0),
    CustomerRow(
        2, "c-2", address="ben@elsewhere.example", address_proven_at=1.0, language="en", consent_at=1.0
    ),
    CustomerRow(3, "c-3", language="de"),
]


@pytest.fixture
def world() -> World:
    return real_world(level="error")


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, world: World) -> Any:
    path = tmp_path / "holdfast.toml"
    text = (
        f'[service]\nhostname = "mail.example.org"\ndata = "{tmp_path}/data"\n'
        '[gateways]\nsms_url = "http://127.0.0.1:9/"\n[status]\nname = "Example"\nurl = "https://s.example"\n'
    )
    path.write_text(text)
    monkeypatch.setattr(terminal, "config_path", str(path))
    accounts = [account(each.id, each.id, 3, made_at=0.0) for each in PHONES]
    accounts.append(account(4, 1, 4, made_at=0.0))
    written(world, tmp_path / "data", accounts, PHONES)
    return parse(text, str(path), {})


def opened(world: World, config: Any, number: int = 1) -> Incidents:
    """An incident of a minute ago, in the ledger."""
    at = world.clock.now() - 60
    entries: list[r.AnyEntry] = [
        r.Opened(at=at, incident=number, since={"imap": at - 5}),
        r.Found(
            at=at,
            incident=number,
            states={"imap": "fails"},
            failing=(r.Failing(trial="imap/3", function="imap", state="fails", step="list", cell=3),),
            count=1,
        ),
        r.Diagnosed(at=at + 3, incident=number, report=named("cell-03/index", "index", "imap")),
        r.Affected(at=at + 5, incident=number, counts={"imap": hits(3, 3, 3, 3)}),
    ]

    async def go() -> None:
        ledger = await IncidentLedger.open(world, layout.watch_folder(config))
        await ledger.write(entries)
        await ledger.close()

    Path(layout.watch_folder(config)).mkdir(parents=True, exist_ok=True)
    run(go())
    found = Incidents()
    found.apply(entries)
    return found


def laid_down(world: World, config: Any, known: Incidents) -> None:
    """A first notice that has reached customer 1 by text message and no other."""
    [incident] = known
    now = world.clock.now()
    what = due(incident, [], now)
    assert what is not None
    plan = noticing.planner(world, config).plan(Seen(known, None, now), incident, what, 1, ())
    kept = KeptNotices(world, layout.notices_path(config))
    kept.add(plan.notice, [(1, "sms"), (2, LETTER), (3, LETTER)])
    [row] = kept.due("sms", now + 1, 10, False)
    kept.note([(row._replace(state="sent", tries=1, at=now), "")])
    kept.close()


def test_a_dry_run_says_what_would_be_told_and_to_how_many_and_sends_nothing(
    world: World, config: Any, capsys: Any
) -> None:
    opened(world, config)
    notices.notices(1, dry_run=True)
    said = capsys.readouterr().out
    assert "opened, now" in said
    assert "At fault: index of cell 3." in said and "Gestört: Index der Zelle 3." in said
    assert "sms      1" in said and "letter   2" in said
    assert "user1@example.org: betroffen" in said and "user4@example.org: in Ordnung" in said
    assert not Path(layout.notices_path(config)).exists()


def test_a_dry_run_leaves_out_whom_another_incident_has_told_as_much(
    world: World, config: Any, capsys: Any
) -> None:
    laid_down(world, config, opened(world, config))
    opened(world, config, 2)
    notices.notices(2, dry_run=True)
    said = capsys.readouterr().out
    assert "opened, now" in said and "sms" not in said and "letter" not in said


def test_who_was_told_what_is_listed(world: World, config: Any, capsys: Any) -> None:
    laid_down(world, config, opened(world, config))
    notices.notices(1, every=True, as_json=True)
    said = json.loads(capsys.readouterr().out)
    [row] = said["notices"]
    assert (row["about"], row["customers"], row["reached"], row["letters"]) == ("opened", 3, 1, 2)
    assert row["sent"] == {"sms": 1} and row["texts"]["en"].startswith("This does not work")
    assert [(each["customer"], each["channel"], each["state"]) for each in said["messages"]] == [
        (1, "sms", "sent"),
        (2, "letter", "due"),
        (3, "letter", "due"),
    ]
    notices.notices(1, every=True)
    assert "sms 1" in capsys.readouterr().out
    with pytest.raises(Refused, match="there is no incident 7"):
        notices.notices(7)


@pytest.mark.slow
def test_who_can_not_be_reached_gets_a_letter_with_the_address_where_one_is_known(
    world: World, config: Any, capsys: Any, tmp_path: Path
) -> None:
    known = opened(world, config)
    with pytest.raises(Refused, match="nobody was told"):
        notices.letters(1, to=str(tmp_path / "out"))
    laid_down(world, config, known)
    (tmp_path / "addresses.csv").write_text("c-3,Cleo Example,Am Weg 3,12345 Ort\n")
    notices.letters(1, to=str(tmp_path / "out"), addresses=str(tmp_path / "addresses.csv"))
    names = capsys.readouterr().out.split()
    assert names[:2] == ["incident-1-letters-001.pdf", "incident-1-letters.csv"]
    data = (tmp_path / "out" / names[0]).read_bytes()
    assert data.startswith(b"%PDF-") and b"/Count 2" in data
    rows = list(csv.DictReader((tmp_path / "out" / names[1]).open(newline="")))
    assert [(row["contract"], row["page"], row["language"], row["address"]) for row in rows] == [
        ("c-2", "1", "en", ""),
        ("c-3", "2", "de", "Cleo Example, Am Weg 3, 12345 Ort"),
    ]


def test_when_all_was_told_there_is_nothing_next(world: World, config: Any) -> None:
    from holdfast.care.notices.part import next_due

    [incident] = opened(world, config)
    now = world.clock.now()
    first = Told(1, "opened", now - 30, now + 1800, False, said_of(incident, now))
    what, at = next_due(incident, [first], now)
    assert what is not None and what.quiet and at == now + 1500
    incident.apply(r.Closed(at=now, incident=1, until={"imap": now - 60}))
    assert next_due(incident, [first._replace(about="ended")], now) == (None, now)
