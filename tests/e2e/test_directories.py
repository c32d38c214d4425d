"""People of a directory outside: real slapd, real service, real mail programs' protocols."""

from __future__ import annotations

import imaplib
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.outside import POSTGRES, SLAPD, Postgres, Slapd, password
from e2e.service import DOMAIN, HOST, Service, until
from holdfast.directory.credentials import Parameters, hash_password
from holdfast.directory.sources.ldap import LdapSettings, LdapSource
from holdfast.directory.sources.sql import SqlSettings, SqlSource
from holdfast.directory.writer import PeopleClient
from holdfast.model.errors import Unavailable
from holdfast.model.people import Account
from holdfast.world import real_world, run
from web.visitor import Visitor

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SLAPD, reason="slapd isn't installed; .ci/programs does it"),
]

UNAVAILABLE = "UNAVAILABLE"
CHANGED_AT = "https://id.example.org/password"
WRONG = "AUTHENTICATIONFAILED"


@pytest.fixture(scope="module")
def slapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    made = Slapd(tmp_path_factory.mktemp("slapd"))
    made.start()
    made.fill("dora", "emil", "fritz", "gerda", "hans")
    yield made
    made.close()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, slapd: Slapd) -> Iterator[Service]:
    folder = Path(tmp_path_factory.mktemp("service"))
    config = slapd.section(password_url=CHANGED_AT)
    made = Service(folder, people=("anna",), config=config, web=("password",))
    made.prepare()
    made.start()
    until(lambda: made.events("source_read"))
    yield made
    made.close()


def sign_in(service: Service, name: str, word: str) -> str:
    """'' if it lets in, else what it says."""
    client = imaplib.IMAP4(HOST, service.ports["imap"], timeout=30)
    try:
        client.login(f"{name}@{DOMAIN}", word)
    except imaplib.IMAP4.error as error:
        return str(error)
    finally:
        client.shutdown()
    return ""


def people(service: Service) -> dict[str, tuple[Account, list[str]]]:
    """Name before the @ → its account and all its addresses, asked of the people process."""

    async def ask() -> dict[str, tuple[Account, list[str]]]:
        client = PeopleClient(real_world(level="error"), str(service.data / "run" / "people.sock"))
        try:
            found = await client.accounts()
            return {each.login.partition("@")[0]: (each, await client.addresses(each.id)) for each in found}
        finally:
            client.close()

    return run(ask())


def state(service: Service, name: str) -> str:
    found = people(service).get(name)
    return found[0].state if found else ""


def addresses(service: Service, name: str) -> list[str]:
    return people(service)[name][1]


def test_who_is_in_the_directory_gets_mail_and_signs_in_with_the_password_there(service: Service):
    service.send("welcome", to="dora")
    assert sign_in(service, "dora", "wrong").count(WRONG)
    assert sign_in(service, "dora", password("dora")) == ""
    assert sign_in(service, "anna", "secret of anna") == "", "our own people are asked of nobody"
    assert state(service, "dora") == "active"


def test_a_password_changed_there_holds_at_once(service: Service, slapd: Slapd):
    assert sign_in(service, "emil", password("emil")) == ""
    slapd.set("emil", userPassword="a new one")
    assert sign_in(service, "emil", "a new one") == ""


def test_the_page_for_a_new_password_says_where_it_is_changed(service: Service):
    page = Visitor(service.url("password"))
    page.sign_in(f"dora@{DOMAIN}", password("dora"))
    shown = page.get("/password").text
    assert f'href="{CHANGED_AT}"' in shown and 'type="password"' not in shown
    refused = page.post("/password", at="/", new="lampe fluss zitrone", again="lampe fluss zitrone")
    assert refused.status_code == 422
    ours = Visitor(service.url("password"))
    ours.sign_in(f"anna@{DOMAIN}", "secret of anna")
    assert 'type="password"' in ours.get("/password").text


def test_who_is_disabled_there_is_disabled_here_and_comes_back(service: Service, slapd: Slapd):
    slapd.set("fritz", employeeType="gone")
    until(lambda: state(service, "fritz") == "disabled")
    assert sign_in(service, "fritz", password("fritz")) != ""
    slapd.set("fritz", employeeType="active")
    until(lambda: state(service, "fritz") == "active")
    assert sign_in(service, "fritz", password("fritz")) == ""


def test_who_has_left_is_disabled_and_newcomers_come(service: Service, slapd: Slapd):
    slapd.remove("hans")
    with slapd.writing() as writing:
        slapd.add("ida", writing)
    until(lambda: state(service, "ida") == "active")
    until(lambda: state(service, "hans") == "disabled")
    assert sign_in(service, "ida", password("ida")) == ""


def test_another_address_is_added_and_the_old_one_goes_on(service: Service, slapd: Slapd):
    slapd.set("gerda", mail=f"gerda.new@{DOMAIN}", cn="gerda", carLicense=f"gg@{DOMAIN}")
    until(lambda: len(addresses(service, "gerda")) == 3)
    for name in ("gerda", "gerda.new", "gg"):
        service.send(f"to {name}", to=name)
    slapd.set("gerda", carLicense=[])
    until(lambda: addresses(service, "gerda") == [f"gerda.new@{DOMAIN}", f"gerda@{DOMAIN}"])


def test_operators_see_how_a_directory_is_and_what_it_would_change(service: Service, slapd: Slapd):
    listed = service.holdfast("directory", "list").stdout
    assert "staff" in listed and "well" in listed, listed
    checked = service.holdfast("directory", "check", "staff")
    assert "people" in checked.stderr and f"dora@{DOMAIN}" in checked.stdout, checked.stderr
    dry = service.holdfast("directory", "sync", "staff", "--dry-run")
    assert dry.returncode == 0 and "nothing was changed" in dry.stderr, dry.stderr


@pytest.mark.parametrize("how", ["kill", "freeze"])
def test_sign_2_without_the_directory_mail_goes_on_and_nobody_is_told_that_a_password_is_wrong(
    service: Service, slapd: Slapd, how: str
):
    name, never = {"kill": ("dora", "gerda"), "freeze": ("ida", "gerda")}[how]
    assert sign_in(service, name, password(name)) == ""
    until(lambda: people(service)[name][0].credential)
    getattr(slapd, how)()
    try:
        service.send(f"while it is gone {how}", to=name)
        assert sign_in(service, name, password(name)) == ""
        assert UNAVAILABLE in sign_in(service, name, "never right")
        assert UNAVAILABLE in sign_in(service, never, password(never))
        assert sign_in(service, "anna", "secret of anna") == ""
        until(lambda: service.events("source_lost"))
    finally:
        slapd.start() if how == "kill" else slapd.thaw()
    until(lambda: sign_in(service, never, "wrong").count(WRONG))
    assert state(service, name) == "active"


def test_a_part_of_a_directory_is_not_taken_for_all_of_it(tmp_path: Path):
    made = Slapd(tmp_path / "small", most=2)
    made.start()
    try:
        made.fill("ann", "ben", "cleo")
        settings = LdapSettings(
            name="ldap:small",
            urls=("ldap://localhost:1", made.url),  # the first of the two servers is gone
            base="dc=example",
            filter="(objectClass=inetOrgPerson)",
            user="cn=ann,dc=example",
            password=lambda: password("ann"),
            trust=str(made.trust),
        )
        with pytest.raises(Unavailable):
            LdapSource(settings).read_all()
        made.remove("cleo")
        source = LdapSource(settings)
        found = source.read_all()
        assert [each.address for each in found.people] == [f"ann@{DOMAIN}", f"ben@{DOMAIN}"]
        assert source.password_right(found.people[1].id, password("ben"))
        assert not source.password_right(found.people[1].id, "")
        made.set("ben", sn="Other")
        changed = source.read_changed(found.mark)
        assert changed is not None and changed.mark >= found.mark
        assert found.people[1].id in [each.id for each in changed.people]
        for strange in (settings._replace(trust=""), settings._replace(password=lambda: "wrong")):
            with pytest.raises(Unavailable):
                LdapSource(strange).password_right(found.people[1].id, password("ben"))
    finally:
        made.close()


@pytest.mark.skipif(not POSTGRES, reason="PostgreSQL isn't installed; .ci/programs does it")
def test_people_of_a_postgresql_database_are_read_and_sign_in_by_its_hashes():
    made = Postgres()
    try:
        phc = hash_password("theirs", b"s" * 16, Parameters(64, 1, 1))
        made.do(
            "CREATE TABLE crew"
            " (nr UUID DEFAULT gen_random_uuid(), mail TEXT, also TEXT[], off BOOL, hash TEXT)",
            "INSERT INTO crew VALUES"
            f" (DEFAULT, 'ann@{DOMAIN}', '{{a@{DOMAIN},lee@{DOMAIN}}}', false, '{phc}')",
            f"INSERT INTO crew VALUES (DEFAULT, 'ben@{DOMAIN}', NULL, true, NULL)",
        )
        source = SqlSource(
            SqlSettings(
                name="sql:crew",
                url=made.url,
                query="SELECT * FROM crew WHERE mail LIKE '%@%' ORDER BY mail",
                password=made.secret.read_text,
                id="nr",
                address="mail",
                aliases="also",
                disabled="off",
                password_hash="hash",
            )
        )
        ann, ben = source.read_all().people
        assert ann.aliases == (f"a@{DOMAIN}", f"lee@{DOMAIN}") and not ann.disabled and ben.disabled
        assert source.password_right(ann.id, "theirs") and not source.password_right(ann.id, "guess")
        with pytest.raises(Unavailable):
            SqlSource(source._settings._replace(query="DELETE FROM crew RETURNING *")).read_all()
        assert len(source.read_all().people) == 2
    finally:
        made.close()
    with pytest.raises(Unavailable):
        source.read_all()
