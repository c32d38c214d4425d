"""Client set-up as programs ask for it, with curl (SETUP-1 … SETUP-3)."""

from __future__ import annotations

import json
import plistlib
import subprocess
from collections.abc import Iterator
from typing import NamedTuple
from xml.etree import ElementTree as Xml

import pytest

from e2e.service import DOMAIN, HOST, Service
from holdfast.functions.setup import outlook

MAIL = f"mail.{DOMAIN}"
ADDRESS = f"anna@{DOMAIN}"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    made = Service(tmp_path_factory.mktemp("setup"), people=("anna",), web=("setup",))
    made.prepare()
    made.start()
    yield made
    made.close()


class Got(NamedTuple):
    status: int
    kind: str
    location: str
    body: bytes


def curl(service: Service, url: str, *words: str, data: bytes | None = None) -> Got:
    """``url``: without its port: ``https://autoconfig.example.org/…``; every name leads to the service."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    port = service.ports["setup_https" if scheme == "https" else "setup_http"]
    command = [
        "curl", "-sk", "--max-time", "20", "--resolve", f"{host}:{port}:{HOST}", "-o", "-",
        "-w", "\n%{http_code} %{content_type}\t%{redirect_url}", *words,
    ]  # fmt: skip
    if data is not None:
        command += ["--data-binary", "@-", "-H", "Content-Type: text/xml"]
    done = subprocess.run(
        [*command, f"{scheme}://{host}:{port}{slash}{path}"], input=data, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    body, _, said = done.stdout.rpartition(b"\n")
    status, _, rest = said.decode().partition(" ")
    kind, _, location = rest.partition("\t")
    return Got(int(status), kind, location, body)


# Thunderbird


def thunderbird_reads(content: bytes) -> dict[str, list[tuple[str, int, str, str, str]]]:
    """What Thunderbird makes of a configuration: it insists on the version, the domain and the words."""
    root = Xml.fromstring(content)
    assert root.tag == "clientConfig" and root.get("version") == "1.1"
    (provider,) = root.findall("emailProvider")
    assert provider.get("id") == DOMAIN
    assert [each.text for each in provider.findall("domain")] == [DOMAIN]
    assert provider.findtext("displayName")
    found: dict[str, list[tuple[str, int, str, str, str]]] = {}
    for tag, kinds in (("incomingServer", {"imap", "pop3"}), ("outgoingServer", {"smtp"})):
        for server in provider.findall(tag):
            kind = server.get("type") or ""
            assert kind in kinds
            words = {name: server.findtext(name) or "" for name in _FIELDS}
            assert words["socketType"] in ("SSL", "STARTTLS", "plain")
            assert words["authentication"] in ("password-cleartext", "password-encrypted", "OAuth2")
            assert len([each for each in server if each.tag == "hostname"]) == 1
            values = (words["hostname"], int(words["port"]), words["socketType"])
            found.setdefault(kind, []).append((*values, words["username"], words["authentication"]))
    return found


_FIELDS = ("hostname", "port", "socketType", "username", "authentication")


@pytest.mark.parametrize(
    "url",
    [
        f"https://autoconfig.{DOMAIN}/mail/config-v1.1.xml?emailaddress={ADDRESS.replace('@', '%40')}",
        f"http://autoconfig.{DOMAIN}/mail/config-v1.1.xml",
        f"https://{DOMAIN}/.well-known/autoconfig/mail/config-v1.1.xml",
    ],
)
def test_thunderbird_finds_every_server_the_best_first(service: Service, url: str):
    got = curl(service, url)
    assert (got.status, got.kind) == (200, "text/xml; charset=utf-8")
    ports = service.ports
    assert thunderbird_reads(got.body) == {
        kind: [
            (MAIL, ports[f"{door}s"], "SSL", "%EMAILADDRESS%", "password-cleartext"),
            (MAIL, ports[door], "STARTTLS", "%EMAILADDRESS%", "password-cleartext"),
        ]
        for kind, door in (("imap", "imap"), ("pop3", "pop3"), ("smtp", "submission"))
    }


# Outlook

NAMESPACES = {"a": outlook.ANSWER_SCHEMA, "o": outlook.OUTLOOK_SCHEMA}


def question(address: str, schema: str = outlook.OUTLOOK_SCHEMA, before: str = "") -> bytes:
    return (
        f'<?xml version="1.0" encoding="utf-8"?>{before}'
        f'<Autodiscover xmlns="{outlook.REQUEST_SCHEMA}"><Request><EMailAddress>{address}</EMailAddress>'
        f"<AcceptableResponseSchema>{schema}</AcceptableResponseSchema></Request></Autodiscover>"
    ).encode()


@pytest.mark.parametrize("path", ["autodiscover/autodiscover.xml", "Autodiscover/Autodiscover.xml"])
def test_outlook_finds_its_servers(service: Service, path: str):
    got = curl(service, f"https://autodiscover.{DOMAIN}/{path}", data=question(ADDRESS))
    assert (got.status, got.kind) == (200, "text/xml; charset=utf-8")
    account = Xml.fromstring(got.body).find("o:Response/o:Account", NAMESPACES)
    assert account is not None
    assert account.findtext("o:AccountType", "", NAMESPACES) == "email"
    assert account.findtext("o:Action", "", NAMESPACES) == "settings"
    found = {}
    for protocol in account.findall("o:Protocol", NAMESPACES):
        words = {each.tag.partition("}")[2]: each.text for each in protocol}
        found[words["Type"]] = words
    assert set(found) == {"IMAP", "POP3", "SMTP"}
    for kind, door in (("IMAP", "imaps"), ("POP3", "pop3s"), ("SMTP", "submissions")):
        assert found[kind]["Server"] == MAIL
        assert found[kind]["Port"] == str(service.ports[door])
        assert (found[kind]["SSL"], found[kind]["Encryption"], found[kind]["SPA"]) == ("on", "SSL", "off")
        assert found[kind]["LoginName"] == ADDRESS


def test_outlook_without_tls_is_sent_to_tls(service: Service):
    got = curl(service, f"http://autodiscover.{DOMAIN}/autodiscover/autodiscover.xml")
    port = service.ports["setup_https"]
    assert (got.status, got.location) == (302, f"https://{MAIL}:{port}/autodiscover/autodiscover.xml")


def test_outlooks_second_version_leads_to_the_first(service: Service):
    url = f"https://autodiscover.{DOMAIN}/autodiscover/autodiscover.json"
    for asked in (
        f"{url}/v1.0/{ADDRESS}?Protocol=AutodiscoverV1",
        f"{url}?Email={ADDRESS}&Protocol=autodiscoverv1",
    ):
        got = curl(service, asked)
        answer = json.loads(got.body)
        assert (got.status, answer["Protocol"]) == (200, "AutodiscoverV1")
        assert answer["Url"].endswith("/autodiscover/autodiscover.xml")
    got = curl(service, f"{url}/v1.0/{ADDRESS}?Protocol=ActiveSync")
    assert (got.status, json.loads(got.body)["ErrorCode"]) == (400, "InvalidProtocol")


def error_code(body: bytes) -> str:
    return Xml.fromstring(body).findtext("a:Response/a:Error/a:ErrorCode", "", NAMESPACES)


LAUGHS = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'


def test_setup_3_what_outlook_may_send_is_bounded_and_entities_are_not_read(service: Service):
    url = f"https://autodiscover.{DOMAIN}/autodiscover/autodiscover.xml"
    for bad in (
        b"",
        b"<Auto",
        question("&b;", before=LAUGHS),
        question("no address"),
        question("x" * 100_000),
    ):
        got = curl(service, url, data=bad)
        assert (got.status, error_code(got.body)) == (400, "600")
    got = curl(service, url, data=question(ADDRESS, "http://schemas.microsoft.com/exchange/x/mobilesync/y"))
    assert error_code(got.body) == "601"


# Apple


def test_an_apple_device_gets_a_profile_with_all_it_needs_and_no_password(service: Service):
    got = curl(service, f"https://{MAIL}/setup/apple.mobileconfig?address={ADDRESS}")
    assert (got.status, got.kind) == (200, "application/x-apple-aspen-config")
    profile = plistlib.loads(got.body)
    assert profile["PayloadType"] == "Configuration"
    (mail,) = profile["PayloadContent"]
    assert mail["PayloadType"] == "com.apple.mail.managed"
    assert mail["EmailAccountType"] == "EmailTypeIMAP"
    assert mail["EmailAddress"] == mail["IncomingMailServerUsername"] == ADDRESS
    for side, door in (("Incoming", "imaps"), ("Outgoing", "submissions")):
        assert mail[f"{side}MailServerHostName"] == MAIL
        assert mail[f"{side}MailServerPortNumber"] == service.ports[door]
        assert mail[f"{side}MailServerUseSSL"] is True
        assert mail[f"{side}MailServerAuthentication"] == "EmailAuthPassword"
    assert not [
        key for key in mail if key.endswith("Password") and key != "OutgoingPasswordSameAsIncomingPassword"
    ]
    again = curl(service, f"https://{MAIL}/setup/apple.mobileconfig?address={ADDRESS}")
    assert plistlib.loads(again.body) == profile  # the second takes the first one's place


# All of them


def every_answer(service: Service, address: str) -> list[Got]:
    domain = address.partition("@")[2]
    return [
        curl(service, f"https://{MAIL}/mail/config-v1.1.xml?emailaddress={address}"),
        curl(service, f"https://{MAIL}/autodiscover/autodiscover.xml", data=question(address)),
        curl(
            service, f"https://{MAIL}/autodiscover/autodiscover.json/v1.0/{address}?Protocol=AutodiscoverV1"
        ),
        curl(service, f"https://{MAIL}/setup/apple.mobileconfig?address={address}"),
        curl(service, f"https://{MAIL}/setup?address={address}"),
        curl(service, f"https://mta-sts.{domain}/.well-known/mta-sts.txt"),
    ]


def test_setup_1_nobody_learns_whether_an_address_exists(service: Service):
    there = every_answer(service, f"anna@{DOMAIN}")
    nobody = every_answer(service, f"anne@{DOMAIN}")
    assert {each.status for each in there} == {200}
    for one, other in zip(there, nobody):
        assert (one.status, one.kind, len(one.body)) == (other.status, other.kind, len(other.body))
        if one.kind != "application/x-apple-aspen-config":  # its identifiers are made from the address
            assert one.body.replace(b"anna", b"anne").replace(b"Anna", b"anne") == other.body


def test_another_domain_is_not_found(service: Service):
    assert {each.status for each in every_answer(service, "anna@example.net")} == {404}
    assert curl(service, "https://autoconfig.example.net/mail/config-v1.1.xml").status == 404


def test_the_policy_of_mta_sts_is_served_under_its_own_name_only(service: Service):
    got = curl(service, f"https://mta-sts.{DOMAIN}/.well-known/mta-sts.txt")
    assert (got.status, got.kind.partition(";")[0]) == (200, "text/plain")
    fields = dict(line.split(": ", 1) for line in got.body.decode().split("\r\n") if line)
    assert fields == {"version": "STSv1", "mode": "testing", "mx": MAIL, "max_age": "604800"}
    assert curl(service, f"https://{MAIL}/.well-known/mta-sts.txt").status == 404


def test_challenges_are_served_without_tls_and_nothing_else_of_that_folder_is(service: Service):
    folder = service.data / "acme" / "challenges"
    folder.mkdir(parents=True)
    (folder / "tok_en-1").write_text("tok_en-1.thumb")
    (folder.parent / "secret").write_text("what nobody may see")
    got = curl(service, f"http://{MAIL}/.well-known/acme-challenge/tok_en-1")
    assert (got.status, got.body) == (200, b"tok_en-1.thumb")
    for strange in ("other", "..%2Fsecret", "../secret", "%2e%2e/secret", "tok_en-1%00"):
        got = curl(service, f"http://{MAIL}/.well-known/acme-challenge/{strange}", "--path-as-is")
        assert got.status in (400, 404) and b"nobody may" not in got.body


def test_setup_2_without_the_people_process_all_is_answered_as_before(service: Service):
    service.kill("people-0")
    assert {each.status for each in every_answer(service, ADDRESS)} == {200}
    assert {each.status for each in every_answer(service, "anna@example.net")} <= {404, 503}


def test_the_first_page_leads_on(service: Service):
    assert curl(service, f"https://{MAIL}/").location.endswith("/setup")
