"""What is owed, by the rules and fees that the configuration names."""

from __future__ import annotations

import datetime
import decimal
import re
import zoneinfo
from collections.abc import Iterator

from holdfast.care.credits.fees import Fee, fees
from holdfast.care.credits.policies import Daily, Flat, Policy, ProRata, Rule, Step, Tier, Tiers, cents
from holdfast.model.errors import Reason, Refused
from holdfast.model.functions import FUNCTIONS
from holdfast.run.config import Config
from holdfast.run.config_care import CreditRule
from holdfast.world import World

_STEP = re.compile(r"(\d+)\s*:\s*([\d.]+)\s*,\s*([\d.]+)")
_TIER = re.compile(r"([\d.]+)\s*:\s*([\d.]+)")
_HOUR_S = 3600.0


def policies(config: Config) -> list[Policy]:
    """By name. Raises ``Refused`` with the key that is wrong."""
    return [policy(name, each) for name, each in sorted(config.credits.items())]


def mistakes(config: Config) -> Iterator[str]:
    """A line for each rule that can't be."""
    for name, each in config.credits.items():
        try:
            policy(name, each)
        except Refused as refused:
            yield refused.text


def policy(name: str, section: CreditRule) -> Policy:
    """Raises ``Refused``."""
    place = f"credits.{name}"
    if not section.source:
        raise Refused(Reason.BAD_SYNTAX, f"{place}.source: needed: the law, agreement or decision it is from")
    strange = [each for each in section.functions if each not in FUNCTIONS]
    if strange:
        there = ", ".join(FUNCTIONS)
        raise Refused(Reason.BAD_SYNTAX, f"{place}.functions: no function '{strange[0]}'; there are {there}")
    made = Policy(
        name, section.source, _rule(place, section), tuple(section.functions), zone=_zone(place, section)
    )
    if section.since:
        made = made._replace(since=_date(f"{place}.since", section.since))
    if section.until:
        made = made._replace(until=_date(f"{place}.until", section.until))
    return made


def known_fees(world: World, config: Config) -> dict[str, Fee]:
    """None where no file is named. Blocks; raises ``OSError`` and ``Refused``."""
    if not config.care.fees:
        return {}
    text = world.disk.read(config.care.fees).decode("utf-8-sig")
    return fees(text.splitlines(), config.care.currency)


def _rule(place: str, section: CreditRule) -> Rule:
    match section.rule:
        case "daily":
            steps = [_parts(f"{place}.steps", each, _STEP, "3: 10, 5.00") for each in section.steps]
            return Daily(
                tuple(Step(int(day), percent, _money(least)) for day, percent, least in sorted(steps))
            )
        case "pro_rata":
            return ProRata()
        case "tiers":
            tiers = [_parts(f"{place}.tiers", each, _TIER, "99.9: 10") for each in section.tiers]
            return Tiers(tuple(Tier(below, percent) for below, percent in tiers))
        case "flat":
            [amount] = _parts(f"{place}.amount", section.amount, re.compile(r"([\d.]+)"), "5.00")
            return Flat(_money(amount), section.least_hours * _HOUR_S)


def _parts(key: str, text: str, shape: re.Pattern[str], example: str) -> list[decimal.Decimal]:
    found = shape.fullmatch(text.strip())
    try:
        if found is not None:
            return [decimal.Decimal(each) for each in found.groups()]
    except decimal.InvalidOperation:
        pass
    raise Refused(Reason.BAD_SYNTAX, f"{key}: '{text}' is not like '{example}'")


def _money(amount: decimal.Decimal) -> int:
    return cents(amount * 100)


def _date(key: str, text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise Refused(Reason.BAD_SYNTAX, f"{key}: '{text}' is no day like 2012-08-15") from None


def _zone(place: str, section: CreditRule) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(section.time_zone)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        what = f"{place}.time_zone: '{section.time_zone}' is none; expected one like Europe/Berlin"
        raise Refused(Reason.BAD_SYNTAX, what) from None
