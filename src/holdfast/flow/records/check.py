"""What the DNS really has, held against what it should have.

DNS-1: a question that nobody answered is ``UNKNOWN``; it is never taken for a record that is missing,
and never for one that is there.
"""

from __future__ import annotations

import asyncio
import enum
import ipaddress
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import msgspec

from holdfast.flow.records.judge import RULES, Verdict, same
from holdfast.flow.records.wanted import Need, Place, Wanted, pointer, sts_policy
from holdfast.model.errors import Refused, Unavailable
from holdfast.world.dns import Answer

AT_ONCE = 32


class Resolver(Protocol):
    def look_up(self, name: str, kind: str) -> Awaitable[Answer]: ...


class Status(enum.StrEnum):
    OK = "ok"
    MISSING = "missing"
    OTHER = "other"
    UNKNOWN = "unknown"


class Finding(msgspec.Struct, frozen=True):
    """``found``: what is there of that kind and purpose. ``text``: what is wrong and what to do."""

    wanted: Wanted
    status: Status
    found: tuple[str, ...] = ()
    text: str = ""


class Report(msgspec.Struct, frozen=True):
    """``secure``: the mail server's zone is signed and the resolver verified it; TLSA is wanted only then."""

    domain: str
    findings: tuple[Finding, ...]
    secure: bool

    @property
    def worst(self) -> int:
        """0: all is there. 1: something to mend, or not to be known now. 2: without it there is no mail."""
        bad = [each for each in self.findings if each.status is not Status.OK]
        broken = any(each.wanted.need is Need.MUST and each.status is not Status.UNKNOWN for each in bad)
        return 2 if broken else 1 if bad else 0


Fetch = Callable[[str], Awaitable[bytes]]
"""What is at an https URL whose certificate is trusted; ``Unavailable`` for nothing."""


async def check(
    resolver: Resolver, domain: str, place: Place, wanted: Sequence[Wanted], fetch: Fetch | None = None
) -> Report:
    """Asks for every record of ``wanted``; with ``fetch`` for the policy of MTA-STS, too, as others would.

    Never raises for the DNS's sake.
    """
    asking = _Asking(resolver)
    for each in wanted:  # all at once: where nobody answers, the silence is waited for once
        asking.begin(each.name, each.kind)
    addresses, host_answers = await asking.addresses(place.hostname)
    secure = any(answer.secure for answer in host_answers)
    records = list(wanted)
    if not place.addresses:
        records = _with_real_addresses(records, place.hostname, addresses)
    if not secure:  # DNS-2
        records = [each for each in records if each.kind != "TLSA"]
    findings = await asyncio.gather(*(_one(asking, each, place, addresses) for each in records))
    if fetch is not None and any(each.wanted.id == "mta-sts" for each in findings):
        findings.append(await _policy(fetch, domain, place))
    return Report(domain, tuple(findings), secure)


async def _policy(fetch: Fetch, domain: str, place: Place) -> Finding:
    """RFC 8461 §3.3: a policy that can't be had over trusted TLS is none."""
    url, policy = f"https://mta-sts.{domain}/.well-known/mta-sts.txt", sts_policy(place)
    why = "other servers read the policy there"
    wanted = Wanted("mta-sts-policy", url, "HTTPS", " ".join(policy.split("\r\n")).strip(), why, Need.SHOULD)
    try:
        found = (await fetch(url)).decode("utf-8", "replace")
    except Unavailable as unavailable:
        text = f"it can't be read there ({unavailable.text}); `holdfast certificate show` may say why"
        return Finding(wanted, Status.UNKNOWN, (), text)
    if found.split() == policy.split():
        return Finding(wanted, Status.OK, (found,))
    return Finding(wanted, Status.OTHER, (found[:500],), "another policy is there: does the name lead here?")


def _with_real_addresses(records: list[Wanted], hostname: str, addresses: Sequence[str]) -> list[Wanted]:
    """Where the configuration names no addresses: those that the host's name has, and their names."""
    found: list[Wanted] = []
    for each in records:
        found.append(each)
        if each.id == "a":
            found += [pointer(address, hostname) for address in addresses if _public(address)]
    return found


def _public(address: str) -> bool:
    return ipaddress.ip_address(address).is_global


class _Asking:
    """Each question once, a few at a time."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._free = asyncio.Semaphore(AT_ONCE)
        self._asked: dict[tuple[str, str], asyncio.Future[Answer]] = {}

    def begin(self, name: str, kind: str) -> asyncio.Future[Answer]:
        key = (name.lower().rstrip("."), kind)
        if key not in self._asked:
            self._asked[key] = asyncio.ensure_future(self._ask(*key))
            self._asked[key].add_done_callback(lambda done: done.cancelled() or done.exception())
        return self._asked[key]

    async def ask(self, name: str, kind: str) -> Answer:
        return await asyncio.shield(self.begin(name, kind))

    async def _ask(self, name: str, kind: str) -> Answer:
        async with self._free:
            return await self._resolver.look_up(name, kind)

    async def addresses(self, name: str) -> tuple[list[str], list[Answer]]:
        """Of a host, as far as they can be known now."""
        both = (self.begin(name, kind) for kind in ("A", "AAAA"))
        answers = [
            each for each in await asyncio.gather(*both, return_exceptions=True) if isinstance(each, Answer)
        ]
        return [value for answer in answers for value in answer.values], answers


async def _one(asking: _Asking, wanted: Wanted, place: Place, addresses: Sequence[str]) -> Finding:
    try:
        if wanted.id == "caa":
            answer = await _climb(asking, wanted.name)
        elif wanted.kind == "CNAME":
            return await _alias(asking, wanted, addresses)
        else:
            answer = await asking.ask(wanted.name, wanted.kind)
            if wanted.id == "a" and not wanted.value and not answer.values:
                answer = await asking.ask(wanted.name, "AAAA")
    except Unavailable as unavailable:
        return Finding(wanted, Status.UNKNOWN, (), f"the DNS can't be asked now ({unavailable.text})")
    except Refused as refused:
        return Finding(wanted, Status.OTHER, (), refused.text)
    rule: Callable[[Wanted, Sequence[str], Place, Sequence[str]], Verdict] = RULES.get(wanted.id, same)
    verdict = rule(wanted, answer.values, place, addresses)
    if not verdict.found:
        return Finding(wanted, Status.MISSING, (), _missing(wanted, answer.exists))
    status = Status.OK if not verdict.text else Status.OTHER
    return Finding(wanted, status, verdict.found, verdict.text)


def _missing(wanted: Wanted, exists: bool) -> str:
    if not wanted.value:
        return f"no address: give {wanted.name} the public address of this machine"
    what = f"no {wanted.kind} record of this kind" if exists else "there is no such name"
    return f"{what}; add {wanted.value}"


async def _climb(asking: _Asking, name: str) -> Answer:
    """CAA of the name, or of the nearest one above that has any. RFC 8659 §3."""
    labels = name.split(".")
    answer = Answer((), False, False)
    for at in range(len(labels)):
        answer = await asking.ask(".".join(labels[at:]), "CAA")
        if answer.values:
            break
    return answer


async def _alias(asking: _Asking, wanted: Wanted, addresses: Sequence[str]) -> Finding:
    """A name that must lead here: as an alias, or with the same addresses."""
    answer = await asking.ask(wanted.name, "CNAME")
    target = wanted.value.lower()
    if any(value.lower() == target for value in answer.values):
        return Finding(wanted, Status.OK, answer.values)
    theirs: list[str] = []
    for kind in ("A", "AAAA"):
        theirs += (await asking.ask(wanted.name, kind)).values
    found = answer.values or tuple(theirs)
    if theirs and set(theirs) <= set(addresses):
        return Finding(wanted, Status.OK, found)
    if not found:
        return Finding(wanted, Status.MISSING, (), _missing(wanted, answer.exists))
    return Finding(wanted, Status.OTHER, found, f"it leads elsewhere; it should lead to {wanted.value}")
