"""What is printed: PDF, A4. Imported by who prints, for ``fpdf`` takes a second to load.

PAPER-1 letters that the font at hand lacks are shown as near as it can; nothing that is to be printed fails.
"""

from __future__ import annotations

import unicodedata

from fpdf import FPDF

from holdfast.world import Disk

FAMILY = "text"
# Where systems keep a font with the letters of all of Europe.
_FOLDERS = (
    "/usr/share/fonts/truetype/dejavu",
    "/usr/share/fonts/dejavu-sans-fonts",
    "/usr/share/fonts/TTF",
    "/usr/share/fonts/dejavu",
)
_FILES = {"": "DejaVuSans.ttf", "B": "DejaVuSans-Bold.ttf"}
_CORE = "windows-1252"  # all that a PDF reader's own fonts have
_NEAR = str.maketrans({"→": "›", "≥": ">=", "≤": "<=", "−": "-", "\u202f": "\u00a0", "\u2009": " "})


class Paper(FPDF):
    """Pages with one family of fonts, upright and bold, called FAMILY."""

    def __init__(self, disk: Disk, *, title: str, language: str) -> None:
        super().__init__(format="A4", unit="mm")
        self.set_title(title)
        self.set_lang(language)
        folder = next((each for each in _FOLDERS if _is_whole(disk, each)), "")
        self._core = not folder
        if folder:
            for style, name in _FILES.items():
                self.add_font(FAMILY, style, f"{folder}/{name}")
        else:
            self.core_fonts_encoding = _CORE
        self.face()

    def face(self, size: float = 10, *, bold: bool = False) -> None:
        """``size`` in points."""
        self.set_font("Helvetica" if self._core else FAMILY, "B" if bold else "", size)

    def normalize_text(self, text: str) -> str:
        """What ``FPDF`` writes instead of ``text``."""
        return super().normalize_text(near(text) if self._core else text)


def near(text: str) -> str:
    """In letters of Windows-1252: ``Łódź → ok`` becomes ``?ódz › ok``."""
    found = []
    for letter in text.translate(_NEAR):
        if not _has(letter):
            bare = unicodedata.normalize("NFKD", letter)[:1]
            letter = bare if bare and _has(bare) else "?"
        found.append(letter)
    return "".join(found)


def _has(letter: str) -> bool:
    try:
        letter.encode(_CORE)
    except UnicodeEncodeError:
        return False
    return True


def _is_whole(disk: Disk, folder: str) -> bool:
    return all(disk.exists(f"{folder}/{name}") for name in _FILES.values())
