"""Events of client set-up and of certificates."""

from __future__ import annotations

from holdfast.model.events import register

CERTIFICATE_ISSUED = register(
    "certificate_issued",
    "info",
    "A certificate came from the authority and is in its place; every process takes it up by itself.",
    "names",
    "issuer",
    "ends_at",
)
CERTIFICATE_FAILED = register(
    "certificate_failed",
    "warn",
    "No certificate came; the one there is stays, and it is tried again after the pause.",
    "names",
    "error",
    "again_in_s",
    "tries",
)
CERTIFICATE_ENDS_SOON = register(
    "certificate_ends_soon",
    "warn",
    "A certificate ends within 30, 14 or 7 days (or that share of a shorter life) and is not renewed yet.",
    "certificate",
    "names",
    "days",
    "error",
)
CERTIFICATE_ENDED = register(
    "certificate_ended",
    "error",
    "A certificate has ended; clients warn or refuse until there is a new one.",
    "certificate",
    "names",
    "days",
    "error",
)
SETUP_UNAVAILABLE = register(
    "setup_unavailable",
    "warn",
    "A mail program or server asked for settings, and was told to ask again: a component is out of reach.",
    "component",
    "text",
)
CERTIFICATES_UNKNOWN = register(
    "certificates_unknown",
    "warn",
    "Which certificates to have, or how their renewal stands, can't be read or kept now.",
    "error",
)
