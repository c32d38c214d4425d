"""A command the fold refuses: part of the outcome, not an error of the service."""

from __future__ import annotations

from holdfast.model.errors import Reason


class Refusal(Exception):
    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason = reason
        self.text = text
