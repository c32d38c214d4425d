"""The servers as mail programs are told of them, and for which domains."""

from __future__ import annotations

import enum
from typing import Literal

import msgspec

Kind = Literal["imap", "pop3", "smtp"]


class Security(enum.StrEnum):
    TLS = "tls"
    STARTTLS = "starttls"


class Server(msgspec.Struct, frozen=True):
    kind: Kind
    hostname: str
    port: int
    security: Security


class Servers(msgspec.Struct, frozen=True):
    """The best first; TLS from the first byte is better than STARTTLS (RFC 8314 §3).

    The user name is the whole address, the password goes as it is within TLS.
    """

    incoming: tuple[Server, ...]
    outgoing: tuple[Server, ...]

    def best(self, kind: Kind) -> Server | None:
        return next((each for each in (*self.incoming, *self.outgoing) if each.kind == kind), None)


SERVICE_LABELS = ("mta-sts", "autoconfig", "autodiscover")


def service_names(domain: str) -> tuple[str, ...]:
    """The names below a domain that are served here: ``mta-sts.…``, ``autoconfig.…``, ``autodiscover.…``."""
    return tuple(f"{label}.{domain}" for label in SERVICE_LABELS)


def domain_under(name: str) -> str:
    """``autoconfig.example.org`` → ``example.org``; '' for a name that isn't one of those."""
    label, _, domain = name.partition(".")
    return domain if label in SERVICE_LABELS and domain else ""
