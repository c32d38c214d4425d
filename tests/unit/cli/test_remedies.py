"""`holdfast remedy`: nothing but what is proposed, or in force and to be taken back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from holdfast.cli import remedies, terminal
from holdfast.model.errors import Refused, Unavailable
from holdfast.watch.diagnosis.report import NamedCause, Report
from holdfast.watch.incidents import IncidentLedger, IncidentReader
from holdfast.watch.incidents import record as r
from holdfast.world import real_world, run

NOON = 1_345_032_000.0
SIGN_INS = "load/sign-in"
STORY: list[r.AnyEntry] = [
    r.Opened(at=NOON, incident=1, since={"imap": NOON - 5}),
    r.Diagnosed(
        at=NOON + 3,
        incident=1,
        report=Report(
            verdict="named",
            probability=0.97,
            causes=(NamedCause(component="process/imap-0", since=NOON - 5, functions=("imap",)),),
            kinds={"process/imap-0": "process"},
        ),
    ),
    r.Remedied(
        at=NOON + 9,
        incident=1,
        rule="restart",
        component="process/imap-0",
        action="restart",
        outcome="would",
    ),
    r.Remedied(at=NOON + 9, incident=1, rule="shed", component=SIGN_INS, action="shed", outcome="done"),
]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "holdfast.toml"
    path.write_text(f'[service]\nhostname = "mail.example.org"\ndata = "{tmp_path}/data"\n')
    monkeypatch.setattr(terminal, "config_path", str(path))

    async def go() -> None:
        ledger = await IncidentLedger.open(real_world(level="error"), str(tmp_path / "data" / "watch"))
        await ledger.write(STORY)
        await ledger.close()

    (tmp_path / "data" / "watch").mkdir(parents=True)
    run(go())
    return tmp_path / "data"


def listed(capsys: Any) -> list[tuple[str, str]]:
    remedies.list_(as_json=True)
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [(row["action"], row["component"]) for row in rows]


def test_what_is_proposed_and_what_is_in_force_is_listed_and_nothing_else_can_be_done(
    data: Path, capsys: Any
) -> None:
    assert listed(capsys) == [("restart", "process/imap-0"), ("resume", SIGN_INS)]
    for action, component in (("shed", SIGN_INS), ("restart", "process/mx-0"), ("resume", "partner/relay")):
        with pytest.raises(Refused, match="isn't among them"):
            remedies.do(1, action, component)
    with pytest.raises(Refused, match="isn't among them"):
        remedies.do(2, "resume", SIGN_INS)


def test_what_was_tried_in_vain_is_written_down_and_stays_to_be_done(data: Path, capsys: Any) -> None:
    with pytest.raises(Unavailable):
        remedies.do(1, "resume", SIGN_INS, by="anna")
    reader = IncidentReader(real_world(level="error"), str(data / "watch"))
    reader.read_all()
    [incident] = reader.incidents
    last = incident.timeline[-1]
    assert isinstance(last, r.Remedied) and (last.rule, last.outcome) == ("operator", "failed")
    assert last.said.startswith("anna: ")
    assert ("resume", SIGN_INS) in listed(capsys)
