"""Names in the DNS, as the relay asks for them (RFC 5321 §5.1, RFC 7505), and any record by its kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from holdfast.model.errors import Reason, Refused, Unavailable

if TYPE_CHECKING:
    import dns.asyncresolver
    import dns.rdata
    import dns.resolver

LIFETIME_S = 15.0
UDP_BYTES = 1232  # what crosses every network in one piece (DNS flag day 2020); a longer answer comes by TCP


class Answer(NamedTuple):
    """What the DNS has of one kind at one name. ``values``: as a zone has them, names with the final dot;
    a TXT record's strings joined, without quotes. () for none.

    ``exists``: there is such a name. ``secure``: the resolver says that it verified this (RFC 4035 §3.2.3).
    """

    values: tuple[str, ...]
    exists: bool
    secure: bool


class Resolver(Protocol):
    async def mail_hosts(self, domain: str) -> list[str]:
        """Hosts that take mail for ``domain``, best first; the domain itself where it names none.

        ``Refused(NO_SUCH_DOMAIN)`` where there is no such domain or it takes no mail,
        ``Unavailable("dns")`` where that can't be known now.
        """

    async def addresses(self, host: str) -> list[str]:
        """IPv4 and IPv6 addresses of a host. Errors as above."""


class RealResolver:
    """The resolvers at ``servers`` (address, port), or the system's. ``lifetime_s``: for one question."""

    def __init__(self, servers: Sequence[tuple[str, int]] = (), lifetime_s: float = LIFETIME_S) -> None:
        self._servers = servers
        self._lifetime_s = lifetime_s
        self._resolver: dns.asyncresolver.Resolver | None = None

    async def _ask(self, name: str, kind: str) -> list[dns.rdata.Rdata] | None:
        """Records, [] for none of that kind, None for no such name."""
        answer = await self._answer(name, kind)
        if isinstance(answer, bool):
            return [] if answer else None
        return list(answer)

    async def look_up(self, name: str, kind: str) -> Answer:
        """All records of a kind; aliases (CNAME) are followed unless ``kind`` is CNAME.

        ``Refused(NO_SUCH_DOMAIN)`` for what can't be a name, ``Unavailable("dns")`` where nobody answered:
        that is no answer, and never an empty one.
        """
        answer = await self._answer(name, kind)
        if isinstance(answer, bool):
            return Answer((), answer, False)
        secure = bool(answer.response.flags & 0x0020)  # AD, RFC 4035 §3.2.3
        return Answer(tuple(_text(record) for record in answer), True, secure)

    async def _answer(self, name: str, kind: str) -> dns.resolver.Answer | bool:
        """The answer; True: the name is there, but nothing of that kind; False: there is no such name."""
        # Loaded at the first question: only the relay asks, and every start would wait for it.
        import dns.asyncresolver
        import dns.exception
        import dns.name
        import dns.resolver

        try:
            if self._resolver is None:
                self._resolver = self._made()
            return await self._resolver.resolve(name.rstrip(".") + ".", kind)
        except dns.resolver.NXDOMAIN:
            return False
        except dns.resolver.NoAnswer:
            return True
        except (dns.name.LabelTooLong, dns.name.EmptyLabel, dns.name.NameTooLong) as error:
            raise Refused(Reason.NO_SUCH_DOMAIN, f"{name}: {error}") from error
        except (dns.exception.DNSException, OSError) as error:
            raise Unavailable("dns", f"{name} {kind}: {error}") from error

    def _made(self) -> dns.asyncresolver.Resolver:
        import dns.asyncresolver
        import dns.flags
        import dns.nameserver

        resolver = dns.asyncresolver.Resolver(configure=not self._servers)
        if self._servers:
            resolver.nameservers = [dns.nameserver.Do53Nameserver(*server) for server in self._servers]
        resolver.lifetime = self._lifetime_s
        resolver.use_edns(0, 0, UDP_BYTES)
        resolver.flags = dns.flags.RD | dns.flags.AD  # AD asks for AD: RFC 6840 §5.7
        return resolver

    async def mail_hosts(self, domain: str) -> list[str]:
        records = await self._ask(domain, "MX")
        if records is None:
            raise Refused(Reason.NO_SUCH_DOMAIN, f"there is no domain {domain}")
        found = sorted((int(r.preference), str(r.exchange).rstrip(".")) for r in records)  # type: ignore[attr-defined]
        if not found:
            return [domain]
        if all(not host for _, host in found):
            raise Refused(Reason.NO_SUCH_DOMAIN, f"{domain} takes no mail (null MX)")
        return [host for _, host in found if host]

    async def addresses(self, host: str) -> list[str]:
        found: list[str] = []
        missing = 0
        for kind in ("A", "AAAA"):
            records = await self._ask(host, kind)
            missing += records is None
            found += [str(record) for record in records or ()]
        if not found:
            raise Refused(Reason.NO_SUCH_DOMAIN, f"{host} has no address")
        return found


def _text(record: dns.rdata.Rdata) -> str:
    strings: Sequence[bytes] | None = getattr(record, "strings", None)
    if strings is None:
        return record.to_text()
    return b"".join(strings).decode("utf-8", "backslashreplace")
