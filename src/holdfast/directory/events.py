"""What the directory says in the journal."""

from __future__ import annotations

from holdfast.model.events import register

PEOPLE_OPENED = register(
    "people_opened",
    "info",
    "a process opened its copy of the people; frames: folded to catch up",
    "path",
    "frames",
    "seconds",
    "accounts",
)
PEOPLE_NOT_BELIEVED = register(
    "people_not_believed",
    "error",
    "the directory would suddenly know far fewer people: known names go on as before, others wait",
    "reason",
)
PEOPLE_BELIEVED = register(
    "people_believed",
    "info",
    "the reason for doubt is gone: unknown names are refused again",
    "reason",
)
PEOPLE_FRAME_BAD = register(
    "people_frame_bad",
    "error",
    "a frame of the people ledger can't be read and was passed over",
    "pack",
    "offset",
    "reason",
)
PEOPLE_FRAME_REFUSED = register(
    "people_frame_refused",
    "warn",
    "a record of the people ledger could not be carried out and was passed over",
    "sequence",
    "reason",
)
PEOPLE_COPY_BROKEN = register(
    "people_copy_broken",
    "error",
    "a process's copy can't be read; it is put aside and built again from the ledger",
    "path",
    "reason",
)
PEOPLE_WRITER_LOST = register(
    "people_writer_lost",
    "warn",
    "no connection to the people process; lookups go on with the copy",
    "path",
    "reason",
)
PEOPLE_WRITER_FOUND = register(
    "people_writer_found", "info", "the people process announces positions to this process", "path"
)
PEOPLE_FOLLOW_FAILED = register(
    "people_follow_failed",
    "warn",
    "the people ledger could not be read; lookups go on with the copy, and it is tried again",
    "reason",
)
PEOPLE_CHANGED = register(
    "people_changed",
    "info",
    "the people process carried out requests, durably",
    "frames",
    "seconds",
)
PEOPLE_WRITE_FAILED = register(
    "people_write_failed",
    "error",
    "the people process could not write; the requests were put off; component: what took nothing",
    "component",
    "reason",
)
AUDIT_FAILED = register(
    "audit_failed",
    "warn",
    "the audit trail could not be brought up to date; what it has stays, and it is tried again",
    "path",
    "reason",
)
AUTH_FULL = register(
    "auth_full",
    "warn",
    "too many password checks wait; said once a second; checks: put off since it was said last",
    "checks",
    "waiting",
    "retry_after_s",
)
SHEDDING_BEGAN = register(
    "shedding_began",
    "warn",
    "password checks of who never signed in from a network are put off where they don't fit; known: pairs of"
    " account and network that go first",
    "known",
)
SHEDDING_ENDED = register("shedding_ended", "info", "password checks are made as they come again")
AUTH_LOST = register(
    "auth_lost", "warn", "no connection to the auth process; passwords are verified here", "path", "reason"
)
SIGN_IN = register(
    "sign_in",
    "debug",
    "somebody signed in; how: known here, known to auth, or hashed; cell: the account's",
    "account",
    "cell",
    "peer",
    "function",
    "how",
)
SIGN_IN_WRONG = register(
    "sign_in_wrong", "info", "a name and password that don't fit", "login", "peer", "function"
)
SIGN_IN_LIMITED = register(
    "sign_in_limited",
    "warn",
    "too many wrong passwords for one login from one network; others are not concerned",
    "login",
    "network",
    "function",
    "retry_after_s",
)
APP_PASSWORD_REFUSED = register(
    "app_password_refused",
    "info",
    "the right app password where it does not open: reason is function, network or expired",
    "account",
    "app_password",
    "peer",
    "function",
    "reason",
)
OUTSIDE_LOST = register(
    "outside_directory_lost",
    "warn",
    "the directory an account comes from is out of reach; what was kept of its password decides",
    "account",
    "source",
    "reason",
)
HISTORY_FAILED = register(
    "history_failed",
    "warn",
    "sign-ins could not be noted in their history; nobody was kept from signing in",
    "path",
    "reason",
    "lost",
)
HISTORY_DAMAGED = register(
    "history_damaged",
    "warn",
    "a process's history of sign-ins can't be read and was passed over",
    "path",
    "reason",
)
FACTORS_UNREADABLE = register(
    "factors_unreadable",
    "error",
    "a second factor can't be opened with the keys there are: its owner can't use it",
    "account",
    "factor",
    "reason",
)
PASSKEY_REFUSED = register(
    "passkey_refused",
    "warn",
    "a passkey's answer that doesn't verify, or whose counter went back",
    "account",
    "reason",
)
ASKED_KEPT = register(
    "asked_kept",
    "warn",
    "the people process is out of reach; what was asked is kept, and carried out when it is back",
    "do",
    "component",
    "reason",
    "waiting",
)
ASKED_CARRIED = register(
    "asked_carried", "info", "what was kept has been carried out", "do", "waited_s", "waiting"
)
ASKED_REFUSED = register(
    "asked_refused", "warn", "what was kept has been refused when its turn came", "do", "reason", "waiting"
)
ASKED_BAD = register(
    "asked_bad",
    "error",
    "a frame of what was asked can't be read; what it asked is lost",
    "pack",
    "offset",
    "reason",
)
ASKED_LEDGER_LOST = register(
    "asked_ledger_lost",
    "error",
    "what is asked can't be kept at present: without the people process such requests are put off",
    "reason",
)
ASKED_HOOK_FAILED = register(
    "asked_hook_failed", "error", "what was to follow on a request carried out later failed", "do", "error"
)
