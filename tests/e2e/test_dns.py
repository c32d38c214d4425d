"""`holdfast dns` and `dkim` against a real name server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from e2e.service import DOMAIN, Service
from name_server import NameServer

pytestmark = pytest.mark.slow


def published(zone: str) -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for line in zone.splitlines():
        if line and not line.startswith(";"):
            name, _, kind, value = line.split(" ", 3)
            found.setdefault((name.rstrip("."), kind), []).append(value)
    return found


def test_what_dns_prints_is_what_dns_then_finds(tmp_path: Path):
    service = Service(tmp_path / "service", people=("anna",), web=("setup",))
    with NameServer() as names:
        with service.config_path.open("a") as file:
            file.write(f'[dns]\nservers = ["{names.address}"]\naddresses = ["192.0.2.25"]\n')
        service.prepare()
        made = service.holdfast("dkim", "make", DOMAIN)
        assert made.returncode == 0 and made.stdout.count("v=DKIM1") == 2
        assert "not signed yet" in made.stderr
        listed = service.holdfast("dkim", "list", DOMAIN).stdout
        assert listed == made.stdout and "PRIVATE" not in listed

        nothing = service.holdfast("dns", DOMAIN, "--check")
        assert nothing.returncode == 2 and "missing" in nothing.stdout

        names.records = published(service.holdfast("dns", DOMAIN, "--zone").stdout)
        right = service.holdfast("dns", DOMAIN.upper())
        assert (right.returncode, right.stdout.splitlines()[-1]) == (0, "all is there"), right.stdout

        names.records[f"_dmarc.{DOMAIN}", "TXT"] = ['"v=spf1"']
        rows = [json.loads(line) for line in service.holdfast("dns", DOMAIN, "--json").stdout.splitlines()]
        (bad,) = [row for row in rows if row["status"] != "ok"]
        assert (bad["id"], bad["status"], bad["name"]) == ("dmarc", "missing", f"_dmarc.{DOMAIN}")
        names.broken = {row["name"] for row in rows}
        gone = service.holdfast("dns", DOMAIN, "--check")
        assert gone.returncode == 1
        assert gone.stdout.count("unknown") == len(rows) and "missing" not in gone.stdout
