"""What directories outside say in the journal."""

from __future__ import annotations

from holdfast.model.events import register

SOURCE_READ = register(
    "source_read",
    "info",
    "a directory outside was read, and accounts were brought in line with it",
    "source",
    "full",
    "people",
    "added",
    "changed",
    "disabled",
    "enabled",
    "refused",
)
SOURCE_LOST = register(
    "source_lost",
    "warn",
    "a directory outside can't be read; nothing was changed, and it is tried again",
    "source",
    "reason",
)
SOURCE_BACK = register("source_back", "info", "a directory outside can be read again", "source")
SOURCE_NOT_BELIEVED = register(
    "source_not_believed",
    "error",
    "a directory outside suddenly has far fewer people: nobody was disabled, see `holdfast directory list`",
    "source",
    "reason",
)
SOURCE_PERSON_REFUSED = register(
    "source_person_refused",
    "warn",
    "a person of a directory outside has no account, or not all of its addresses; said once for each reason",
    "source",
    "id",
    "reason",
)
SOURCE_PASSWORD_KEPT = register(
    "source_password_kept",
    "info",
    "a right password's hash was kept for when its directory is out of reach; void: no longer right there",
    "account",
    "source",
    "void",
)
