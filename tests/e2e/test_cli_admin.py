"""Administration on the command line: the program on a real ledger, in this process to save its start."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import pytest

from e2e.service import DOMAIN, Service
from holdfast.cli import main

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Prepared, not started: a command is the people process for a moment."""
    made = Service(Path(tmp_path_factory.mktemp("cli")), people=("anna", "ben"))
    made.prepare()
    yield made
    made.close()


class Ended(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


def typed(service: Service, *words: str) -> Ended:
    out, errors = io.StringIO(), io.StringIO()
    command = ["holdfast", "--config", str(service.config_path), *words]
    code: int | str | None = 0
    with (
        mock.patch.object(sys, "argv", command),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(errors),
    ):
        try:
            main.main()
        except SystemExit as end:
            code = end.code
    return Ended(int(code or 0), out.getvalue(), errors.getvalue())


def done(service: Service, *words: str) -> str:
    result = typed(service, *words)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def listed(service: Service, *words: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done(service, *words, "--json").splitlines()]


def test_a_tenant_gets_its_domain_its_customer_and_its_administrator(service: Service):
    tenant = done(service, "tenant", "add", "North", "--accounts", "10")
    done(service, "domain", "add", "north.example")
    done(service, "tenant", "set", tenant, "--domain", "north.example", "--name", "The North")
    [found] = listed(service, "tenant", "list")
    assert (found["name"], found["accounts_most"]) == ("The North", 10)
    domains = {each["name"]: each["tenant"] for each in listed(service, "domain", "list")}
    assert domains == {DOMAIN: 0, "north.example": int(tenant)}
    customer = done(service, "customer", "add", "Nora", "--tenant", tenant, "--contract", "N-1")
    done(service, "customer", "set", customer, "--contract", "N-2")
    contracts = {each["name"]: each["contract"] for each in listed(service, "customer", "list")}
    assert contracts["Nora"] == "N-2"
    done(service, "grant", "add", f"ben@{DOMAIN}", "--role", "owner", "--tenant", tenant)
    [grant] = listed(service, "grant", "list")
    assert (grant["login"], grant["role"], grant["tenant"]) == (f"ben@{DOMAIN}", "owner", int(tenant))
    done(service, "grant", "rm", f"ben@{DOMAIN}", "--role", "owner", "--tenant", tenant)
    assert listed(service, "grant", "list") == []


def test_a_contact_counts_as_unproven_unless_somebody_says_he_saw_to_it(service: Service):
    customer = str(listed(service, "customer", "list")[0]["id"])
    done(service, "contact", "set", customer, "--phone", "+493012345678", "--language", "de")
    [contact] = listed(service, "contact", "show", customer)
    assert (contact["phone"], contact["phone_proven_at"], contact["language"]) == ("+493012345678", 0, "de")
    done(service, "contact", "set", customer, "--phone", "+493012345678", "--proven")
    [contact] = listed(service, "contact", "show", customer)
    assert contact["phone_proven_at"] > 0


def test_a_secret_is_shown_once_and_listed_never(service: Service):
    code = done(service, "invitation", "add", DOMAIN, "--uses", "3", "--note", "friends")
    [invitation] = listed(service, "invitation", "list")
    assert invitation["uses"] == 3 and code not in json.dumps(invitation)
    done(service, "invitation", "rm", str(invitation["id"]))
    assert listed(service, "invitation", "list", DOMAIN) == []
    made = listed(service, "admin", "token", f"anna@{DOMAIN}")
    [token] = listed(service, "token", "list")
    assert made[0]["token"] not in json.dumps(token)
    done(service, "token", "rm", str(token["id"]))
    assert listed(service, "token", "list") == []


def test_names_are_reserved_and_given_free(service: Service):
    done(service, "reserved", "add", "info", "office", "--domain", DOMAIN)
    assert [each["name"] for each in listed(service, "reserved", "list", "--domain", DOMAIN)] == [
        "info",
        "office",
    ]
    done(service, "reserved", "rm", "info", "--domain", DOMAIN)
    assert [each["name"] for each in listed(service, "reserved", "list", "--domain", DOMAIN)] == ["office"]


def test_legal_hold_and_sealed_access_need_a_reason_and_access_needs_another_person(service: Service):
    refused = typed(service, "hold", "begin", f"ben@{DOMAIN}")
    assert refused.returncode == 2 and "--why" in refused.stderr
    done(service, "hold", "begin", f"ben@{DOMAIN}", "--why", "the court asks")
    assert typed(service, "account", "rm", f"ben@{DOMAIN}", "--yes").returncode == 2
    access = done(service, "access", "ask", f"ben@{DOMAIN}", "--auditor", f"anna@{DOMAIN}", "--why", "file 7")
    alone = typed(service, "access", "approve", access, "--by", f"anna@{DOMAIN}")
    assert alone.returncode == 2, alone.stdout
    done(service, "access", "approve", access, "--by", f"ben@{DOMAIN}", "--hours", "2")
    [found] = listed(service, "access", "list")
    assert found["approved_by"] and found["reason"] == "file 7"
    done(service, "hold", "end", f"ben@{DOMAIN}", "--why", "the court is done")


def test_the_audit_trail_names_who_typed_what_for_which_reason(service: Service):
    newest = listed(service, "audit", "--limit", "500")
    assert [each["id"] for each in newest] == sorted((each["id"] for each in newest), reverse=True)
    holds = listed(service, "audit", f"ben@{DOMAIN}", "--what", "hold_set")
    assert [each["why"] for each in holds] == ["the court is done", "the court asks"]
    assert all(each["by"].startswith("cli:") for each in holds)
    assert "secret of" not in json.dumps(newest)


def test_admin_9_a_file_is_reported_first_and_imported_when_that_is_said(service: Service, tmp_path: Path):
    file = tmp_path / "people.csv"
    file.write_text(
        "address,name,password,phone\n"
        f"ida@{DOMAIN},Ida,correct horse battery,+491701234567\n"
        f"jon@{DOMAIN},Jon,,\n"
        "kai@nowhere.example,Kai,,\n",
        encoding="utf-8",
    )
    report = typed(service, "account", "import", str(file))
    assert report.returncode == 1 and "2 new, 0 there already, 1 wrong" in report.stderr
    assert "kai@nowhere.example" in report.stdout
    assert typed(service, "account", "show", f"ida@{DOMAIN}").returncode != 0
    assert "done: 2 made, 0 kept" in typed(service, "account", "import", str(file), "--run").stderr
    assert "done: 0 made, 2 kept" in typed(service, "account", "import", str(file), "--run").stderr
    assert [each["name"] for each in listed(service, "account", "show", f"ida@{DOMAIN}")] == ["Ida"]


def test_a_bulk_change_that_hits_far_more_than_was_meant_changes_nothing(service: Service, monkeypatch):
    names = [f"many{number}@{DOMAIN}" for number in range(14)]
    for name in names:
        done(service, "account", "add", name, "--generate")
    lines = "".join(f"{each}\n" for each in names)
    monkeypatch.setattr("sys.stdin", io.StringIO(lines))
    refused = typed(service, "account", "bulk", "disabled", "--expected", "2")
    assert refused.returncode == 2 and "14" in refused.stderr
    monkeypatch.setattr("sys.stdin", io.StringIO(lines))
    changed = typed(service, "account", "bulk", "disabled", "--expected", "14", "--why", "they left")
    assert changed.returncode == 0 and "14 changed" in changed.stderr
