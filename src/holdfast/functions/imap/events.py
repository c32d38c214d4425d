"""What this function writes into the journal."""

from __future__ import annotations

from holdfast.model.events import register

SESSION_FAILED = register(
    "imap_session_failed",
    "error",
    "an IMAP command met an error nobody foresaw; it was answered with SERVERBUG.",
    "command",
    "account",
    "peer",
    "error",
)
COMMAND = register(
    "imap_command",
    "debug",
    "an IMAP command was answered; cell: the account's, null before sign-in.",
    "command",
    "result",
    "seconds",
    "peer",
    "cell",
)
SIGNED_IN = register("imap_signed_in", "info", "a person signed in over IMAP.", "account", "peer", "tls")
SIGN_IN_REFUSED = register(
    "imap_sign_in_refused",
    "info",
    "a sign-in over IMAP with a wrong name or password.",
    "login",
    "peer",
    "times",
)
UNAVAILABLE = register(
    "imap_unavailable",
    "warn",
    "an IMAP command was answered with UNAVAILABLE; cell: the account's, null before sign-in.",
    "command",
    "account",
    "component",
    "text",
    "peer",
    "cell",
)
UNREADABLE = register(
    "imap_message_unreadable",
    "error",
    "a message asked for can't be read; its place was shown with a text that says so.",
    "account",
    "mailbox",
    "uid",
)
