"""What all commands share, and what they say to mistakes."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from holdfast.cli import checks, terminal
from holdfast.cli.people import read_accounts
from holdfast.cli.reference import commands, commands_page
from holdfast.cli.service import span
from holdfast.model.errors import Refused
from holdfast.run import certificate
from holdfast.world import real_world

ROOT = Path(__file__).parents[3]


def holdfast(*words: str, input: str = "") -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HOLDFAST_")}
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    command = [sys.executable, "-m", "holdfast.cli", *words]
    return subprocess.run(command, input=input, capture_output=True, text=True, env=environment, timeout=60)


def rows(text: str) -> list[tuple[int, dict[str, str]]]:
    return list(read_accounts(io.StringIO(text)))


def test_accounts_come_as_csv_with_a_header():
    text = 'address,password,name\na@x.org,"p,w",Anna\n\nb@x.org,,\n'
    assert rows(text) == [
        (2, {"address": "a@x.org", "password": "p,w", "name": "Anna"}),
        (4, {"address": "b@x.org", "password": "", "name": ""}),
    ]


def test_accounts_come_as_json_lines():
    assert rows('{"address": "a@x.org"}\n\n{"address": "b@x.org", "name": "B"}\n') == [
        (1, {"address": "a@x.org"}),
        (3, {"address": "b@x.org", "name": "B"}),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "line 1: expected"),
        ("a@x.org,secret\n", "line 1: expected"),
        ("address,passwort\n", "known: address, credential, name, password"),
        ("address,name\n,x\n", "line 2: no address"),
        ('{"address": 1}\n', "line 1: only texts"),
        ('{"address": "a@x.org", "pass": "x"}\n', "line 1: only texts named"),
        ('{"address": "a@x.org"}\n{oops\n', "line 2: not JSON"),
    ],
)
def test_a_line_that_makes_no_sense_is_named(text, says):
    with pytest.raises(Refused) as caught:
        rows(text)
    assert says in caught.value.text


def test_cli_3_json_has_everything_and_a_table_what_fits(capsys):
    table = [
        {"name": "a", "on": True, "list": ["x", "y"], "more": 1},
        {"name": "long name", "on": False, "list": []},
    ]
    terminal.show(table, ["name", "on", "list"], False)
    assert capsys.readouterr().out.splitlines() == [
        "name       on   list",
        "a          yes  x, y",
        "long name  no",
    ]
    terminal.show(table, ["name"], True)
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == table


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (59, "59s"), (75, "1m15s"), (3600, "1h0m"), (90061, "1d1h")]
)
def test_spans_show_their_two_largest_units(seconds, text):
    assert span(seconds) == text


def test_made_passwords_differ_and_are_long_enough():
    made = {terminal.new_password() for _ in range(100)}
    assert len(made) == 100
    assert all(len(word) == 23 and word.count("-") == 3 for word in made)


@pytest.mark.slow
def test_cli_1_no_option_takes_a_secret():
    """`--password` is a switch: what it asks for comes from the terminal or standard input."""
    for command in commands():
        for name, _ in command.options:
            assert "SECRET" not in name.upper()
    assert holdfast("account", "set", "a@x.org", "--password=x").returncode == 2


@pytest.mark.slow
def test_cli_2_a_mistake_is_one_sentence_and_status_2(tmp_path):
    done = holdfast("--config", str(tmp_path / "none.toml"), "status")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "holdfast init" in done.stderr
    (tmp_path / "h.toml").write_text("[service]\ndata = 'd'\n[limits]\nrecipents = 1\n")
    done = holdfast("--config", str(tmp_path / "h.toml"), "config", "test")
    assert done.returncode == 2
    assert "did you mean 'recipients'" in done.stderr


@pytest.mark.slow
def test_cli_2_what_is_out_of_reach_is_status_75(tmp_path):
    (tmp_path / "h.toml").write_text("[service]\ndata = 'd'\n")
    done = holdfast("--config", str(tmp_path / "h.toml"), "status")
    assert done.returncode == 75
    assert "is `holdfast serve` running?" in done.stderr


@pytest.mark.slow
def test_help_is_there_before_anything_heavy_is_loaded():
    code = (
        "import sys, holdfast.cli.commands; print([name for name in"
        " ('asyncio', 'apsw', 'cryptography', 'uvloop', 'dns', 'rich', 'ssl') if name in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=60
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_the_reference_is_what_the_code_says():
    page = ROOT / "docs" / "reference" / "commands.md"
    assert page.read_text(encoding="utf-8") == commands_page(), "run `make docs`"


# doctor


def examine(tmp_path: Path, more: str = "") -> dict[str, checks.Trouble]:
    path = tmp_path / "h.toml"
    path.write_text(f"[service]\nhostname = 'mail.example.org'\ndata = 'd'\n{more}")
    return {trouble.id: trouble for trouble in checks.examine(str(path))}


def test_a_broken_configuration_is_the_only_finding(tmp_path):
    found = examine(tmp_path, "[limits]\nrecipents = 1\n")
    assert list(found) == ["config"]
    assert found["config"].severity == "error"


def test_what_is_missing_before_init_is_named_with_its_repair(tmp_path):
    found = examine(tmp_path)
    assert found["folders"].severity == "error"
    assert "holdfast init" in found["folders"].repair
    assert found["certificate"].severity == "error"
    assert found["service"].severity == "error"
    assert "hostname" not in found


def test_a_key_that_others_can_read_and_a_copy_on_the_same_disk_are_found(tmp_path):
    paths = str(tmp_path / "d" / "tls" / "certificate.pem"), str(tmp_path / "d" / "tls" / "key.pem")
    certificate.make(*paths, ["mail.example.org"], real_world().clock.now())
    os.chmod(paths[1], 0o644)
    (tmp_path / "d" / "volumes" / "v1").mkdir(parents=True)
    (tmp_path / "c").mkdir()
    found = examine(tmp_path, "[copies.second]\nfolder = 'c'\n")
    assert found["key-mode"].severity == "error"
    assert found["copies"].severity == "warning"
    assert found["certificate"].what == "mail.example.org: self-signed"


def test_a_policy_of_tls_without_a_trusted_certificate_is_an_error(tmp_path):
    paths = str(tmp_path / "d" / "tls" / "certificate.pem"), str(tmp_path / "d" / "tls" / "key.pem")
    certificate.make(*paths, ["mail.example.org"], time.time())
    assert "mta-sts" not in examine(tmp_path)
    assert examine(tmp_path, "[dns]\nmta_sts = 'enforce'\n")["mta-sts"].severity == "error"


def test_an_expired_certificate_is_an_error(tmp_path):
    paths = str(tmp_path / "d" / "tls" / "certificate.pem"), str(tmp_path / "d" / "tls" / "key.pem")
    certificate.make(*paths, ["mail.example.org"], 1_000_000_000.0)
    examine(tmp_path)
    found = [each for each in checks.examine(str(tmp_path / "h.toml")) if each.id == "certificate"]
    assert [each.severity for each in found] == ["error", "warning"]
    assert "has ended" in found[0].what


def test_a_check_that_fails_is_a_finding_and_the_others_go_on(tmp_path, monkeypatch):
    def check_broken(world, config):
        raise RuntimeError("boom")

    monkeypatch.setattr(checks, "CHECKS", (check_broken, *checks.CHECKS))
    found = examine(tmp_path)
    assert "boom" in found["broken"].what
    assert "folders" in found
