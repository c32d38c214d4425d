"""What is printed: with a font of the system, or with those every PDF reader has."""

from __future__ import annotations

import pytest

from holdfast.care import paper
from holdfast.care.paper import Paper, near
from holdfast.world import real_world

TEXT = "Störung → 1.234 € „Łódź“ – 🙂 ≥ 5"


@pytest.mark.slow
@pytest.mark.parametrize("folders", [paper._FOLDERS, ()], ids=["font", "without"])
def test_paper_1_any_letters_can_be_printed(
    folders: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paper, "_FOLDERS", folders)
    made = Paper(real_world().disk, title=TEXT, language="de")
    made.add_page()
    made.multi_cell(0, text=TEXT)
    made.face(14, bold=True)
    made.cell(text=TEXT)
    assert bytes(made.output()).startswith(b"%PDF-")


def test_letters_that_a_font_lacks_are_near() -> None:
    assert near("Łódź → ok") == "?ódz › ok"
    assert near("für 5 € – „so“") == "für 5 € – „so“"
