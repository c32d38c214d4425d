"""The words for people as a directory outside has them, and what every kind of it can do."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from holdfast.model.errors import Unavailable


class Person(NamedTuple):
    """``id``: its name there, which never changes. ``address``: '' for none."""

    id: str
    address: str
    aliases: tuple[str, ...] = ()
    name: str = ""
    disabled: bool = False


class Found(NamedTuple):
    """``mark``: for ``read_changed``, '' where there is none. ``nameless``: how many had no id."""

    people: list[Person]
    mark: str = ""
    nameless: int = 0


class Source(Protocol):
    """One directory outside. All calls block, and raise ``Unavailable("source/…")`` for any trouble."""

    name: str  # as accounts have it: ``ldap:staff``
    checks_passwords: bool

    def read_all(self) -> Found:
        """Everybody; never a part of them."""

    def read_changed(self, mark: str) -> Found | None:
        """Those that changed since; None where only ``read_all`` can tell."""

    def password_right(self, id: str, password: str) -> bool:
        """Whether this is the password of the person now. Raises ``NotThere`` for who isn't found."""


class NotThere(Unavailable):
    """It answers, and can't tell of this person: SOURCE-1. Of nobody else that says anything."""


def component(name: str) -> str:
    """How ``Unavailable`` names a source: ``source/ldap:staff``."""
    return f"source/{name}"


def plain_addresses(values: list[str]) -> list[str]:
    """Mail addresses alone, in order, none twice: ``SMTP:ann@…`` (as proxyAddresses has them) first."""
    first: list[str] = []
    found: list[str] = []
    for value in values:
        text = value.strip()
        kind, colon, rest = text.partition(":")
        if colon and kind.lower() == "smtp":
            (first if kind == "SMTP" else found).append(rest)
        elif "@" in text and not (colon and "@" not in kind):
            found.append(text)
    return list(dict.fromkeys(first + found))


def is_disabled(value: str, values: tuple[str, ...]) -> bool:
    """What an attribute or a column says; ``values``: those that mean yes, () for the usual ones."""
    text = value.strip().lower()
    if values:
        return text in (each.lower() for each in values)
    return text in ("1", "true", "yes", "t", "y", "on")
