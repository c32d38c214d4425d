"""Names in the DNS, as the relay asks for them. RFC 5321 §5.1, RFC 7505."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from holdfast.model.errors import Reason, Refused, Unavailable

if TYPE_CHECKING:
    import dns.asyncresolver
    import dns.rdata

LIFETIME_S = 15.0


class Resolver(Protocol):
    async def mail_hosts(self, domain: str) -> list[str]:
        """Hosts that take mail for ``domain``, best first; the domain itself where it names none.

        ``Refused(NO_SUCH_DOMAIN)`` where there is no such domain or it takes no mail,
        ``Unavailable("dns")`` where that can't be known now.
        """

    async def addresses(self, host: str) -> list[str]:
        """IPv4 and IPv6 addresses of a host. Errors as above."""


class RealResolver:
    """The system's resolvers."""

    def __init__(self) -> None:
        self._resolver: dns.asyncresolver.Resolver | None = None

    async def _ask(self, name: str, kind: str) -> list[dns.rdata.Rdata] | None:
        """Records, [] for none of that kind, None for no such name."""
        # Loaded at the first question: only the relay asks, and every start would wait for it.
        import dns.asyncresolver
        import dns.exception
        import dns.name
        import dns.resolver

        try:
            if self._resolver is None:
                self._resolver = dns.asyncresolver.Resolver()
                self._resolver.lifetime = LIFETIME_S
            answer = await self._resolver.resolve(name, kind)
        except dns.resolver.NXDOMAIN:
            return None
        except dns.resolver.NoAnswer:
            return []
        except (dns.name.LabelTooLong, dns.name.EmptyLabel, dns.name.NameTooLong) as error:
            raise Refused(Reason.NO_SUCH_DOMAIN, f"{name}: {error}") from error
        except (dns.exception.DNSException, OSError) as error:
            raise Unavailable("dns", f"{name} {kind}: {error}") from error
        return list(answer)

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
