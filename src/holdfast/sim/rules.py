"""Faults by rule: which operation, on which paths, after how many, how often, and then what."""

from __future__ import annotations

import errno
import os
from typing import Literal

Operation = Literal[
    "open", "read", "append", "sync", "truncate", "rename", "remove", "list", "sync_folder", "any", "change"
]
"""'any' is every operation, 'change' every one but open, read and list."""

Effect = Literal["error", "hang", "flip", "power"]

_READING = ("open", "read", "list")


class Rule:
    """One fault. It is met `after` matching operations have gone well, and `times` times (None: for ever)."""

    __slots__ = ("active", "after", "code", "effect", "met", "operation", "prefix", "seconds", "times")

    def __init__(
        self,
        effect: Effect,
        operation: Operation,
        prefix: str = "",
        *,
        code: int = errno.EIO,
        seconds: float | None = None,
        after: int = 0,
        times: int | None = None,
    ) -> None:
        self.effect = effect
        self.operation = operation
        self.prefix = prefix
        self.code = code
        self.seconds = seconds
        self.after = after
        self.times = times
        self.met = 0
        self.active = True

    def lift(self) -> None:
        """The fault is repaired."""
        self.active = False

    def meets(self, operation: str, path: str) -> bool:
        """Counts a matching operation; True if the fault strikes now."""
        if not self.active or not path.startswith(self.prefix):
            return False
        if self.operation == "change":
            if operation in _READING:
                return False
        elif self.operation not in ("any", operation):
            return False
        if self.after > 0:
            self.after -= 1
            return False
        if self.times is not None and self.met >= self.times:
            return False
        self.met += 1
        return True

    def error(self, path: str) -> OSError:
        return OSError(self.code, os.strerror(self.code), path)
