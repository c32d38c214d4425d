"""The role `care`: alone it has a page within seconds; with the watch it counts and credits."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from e2e.service import Service, until
from holdfast.model.findings import Finding
from holdfast.model.functions import FUNCTIONS
from holdfast.run import roles
from holdfast.watch.incidents import IncidentLedger
from holdfast.watch.incidents import record as r
from holdfast.watch.now import Now, write_now
from holdfast.world import real_world

pytestmark = pytest.mark.slow


def states(service: Service) -> dict[str, str]:
    """Of each function, as the page has it by now; nothing before there is one."""
    path = service.data / "care" / "status" / "summary.json"
    if not path.exists():
        return {}
    told = json.loads(path.read_text())
    return {each["id"]: each["description"] or each["status"] for each in told["components"]}


def read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=20) as answer:
        return str(answer.read().decode())


async def opened(folder: str, at: float) -> None:
    world = real_world(level="error")
    world.disk.make_folder(folder)
    ledger = await IncidentLedger.open(world, folder)
    await ledger.write([r.Opened(at=at, incident=1, since={"imap": at - 5})])
    await ledger.close()


def working(service: Service) -> None:
    """As the role `watch` would have it."""
    world, now = real_world(level="error"), time.time()
    findings = tuple(Finding(f"{each}/door", each, "works", "", "", now, 0.1) for each in FUNCTIONS)
    write_now(world, str(service.data / "watch" / "now.json"), Now(at=now, findings=findings))


@pytest.mark.timed
def test_alone_the_page_is_there_within_five_seconds_and_knows_what_it_does_not(tmp_path: Path) -> None:
    service = Service(tmp_path, web=["care"], config="[workers]\ncare = 1\n")
    service.prepare()
    asyncio.run(opened(str(service.data / "watch"), time.time()))
    without = [word for role in roles.MAINS if role != "care" for word in ("--without", role)]
    words = [sys.executable, "-m", "holdfast.cli", "--config", str(service.config_path), "dev", *without]
    began = time.monotonic()
    with (tmp_path / "stderr").open("wb") as errors:
        alone = subprocess.Popen(words, env=Service._environment(), stderr=errors)
    try:
        until(lambda: states(service))
        assert time.monotonic() - began < 5, "from nothing to a published page"
        assert set(states(service).values()) == {"unknown"}
        assert (service.data / "care" / "status" / "incident-1.de.html").exists()
        working(service)
        told = until(lambda: "operational" in (found := states(service)).values() and found, 5)
        assert told["imap"] != "operational"  # an incident is open
    finally:
        alone.send_signal(signal.SIGTERM)
        assert alone.wait(30) == 0
    failed = {each["part"]: each["reason"] for each in service.events("care_part_failed")}
    assert set(failed) <= {"affected", "status", "own pages"}, "only the customers aren't there"


def incident(service: Service) -> dict[str, Any]:
    done = service.holdfast("incident", "show", "1", "--json")
    found: dict[str, Any] = json.loads(done.stdout) if done.returncode == 0 else {}
    return found


@pytest.mark.timed
def test_an_outage_is_counted_credited_and_shown(tmp_path: Path) -> None:
    fees = tmp_path / "fees.csv"
    service = Service(
        tmp_path,
        config="[workers]\nwatch = 1\ncare = 1\nimap = 1\n"
        '[watch]\ncanaries = false\n[remedies]\nmode = "off"\n'
        '[care]\nfees = "fees.csv"\n'
        '[credits.goodwill]\nrule = "flat"\nsource = "decided today"\nleast_hours = 0\namount = "2.50"\n'
        '[credits.share]\nrule = "pro_rata"\nsource = "terms"\n',
        web=["care"],
    )
    fees.write_text("contract,fee\ncustomer-1,29.90\n")
    service.prepare()
    service.start()
    try:
        until(lambda: states(service).get("imap") == "operational")
        until(lambda: (service.data / "care" / "customers.sqlite").exists())
        tenant = service.holdfast("tenant", "add", "acme").stdout.split()[-1]
        assert service.holdfast("customer", "set", "2", "--tenant", tenant).returncode == 0
        imap = service.pid("imap-0")
        os.kill(imap, signal.SIGSTOP)
        stopped = time.monotonic()
        until(lambda: states(service).get("imap") not in ("operational", None))
        shown_s = time.monotonic() - stopped
        assert shown_s < 60
        told = until(lambda: (found := incident(service)).get("affected") and found.get("credited") and found)
        counted = {each["what"]: each["count"] for each in told["affected"]["counts"]["imap"]}
        assert counted["mailboxes"] == len(service.people)
        assert told["credited"]["goodwill"]["total"] == {"EUR": 250 * len(service.people)}
        page = service.data / "care" / "status" / f"tenant-{tenant}" / "incident-1.en.html"
        until(lambda: page.exists() and "acme" in page.read_text())
        until(lambda: "– acme</title>" in read(f"{service.url('care')}/?of={tenant}"))
        assert "– acme</title>" not in read(f"{service.url('care')}/")
        assert f"?lang=en&amp;of={tenant}" in page.read_text()
        os.kill(imap, signal.SIGCONT)
    finally:
        service.close()
    done = service.holdfast("credits", "1", "--policy", "goodwill", "--json")
    owed = json.loads(done.stdout)
    assert (owed["contracts"], owed["total"]) == (len(service.people), {"EUR": "7.50"})
    text = service.holdfast("credits", "1").stdout
    assert "goodwill (decided today), so far" in text and "fee care.fees doesn't tell: customer-2" in text
