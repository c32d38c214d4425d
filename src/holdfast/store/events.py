"""The store's events."""

from holdfast.model.events import register

INDEX_REBUILDING = register(
    "index_rebuilding", "warn", "a cell's index is missing or damaged and is made anew", "cell", "reason"
)
INDEX_REBUILT = register(
    "index_rebuilt", "info", "a cell's index is whole again", "cell", "frames", "seconds", "bad_frames"
)
INDEX_BEHIND = register(
    "index_behind", "warn", "a cell's index can't take changes; mail is kept in packs", "cell", "error"
)
STORE_READY = register("store_ready", "info", "the store takes commands", "cells", "behind", "seconds")
MERGED = register(
    "mail_merged", "debug", "new mail is in its mailboxes; seconds: from reading it to showing it",
    "ledger", "messages", "seconds",
)  # fmt: skip
MERGE_FAILED = register("merge_failed", "warn", "new mail can't be merged yet; it is kept", "ledger", "error")
COMMIT_REFUSED = register("commit_refused", "error", "commands were not kept", "component", "commands")
ACCOUNT_FULL = register(
    "account_full", "info", "an account has reached its quota; its senders are asked to wait",
    "account", "bytes", "limit",
)  # fmt: skip
ACCOUNT_HAS_ROOM = register(
    "account_has_room", "info", "an account that was full takes mail again", "account", "bytes", "limit"
)
