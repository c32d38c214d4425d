"""The DNS records that a domain needs to receive, to be trusted, and to be found by mail programs."""

from __future__ import annotations

from typing import NamedTuple

from holdfast.run.config import Config
from holdfast.run.reading import split_address


class Record(NamedTuple):
    name: str
    kind: str
    value: str
    why: str

    def __str__(self) -> str:
        return f"{self.name}. IN {self.kind} {self.value}"


# door → service name. RFC 6186 §3, RFC 8314 §5.1 (submissions)
_SERVICES = {
    "submissions": "_submissions",
    "imaps": "_imaps",
    "pop3s": "_pop3s",
    "submission": "_submission",
    "imap": "_imap",
    "pop3": "_pop3",
}


def records_for(domain: str, config: Config) -> list[Record]:
    """MX (RFC 5321 §5), SPF (RFC 7208), DMARC (RFC 7489 §6.3), SRV (RFC 6186): in the form of a zone file."""
    host = config.service.hostname
    found = [
        Record(domain, "MX", f"10 {host}.", "mail for the domain comes here"),
        Record(domain, "TXT", '"v=spf1 mx -all"', "only this machine sends for it"),
        Record(
            f"_dmarc.{domain}",
            "TXT",
            f'"v=DMARC1; p=quarantine; rua=mailto:postmaster@{domain}"',
            "what others do with forged mail",
        ),
    ]
    for weight, (door, service) in enumerate(_SERVICES.items()):
        listeners = getattr(config.listen, door)
        if listeners:
            port = split_address(listeners[0])[1]
            priority = 0 if weight < 3 else 10  # in TLS from the first byte is preferred
            value = f"{priority} 1 {port} {host}."
            found.append(Record(f"{service}._tcp.{domain}", "SRV", value, "mail programs find the server"))
        else:
            found.append(Record(f"{service}._tcp.{domain}", "SRV", "0 0 0 .", "this service is not offered"))
    return found
