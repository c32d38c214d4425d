"""Where clients come from, no finer than needed."""

from __future__ import annotations

import ipaddress

HOUSEHOLD, SITE = (
    56,
    48,
)  # bits of an IPv6 address: what a household gets, and what an organisation (RFC 6177)


def network_of(peer: str, bits: int = HOUSEHOLD) -> str:
    """``192.0.2.7`` → ``192.0.2.0/24``; IPv6 by its first ``bits``. What is no address stays as it is."""
    host = peer.strip().strip("[]")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return str(ipaddress.ip_network((address, 24 if address.version == 4 else bits), strict=False))
