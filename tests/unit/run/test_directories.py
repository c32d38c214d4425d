"""Directories outside in the configuration: what is refused, and what each kind becomes."""

from __future__ import annotations

import pytest

from holdfast.model.errors import Refused
from holdfast.run import directories, roles
from holdfast.run.config import Config
from holdfast.run.reading import parse

LDAP = '[directories.staff]\nkind = "ldap"\nurl = "ldaps://ldap.example.org"\nbase = "dc=example"\n'
SQL = '[directories.crm]\nkind = "sql"\nurl = "sqlite:/crm.db"\nquery = "SELECT 1"\n'
OIDC = '[directories.works]\nkind = "oidc"\nissuer = "https://id.example.org"\nclient_id = "mail"\n'


def config(text: str) -> Config:
    return parse(text, "/etc/holdfast/holdfast.toml", {})


def processes(text: str) -> set[str]:
    return {role for role, _, _ in roles.plan(config(text))}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (LDAP.replace("base", "filter"), "directories.staff.base"),
        (LDAP.replace("ldaps", "http"), "directories.staff.url"),
        (LDAP.replace("ldaps", "ldap") + "start_tls = false\n", "directories.staff.start_tls"),
        (LDAP + 'user = "cn=mail"\n', "directories.staff.password"),
        (LDAP.replace("staff", '"a:b"'), "directories.a:b"),
        (SQL.replace("sqlite", "mysql"), "directories.crm.url"),
        (OIDC.replace("https", "http"), "directories.works.issuer"),
        (OIDC + 'password_url = "javascript:0"\n', "directories.works.password_url"),
        (OIDC + 'client_secret = "hunter2"\n', "client_secret"),
    ],
)
def test_what_can_not_work_or_would_show_a_password_is_refused_by_its_place(text: str, place: str) -> None:
    with pytest.raises(Refused) as refused:
        config(text)
    assert place in refused.value.text


def test_the_process_that_follows_directories_runs_where_there_are_some_with_people() -> None:
    assert "sources" not in processes("")
    assert "sources" not in processes(OIDC)
    assert "sources" in processes(LDAP)


def test_each_kind_becomes_what_its_accounts_and_pages_know_it_by() -> None:
    whole = config(LDAP + SQL + OIDC + 'pages = ["admin"]\nclient_secret = "file:oidc"\n')
    found = directories.with_people(whole)
    assert [directories.source(name, each).name for name, each in found.items()] == ["sql:crm", "ldap:staff"]
    assert not directories.source("crm", found["crm"]).checks_passwords
    assert whole.directories["works"].client_secret == "file:/etc/holdfast/oidc"
    assert whole.directories["works"].pages == ["admin"]
