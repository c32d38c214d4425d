"""Events of reports."""

from __future__ import annotations

from holdfast.model.events import register

CUSTOMERS_FIRST = register(
    "reports_customers_first",
    "error",
    "Customers report that a function doesn't work, and our own trials didn't notice: it is tried at once.",
    "function",
    "people",
    "first_at",
)
STAFF_NOT_TOLD = register(
    "reports_staff_not_told",
    "warn",
    "That customers came first could not be told to staff; what is only out of reach is tried again.",
    "reason",
)
REPORTS_DRAFTED = register(
    "reports_drafted",
    "info",
    "Drafts of reports on an incident were written; people review them.",
    "incident",
    "files",
    "seconds",
)
