"""Credits as sentences for customers, and as files for the provider's billing."""

from __future__ import annotations

import csv
import datetime
import decimal
import io
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
from babel.numbers import format_currency, format_decimal

from holdfast.care.credits.owing import Owed
from holdfast.care.credits.policies import Credit, Item
from holdfast.pages.texts import Texts

FOLDER = Path(__file__).parents[1] / "texts"
COLUMNS = ("contract", "policy", "first", "last", "amount", "currency", "arithmetic")
_LOCALES = {"de": "de_DE", "en": "en_GB"}
_MONEY = frozenset({"fee", "share", "least", "amount", "credited"})
_TIMES = frozenset({"seconds", "whole", "least_s"})


def money(language: str, amount: int, currency: str) -> str:
    return format_currency(decimal.Decimal(amount).scaleb(-2), currency, locale=_LOCALES[language])


def arithmetic(texts: Texts, language: str, credit: Credit, item: Item) -> str:
    """How the item's amount came about, in one sentence that can be checked with a pencil."""
    values: dict[str, str] = {}
    for name, value in item.values.items():
        if name in _MONEY:
            assert isinstance(value, int)
            values[name] = money(language, value, credit.contract.currency)
        elif name in _TIMES:
            assert isinstance(value, int | float)
            values[name] = _hours(language, value)
        elif isinstance(value, datetime.date):
            values[name] = _date(texts, language, name, value)
        elif isinstance(value, decimal.Decimal):
            values[name] = format_decimal(value, "#,##0.###", locale=_LOCALES[language])
        else:
            values[name] = str(value)
    values["total"] = money(language, item.amount, credit.contract.currency)
    return texts.say(language, item.text, **values)


def _hours(language: str, seconds: float) -> str:
    hours = decimal.Decimal(seconds) / 3600
    return format_decimal(hours, "#,##0.##", locale=_LOCALES[language])


def _date(texts: Texts, language: str, name: str, day: datetime.date) -> str:
    noon = datetime.datetime.combine(day, datetime.time(12), texts.zone)
    whole = texts.date(language, noon.timestamp())
    return whole.partition(" ")[2] if name == "month" else whole


def rows(texts: Texts, language: str, credits: Iterable[Credit]) -> Iterator[tuple[str, ...]]:
    """One row per item, amounts with a point and two places, dates as ISO 8601."""
    alike: dict[int, tuple[Item, tuple[str, ...]]] = {}  # contracts that suffered the same share their items
    for credit in credits:
        for item in credit.items:
            if id(item) not in alike:
                alike[id(item)] = (
                    item,
                    (
                        credit.policy,
                        item.first.isoformat(),
                        item.last.isoformat(),
                        str(decimal.Decimal(item.amount).scaleb(-2)),
                        credit.contract.currency,
                        arithmetic(texts, language, credit, item),
                    ),
                )
            yield credit.contract.id, *alike[id(item)][1]


def as_csv(texts: Texts, language: str, credits: Iterable[Credit]) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")  # RFC 4180
    writer.writerow(COLUMNS)
    writer.writerows(rows(texts, language, credits))
    return file.getvalue()


def as_json(texts: Texts, language: str, owed: Owed) -> bytes:
    """One object: whose, by which policy, until when; the rows of the CSV are ``credits``."""
    policy = owed.policy
    return msgspec.json.encode(
        {
            "incident": owed.incident,
            "policy": policy.name,
            "source": policy.source,
            "at": owed.at,
            "final": owed.final,
            "bounded": owed.bounded,
            "total": {each: str(decimal.Decimal(sum_).scaleb(-2)) for each, sum_ in owed.total.items()},
            "contracts": len(owed.credits),
            "unknown": owed.unknown,
            "credits": [dict(zip(COLUMNS, row)) for row in rows(texts, language, owed.credits)],
        }
    )
