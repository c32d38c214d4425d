"""What customers can do, by name: the same names in findings, on the map, in notices and on the status page."""

from __future__ import annotations

FUNCTIONS = ("receive", "send", "imap", "pop3", "webmail", "password", "signup")

# Processes behind each, those with doors for it first.
ROLES: dict[str, tuple[str, ...]] = {
    "receive": ("mx",),
    "send": ("submission", "relay"),
    "imap": ("imap",),
    "pop3": ("pop3",),
    "webmail": ("webmail", "jmap"),
    "password": ("password",),
    "signup": ("signup",),
}


def function_of(role: str) -> str:
    """'' for a role that customers don't meet."""
    return next((name for name in FUNCTIONS if role in ROLES[name]), "")
