"""`holdfast report`: with no process running."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from holdfast.cli import reports, terminal
from holdfast.cli.care import incidents
from holdfast.model.errors import Refused
from holdfast.watch.incidents import record as r
from holdfast.world import real_world
from outage import hits
from unit.cli.test_incidents import write

HOUR_S = 3600.0


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "holdfast.toml"
    path.write_text(
        f'[service]\nhostname = "mail.example.org"\ndata = "{tmp_path}/data"\n[reports]\npdf = false\n'
    )
    monkeypatch.setattr(terminal, "config_path", str(path))
    return tmp_path / "data"


@pytest.fixture
def now() -> float:
    return real_world(level="error").clock.now()


def outage(now: float) -> list[r.AnyEntry]:
    """Of two hours, of all mailboxes, a day and a half ago."""
    began = now - 36 * HOUR_S
    return [
        r.Opened(at=began + 5, incident=1, since={"imap": began}),
        r.Affected(at=began + 9, incident=1, counts={"imap": hits(9, 9, 100_000, 9)}),
        r.Closed(at=began + 2 * HOUR_S + 60, incident=1, until={"imap": began + 2 * HOUR_S}),
    ]


def listed(capsys: Any) -> dict[str, Any]:
    reports.list_(as_json=True)
    return dict(json.loads(capsys.readouterr().out))


@pytest.mark.slow
def test_what_is_taken_down_on_the_telephone_is_listed_with_what_it_is_like(data: Path, capsys: Any) -> None:
    for number in (1, 2):
        reports.add("imap", seen="Outlook: server not found", minutes=20, address="anna@example.net")
        assert capsys.readouterr().out == f"kept as report {number}\n"
    reports.add("other", seen="strange", language="en")
    capsys.readouterr()
    found = listed(capsys)
    assert [(each["functions"], each["reports"]) for each in found["clusters"]] == [
        ({"other": 1}, [3]),
        ({"imap": 2}, [1, 2]),
    ]
    reports.list_()
    assert "imap 2" in capsys.readouterr().out
    reports.list_(each=True, as_json=True)
    first, *_ = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (first["number"], first["seen"], first["incident"]) == (3, "strange", "none")
    for wrong, given in (
        ("fax is none of receive", {"function": "fax"}),
        ("--language fr: there are en, de", {"function": "imap", "language": "fr"}),
        ("--seen has 2000 letters at most", {"function": "imap", "seen": "x" * 2001}),
    ):
        with pytest.raises(Refused, match=wrong):
            reports.add(**given)  # type: ignore[arg-type]


def test_what_is_due_to_authorities_is_listed_until_it_is_handed_in(
    data: Path,
    capsys: Any,
    now: float,
) -> None:
    write(data, outage(now))
    due = {each["report"]: each["state"] for each in listed(capsys)["due"]}
    assert due == {"nis2.early": "overdue", "nis2.notification": "due", "nis2.final": "due"}
    reports.filed(1, "nis2.early", reference="BSI-7", by="ann")
    assert capsys.readouterr().out == "incident 1: nis2.early is handed in\n"
    due = {each["report"]: each["state"] for each in listed(capsys)["due"]}
    assert due["nis2.early"] == "filed"
    incident = incidents(real_world(level="error"), terminal.load_config()).get(1)
    assert incident is not None and incident.filed["nis2.early"].number == "BSI-7"
    for number, report, wrong in (
        (2, "nis2.early", "there is no incident 2"),
        (1, "tax", "tax is none of nis2"),
    ):
        with pytest.raises(Refused, match=wrong):
            reports.filed(number, report)


@pytest.mark.slow
def test_drafts_are_written_where_they_are_asked_for_and_over_nothing(
    data: Path,
    capsys: Any,
    now: float,
    tmp_path: Path,
) -> None:
    write(data, outage(now))
    folder = tmp_path / "drafts"
    reports.draft(1, to=str(folder))
    names = capsys.readouterr().out.split()
    assert {Path(each).name for each in names} == {each.name for each in folder.iterdir()}
    assert {"report.de.html", "timeline.en.svg", "nis2.final.de.md", "nis2.early.en.json"} <= {
        each.name for each in folder.iterdir()
    }
    report = folder / "report.de.md"
    report.write_text("what people made of it")
    reports.draft(1, to=str(folder))
    assert report.read_text() == "what people made of it"
    with pytest.raises(Refused, match="there is no incident 9"):
        reports.draft(9, to=str(folder))
