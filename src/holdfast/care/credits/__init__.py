"""What customers are owed for an outage, to the cent, with the arithmetic shown."""

from holdfast.care.credits.calendar import Span, merged
from holdfast.care.credits.policies import (
    Contract,
    Credit,
    Daily,
    Flat,
    Item,
    Policy,
    ProRata,
    Suffered,
    Tiers,
)

__all__ = [
    "Contract",
    "Credit",
    "Daily",
    "Flat",
    "Item",
    "Policy",
    "ProRata",
    "Span",
    "Suffered",
    "Tiers",
    "merged",
]
