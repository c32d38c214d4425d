"""What self-service says in the journal."""

from __future__ import annotations

from holdfast.model.events import register

PASSWORD_CHANGED = register(
    "password_changed",
    "info",
    "somebody set a password; how: password, session, code or first; taken: kept until people is back",
    "account",
    "by",
    "how",
    "taken",
)
PASSWORD_FORGOTTEN = register(
    "password_forgotten", "info", "a code was asked for by who forgot a password", "channel", "peer"
)
ACCOUNT_LEFT = register(
    "account_left", "info", "somebody deleted their account, or undid that", "account", "undone", "taken"
)
EXPORTED = register(
    "exported", "info", "somebody downloaded their data", "account", "bytes", "seconds", "unread"
)
LETTER_FAILED = register(
    "letter_failed", "warn", "somebody could not be told by phone or second address", "reason"
)
