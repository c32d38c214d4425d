"""What pages are made of, whoever's they are; see README.md."""

from holdfast.pages.pace import Pace
from holdfast.pages.seal import Seal
from holdfast.pages.site import Site
from holdfast.pages.texts import Texts
from holdfast.pages.visit import Visit, local_path
from holdfast.pages.words import Banner, Form, Level, MenuEntry, Notice, Session, Wrong

__all__ = [
    "Banner",
    "Form",
    "Level",
    "MenuEntry",
    "Notice",
    "Pace",
    "Seal",
    "Session",
    "Site",
    "Texts",
    "Visit",
    "Wrong",
    "local_path",
]
