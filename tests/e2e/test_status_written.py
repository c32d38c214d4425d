"""`holdfast status-page`: written from the real service, and with all of it dead."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest

from e2e.service import Service
from holdfast.watch.incidents import IncidentLedger
from holdfast.watch.incidents import record as r
from holdfast.world import real_world

pytestmark = pytest.mark.slow


def written(service: Service, *more: str) -> dict[str, str]:
    """The state of each function, as the page's feed has it."""
    folder = service.folder / "status"
    done = service.holdfast("status-page", "--to", str(folder), *more)
    assert done.returncode == 0, done.stderr
    summary = json.loads((folder / "summary.json").read_text())
    return {each["id"]: each["description"] or each["status"] for each in summary["components"]}


async def opened(folder: str, at: float) -> None:
    world = real_world(level="error")
    world.disk.make_folder(folder)
    ledger = await IncidentLedger.open(world, folder)
    await ledger.write(
        [
            r.Opened(at=at, incident=1, since={"imap": at - 5}),
            r.Promised(at=at, incident=1, promise=1, what="next_update", due=at + 900),
        ]
    )
    await ledger.close()


def test_the_page_says_what_works_and_is_written_with_every_process_dead(tmp_path: Path) -> None:
    service = Service(tmp_path)
    service.prepare()
    service.start()
    try:
        states = written(service)
        assert states["receive"] == states["send"] == states["imap"] == "operational"
        assert states["webmail"] == states["signup"] == "unknown"  # turned off here: nobody can try them
        plan = tmp_path / "plan.toml"
        plan.write_text(
            '[disk]\nbegins = 2040-01-01T02:00:00Z\nends = 2040-01-01T03:00:00Z\nfunctions = ["imap"]\n'
            'en = "A disk is replaced"\nde = "Eine Platte wird getauscht"\n'
        )
        written(service, "--maintenance", str(plan), "--name", "Example Mail")
        page = (service.folder / "status" / "index.en.html").read_text()
        assert "Status of Example Mail" in page and "A disk is replaced" in page
    finally:
        service.close()
    asyncio.run(opened(str(service.data / "watch"), time.time()))
    states = written(service)
    assert states["receive"] == states["imap"] == "major_outage"
    assert states["send"] != "operational"
    page = (service.folder / "status" / "index.de.html").read_text()
    assert "Keine Funktion arbeitet" in page or "Manche Funktionen arbeiten nicht" in page
    assert "Nächste Nachricht spätestens" in page
    assert (service.folder / "status" / "incident-1.en.html").exists()
