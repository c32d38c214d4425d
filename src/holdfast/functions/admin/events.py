"""What administration tells the journal."""

from holdfast.model.events import register

ADMIN_DENIED = register(
    "admin_denied", "warn", "somebody asked for what his rights don't cover",
    "by", "operation", "peer", "reason",
)  # fmt: skip
ADMIN_NOT_SIGNED_IN = register(
    "admin_not_signed_in", "warn", "a key to the admin interface was not taken", "peer", "reason"
)
ADMIN_DONE = register(
    "admin_done", "info", "an administrator changed something", "by", "operation", "seconds"
)
ADMIN_FAILED = register(
    "admin_failed", "error", "an operation of the admin interface failed in the program",
    "operation", "reference", "error", "where",
)  # fmt: skip
ADMIN_UNAVAILABLE = register(
    "admin_unavailable", "warn", "the admin interface answered 503; operation: what was asked for",
    "operation", "component", "text",
)  # fmt: skip
IMPORT_ENDED = register(
    "import_ended", "info", "an import of accounts came to its end",
    "digest", "made", "kept", "refused", "seconds",
)  # fmt: skip
IMPORT_BROKEN = register(
    "import_broken", "warn", "an import of accounts stopped; run again, it goes on", "digest", "reason"
)
HOOK_FAILED = register(
    "hook_failed", "warn", "a hook's endpoint did not take an event; it is tried again",
    "hook", "what", "reason",
)  # fmt: skip
HOOK_BACK = register("hook_back", "info", "a hook's endpoint takes events again", "hook", "what")
HOOK_PASSED_OVER = register(
    "hook_passed_over", "error", "a frame of the people ledger can't be read: hooks go on without it",
    "hook", "reason",
)  # fmt: skip
