"""What pages say, in each language, and how numbers, dates and sizes are written there.

A folder has one TOML file per language with flat keys: ``"change.title" = "New password for {name}"``.
What depends on a count is a table: ``"code.left" = {one = "{count} code", other = "{count} codes"}``.
"""

from __future__ import annotations

import datetime
import functools
import tomllib
import zoneinfo
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from babel import Locale
from babel.dates import format_date, format_datetime, format_time
from babel.lists import format_list
from babel.numbers import format_decimal
from markupsafe import Markup, escape

LANGUAGES = ("en", "de")
_LOCALES = {"en": Locale("en", "GB"), "de": Locale("de", "DE")}
_UNITS = ("B", "KB", "MB", "GB", "TB")

Plain = str | dict[str, str]  # a sentence, or one for each plural form of ``count``


class Texts:
    """All sentences of one site. A key stands in one folder only, in every language (PAGES-6)."""

    def __init__(self, folders: Iterable[Path], *, time_zone: str = "UTC") -> None:
        """Raises ``ValueError`` for a key twice, ``KeyError`` for a time zone nobody knows."""
        self.zone = zoneinfo.ZoneInfo(time_zone)
        self._said: dict[str, dict[str, Plain]] = {language: {} for language in LANGUAGES}
        for folder in folders:
            for language in LANGUAGES:
                for key, text in read(folder, language).items():
                    if key in self._said[language]:
                        raise ValueError(f"{folder}: '{key}' is said by another folder")
                    self._said[language][key] = text

    def has(self, key: str) -> bool:
        return key in self._said[LANGUAGES[0]]

    def say(self, language: str, key: str, **values: object) -> str:
        """The sentence as plain text. Raises ``KeyError`` for a key nobody wrote."""
        return self._form(language, key, values).format(**values)

    def markup(self, language: str, key: str, **values: object) -> Markup:
        """The sentence for a page: values are escaped, but those that are ``Markup`` already (a link)."""
        return Markup(escape(self._form(language, key, values))).format(**values)

    def _form(self, language: str, key: str, values: Mapping[str, object]) -> str:
        text = self._said[language][key]
        if isinstance(text, str):
            return text
        count = values["count"]
        assert isinstance(count, int)
        form: str = _LOCALES[language].plural_form(count)
        return text.get(form, text["other"])

    # Numbers and times

    def number(self, language: str, value: float) -> str:
        return format_decimal(value, locale=_LOCALES[language])

    def size(self, language: str, value: int) -> str:
        """Bytes: ``1.5 GB``, ``1,5 GB``; units of 1000, as on the label of a disk."""
        amount, unit = float(value), 0
        while amount >= 999.5 and unit < len(_UNITS) - 1:
            amount, unit = amount / 1000, unit + 1
        pattern = "#,##0" if unit == 0 or amount >= 99.5 else "#,##0.#"
        return f"{format_decimal(amount, pattern, locale=_LOCALES[language])}\u00a0{_UNITS[unit]}"

    def date(self, language: str, at: float) -> str:
        return format_date(self._local(at), "long", locale=_LOCALES[language])

    def moment(self, language: str, at: float) -> str:
        """Date and time to the minute, with the zone: nobody should have to guess."""
        return format_datetime(self._local(at), _MOMENT[language], locale=_LOCALES[language])

    def instant(self, language: str, at: float) -> str:
        """To the second: in the order of what happened, a minute is too long."""
        return format_datetime(self._local(at), _INSTANT[language], locale=_LOCALES[language])

    def clock(self, language: str, at: float) -> str:
        return format_time(self._local(at), "HH:mm zzz", locale=_LOCALES[language])

    def duration(self, language: str, seconds: float) -> str:
        """``3 hours``, ``3 Stunden``: the largest unit that fits, rounded."""
        for unit, length in (("day", 86_400), ("hour", 3600), ("minute", 60)):
            if seconds >= length * (1.5 if unit != "minute" else 1):
                return self._count(language, unit, round(seconds / length))
        return self._count(language, "second", max(0, round(seconds)))

    def listing(self, language: str, items: Sequence[str]) -> str:
        """``a, b and c``."""
        return format_list(items, locale=_LOCALES[language])

    def _count(self, language: str, unit: str, count: int) -> str:
        return self.say(language, f"duration.{unit}", count=count)

    def _local(self, at: float) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(at, self.zone)


_INSTANT = {"en": "d MMMM y, HH:mm:ss zzz", "de": "d. MMMM y, HH:mm:ss 'Uhr' zzz"}
_MOMENT = {"en": "d MMMM y, HH:mm zzz", "de": "d. MMMM y, HH:mm 'Uhr' zzz"}


@functools.cache
def read(folder: Path, language: str) -> dict[str, Plain]:
    """One file as it stands. Raises ``ValueError`` for what isn't a sentence."""
    path = folder / f"{language}.toml"
    found: dict[str, Plain] = {}
    for key, text in tomllib.loads(path.read_text(encoding="utf-8")).items():
        plural = isinstance(text, dict) and "other" in text
        if not isinstance(text, str) and not plural:
            raise ValueError(f"{path}: '{key}' is neither a sentence nor a table with 'other'")
        found[key] = text
    return found
