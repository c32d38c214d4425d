"""The records that a domain needs to receive, to be trusted, and to be found by mail programs."""

from __future__ import annotations

import enum
import hashlib
import ipaddress
from collections.abc import Iterator, Sequence

import msgspec

from holdfast.flow.records.dkim import DkimKey
from holdfast.model.limits import MTA_STS_LIFE_S


class Need(enum.StrEnum):
    """MUST: without it there is no mail. SHOULD: without it mail is distrusted. MAY: comfort."""

    MUST = "must"
    SHOULD = "should"
    MAY = "may"


class Holder(enum.StrEnum):
    """Whose zone a record belongs into: the domain's own, this machine's, or its addresses' provider's."""

    DOMAIN = "domain"
    HOST = "host"
    REVERSE = "reverse"


class Wanted(msgspec.Struct, frozen=True):
    """One record. ``id``: what it is for ('mx', 'spf', …); ``name``: A-labels without the final dot.

    ``value``: as DNS gives it (see ``world.dns.Answer``), TXT without quotes; '' where only its owner
    knows it (the machine's addresses, when the configuration doesn't say).
    """

    id: str
    name: str
    kind: str
    value: str
    why: str
    need: Need
    holder: Holder = Holder.DOMAIN


class Service(msgspec.Struct, frozen=True):
    """A service for mail programs. ``name``: RFC 6186's, with its underscore; ``port``: 0 for not offered."""

    name: str
    port: int
    priority: int = 0


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """What the records say of this machine.

    ``addresses``: its public ones; () for not known. ``setup_port``: where client set-up is served over
    TLS, 0 for nowhere. ``sts_mode``: RFC 8461 §3.2's, '' for no policy. ``issuers``: certificate
    authorities as CAA names them, with parameters (RFC 8659 §4.2), () for no such record.
    ``key_digest``: SHA-256 of the certificate's public key as hex (RFC 6698 §2.1.3), '' for none.
    ``signing``: mail is signed with the DKIM keys.
    """

    hostname: str
    addresses: tuple[str, ...] = ()
    services: tuple[Service, ...] = ()
    setup_port: int = 0
    sts_mode: str = ""
    issuers: tuple[str, ...] = ()
    key_digest: str = ""
    signing: bool = False


HTTPS_PORT = 443


def records_of(domain: str, place: Place, keys: Sequence[DkimKey] = ()) -> list[Wanted]:
    """All of them, in the order in which an administrator sets them. ``domain``: A-labels, lower case.

    TLSA is among them whenever there is a key; only a signed zone may have it (RFC 7672 §2.2), which
    ``check`` finds out.
    """
    return [
        *_delivery(domain, place),
        *_trust(domain, place, keys),
        *_transport(domain, place),
        *_clients(domain, place),
    ]


def _delivery(domain: str, place: Place) -> Iterator[Wanted]:
    host = place.hostname
    yield Wanted("mx", domain, "MX", f"10 {host}.", "mail for the domain comes here", Need.MUST)
    why = "the address of the mail server"
    for address in place.addresses:
        kind = "AAAA" if ":" in address else "A"
        yield Wanted(kind.lower(), host, kind, address, why, Need.MUST, Holder.HOST)
        yield pointer(address, host)
    if not place.addresses:
        yield Wanted("a", host, "A", "", why, Need.MUST, Holder.HOST)


def pointer(address: str, hostname: str) -> Wanted:
    """The PTR record of one address."""
    name = ipaddress.ip_address(address).reverse_pointer
    why = "many servers refuse mail from an address without its name"
    return Wanted("ptr", name, "PTR", f"{hostname}.", why, Need.SHOULD, Holder.REVERSE)


def _trust(domain: str, place: Place, keys: Sequence[DkimKey]) -> Iterator[Wanted]:
    """SPF (RFC 7208), DKIM (RFC 6376, RFC 8463), DMARC (RFC 7489 §6.3)."""
    yield Wanted("spf", domain, "TXT", "v=spf1 mx -all", "only this machine sends for it", Need.SHOULD)
    why = "the key that proves our signatures"
    if not place.signing:
        why += " (signing is not switched on yet: harmless, and ready when it is)"
    for key in keys:
        name = f"{key.selector}._domainkey.{domain}"
        need = Need.SHOULD if place.signing else Need.MAY
        yield Wanted("dkim", name, "TXT", key.record, why, need)
    # Without signatures what is forwarded fails SPF and all of DMARC: then others only report.
    policy = "quarantine" if place.signing and keys else "none"
    yield Wanted(
        "dmarc",
        f"_dmarc.{domain}",
        "TXT",
        f"v=DMARC1; p={policy}; rua=mailto:postmaster@{domain}",
        "what others do with forged mail, and whom they tell",
        Need.SHOULD,
    )


def sts_policy(place: Place) -> str:
    """The text of ``/.well-known/mta-sts.txt``. RFC 8461 §3.2; lines end with CRLF."""
    mode, host = place.sts_mode, place.hostname
    return f"version: STSv1\r\nmode: {mode}\r\nmx: {host}\r\nmax_age: {MTA_STS_LIFE_S}\r\n"


def _sts_id(place: Place) -> str:
    """Another one for another policy: else nobody fetches it again. RFC 8461 §3.1: at most 32 letters."""
    return hashlib.sha256(sts_policy(place).encode()).hexdigest()[:16]


def _transport(domain: str, place: Place) -> Iterator[Wanted]:
    """MTA-STS (RFC 8461), TLS-RPT (RFC 8460), CAA (RFC 8659), TLSA (RFC 6698, RFC 7672)."""
    host = place.hostname
    if place.sts_mode and place.setup_port == HTTPS_PORT:
        why = "other servers use TLS with us, and only us"
        value = f"v=STSv1; id={_sts_id(place)}"
        yield Wanted("mta-sts", f"_mta-sts.{domain}", "TXT", value, why, Need.SHOULD)
        why = "where that policy is read"
        yield Wanted("mta-sts-host", f"mta-sts.{domain}", "CNAME", f"{host}.", why, Need.SHOULD)
    yield Wanted(
        "tls-rpt",
        f"_smtp._tls.{domain}",
        "TXT",
        f"v=TLSRPTv1; rua=mailto:postmaster@{domain}",
        "others tell us when TLS with us fails",
        Need.MAY,
    )
    for issuer in place.issuers:
        why = "nobody else may make certificates for the mail server"
        yield Wanted("caa", host, "CAA", f'0 issue "{issuer}"', why, Need.MAY, Holder.HOST)
    if place.key_digest:
        why = "other servers know our key; only in a zone signed with DNSSEC"
        value = f"3 1 1 {place.key_digest}"
        yield Wanted("tlsa", f"_25._tcp.{host}", "TLSA", value, why, Need.MAY, Holder.HOST)


def _clients(domain: str, place: Place) -> Iterator[Wanted]:
    """SRV (RFC 6186 §3, RFC 8314 §5.1), and the names that programs try by themselves."""
    host = place.hostname
    for service in place.services:
        value = f"{service.priority} 1 {service.port} {host}."
        why = "mail programs find the server"
        if not service.port:
            value, why = "0 0 0 .", "this service is not offered"  # RFC 6186 §3.4
        yield Wanted("srv", f"{service.name}._tcp.{domain}", "SRV", value, why, Need.MAY)
    if place.setup_port:
        value = f"0 0 {place.setup_port} {host}."
        why = "Outlook finds its settings"
        yield Wanted("srv", f"_autodiscover._tcp.{domain}", "SRV", value, why, Need.MAY)
    if place.setup_port == HTTPS_PORT:
        for label, program in (("autoconfig", "Thunderbird"), ("autodiscover", "Outlook")):
            why = f"{program} finds its settings"
            yield Wanted(label, f"{label}.{domain}", "CNAME", f"{host}.", why, Need.MAY)
