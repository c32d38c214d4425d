"""What this function writes into the journal."""

from __future__ import annotations

from holdfast.model.events import register

CALL_FAILED = register(
    "jmap_call_failed",
    "error",
    "a method of JMAP met an error nobody foresaw; it was answered with serverFail and the reference.",
    "account",
    "method",
    "reference",
    "error",
    "where",
)
