"""Certificates from a real authority, taken up by the real service while its clients go on."""

from __future__ import annotations

import asyncio
import base64
import imaplib
import json
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509

from e2e.authority import PEBBLE, Authority
from e2e.service import DOMAIN, HOST, Service, password, until
from holdfast.functions.setup.certificates.authority import Authority as OurSide
from holdfast.functions.setup.certificates.authority import Settings, known_account
from holdfast.functions.setup.certificates.files import facts_of
from holdfast.model.errors import Unavailable
from holdfast.world import real_world
from name_server import NameServer

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PEBBLE, reason="pebble isn't installed; .ci/programs does it"),
]
MAIL = f"mail.{DOMAIN}"
HERE = {
    (MAIL, "A"): [HOST],
    (f"mta-sts.{DOMAIN}", "CNAME"): [f"{MAIL}."],
    (f"autoconfig.{DOMAIN}", "A"): [HOST],
    (f"autodiscover.{DOMAIN}", "A"): ["127.9.9.9"],  # somebody else's
}


class Place:
    """A service with its authority and its name server."""

    def __init__(self, folder: Path) -> None:
        self.names = NameServer(HERE)
        self.names.__enter__()
        self.service = Service(folder / "service", people=("anna",), web=("setup",))
        http_port = self.service.ports["setup_http"]
        self.authority = Authority(folder / "authority", names=self.names.address, http_port=http_port)
        text = self.service.config_path.read_text()
        self.service.config_path.write_text(
            f'{text}[dns]\nservers = ["{self.names.address}"]\naddresses = ["{HOST}"]\n'
            f'[acme]\ndirectory = "{self.authority.directory}"\nterms_agreed = true\n'
            f'trust = "{self.authority.trust}"\ncontact = "postmaster@{DOMAIN}"\n'
        )
        self.service.prepare()

    @property
    def tls(self) -> Path:
        return self.service.data / "tls"

    def close(self) -> None:
        self.service.close()
        self.authority.stop()
        self.names.__exit__()

    def shown(self, door: str, name: str = MAIL, context: ssl.SSLContext | None = None) -> x509.Certificate:
        """The certificate at a door for a name; fails when the client's context doesn't trust it."""
        context = context or ssl._create_unverified_context()
        with (
            socket.create_connection((HOST, self.service.ports[door]), timeout=20) as link,
            context.wrap_socket(link, server_hostname=name) as secure,
        ):
            der = secure.getpeercert(binary_form=True)
            assert der
            return x509.load_der_x509_certificate(der)

    def trusted(self, door: str, name: str, context: ssl.SSLContext) -> bool:
        try:
            self.shown(door, name, context)
        except ssl.SSLCertVerificationError:
            return False
        return True

    def state(self) -> dict[str, dict[str, object]]:
        return json.loads((self.service.data / "acme" / "state.json").read_text())


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    made = Place(tmp_path_factory.mktemp("certificates"))
    yield made
    made.close()


def names_of(certificate: x509.Certificate) -> set[str]:
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return set(found.get_values_for_type(x509.DNSName))


TLS_DOORS = ("imaps", "pop3s", "submissions", "setup_https")


def test_a_certificate_comes_by_itself_and_everybody_takes_it_up_without_a_restart(place: Place):
    """WORLD-19, CERT-2: with the authority out of reach at first, the service runs with what it has."""
    service = place.service
    service.start()
    until(lambda: service.events("certificate_failed"))
    own = place.shown("imaps")
    assert own.issuer == own.subject
    client = imaplib.IMAP4_SSL(HOST, service.ports["imaps"], ssl_context=ssl._create_unverified_context())
    client.login(f"anna@{DOMAIN}", password("anna"))
    pids = {each["process"]: each["pid"] for each in service.status()["processes"]}

    place.authority.start()
    trust = place.authority.client()
    done = service.holdfast("certificate", "renew")
    assert done.returncode == 0, done.stderr
    for door in TLS_DOORS:
        until(lambda door=door: place.trusted(door, MAIL, trust))
    assert client.noop()[0] == "OK"  # begun with the old certificate, and not ended
    client.logout()
    assert {each["process"]: each["pid"] for each in service.status()["processes"]} == pids
    previous = (place.tls / "certificate.pem.previous").read_bytes()
    assert x509.load_pem_x509_certificate(previous) == own  # CERT-1


def test_cert_3_a_domains_service_names_have_their_own_as_far_as_they_lead_here(place: Place):
    account = json.loads((place.service.data / "acme" / "account.json").read_text())
    done = place.service.holdfast("certificate", "renew", DOMAIN)
    assert done.returncode == 0, done.stderr
    trust = place.authority.client()
    found = place.shown("setup_https", f"mta-sts.{DOMAIN}", trust)
    assert names_of(found) == {f"mta-sts.{DOMAIN}", f"autoconfig.{DOMAIN}"}
    assert place.trusted("setup_https", f"autoconfig.{DOMAIN}", trust)
    assert not place.trusted("setup_https", f"autodiscover.{DOMAIN}", trust)
    assert names_of(place.shown("setup_https", MAIL, trust)) == {MAIL}
    assert json.loads((place.service.data / "acme" / "account.json").read_text()) == account


def test_cert_1_the_key_stays_and_secrets_are_the_services_alone(place: Place):
    previous = x509.load_pem_x509_certificate((place.tls / "certificate.pem.previous").read_bytes())
    assert previous.issuer == previous.subject
    assert place.shown("imaps").public_key() == previous.public_key()
    for secret in ("acme/account.pem", "tls/key.pem"):
        assert (place.service.data / secret).stat().st_mode & 0o077 == 0
    assert list((place.service.data / "acme" / "challenges").iterdir()) == []


def test_commands_say_how_certificates_stand(place: Place):
    done = place.service.holdfast("certificate", "show", "--json")
    assert done.returncode == 0, done.stdout
    rows = {row["certificate"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert set(rows) == {MAIL, DOMAIN}
    assert rows[MAIL]["state"] == "good" and rows[MAIL]["names"] == [MAIL]
    third_left = rows[MAIL]["ends_at"] - 30 * 86_400
    assert abs(rows[MAIL]["renew_at"] - third_left) < 60
    doctor = [json.loads(line) for line in place.service.holdfast("doctor", "--json").stdout.splitlines()]
    assert not [each for each in doctor if each["id"].startswith("certificate")]


def test_cert_2_what_fails_leaves_the_certificate_that_works(place: Place):
    trust = place.authority.client()
    before = place.shown("imaps", MAIL, trust)
    place.names.broken.add(MAIL)  # the authority can't find the name
    done = place.service.holdfast("certificate", "renew")
    assert done.returncode == 75
    assert MAIL in done.stderr
    assert place.state()[MAIL]["failures"] == 1
    place.names.broken.clear()
    place.authority.stop()
    assert place.service.holdfast("certificate", "renew").returncode == 75
    assert place.state()[MAIL]["failures"] == 2
    assert place.shown("imaps", MAIL, trust) == before
    troubles = place.service.holdfast("doctor").stdout
    assert "certificate-renewal" in troubles and "2 tries in vain" in troubles


def test_world_19_files_that_do_not_fit_change_nothing(place: Place):
    before = place.shown("imaps")
    path = place.tls / "certificate.pem"
    right = path.read_bytes()
    other = (place.tls / "domains" / DOMAIN / "certificate.pem").read_bytes()
    told = len(place.service.events("certificate_not_taken"))
    path.write_bytes(other)  # another key's
    until(lambda: len(place.service.events("certificate_not_taken")) > told)
    assert place.shown("imaps") == before
    path.unlink()
    assert place.shown("imaps") == before
    path.write_bytes(right)
    until(lambda: place.shown("imaps") == before)


def test_an_authority_that_asks_for_a_contract_is_shown_ours(tmp_path: Path):
    """RFC 8555 §7.3.4."""
    secret = base64.urlsafe_b64encode(b"s" * 32).decode().rstrip("=")
    theirs = Authority(tmp_path / "authority", names=f"{HOST}:9", http_port=9, contracts={"key-1": secret})
    theirs.start()
    try:
        facts = facts_of((tmp_path / "authority" / "certificate.pem").read_bytes())

        def asked(folder: str, key_secret: str) -> None:
            path = str(tmp_path / folder)
            settings = Settings(theirs.directory, "", theirs.trust, "key-1", key_secret, path)
            asyncio.run(OurSide(real_world(), settings).suggestion(facts))

        asked("right", secret)
        account = known_account(real_world(), str(tmp_path / "right"))
        assert account is not None and account.directory == theirs.directory
        with pytest.raises(Unavailable):
            asked("wrong", secret[::-1] + "A")
        assert known_account(real_world(), str(tmp_path / "wrong")) is None
    finally:
        theirs.stop()
