"""NOTICE-1: nothing is published that names neither a time nor a number."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from holdfast.care.wording import check, vague
from holdfast.model.errors import Refused
from holdfast.pages.texts import LANGUAGES, Plain, read

ROOT = Path(__file__).parents[3]
SOURCE = ROOT / "src" / "holdfast"
FOLDERS = sorted(path.parent for path in SOURCE.rglob("texts/en.toml"))
TEMPLATES = sorted(SOURCE.rglob("templates/**/*.html"))
WEBMAIL = ROOT / "web" / "webmail" / "src" / "texts"


@pytest.mark.parametrize(
    ("language", "text", "words"),
    [
        ("en", "Mail will be back shortly.", "shortly"),
        ("en", "We hope to be back soon.", "soon"),
        ("en", "We are working as quickly as possible.", "as quickly as possible"),
        ("en", "This may take a few more days.", "a few more days"),
        ("en", "It takes a couple of hours.", "a couple of hours"),
        ("en", "Service returns in the near future.", "in the near future"),
        ("en", "Some users can’t sign in.", "Some users"),
        ("en", "Only a small number of customers is hit.", "a small number of customers"),
        ("en", "a mid-single-digit percentage", "mid-single-digit percentage"),
        ("de", "Ihre Mails sind in Kürze wieder abrufbar.", "in Kürze"),
        ("de", "Das dauert wohl noch ein paar Tage.", "ein paar Tage"),
        ("de", "In wenigen Stunden ist alles wieder da.", "wenigen Stunden"),
        ("de", "Wir arbeiten so schnell wie möglich.", "so schnell wie möglich"),
        ("de", "Bald geht es wieder.", "Bald"),
        ("de", "Einige Kunden sind betroffen.", "Einige Kunden"),
        ("de", "nur ein Bruchteil der rund zwei Millionen Kunden", "nur ein Bruchteil"),
        ("de", "im mittleren einstelligen Prozentbereich", "im mittleren einstelligen Prozentbereich"),
        ("de", "in\u00a0\n Ku\u0308rze", "in Kürze"),
    ],
)
def test_notice_1_what_names_no_time_and_no_number_is_found(language: str, text: str, words: str) -> None:
    assert [each.words for each in vague(language, text)] == [words]
    with pytest.raises(Refused, match=re.escape(words)):
        check({language: text})


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "IMAP works again in 12 of 16 cells; the rest follows by 14:30. Next update by 14:15."),
        ("en", "1,000 of 100,000 customers can’t read mail. It is sent as soon as the server answers."),
        ("en", "No estimate yet, because no repair of this kind is known. Next update by 14:15."),
        ("de", "1.000 von 100.000 Kunden können keine Mail lesen. Nächste Nachricht bis 14:15 Uhr."),
        ("de", "Die Mail wird gesendet, sobald der Server antwortet; vier Ihrer Postfächer sind betroffen."),
        ("de", "Gleichbleibend seit 10:02 Uhr; in den Zellen 3 und 4 dauert es 3 bis 5 Stunden."),
    ],
)
def test_what_names_them_is_published(language: str, text: str) -> None:
    assert vague(language, text) == []
    check({language: text})


def test_a_refusal_says_what_to_say_instead() -> None:
    with pytest.raises(Refused, match=r"en: “shortly”: name a time.*de: “Einige Kunden”: name a number"):
        check({"en": "Back shortly.", "de": "Einige Kunden"})


def forms(text: Plain) -> list[str]:
    return [text] if isinstance(text, str) else list(text.values())


# What these say is about accounts and people in general: “many accounts at once” hides no number.
GENERAL = {"functions/admin/web/texts", "functions/password/texts", "functions/signup/texts"}
# What was said in 2012 is quoted beside what is said now.
QUOTING = "sim/drills/story/texts"
_QUOTES = re.compile("[“„][^“”]*[“”]")


@pytest.mark.parametrize("folder", [str(each.relative_to(SOURCE)) for each in FOLDERS])
def test_notice_1_no_text_of_ours_is_vague(folder: str) -> None:
    found = {
        f"{language}: {key}": words
        for language in LANGUAGES
        for key, text in read(SOURCE / folder, language).items()
        for form in forms(text)
        for own in [_QUOTES.sub("", form) if folder == QUOTING and key.startswith("then.") else form]
        if (words := [e for e in vague(language, own) if e.lacks == "time" or folder not in GENERAL])
    }
    assert not found


def test_notice_1_no_template_is_vague() -> None:
    assert TEMPLATES
    found = {}
    for path in TEMPLATES:
        text = re.sub(r"<[^>]*>|\{[{%#].*?[}%#]\}", " ", path.read_text(encoding="utf-8"))
        if words := [each for language in LANGUAGES for each in vague(language, text)]:
            found[str(path)] = words
    assert not found


@pytest.mark.parametrize("language", LANGUAGES)
def test_notice_1_what_the_webmail_says_of_outages_is_not_vague(language: str) -> None:
    said = (WEBMAIL / language / "trouble.ts").read_text(encoding="utf-8")
    texts = [" ".join(each) for each in re.findall(r'"((?:[^"\\]|\\.)*)"|`((?:[^`\\]|\\.)*)`', said)]
    assert len(texts) > 50
    assert not {text: words for text in texts if (words := vague(language, text))}
