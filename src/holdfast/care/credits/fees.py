"""What contracts cost, as the provider's billing tells it: a CSV file ``contract,fee,currency``."""

from __future__ import annotations

import csv
import decimal
from collections.abc import Iterable
from typing import NamedTuple

from holdfast.model.errors import Reason, Refused

_CENTS = 100


class Fee(NamedTuple):
    """A month's, in cents."""

    amount: int
    currency: str


def fees(lines: Iterable[str], currency: str) -> dict[str, Fee]:
    """By contract. Amounts have a point; ``currency`` is that of rows that name none. Raises ``Refused``."""
    reader = csv.DictReader(lines)
    if not {"contract", "fee"} <= set(reader.fieldnames or ()):
        raise Refused(Reason.BAD_SYNTAX, "the first line of fees names the columns: contract,fee,currency")
    found: dict[str, Fee] = {}
    for row in reader:
        fee = Fee(_cents(row["fee"] or "", reader.line_num), (row.get("currency") or currency).upper())
        if found.setdefault(row["contract"], fee) != fee:
            what = f"line {reader.line_num} of fees: {row['contract']} has another fee above"
            raise Refused(Reason.BAD_SYNTAX, what)
    return found


def _cents(text: str, line: int) -> int:
    try:
        exact = decimal.Decimal(text.strip()) * _CENTS
        if exact == int(exact) and exact >= 0:
            return int(exact)
    except (ValueError, ArithmeticError):
        pass
    raise Refused(Reason.BAD_SYNTAX, f"line {line} of fees: '{text}' is no amount like 29.90")
