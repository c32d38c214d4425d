"""Events of the package `flow`."""

from __future__ import annotations

from holdfast.model.events import register

INTAKE_OPENED = register(
    "intake_opened",
    "info",
    "An intake ledger is open for mail; unsure: frames whose acknowledgement may not have arrived.",
    "ledger",
    "unsure",
    "cut_bytes",
)
INTAKE_UNAVAILABLE = register(
    "intake_unavailable",
    "error",
    "An intake ledger can't be opened; mail is refused for now, and opening it is tried again.",
    "ledger",
    "reason",
    "again_s",
)
INTAKE_UNSURE = register(
    "intake_unsure",
    "info",
    "A sender left before its message was acknowledged; its second try will not be delivered twice.",
    "ledger",
    "sequence",
    "trace",
)
RELAY_STEERED = register(
    "relay_steered",
    "warn",
    "Mail to elsewhere goes by the first or the second way from now on, or is held in the queue.",
    "course",
)
RELAY_RESENT = register(
    "relay_resent",
    "warn",
    "What other servers took within that time is sent once more, as an operator asked.",
    "messages",
    "since",
    "until",
)
ACCEPTED = register(
    "message_accepted",
    "debug",
    "A message is durable and acknowledged; seconds: since its MAIL.",
    "function",
    "trace",
    "sender",
    "recipients",
    "bytes",
    "peer",
    "seconds",
)
REJECTED = register(
    "message_rejected",
    "info",
    "A message was read and refused.",
    "function",
    "reply",
    "sender",
    "peer",
)
SMTP_REFUSED = register(
    "smtp_refused",
    "info",
    "A sender or a recipient was refused.",
    "function",
    "step",
    "address",
    "reply",
    "peer",
)
SMTP_UNAVAILABLE = register(
    "smtp_unavailable",
    "warn",
    "An SMTP client met a temporary failure because a component is out of reach.",
    "function",
    "step",
    "component",
    "reason",
    "peer",
)
SMTP_FAILED = register(
    "smtp_failed",
    "info",
    "An SMTP connection was given up: what the client said made no sense.",
    "function",
    "reason",
    "peer",
)
QUEUE_UNAVAILABLE = register(
    "queue_unavailable",
    "error",
    "The queue's ledger can't be written; mail to elsewhere waits.",
    "component",
    "error",
)
RELAY_TRIED = register(
    "relay_tried",
    "info",
    "A message was tried at another server; result: sent, later or failed; seconds: the try alone.",
    "entry",
    "trace",
    "result",
    "reply",
    "seconds",
)
RELAY_BLOCKED = register(
    "relay_blocked",
    "warn",
    "Mail to elsewhere waits because of our way out, not of one destination; said for each try.",
    "component",
)
SENDER_TOLD = register(
    "sender_told",
    "info",
    "A report about a message was written to its sender.",
    "entry",
    "action",
    "recipients",
)
SENDING_LIMIT = register(
    "sending_limit_reached",
    "warn",
    "An account has sent to as many recipients within a day as it may; perhaps its password is known.",
    "function",
    "account",
    "recipients",
    "limit",
    "again_at",
    "peer",
)
