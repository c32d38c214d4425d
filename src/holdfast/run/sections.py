"""What all sections of the configuration are made of."""

from __future__ import annotations

import msgspec


class Secret(str):
    """A secret as the configuration names it: ``file:/path``. Never a literal."""

    __slots__ = ()

    def read(self) -> str:
        """The secret itself, one trailing newline cut. Raises OSError when the file can't be read."""
        with open(self.removeprefix("file:"), encoding="utf-8") as file:
            return file.read().removesuffix("\n")


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass
