"""The people process writes the snapshot of customers, and counting the affected needs nobody."""

from __future__ import annotations

import csv
import json
import sqlite3
from pathlib import Path

import pytest

from e2e.service import DOMAIN, Service, password, until

pytestmark = pytest.mark.slow


def snapshot(service: Service) -> tuple[float, int, list[str]]:
    """When it was made, its sequence, and the logins in it; of none, nothing."""
    path = service.data / "care" / "customers.sqlite"
    if not path.exists():
        return 0.0, 0, []
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        at, sequence = db.execute("SELECT made_at, sequence FROM snapshot").fetchone()
        logins = [login for (login,) in db.execute("SELECT login FROM account ORDER BY id")]
    db.close()
    return at, sequence, logins


def test_customers_2_the_people_process_writes_who_there_is_and_counting_needs_nobody(
    tmp_path: Path,
) -> None:
    service = Service(tmp_path, people=("anna", "ben"))
    service.prepare()
    service.start()
    try:
        until(lambda: snapshot(service)[2] == [f"anna@{DOMAIN}", f"ben@{DOMAIN}"])
        at, sequence, _ = snapshot(service)
        added = service.holdfast("account", "add", f"cleo@{DOMAIN}", input=password("cleo") + "\n")
        assert added.returncode == 0, added.stderr
        until(lambda: f"cleo@{DOMAIN}" in snapshot(service)[2])  # seen without a restart
        assert snapshot(service)[0] > at and snapshot(service)[1] > sequence
    finally:
        service.close()
    # nothing of it runs any more
    told = service.holdfast("affected", "--functions", "imap,pop3", "--json", "--csv", str(tmp_path / "list"))
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    assert found["functions"]["imap"]["counts"]["mailboxes"] == {"count": 3, "of": 3}
    assert found["functions"]["imap"]["bound"] == "exact"
    with (tmp_path / "list").open(newline="") as file:
        assert [row["login"].partition("@")[0] for row in csv.DictReader(file)] == ["anna", "ben", "cleo"]
    cell = found["mailboxes"][0]["cell"]
    told = service.holdfast("affected", "--functions", "receive", "--cells", str(cell))
    assert "receive" in told.stdout and "exact: all accounts whose mail lies in these cells" in told.stdout
    refused = service.holdfast("affected", "--functions", "telegrams")
    assert refused.returncode == 2 and "telegrams is no function" in refused.stderr
