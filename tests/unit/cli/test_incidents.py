"""`holdfast incident`: reads the ledger alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from holdfast.cli import incidents, terminal
from holdfast.model.errors import Refused
from holdfast.watch.diagnosis.report import NamedCause, Report
from holdfast.watch.incidents import IncidentLedger
from holdfast.watch.incidents import record as r
from holdfast.world import real_world, run

NOON = 1_345_032_000.0


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "holdfast.toml"
    path.write_text(f'[service]\nhostname = "mail.example.org"\ndata = "{tmp_path}/data"\n')
    monkeypatch.setattr(terminal, "config_path", str(path))
    return tmp_path / "data"


def write(data: Path, entries: list[r.AnyEntry]) -> None:
    async def go() -> None:
        ledger = await IncidentLedger.open(real_world(level="error"), str(data / "watch"))
        await ledger.write(entries)
        await ledger.close()

    (data / "watch").mkdir(parents=True, exist_ok=True)
    run(go())


REPORT = Report(
    verdict="named",
    probability=0.97,
    causes=(NamedCause(component="cell-03/index", since=NOON - 5, functions=("imap",)),),
    kinds={"cell-03/index": "index"},
)
STORY: list[r.AnyEntry] = [
    r.Opened(at=NOON, incident=1, since={"imap": NOON - 5}, trials=("imap/3",)),
    r.Diagnosed(at=NOON + 3, incident=1, report=REPORT),
    r.Promised(at=NOON, incident=1, promise=1, what="next_update", due=NOON + 1800),
    r.Missed(at=NOON + 1801, incident=1, promise=1),
    r.Closed(at=NOON + 3600, incident=1, until={"imap": NOON + 3500}),
    r.Opened(at=NOON + 9000, incident=2, since={"send": NOON + 8990}),
]


def test_where_there_was_none_the_list_is_empty(config: Path, capsys: Any) -> None:
    incidents.list_(as_json=True)
    assert capsys.readouterr().out == ""
    with pytest.raises(Refused, match="there is no incident 1; see `holdfast incident list`"):
        incidents.show(1)


def test_the_list_has_the_newest_first(config: Path, capsys: Any) -> None:
    write(config, STORY)
    incidents.list_(as_json=True)
    second, first = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (second["number"], second["state"], first["state"]) == (2, "open", "closed")
    assert first["cause"] == ["cell-03/index"] and first["missed"] == 1
    assert first["until"] == "2012-08-15T12:58:20Z"


def test_one_is_shown_with_its_diagnosis_promises_and_timeline(config: Path, capsys: Any) -> None:
    write(config, STORY)
    incidents.show(1, language="de")
    said = capsys.readouterr().out
    assert "imap: since 2012-08-15T11:59:55Z, until 2012-08-15T12:58:20Z" in said
    assert "Gestört: Index der Zelle 3." in said
    assert "next_update  2012-08-15T12:00:00Z  2012-08-15T12:30:00Z  missed" in said
    assert "2012-08-15T12:00:03Z  diagnosed: cell-03/index" in said
    with pytest.raises(Refused, match="--language fr: there are en, de"):
        incidents.show(1, language="fr")


def test_cli_3_one_comes_whole_as_json(config: Path, capsys: Any) -> None:
    write(config, STORY)
    incidents.show(1, as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert found["fingerprint"] == "imap/index" and found["score"]["next_update"]["missed"] == 1
    assert [each["is"] for each in found["timeline"]] == [r.name_of(each) for each in STORY[:5]]


def test_what_people_add_is_in_the_ledger_even_with_nobody_running(config: Path, capsys: Any) -> None:
    write(config, STORY)
    incidents.note(1, "the technician is on the way", by="anna")
    incidents.action_add(1, "a second disk", by="ben", due="2027-02-01T12:00:00+00:00")
    incidents.action_add(1, "an alarm before it is full")
    incidents.action_done(1, 2, by="anna")
    incidents.show(1)
    said = capsys.readouterr().out
    assert "note: text the technician is on the way; by anna" in said
    assert said.count("a second disk") == 2 and "2027-02-01" in said
    incidents.show(1, as_json=True)
    actions = json.loads(capsys.readouterr().out)["actions"]
    assert {number: bool(each["done_at"]) for number, each in actions.items()} == {"1": False, "2": True}


def test_what_people_add_to_nothing_is_refused(config: Path) -> None:
    with pytest.raises(Refused, match="no incident 7"):
        incidents.note(7, "whose?")
    write(config, STORY)
    with pytest.raises(Refused, match="incident 1 has no action 3"):
        incidents.action_done(1, 3)
    with pytest.raises(Refused, match="--due soon"):
        incidents.action_add(1, "something", due="soon")
