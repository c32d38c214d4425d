"""The functions of the service, as customers and the record of outages know them.

Each stands, fails and returns by itself. Their names in German and English are texts: ``function.receive`` …
"""

from __future__ import annotations

from collections.abc import Mapping

FUNCTIONS = ("receive", "send", "imap", "pop3", "webmail", "password", "signup")

# The processes without which it isn't there.
BEHIND: Mapping[str, tuple[str, ...]] = {
    "receive": ("mx",),
    "send": ("submission", "relay"),
    "imap": ("imap",),
    "pop3": ("pop3",),
    "webmail": ("jmap", "webmail"),
    "password": ("password",),
    "signup": ("signup",),
}

_FUNCTIONS = {role: function for function, roles in BEHIND.items() for role in roles}


def function_behind(role: str) -> str:
    """Which its processes belong to; '' for one that no function of customers is."""
    return _FUNCTIONS.get(role, "")
