"""What a notice may not say: when, without a time; how many, without a number (NOTICE-1).

“Shortly” was said for four days, and “a few days” more were announced then. So whoever publishes asks here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Literal, NamedTuple

from holdfast.model.errors import Reason, Refused


class Vague(NamedTuple):
    """``words`` as they stand in the text; ``lacks``: what they hide."""

    words: str
    lacks: Literal["time", "number"]


_PEOPLE = {
    "en": "users?|customers?|people|subscribers?|persons?|accounts?|mailboxes|members|businesses|contracts?",
    "de": "Nutzer(?:n|innen)?|Benutzer(?:n|innen)?|Kund(?:en|innen)|Anwender(?:n|innen)?|Personen|Menschen|"
    "Konten|Postfächern?|Teilnehmer(?:n|innen)?|Abonnenten|Mitglieder(?:n)?|Betroffenen?|Verträgen?",
}
_UNITS = {
    "en": "moments?|seconds?|minutes?|hours?|days?|weeks?|months?",
    "de": "Augenblicken?|Momenten?|Sekunden?|Minuten?|Stunden?|Tagen?|Wochen?|Monaten?|Zeit",
}
_TIMES = {
    "en": (
        r"shortly",
        r"(?<!as )soon(?:er or later)?",
        r"as (?:soon|quickly|fast) as (?:possible|we can|we are able)",
        r"in due (?:course|time)",
        r"before (?:too )?long",
        r"(?:in|for|within) (?:a|the) (?:short|little|near|foreseeable) (?:while|time|future)",
        r"(?:in|for|within) (?:a (?:while|moment)|some time)",
        r"momentarily|imminently|promptly|at the earliest opportunity",
        r"any (?:minute|moment|time|day) now",
        r"(?:a |the next |another )?(?:few|couple of|several|some|many)(?: more| further)? (?:{units})",
        r"(?:in|over|within) the (?:coming|next) (?:minutes|hours|days|weeks)",
        r"until further notice",
    ),
    "de": (
        r"in Kürze|kurzfristig|kurzzeitig|in Bälde",
        r"demnächst|bald(?:igst|möglichst)?|alsbald|zeitnah|umgehend|schnellst(?:ens|möglich)|ehestmöglich",
        r"so (?:schnell|bald|rasch) (?:wie|als) (?:möglich|es geht)",
        r"in absehbarer Zeit|in nächster Zeit|auf absehbare Zeit|nach einiger Zeit|vor(?:erst|läufig)",
        r"(?:für|in|nach) (?:kurze[rn]?|einige[rn]?) (?:{units})",
        r"jeden (?:Augenblick|Moment)|gleich wieder",
        r"(?:ein paar|(?:einige|wenige|mehrere|etliche|viele)[nr]?)(?: weitere[nr]?)? (?:{units})",
        r"in den (?:kommenden|nächsten) (?:Minuten|Stunden|Tagen|Wochen)",
        r"bis auf [Ww]eiteres",
    ),
}
_NUMBERS = {
    "en": (
        r"(?:some|a few|few|several|many|most|numerous|various|certain|individual)"
        r"(?: of)?(?: our| the| other| affected)? (?:{people})",
        r"a (?:small |large |limited |certain |greater )?"
        r"(?:number|part|portion|fraction|share|minority|majority)"
        r" of(?: all| our| the| affected)? (?:{people})",
        r"(?:low |mid[- ]|high )?single[- ]digit (?:percent\w*|per cent)",
        r"isolated cases|(?:only )?a fraction of",
    ),
    "de": (
        r"(?:ein paar|(?:einige|manche|viele|mehrere|wenige|zahlreiche|etliche|vereinzelte|einzelne)[nr]?)"
        r"(?: unserer| der| betroffene[nr]?| andere[nr]?)? (?:{people})",
        r"(?:die|der) meisten(?: unserer)? (?:{people})",
        r"ein (?:kleiner |großer |geringer |gewisser )?(?:Teil|Bruchteil|Anteil)"
        r"(?: (?:unserer|der|aller|von))? (?:{people})",
        r"(?:im )?(?:niedrigen |unteren |mittleren |hohen |oberen )?einstelligen Prozentbereich",
        r"Einzelfälle[nr]?|nur ein Bruchteil",
    ),
}


def _compiled(forms: Mapping[str, tuple[str, ...]]) -> dict[str, re.Pattern[str]]:
    found = {}
    for language, patterns in forms.items():
        whole = "|".join(
            each.replace("{units}", _UNITS[language]).replace("{people}", _PEOPLE[language])
            for each in patterns
        )
        found[language] = re.compile(rf"(?<!\w)(?:{whole})(?!\w)", re.IGNORECASE)
    return found


_VAGUE: tuple[tuple[Literal["time", "number"], dict[str, re.Pattern[str]]], ...] = (
    ("time", _compiled(_TIMES)),
    ("number", _compiled(_NUMBERS)),
)
_SAY = {"time": "name a time, or the time of the next update", "number": "name a number, and of how many"}


def vague(language: str, text: str) -> list[Vague]:
    """What in it names no time and no number, in the order of the text."""
    plain = re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text).replace("\u00ad", ""))
    found = [
        (match.start(), Vague(match.group(), lacks))
        for lacks, patterns in _VAGUE
        for match in patterns[language].finditer(plain)
    ]
    return [each for _, each in sorted(found)]


def check(texts: Mapping[str, str]) -> None:
    """Of one notice, by language. Raises ``Refused`` with every vague word and what to say instead."""
    wrong = [
        f"{language}: “{each.words}”: {_SAY[each.lacks]}"
        for language, text in texts.items()
        for each in vague(language, text)
    ]
    if wrong:
        raise Refused(Reason.NOT_ALLOWED, f"not published; {'; '.join(wrong)}")
