"""When a record that is there will do, kind by kind. More than one spelling is right for most."""

from __future__ import annotations

import ipaddress
import shlex
from collections.abc import Callable, Sequence
from typing import NamedTuple

from holdfast.flow.records.wanted import Place, Wanted


class Verdict(NamedTuple):
    """``found``: the records that are meant, () for none. ``text``: what is wrong, '' for nothing."""

    found: tuple[str, ...]
    text: str = ""


Rule = Callable[[Wanted, Sequence[str], Place, Sequence[str]], Verdict]
"""(what is wanted, all values of its kind at its name, the place, the host's addresses in the DNS)"""


def same(wanted: Wanted, values: Sequence[str], place: Place, addresses: Sequence[str]) -> Verdict:
    """The value is there, other ones beside it or not; letters' case doesn't count."""
    found = tuple(values)
    if any(value.lower() == wanted.value.lower() for value in values):
        return Verdict(found)
    return Verdict(found, _should(wanted))


def _should(wanted: Wanted) -> str:
    return f"it should be {wanted.value}"


def _mx(wanted: Wanted, values: Sequence[str], place: Place, addresses: Sequence[str]) -> Verdict:
    """RFC 5321 §5.1: our host is among the best."""
    hosts = sorted((int(number), host.lower()) for number, host in (value.split() for value in values))
    ours = [number for number, host in hosts if host == f"{place.hostname.lower()}."]
    if not ours:
        return Verdict(tuple(values), f"mail goes elsewhere; {_should(wanted)}")
    if ours[0] > hosts[0][0]:
        return Verdict(tuple(values), f"{hosts[0][1]} is preferred to us; {_should(wanted)}")
    return Verdict(tuple(values))


def _address(wanted: Wanted, values: Sequence[str], place: Place, addresses: Sequence[str]) -> Verdict:
    if wanted.value:
        return same(wanted, values, place, addresses)
    inner = [value for value in values if not ipaddress.ip_address(value).is_global]
    if inner:
        return Verdict(tuple(values), f"{inner[0]} can't be reached from the Internet")
    return Verdict(tuple(values))


def _spf(wanted: Wanted, values: Sequence[str], place: Place, addresses: Sequence[str]) -> Verdict:
    """RFC 7208: one record, that lets this machine send and doesn't let everybody."""
    found = tuple(value for value in values if value.lower().split(" ")[0] == "v=spf1")
    if len(found) != 1:
        return Verdict(found, "" if not found else "more than one is an error (RFC 7208 §4.5); keep one")
    terms = found[0].lower().split()[1:]
    if not any(_lets_us_send(term.removeprefix("+"), place, addresses) for term in terms):
        return Verdict(found, f"it doesn't name this machine; {_should(wanted)}")
    if any(term in ("all", "+all", "?all") for term in terms):
        return Verdict(found, f"it lets everybody send for the domain; {_should(wanted)}")
    if not any(term in ("-all", "~all") or term.startswith("redirect=") for term in terms):
        return Verdict(found, f"it has no end, so it forbids nobody; {_should(wanted)}")
    return Verdict(found)


def _lets_us_send(term: str, place: Place, addresses: Sequence[str]) -> bool:
    """``mx``, ``a:`` our name, or a network with one of our addresses."""
    if term == "mx" or term == f"a:{place.hostname.lower()}":
        return True
    kind, _, network = term.partition(":")
    if kind not in ("ip4", "ip6"):
        return False
    try:
        block = ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False
    return any(ipaddress.ip_address(each) in block for each in place.addresses or addresses)


def tags(text: str) -> dict[str, str]:
    """``v=DMARC1; p=none`` → ``{'v': 'DMARC1', 'p': 'none'}``. RFC 6376 §3.2; the first of a name counts."""
    found: dict[str, str] = {}
    for part in text.split(";"):
        name, equals, value = part.partition("=")
        if equals:
            found.setdefault(name.strip().lower(), "".join(value.split()))
    return found


def _tagged(version: str, values: Sequence[str]) -> tuple[str, ...]:
    return tuple(value for value in values if tags(value).get("v", "") == version)


def _dkim(wanted: Wanted, values: Sequence[str], place: Place, addresses: Sequence[str]) -> Verdict:
    """RFC 6376 §3.6.1: the same key; v may be left out, and so may k for RSA."""
    found = tuple(value for value in values if "p" in tags(value))
    right = tags(wanted.value)
    for value in found:
        theirs = tags(value)
        if theirs["p"] == right["p"] and theirs.get("k", "rsa") == right["k"]:
            return Verdict(found)
    return Verdict(found, f"another key; {_should(wanted)}" if found else "")


_STRICT = ("none", "quarantine", "reject")


def _dmarc(wanted: Wanted, values: Sequence[str], place: Place, addresses: Sequence[str]) -> Verdict:
    """RFC 7489 §6.3: one record, whose policy is as strict as ours or stricter."""
    found = _tagged("DMARC1", values)
    if len(found) != 1:
        return Verdict(found, "" if not found else "more than one counts as none (RFC 7489 §6.6.3); keep one")
    policy = tags(found[0]).get("p", "").lower()
    if policy not in _STRICT:
        return Verdict(found, f"it has no policy; {_should(wanted)}")
    if _STRICT.index(policy) < _STRICT.index(tags(wanted.value)["p"]):
        return Verdict(found, f"its policy is weaker; {_should(wanted)}")
    return Verdict(found)


def _mta_sts(wanted: Wanted, values: Sequence[str], place: Place, addresses: Sequence[str]) -> Verdict:
    found = _tagged("STSv1", values)
    if len(found) == 1 and tags(found[0]).get("id") == tags(wanted.value)["id"]:
        return Verdict(found)
    text = f"others keep an older policy until the id changes; {_should(wanted)}"
    return Verdict(found, text if found else "")


def _tls_rpt(wanted: Wanted, values: Sequence[str], place: Place, addresses: Sequence[str]) -> Verdict:
    found = _tagged("TLSRPTv1", values)
    if not found or tags(found[0]).get("rua"):
        return Verdict(found)
    return Verdict(found, f"it names nobody to tell; {_should(wanted)}")


def _srv(wanted: Wanted, values: Sequence[str], place: Place, addresses: Sequence[str]) -> Verdict:
    """RFC 2782: port and host; priority and weight are the administrator's."""
    target = wanted.value.lower().split()[2:]
    if any(value.lower().split()[2:] == target for value in values):
        return Verdict(tuple(values))
    return Verdict(tuple(values), _should(wanted))


def _caa(wanted: Wanted, values: Sequence[str], place: Place, addresses: Sequence[str]) -> Verdict:
    """RFC 8659 §4.2: one of the records lets our authority issue."""
    issuers = [shlex.split(value)[2] for value in values if value.split()[1].lower() == "issue"]
    authority = shlex.split(wanted.value)[2].partition(";")[0].strip().lower()
    if not issuers or any(each.partition(";")[0].strip().lower() == authority for each in issuers):
        return Verdict(tuple(values))
    return Verdict(tuple(values), f"our certificate authority may not issue; {_should(wanted)}")


RULES: dict[str, Rule] = {
    "mx": _mx,
    "a": _address,
    "aaaa": _address,
    "spf": _spf,
    "dkim": _dkim,
    "dmarc": _dmarc,
    "mta-sts": _mta_sts,
    "tls-rpt": _tls_rpt,
    "srv": _srv,
    "caa": _caa,
}
