"""What is owed for an outage, by which rule. A rule names its source and since when it holds.

CREDIT-1 amounts are whole cents, each item rounded once, half a cent up.
CREDIT-2 the same time is credited once, be it of several mailboxes, functions or incidents.
CREDIT-3 what is owed so far is known while the outage lasts, and never shrinks as it goes on.
CREDIT-4 a rule gives nothing for days before or after it holds.
"""

from __future__ import annotations

import datetime
import decimal
import zoneinfo
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from holdfast.care.credits.calendar import DAY, Date, Span, day_of, days, merged, midnight, months, without

Cents = int
_CENT = decimal.Decimal(1)
_HUNDRED = decimal.Decimal(100)
_EVER = datetime.date(1, 1, 1)
_ALWAYS = datetime.date(9999, 12, 31)


class Contract(NamedTuple):
    """``fee``: what a month costs, in cents. ``mailboxes``: how many it has; they count as one (CREDIT-2)."""

    id: str
    fee: Cents
    currency: str = "EUR"
    mailboxes: int = 1


class Suffered(NamedTuple):
    """What became of one contract. ``spans``: by function, of all its mailboxes.

    ``reported_at``: when the outage was first known, by a customer's report or by us: UTC seconds.
    """

    contract: Contract
    spans: Mapping[str, Sequence[Span]]
    reported_at: float


class Item(NamedTuple):
    """One line of a credit: for ``first`` to ``last``, both counted.

    ``text``: key of the sentence that shows the arithmetic, filled with ``values``.
    """

    first: Date
    last: Date
    amount: Cents
    text: str
    values: Mapping[str, object]


class Credit(NamedTuple):
    contract: Contract
    policy: str
    source: str
    items: tuple[Item, ...]

    @property
    def amount(self) -> Cents:
        return sum(item.amount for item in self.items)


class Outage(NamedTuple):
    """``spans``: merged."""

    spans: Sequence[Span]
    reported_at: float


class Rule(Protocol):
    """``lines``: what is owed for an outage that ends by now, beyond what is for those ``before`` it."""

    def lines(
        self, contract: Contract, outage: Outage, zone: zoneinfo.ZoneInfo, before: Sequence[Outage] = ()
    ) -> Iterator[Item]: ...


class Policy(NamedTuple):
    """A rule in force. ``functions``: which count; () for all. ``source``: the law or page it is from."""

    name: str
    source: str
    rule: Rule
    functions: tuple[str, ...] = ()
    since: Date = _EVER
    until: Date = _ALWAYS
    zone: zoneinfo.ZoneInfo = zoneinfo.ZoneInfo("Europe/Berlin")

    def credit(self, suffered: Suffered, now: float, before: Sequence[Suffered] = ()) -> Credit:
        """What is owed by ``now``, while the outage lasts or after it. ``before``: incidents of the same
        contract that are credited by themselves; what they have in common with it is theirs (CREDIT-2)."""
        earlier = [self._counted(each, now) for each in before]
        lines = self.rule.lines(suffered.contract, self._counted(suffered, now), self.zone, earlier)
        return Credit(suffered.contract, self.name, self.source, tuple(item for item in lines if item.amount))

    def _counted(self, suffered: Suffered, now: float) -> Outage:
        """Of its functions, while it holds (CREDIT-4)."""
        holds = Span(
            0.0 if self.since == _EVER else midnight(self.since, self.zone),
            now if self.until == _ALWAYS else min(now, midnight(self.until + DAY, self.zone)),
        )
        counted = self.functions or tuple(suffered.spans)
        spans = [span for function in counted for span in suffered.spans.get(function, ())]
        return Outage(
            merged(Span(max(begin, holds.begin), min(end, holds.end)) for begin, end in spans),
            suffered.reported_at,
        )


class Step(NamedTuple):
    """From this day after the report on: so much of the monthly fee, and not less than ``least``."""

    day: int
    percent: decimal.Decimal
    least: Cents


class Daily(NamedTuple):
    """An amount for each day that the outage still lasts, in steps, counted from the day after the report.

    In the manner of § 58 (3) TKG: 10 % or 5 euros on the third and fourth day, 20 % or 10 euros from the
    fifth on, whichever is more. A day counts when any part of it was without service.
    """

    steps: tuple[Step, ...]

    def lines(
        self, contract: Contract, outage: Outage, zone: zoneinfo.ZoneInfo, before: Sequence[Outage] = ()
    ) -> Iterator[Item]:
        reported = day_of(outage.reported_at, zone)
        taken = {item.first for each in before for item in self.lines(contract, each, zone)}
        for day in days(outage.spans, zone):
            number = (day - reported).days
            step = next((each for each in reversed(self.steps) if each.day <= number), None)
            if step is None or day in taken:
                continue
            share = part(contract.fee, step.percent)
            values = {
                "day": day,
                "number": number,
                "percent": step.percent,
                "fee": contract.fee,
                "share": share,
                "least": step.least,
            }
            yield Item(day, day, max(share, step.least), "credit.daily", values)


TKG_58 = Daily((Step(3, decimal.Decimal(10), 500), Step(5, decimal.Decimal(20), 1000)))


class ProRata(NamedTuple):
    """The share of the fee for the time without service; a month never gives more than its fee."""

    def lines(
        self, contract: Contract, outage: Outage, zone: zoneinfo.ZoneInfo, before: Sequence[Outage] = ()
    ) -> Iterator[Item]:
        spans = without(outage.spans, merged(span for each in before for span in each.spans))
        for month, seconds in months(spans, zone):
            whole = month.end - month.begin
            amount = cents(decimal.Decimal(contract.fee) * decimal.Decimal(seconds) / decimal.Decimal(whole))
            first, last = day_of(month.begin, zone), day_of(month.end - 1, zone)
            values = {"month": first, "fee": contract.fee, "seconds": seconds, "whole": whole}
            yield Item(first, last, amount, "credit.pro_rata", values)


class Tier(NamedTuple):
    """Below this availability (percent of a month): so much of the fee."""

    below: decimal.Decimal
    percent: decimal.Decimal


class Tiers(NamedTuple):
    """A service level agreement: the share of the fee grows as a month's availability falls."""

    tiers: tuple[Tier, ...]

    def lines(
        self, contract: Contract, outage: Outage, zone: zoneinfo.ZoneInfo, before: Sequence[Outage] = ()
    ) -> Iterator[Item]:
        gone = merged(span for each in before for span in each.spans)
        already = dict(months(gone, zone))
        own = {month for month, _ in months(outage.spans, zone)}
        for month, seconds in months(merged([*outage.spans, *gone]), zone):
            tier = self._tier(month, seconds)
            if month not in own or tier is None:
                continue
            given = self._tier(month, already.get(month, 0.0))
            credited = part(contract.fee, given.percent) if given is not None else 0
            first, last = day_of(month.begin, zone), day_of(month.end - 1, zone)
            values = {
                "month": first,
                "fee": contract.fee,
                "available": _available(month, seconds),
                "below": tier.below,
                "percent": tier.percent,
                "share": part(contract.fee, tier.percent),
                "credited": credited,
            }
            text = "credit.tiers.more" if credited else "credit.tiers"
            yield Item(first, last, part(contract.fee, tier.percent) - credited, text, values)

    def _tier(self, month: Span, seconds: float) -> Tier | None:
        """That a month is in, of which so many seconds were without service."""
        reached = [tier for tier in self.tiers if _available(month, seconds) < tier.below]
        return max(reached, key=lambda each: each.percent, default=None)


def _available(month: Span, seconds: float) -> decimal.Decimal:
    """Percent."""
    return _HUNDRED * (1 - decimal.Decimal(seconds) / decimal.Decimal(month.end - month.begin))


class Flat(NamedTuple):
    """Goodwill: one amount a contract for an outage of at least ``least_s`` seconds in all, and one alone for
    outages that overlap."""

    amount: Cents
    least_s: float

    def lines(
        self, contract: Contract, outage: Outage, zone: zoneinfo.ZoneInfo, before: Sequence[Outage] = ()
    ) -> Iterator[Item]:
        seconds = _seconds(outage.spans)
        given = any(
            _seconds(each.spans) >= self.least_s
            and _seconds(merged([*each.spans, *outage.spans])) < _seconds(each.spans) + seconds
            for each in before
        )
        if outage.spans and seconds >= self.least_s and not given:
            touched = days(outage.spans, zone)
            values = {"amount": self.amount, "seconds": seconds, "least_s": self.least_s}
            yield Item(touched[0], touched[-1], self.amount, "credit.flat", values)


def _seconds(spans: Sequence[Span]) -> float:
    return sum(end - begin for begin, end in spans)


def part(amount: Cents, percent: decimal.Decimal) -> Cents:
    return cents(amount * percent / _HUNDRED)


def cents(exact: decimal.Decimal) -> Cents:
    return int(exact.quantize(_CENT, rounding=decimal.ROUND_HALF_UP))
