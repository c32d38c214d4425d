"""PAGES-6: what pages say is complete, the same in every language, and said somewhere."""

from __future__ import annotations

import re
import string
from collections import Counter
from pathlib import Path

import pytest

from holdfast.pages.texts import LANGUAGES, Plain, Texts, read

SOURCE = Path(__file__).parents[3] / "src" / "holdfast"
FOLDERS = sorted(path.parent for path in SOURCE.rglob("texts/en.toml"))
IDS = [str(folder.relative_to(SOURCE).parent) for folder in FOLDERS]
# A key's end is put together at run time: t("error." ~ kind ~ ".title"), f"refused.{reason}"
_QUOTED = re.compile(r"""["']([a-z0-9_]+(?:\.[a-z0-9_{}]*)+)""")


def forms(text: Plain) -> list[str]:
    return [text] if isinstance(text, str) else list(text.values())


def names(text: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(text) if field is not None}


def said(folder: Path) -> set[str]:
    """Every dotted word in quotes, as far as it stands there, of the code and templates of a package.

    What ``pages`` says is for all packages to use.
    """
    package = SOURCE if folder.parent.name == "pages" else folder.parent
    files = [*package.rglob("*.py"), *package.rglob("*.html")]
    return {word for path in files for word in _QUOTED.findall(path.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("folder", FOLDERS, ids=IDS)
def test_pages_6_every_language_says_the_same_keys_with_the_same_values(folder: Path):
    english = read(folder, "en")
    for language in LANGUAGES:
        other = read(folder, language)
        assert other.keys() == english.keys()
        for key, text in other.items():
            wanted = set().union(*(names(form) for form in forms(english[key])))
            assert set().union(*(names(form) for form in forms(text))) == wanted, f"{language}: {key}"
            assert all(form.strip() == form and form for form in forms(text)), f"{language}: {key}"


@pytest.mark.parametrize("folder", FOLDERS, ids=IDS)
def test_pages_6_no_key_is_unused(folder: Path):
    words = said(folder)
    beginnings = tuple(word.partition("{")[0] for word in words if word.endswith((".", "_")) or "{" in word)
    unused = [
        key for key in read(folder, "en") if key not in words and not key.startswith(beginnings or "\0")
    ]
    assert not unused


@pytest.mark.parametrize("folder", FOLDERS, ids=IDS)
def test_pages_6_no_page_says_a_key_that_nobody_wrote(folder: Path):
    known = {key for each in FOLDERS for key in read(each, "en")}
    asked: set[str] = set()
    for path in folder.parent.rglob("*.html"):
        asked |= set(re.findall(r"""\bt\("([a-z0-9_.]+)"[,)]""", path.read_text(encoding="utf-8")))
    for path in folder.parent.rglob("*.py"):
        calls = r"""(?:\.say|\.notice|Wrong|MenuEntry\([^,]*,)\s*\(?"([a-z0-9_]+\.[a-z0-9_.]+)"[,)]"""
        asked |= set(re.findall(calls, path.read_text(encoding="utf-8")))
    assert not asked - known


def test_pages_6_a_key_stands_in_one_package_only():
    # Sites are put together from pages, portal and one function; two functions never meet.
    shared = [folder for folder in FOLDERS if folder.parent.name in ("pages", "portal")]
    for folder in FOLDERS:
        keys = Counter(key for each in {*shared, folder} for key in read(each, "en"))
        assert not [key for key, count in keys.items() if count > 1]


@pytest.fixture
def texts() -> Texts:
    return Texts([SOURCE / "pages" / "texts"], time_zone="Europe/Berlin")


AT = 1_795_379_899.0  # 22 November 2026, 20:38 UTC


def test_dates_and_times_are_written_as_each_language_does_with_their_zone(texts: Texts):
    assert texts.date("en", AT) == "22 November 2026"
    assert texts.date("de", AT) == "22. November 2026"
    assert texts.moment("de", AT) == "22. November 2026, 21:38 Uhr MEZ"
    assert texts.moment("en", AT).startswith("22 November 2026, 21:38 ")
    assert texts.clock("de", AT) == "21:38 MEZ"
    assert texts.instant("de", AT) == "22. November 2026, 21:38:19 Uhr MEZ"


@pytest.mark.parametrize(
    ("size", "english", "german"),
    [
        (0, "0 B", "0 B"),
        (999, "999 B", "999 B"),
        (1500, "1.5 KB", "1,5 KB"),
        (999_499, "999 KB", "999 KB"),
        (999_999, "1 MB", "1 MB"),
        (1_234_567_890, "1.2 GB", "1,2 GB"),
        (5 * 10**15, "5,000 TB", "5.000 TB"),
    ],
)
def test_sizes_are_short(texts: Texts, size: int, english: str, german: str):
    assert texts.size("en", size).replace("\u00a0", " ") == english
    assert texts.size("de", size).replace("\u00a0", " ") == german


@pytest.mark.parametrize(
    ("seconds", "english", "german"),
    [
        (0.2, "0 seconds", "0 Sekunden"),
        (1, "1 second", "1 Sekunde"),
        (60, "1 minute", "1 Minute"),
        (3600, "60 minutes", "60 Minuten"),
        (7200, "2 hours", "2 Stunden"),
        (3 * 86400, "3 days", "3 Tage"),
    ],
)
def test_durations_have_one_unit_and_its_plural(texts: Texts, seconds: float, english: str, german: str):
    assert texts.duration("en", seconds) == english
    assert texts.duration("de", seconds) == german


def test_a_value_is_escaped_on_a_page_and_the_sentence_too(texts: Texts):
    assert texts.markup("en", "error.reference", reference="<b>&") == (
        "If you ask us about it, please give this reference: &lt;b&gt;&amp;."
    )


def test_a_list_is_joined_as_the_language_does(texts: Texts):
    assert texts.listing("en", ["a", "b", "c"]) == "a, b and c"
    assert texts.listing("de", ["a", "b", "c"]) == "a, b und c"
