"""The words of pages: who is signed in, what was typed wrongly, what a page is told to show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from holdfast.model.mail import AccountId

Level = Literal["password", "full"]


class Session(msgspec.Struct, frozen=True):
    """Who is signed in. ``level``: ``full`` once all that the account asks for was shown.

    ``began_at``: UTC seconds of the sign-in. ``id``: of this sign-in, for nobody to guess.
    """

    account: AccountId
    began_at: float
    level: Level
    id: str


class Wrong(Exception):
    """What a visitor typed can't be taken. ``key``: the sentence that says so; ``field``: where, or ''."""

    def __init__(self, key: str, field: str = "", **values: object) -> None:
        super().__init__(key)
        self.key = key
        self.field = field
        self.values = values


class Notice(msgspec.Struct, frozen=True):
    """A sentence shown once, on the page after a redirect. ``tone``: ``good``, ``info`` or ``warn``."""

    key: str
    values: dict[str, str | int | float]
    tone: str = "good"


class Banner(msgspec.Struct, frozen=True):
    """A line above every page, while it holds. ``text`` is in the visitor's language."""

    text: str
    tone: str = "warn"
    link: str = ""


class MenuEntry(msgspec.Struct, frozen=True):
    """One line of the navigation. ``key``: its text; shown to who is signed in if ``signed_in``."""

    path: str
    key: str
    signed_in: bool = True


class Form:
    """What a form sent. Names and values are text; a name may come several times."""

    __slots__ = ("_fields", "_files")

    def __init__(
        self, fields: Mapping[str, list[str]] | None = None, files: Mapping[str, bytes] | None = None
    ) -> None:
        self._fields = fields or {}
        self._files = files or {}

    def get(self, name: str, default: str = "") -> str:
        """The first value, stripped of white space around it. For secrets use ``exact``."""
        values = self._fields.get(name)
        return values[0].strip() if values else default

    def exact(self, name: str) -> str:
        """The first value as it was typed; '' if none."""
        values = self._fields.get(name)
        return values[0] if values else ""

    def all(self, name: str) -> list[str]:
        return list(self._fields.get(name, ()))

    def file(self, name: str) -> bytes:
        """A file's bytes; b'' if none was chosen."""
        return self._files.get(name, b"")

    def __contains__(self, name: object) -> bool:
        return name in self._fields or name in self._files
