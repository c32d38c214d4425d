"""Events of the package `portal`."""

from __future__ import annotations

from holdfast.model.events import register

PROOF_BEGUN = register(
    "proof_begun",
    "info",
    "A code was asked for, to prove that a phone or an address is the person's.",
    "purpose",
    "channel",
    "again",
)
PROOF_SENT = register(
    "proof_sent",
    "info",
    "A gateway took a code; tries: how often it was out of reach before.",
    "channel",
    "tries",
    "seconds",
)
PROOF_WAITS = register(
    "proof_waits",
    "warn",
    "A gateway is out of reach; the code is kept and tried again.",
    "channel",
    "component",
    "reason",
    "tries",
    "again_s",
)
PROOF_FAILED = register(
    "proof_failed",
    "info",
    "A code can't be sent: the gateway refuses this phone or address, or it was out of reach for too long.",
    "channel",
    "reason",
)
PROOF_CHECKED = register(
    "proof_checked",
    "info",
    "A code came back; result: right, wrong, over or limit.",
    "purpose",
    "channel",
    "result",
)
PROOF_LIMITED = register(
    "proof_limited",
    "warn",
    "A code was not sent because of a limit; limit: contact or channel.",
    "purpose",
    "channel",
    "limit",
)
PORTAL_SIGNED_IN = register(
    "portal_signed_in",
    "info",
    "Somebody has signed in to pages with all that the account asks for; how: the last step.",
    "account",
    "peer",
    "how",
)
OIDC_LOST = register(
    "oidc_provider_lost",
    "warn",
    "a provider of sign-ins is out of reach: its button says so, passwords go on",
    "provider",
    "reason",
)
OIDC_BACK = register("oidc_provider_back", "info", "a provider of sign-ins answers again", "provider")
OIDC_REFUSED = register(
    "oidc_refused",
    "info",
    "a sign-in by a provider opened no account; reason: what was wrong, or that nobody here is it",
    "provider",
    "peer",
    "reason",
)
PORTAL_SECOND_WRONG = register(
    "portal_second_wrong",
    "info",
    "A code or a passkey was wrong, after a right password or alone (account 0: nobody knows whose).",
    "account",
    "peer",
    "how",
)
