"""DIAG-7: what a diagnosis says to people, in both languages, for each verdict."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from holdfast.pages.texts import LANGUAGES, Texts
from holdfast.pages.texts import __file__ as pages_file
from holdfast.run import mapping, reading
from holdfast.watch.diagnosis import Outcome, diagnose, gather
from holdfast.watch.diagnosis.report import Report, report
from holdfast.watch.diagnosis.wording import FOLDER, Told, Wording
from unit.watch.small_service import MAP, outcomes

PAGES = FOLDER.parents[1] / "pages" / "texts"
TEXTS = Texts([PAGES, FOLDER], time_zone="Europe/Berlin")
assert pages_file.startswith(str(PAGES.parent))


def reported(shown: list[Outcome]) -> Report:
    found = report(MAP, diagnose(MAP, gather(MAP, shown)))
    assert found is not None
    return found


def told(language: str, shown: list[Outcome], before: str = "") -> Told:
    return Wording(TEXTS, language).tell(reported(shown), before)


def fault(faulty: dict[str, float], **how: Any) -> list[Outcome]:
    said = {"disk/v1": "No space left on device"}
    return [
        each._replace(at=1_345_032_000.0 + each.at - 1000, said=said.get(next(iter(faulty)), "no answer"))
        for each in outcomes(MAP, faulty, **how)
    ]


def test_nothing_is_told_where_all_is_well():
    assert report(MAP, diagnose(MAP, gather(MAP, outcomes(MAP, {})))) is None


def test_a_cause_is_told_in_english_with_what_shows_it_and_what_it_is_not():
    said = told("en", fault({"cell-03/index": 1.0}))
    assert said.headline == "At fault: index of cell 3."
    assert said.text == (
        "At fault: index of cell 3.\n"
        "\n"
        "Cause:\n"
        "- Index of cell 3, since 15 August 2012, 14:00:00 CEST.\n"
        "\n"
        "How it shows:\n"
        "- Customers notice it here: receiving mail and mail programs (IMAP).\n"
        "\n"
        "Evidence:\n"
        "- Trial deliver/3, step “seen”: 4 of 4 failed, since 15 August 2012, 14:00:00 CEST: “no answer”.\n"
        "- Trial imap/3, step “select”: 4 of 4 failed, since 15 August 2012, 14:00:00 CEST: “no answer”.\n"
        "\n"
        "Ruled out:\n"
        "- Disk v1: trial disk/v1, step “write”, passes through it and worked 4 of 4 times.\n"
        "- The machine: trial deliver/0, step “accept”, passes through it and worked 4 of 4 times.\n"
        "- Process store: trial store, step “answer”, passes through it and worked 4 of 4 times.\n"
        "\n"
        "How certain:\n"
        "- Practically certain (99.9 %).\n"
    )


def test_a_cause_is_told_in_german_with_the_way_to_it():
    said = told("de", fault({"disk/v1": 1.0}))
    assert said.headline == "Gestört: Datenträger v1."
    assert "Der Weg dorthin: Index der Zelle 0 → Datenträger v1." in said.text
    assert "Kunden bemerken es hier: Empfang von E-Mails und Mailprogramme (IMAP)." in said.text
    assert "4 von 4 fehlgeschlagen, seit 15. August 2012, 14:00:00 Uhr MESZ: „No space left on device“." in (
        said.text
    )
    assert "Und 8 weitere Belege." in said.text


CHAIN = {"partner/keys": 0.0, "spool": 2.0, "disk/v1": 5.0}


@pytest.mark.parametrize(
    ("language", "lines"),
    [
        (
            "en",
            (
                "Partner keys, since 15 August 2012, 14:00:00 CEST.",
                "Queue spool, since 15 August 2012, 14:00:02 CEST, brought about by: partner keys.",
                "Disk v1, since 15 August 2012, 14:00:05 CEST, brought about by: partner keys.",
            ),
        ),
        (
            "de",
            (
                "Partner keys, seit 15. August 2012, 14:00:00 Uhr MESZ.",
                "Warteschlange spool, seit 15. August 2012, 14:00:02 Uhr MESZ, als Folge von: Partner keys.",
                "Datenträger v1, seit 15. August 2012, 14:00:05 Uhr MESZ, als Folge von: Partner keys.",
            ),
        ),
    ],
)
def test_a_chain_is_told_from_its_cause(language: str, lines: tuple[str, ...]):
    said = told(language, fault(dict.fromkeys(CHAIN, 1.0), rounds=9, since=CHAIN))
    assert said.sections[0].lines == lines


def test_a_fault_that_spoils_a_part_is_told_with_the_part():
    shown = fault({"process/imap": 0.4}, rounds=12)
    assert "About 40 % of what passes through it fails." in told("en", shown).text
    assert "Etwa 40 % dessen, was darüber läuft, schlägt fehl." in told("de", shown).text


def test_diag_7_what_is_undecided_names_no_cause_but_what_would_decide():
    shown = fault({"controller": 1.0})
    english, german = told("en", shown), told("de", shown)
    assert english.headline == "Undecided between disk controller and disk data."
    assert german.headline == "Noch nicht entschieden zwischen Datenträger controller und Datenträger data."
    assert "No trial of ours tells them apart: somebody has to look at them." in english.text
    assert "Keine unserer Proben unterscheidet sie: Jemand muss nachsehen." in german.text
    assert "At fault" not in english.text and "Gestört" not in german.text
    assert "Not certain: the likeliest explanation has 50 %." in english.text
    decided = Report(verdict="undecided", probability=0.5, deciding="imap/3")
    assert "Trial imap/3 decides" in Wording(TEXTS, "en").tell(decided).text
    assert "Probe imap/3 entscheidet" in Wording(TEXTS, "de").tell(decided).text


def test_diag_7_what_lies_outside_our_map_is_told_as_that():
    outside = Report(verdict="outside", probability=0.98)
    assert Wording(TEXTS, "en").tell(outside).headline.startswith("The cause lies outside our map")
    german = Wording(TEXTS, "de").tell(outside)
    assert german.headline.startswith("Die Ursache liegt außerhalb unseres Plans")
    assert "Sehr wahrscheinlich (98 %)." in german.text


@pytest.mark.parametrize(
    ("before", "english", "german"),
    [
        ("mended", "Also broken until now, and hidden behind it:", "Bis jetzt ebenfalls gestört"),
        (
            "corrected",
            "What was named before was wrong. We correct it. At fault:",
            "war falsch. Wir korrigieren",
        ),
        ("extended", "What was named before stands; there is more. At fault:", "gilt weiter; es kommt"),
    ],
)
def test_what_becomes_of_the_diagnosis_before_is_said_first(before: str, english: str, german: str):
    shown = fault({"cell-03/index": 1.0})
    assert english in told("en", shown, before).headline
    assert german in told("de", shown, before).headline


def test_a_diagnosis_that_is_taken_back_is_told_as_that():
    shown = fault({"controller": 1.0})
    assert told("en", shown, "withdrawn").headline.startswith("What was named before is taken back")
    assert told("de", shown, "withdrawn").headline.startswith("Die zuvor genannte Ursache nehmen wir zurück")


@pytest.mark.parametrize("language", LANGUAGES)
def test_components_have_names_by_their_kind(language: str):
    wording = Wording(TEXTS, language)
    kinds = {each.id: each.kind for each in MAP.components.values()}
    names = {each: wording.component(each, kinds) for each in kinds}
    assert len(set(names.values())) == len(names)
    assert names["partner/sms"] in ("SMS provider", "SMS-Anbieter")
    assert wording.component("strange/thing", {"strange/thing": "unheard of"}) == "strange/thing"


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_each_component_of_a_real_service_has_a_name_of_its_own(language: str, tmp_path: Path):
    path = tmp_path / "holdfast.toml"
    path.write_text(f'[service]\nhostname = "mail.example.org"\ndata = "{tmp_path}/data"\n')
    known = mapping.dependency_map(reading.load(str(path), {}))
    kinds = {each.id: each.kind for each in known.components.values()}
    names = [Wording(TEXTS, language).component(each, kinds) for each in kinds]
    assert len(set(names)) == len(names) and not set(names) & kinds.keys()
