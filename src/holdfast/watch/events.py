"""Events of the package `watch`."""

from __future__ import annotations

from holdfast.model.events import register

SPANS_OFF = register(
    "spans_off",
    "error",
    "Spans are asked for and can't be made; all else serves.",
    "reason",
)
SPANS_LOST = register(
    "spans_lost",
    "warn",
    "Spans could not be sent to where they are collected; all else serves.",
    "endpoint",
    "spans",
)
INCIDENT_ENTRY_LOST = register(
    "incident_entry_lost",
    "error",
    "An entry of the ledger of incidents can't be read; what it said is unknown, all others hold.",
    "sequence",
    "reason",
)
TRY_FAILED = register(
    "try_failed",
    "error",
    "Something could not be tried as the try itself failed; that says nothing of what was to be tried.",
    "what",
    "reason",
)
NOW_UNWRITTEN = register(
    "now_unwritten",
    "error",
    "How it is now can't be told to others: they know nothing, and say so. It is tried again.",
    "path",
    "reason",
)
INCIDENT_OPENED = register(
    "incident_opened",
    "error",
    "Functions of the service fail for certain; `holdfast incident show` tells all that is known.",
    "incident",
    "functions",
    "again",
)
INCIDENT_DIAGNOSED = register(
    "incident_diagnosed",
    "warn",
    "What is at fault, or that it can't be said; before: what that makes of the diagnosis before.",
    "incident",
    "verdict",
    "causes",
    "probability",
    "before",
)
INCIDENT_CLOSED = register(
    "incident_closed", "info", "All functions of an incident have worked for a minute.", "incident"
)
VANTAGE_IGNORED = register(
    "vantage_ignored",
    "warn",
    "A vantage point tells of what isn't in our map; it is left out. Does its file name other doors?",
    "vantage",
    "trials",
)
