"""Events of the package `functions/signup`."""

from __future__ import annotations

from holdfast.model.events import register

SIGNUP_STEP = register(
    "signup_step",
    "info",
    "Somebody who makes an account came to a step: name, entry, details, proof, summary.",
    "step",
    "domain",
)
SIGNUP_TURNED_AWAY = register(
    "signup_turned_away",
    "info",
    "Somebody who makes an account was told to change something; why: the text that said so.",
    "step",
    "why",
    "peer",
)
SIGNUP_LIMITED = register(
    "signup_limited",
    "warn",
    "A limit of sign-up was reached; limit: looks, codes, network, contact, robot.",
    "limit",
    "peer",
)
SIGNUP_TAKEN = register(
    "signup_taken",
    "warn",
    "A request waits for what is out of reach, and will be carried out when that is back.",
    "address",
    "component",
    "reason",
    "tries",
    "again_s",
)
SIGNUP_DONE = register(
    "signup_done",
    "info",
    "An account was made by who has it; waited_s: since it was asked.",
    "address",
    "account",
    "waited_s",
)
SIGNUP_REFUSED = register(
    "signup_refused",
    "info",
    "A request for an account was refused; why: contract, name, invitation, other.",
    "address",
    "why",
    "reason",
)
SIGNUP_TOLD = register(
    "signup_told",
    "info",
    "Somebody whose request had waited was told what became of it.",
    "address",
    "channel",
)
SIGNUP_UNTOLD = register(
    "signup_untold",
    "warn",
    "Somebody whose request had waited couldn't be told yet; it is tried again.",
    "address",
    "channel",
    "reason",
)
