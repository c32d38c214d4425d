"""DNS records: what is wanted, and what a real name server's answers are held to be (DNS-1 … DNS-3)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import dns.rdatatype
import dns.zone
import pytest

from free_ports import free_ports
from holdfast.flow.records import (
    DkimKeys,
    Finding,
    Place,
    Report,
    Service,
    Status,
    check,
    records_of,
    sts_policy,
    zone_text,
)
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.world import real_world
from holdfast.world.dns import RealResolver
from name_server import HOST, NameServer

DOMAIN = "example.org"
MAIL = "mail.example.org"
PLACE = Place(
    hostname=MAIL,
    addresses=("192.0.2.25", "2001:db8::25"),
    services=(Service("_imaps", 993), Service("_pop3", 0)),
    setup_port=443,
    sts_mode="enforce",
    issuers=("ca.example; validationmethods=http-01",),
    key_digest="ab" * 32,
)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> DkimKeys:
    made = DkimKeys(real_world(), str(tmp_path_factory.mktemp("dkim")))
    made.make(DOMAIN)
    return made


def as_published(place: Place, keys: DkimKeys) -> dict[tuple[str, str], list[str]]:
    """The zones, as an administrator pastes them."""
    text = zone_text(records_of(DOMAIN, place, keys.of(DOMAIN)))
    found: dict[tuple[str, str], list[str]] = {}
    for line in text.splitlines():
        if line and not line.startswith(";"):
            name, _, kind, value = line.split(" ", 3)
            found.setdefault((name.rstrip("."), kind), []).append(value)
    return found


@pytest.fixture
def server(keys: DkimKeys) -> Iterator[NameServer]:
    """Everything is as it should be."""
    with NameServer(as_published(PLACE, keys)) as made:
        made.secure = True
        yield made


def asked(server: NameServer, keys: DkimKeys, place: Place = PLACE, lifetime_s: float = 5.0) -> Report:
    resolver = RealResolver([(HOST, server.port)], lifetime_s)
    return asyncio.run(check(resolver, DOMAIN, place, records_of(DOMAIN, place, keys.of(DOMAIN))))


def finding(report: Report, id: str) -> Finding:
    return next(each for each in report.findings if each.wanted.id == id)


def test_what_is_printed_and_pasted_into_a_zone_is_all_right(server: NameServer, keys: DkimKeys):
    report = asked(server, keys)
    assert {each.wanted.id: each.text for each in report.findings if each.status is not Status.OK} == {}
    assert report.worst == 0
    ids = {each.wanted.id for each in report.findings}
    assert ids == {
        "mx", "a", "aaaa", "ptr", "spf", "dkim", "dmarc", "mta-sts", "mta-sts-host", "tls-rpt", "caa", "tlsa",
        "srv", "autoconfig", "autodiscover",
    }  # fmt: skip


def test_the_zone_text_is_one_that_a_name_server_reads(keys: DkimKeys):
    text = "$TTL 60\n@ IN SOA ns.example.org. root.example.org. 1 60 60 60 60\n@ IN NS ns.example.org.\n"
    text += zone_text(each for each in records_of(DOMAIN, PLACE, keys.of(DOMAIN)) if each.kind != "PTR")
    zone = dns.zone.from_text(text, "example.org.", relativize=False)
    rsa = next(key for key in keys.of(DOMAIN) if key.algorithm == "rsa")
    found = zone.find_rdataset(f"{rsa.selector}._domainkey.example.org.", dns.rdatatype.TXT)
    strings = found[0].strings  # type: ignore[attr-defined]
    assert len(strings) > 1 and all(len(each) <= 255 for each in strings)
    assert b"".join(strings).decode() == rsa.record


def test_a_record_that_is_not_there_is_missing_and_the_text_says_what_to_add(
    server: NameServer, keys: DkimKeys
):
    del server.records["_imaps._tcp.example.org", "SRV"]
    report = asked(server, keys)
    (gone,) = [each for each in report.findings if each.status is not Status.OK]
    assert gone.status is Status.MISSING
    assert "0 1 993 mail.example.org." in gone.text
    assert report.worst == 1


def test_without_mx_there_is_no_mail(server: NameServer, keys: DkimKeys):
    del server.records[DOMAIN, "MX"]
    report = asked(server, keys)
    assert finding(report, "mx").status is Status.MISSING
    assert report.worst == 2


WRONG = [
    ("mx", (DOMAIN, "MX"), ["10 mx.elsewhere.example."], "mail goes elsewhere"),
    ("mx", (DOMAIN, "MX"), ["10 mail.example.org.", "5 filter.example."], "preferred"),
    ("a", (MAIL, "A"), ["192.0.2.99"], "192.0.2.25"),
    ("spf", (DOMAIN, "TXT"), ['"v=spf1 mx -all"', '"v=spf1 a -all"'], "keep one"),
    ("spf", (DOMAIN, "TXT"), ['"v=spf1 include:other.example -all"'], "this machine"),
    ("spf", (DOMAIN, "TXT"), ['"v=spf1 mx +all"'], "everybody"),
    ("spf", (DOMAIN, "TXT"), ['"v=spf1 mx"'], "no end"),
    ("dmarc", ("_dmarc.example.org", "TXT"), ['"v=DMARC1; rua=mailto:x@example.org"'], "no policy"),
    ("mta-sts", ("_mta-sts.example.org", "TXT"), ['"v=STSv1; id=1"'], "older policy"),
    ("caa", (MAIL, "CAA"), ['0 issue "other.example"'], "may not issue"),
    ("tlsa", ("_25._tcp.mail.example.org", "TLSA"), ["3 1 1 " + "00" * 32], "it should be"),
    ("autoconfig", ("autoconfig.example.org", "CNAME"), ["www.example.org."], "leads elsewhere"),
    ("ptr", ("25.2.0.192.in-addr.arpa", "PTR"), ["host-25.example.net."], "mail.example.org."),
]


@pytest.mark.parametrize(("id", "at", "values", "says"), WRONG)
def test_another_value_is_shown_with_the_one_that_should_be(
    server: NameServer, keys: DkimKeys, id: str, at: tuple[str, str], values: list[str], says: str
):
    server.records[at] = values
    report = asked(server, keys)
    wrong = [each for each in report.findings if each.wanted.id == id and each.status is not Status.OK]
    assert [each.status for each in wrong] == [Status.OTHER]
    assert says in wrong[0].text
    assert wrong[0].found
    assert report.worst >= 1


RIGHT = [
    ("mx", (DOMAIN, "MX"), ["10 Mail.Example.org.", "20 backup.example."]),
    ("spf", (DOMAIN, "TXT"), ['"v=spf1 ip4:192.0.2.0/24 include:x.example ~all"', '"other=1"']),
    ("spf", (DOMAIN, "TXT"), ['"v=spf1 a:mail.example.org redirect=x.example"']),
    ("dmarc", ("_dmarc.example.org", "TXT"), ['"v=DMARC1; p=reject"']),
    ("caa", (MAIL, "CAA"), ['0 issue "other.example"', '0 issue "CA.example"']),
    ("caa", (DOMAIN, "CAA"), ['0 issue "ca.example"']),
    ("srv", ("_imaps._tcp.example.org", "SRV"), ["5 7 993 mail.example.org."]),
]


@pytest.mark.parametrize(("id", "at", "values"), RIGHT)
def test_what_means_the_same_is_right(
    server: NameServer, keys: DkimKeys, id: str, at: tuple[str, str], values: list[str]
):
    server.records[at] = values
    if at == (DOMAIN, "CAA"):
        del server.records[MAIL, "CAA"]  # RFC 8659 §3: the nearest name above that has any
    report = asked(server, keys)
    assert all(each.status is Status.OK for each in report.findings if each.wanted.id == id)


def test_a_name_with_the_hosts_own_addresses_leads_here_as_an_alias_does(server: NameServer, keys: DkimKeys):
    del server.records["autoconfig.example.org", "CNAME"]
    server.records["autoconfig.example.org", "A"] = ["192.0.2.25"]
    assert finding(asked(server, keys), "autoconfig").status is Status.OK


@pytest.mark.slow
def test_dns_1_what_nobody_answers_is_unknown_and_never_missing_or_right(server: NameServer, keys: DkimKeys):
    server.broken.add("_dmarc.example.org")
    report = asked(server, keys)
    assert finding(report, "dmarc").status is Status.UNKNOWN
    assert report.worst == 1
    free = free_ports(1)[0]
    resolver = RealResolver([(HOST, free)], 0.2)
    nobody = asyncio.run(check(resolver, DOMAIN, PLACE, records_of(DOMAIN, PLACE)))
    assert {each.status for each in nobody.findings} == {Status.UNKNOWN}
    assert nobody.worst == 1


@pytest.mark.slow
def test_dns_1_a_silent_server_is_given_up_in_its_time(server: NameServer, keys: DkimKeys):
    server.silent.add(DOMAIN)
    report = asked(server, keys, lifetime_s=0.4)
    assert finding(report, "mx").status is Status.UNKNOWN
    assert finding(report, "dmarc").status is Status.OK


def test_dns_2_tlsa_is_asked_for_in_a_signed_zone_only(server: NameServer, keys: DkimKeys):
    server.secure = False
    report = asked(server, keys)
    assert not report.secure
    assert "tlsa" not in {each.wanted.id for each in report.findings}


def test_unknown_addresses_are_taken_from_the_host_name_and_their_names_are_asked_for(keys: DkimKeys):
    place = Place(hostname=MAIL)
    with NameServer({(MAIL, "A"): ["9.9.9.25"], (DOMAIN, "MX"): [f"10 {MAIL}."]}) as server:
        report = asked(server, keys, place)
        assert finding(report, "a").status is Status.OK
        assert finding(report, "ptr").wanted.name == "25.9.9.9.in-addr.arpa"
        assert finding(report, "ptr").status is Status.MISSING
        server.records[MAIL, "A"] = ["10.0.0.5"]
        assert "can't be reached" in finding(asked(server, keys, place), "a").text


def test_another_policy_gets_another_id():
    first = records_of(DOMAIN, PLACE)
    second = records_of(DOMAIN, Place(hostname=MAIL, setup_port=443, sts_mode="testing"))
    ids = {each.value for each in [*first, *second] if each.id == "mta-sts"}
    assert len(ids) == 2
    assert sts_policy(PLACE).splitlines() == [
        "version: STSv1", "mode: enforce", "mx: mail.example.org", "max_age: 604800"
    ]  # fmt: skip


@pytest.mark.slow
def test_dns_3_dkim_keys_are_the_services_alone_and_never_made_over(tmp_path: Path):
    keys = DkimKeys(real_world(), str(tmp_path / "dkim"))
    made = keys.make(DOMAIN)
    assert [each.algorithm for each in made] == ["ed25519", "rsa"]
    assert keys.of(DOMAIN) == made
    for path in (Path(each.path) for each in made):
        assert path.stat().st_mode & 0o077 == 0
    before = [Path(each.path).read_bytes() for each in made]
    with pytest.raises(Refused) as refused:
        keys.make(DOMAIN)
    assert refused.value.reason is Reason.EXISTS
    assert [Path(each.path).read_bytes() for each in made] == before
    assert keys.of("other.example") == []
    with pytest.raises(Refused):
        keys.of("../../etc")


def test_until_mail_is_signed_the_dmarc_record_asks_for_reports_only(keys: DkimKeys):
    def policy(place: Place) -> str:
        return next(each.value for each in records_of(DOMAIN, place, keys.of(DOMAIN)) if each.id == "dmarc")

    assert "p=none" in policy(PLACE)
    assert "p=quarantine" in policy(Place(hostname=MAIL, signing=True))
    text = zone_text(records_of(DOMAIN, PLACE, keys.of(DOMAIN)))
    assert "signing is not switched on yet" in text


@pytest.mark.slow
def test_dns_1_the_policy_of_mta_sts_is_read_as_others_read_it(server: NameServer, keys: DkimKeys):
    def found(fetch: Callable[[str], Awaitable[bytes]]) -> Finding:
        resolver = RealResolver([(HOST, server.port)], 5.0)
        wanted = records_of(DOMAIN, PLACE, keys.of(DOMAIN))
        return finding(asyncio.run(check(resolver, DOMAIN, PLACE, wanted, fetch)), "mta-sts-policy")

    async def right(url: str) -> bytes:
        assert url == "https://mta-sts.example.org/.well-known/mta-sts.txt"
        return sts_policy(PLACE).encode()

    async def other(url: str) -> bytes:
        return b"version: STSv1\nmode: none\n"

    async def nobody(url: str) -> bytes:
        raise Unavailable("mta-sts", "certificate verify failed")

    assert found(right).status is Status.OK
    assert found(other).status is Status.OTHER
    assert found(nobody).status is Status.UNKNOWN
    assert "verify failed" in found(nobody).text
