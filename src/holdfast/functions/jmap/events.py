"""What this function writes into the journal."""

from __future__ import annotations

from holdfast.model.events import register

CALL = register(
    "jmap_call",
    "debug",
    "a method of JMAP was answered; result: ok, or the type of its error; cell: the account's.",
    "account",
    "method",
    "result",
    "seconds",
    "peer",
    "cell",
)
REQUEST = register(
    "jmap_request",
    "debug",
    "a request of a JMAP client was answered; what: the path that all such requests have.",
    "what",
    "status",
    "seconds",
)
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
SIGN_INS_NOT_KEPT = register(
    "jmap_sign_ins_not_kept",
    "error",
    "the file that says which refresh tokens were used can't be read or written; tokens go on without it.",
    "path",
    "error",
)
TOKEN_REUSED = register(
    "jmap_token_reused",
    "warn",
    "a code or refresh token was used a second time, as by somebody who stole it; its sign-in was ended.",
    "account",
    "client",
    "what",
)
PROGRAM_ALLOWED = register(
    "jmap_program_allowed",
    "info",
    "a person let a program read and send mail; client: the program's name for itself.",
    "account",
    "client",
    "peer",
)
TASK_FAILED = register(
    "jmap_task_failed",
    "error",
    "what the first worker does beside (pushes, mail sent later, snoozes) met an error; it goes on.",
    "error",
    "where",
)
PUSH_LATER = register(
    "jmap_push_later",
    "info",
    "a push service can't be reached; the subscriber is told later, everything in one piece.",
    "account",
    "subscription",
    "reason",
)
PUSH_REFUSED = register(
    "jmap_push_refused",
    "warn",
    "a push service took a message and didn't accept it, or may not be asked; the message was given up.",
    "account",
    "subscription",
    "reason",
)
UNAVAILABLE = register(
    "jmap_unavailable",
    "warn",
    "a request was answered with 503, or a call or part of it with serverUnavailable; path: what was asked;"
    " cell: the account's, null before it is known.",
    "path",
    "component",
    "text",
    "peer",
    "cell",
)
FAILED = register(
    "jmap_failed",
    "error",
    "a request met an error nobody foresaw; it was answered with 500 and the reference.",
    "path",
    "reference",
    "error",
    "where",
)

OUTBOX_PUT_OFF = register(
    "outbox_put_off",
    "warn",
    "Something that is due (a message to be sent, one snoozed) couldn't be carried out; it is tried again.",
    "account",
    "kind",
    "id",
    "tries",
    "again_s",
    "error",
    "where",
)
SUBMISSION_SENT = register(
    "submission_sent",
    "info",
    "A message submitted over JMAP is on its way; ``late_s``: after the time that was asked for.",
    "account",
    "id",
    "local",
    "remote",
    "refused",
    "late_s",
)
SUBMISSION_PUT_OFF = register(
    "submission_put_off",
    "info",
    "A message submitted over JMAP waits: its account has sent to as many recipients as it may a day.",
    "account",
    "id",
    "again_at",
)
