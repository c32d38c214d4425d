"""All pages of self-service on one site."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from holdfast.directory.factors import Factors
from holdfast.directory.passkeys import Passkeys
from holdfast.functions.password.addresses import Addresses
from holdfast.functions.password.app_passwords import AppPasswords
from holdfast.functions.password.changing import Changing
from holdfast.functions.password.contacts import Contacts
from holdfast.functions.password.desk import Desk
from holdfast.functions.password.exporting import Exporting
from holdfast.functions.password.forgotten import Forgotten
from holdfast.functions.password.leaving import Leaving
from holdfast.functions.password.overview import Overview
from holdfast.functions.password.second_factors import SecondFactors
from holdfast.functions.password.sessions import Sessions
from holdfast.functions.password.undelete import Undelete
from holdfast.pages import MenuEntry
from holdfast.store import MailStore

FOLDER = Path(__file__).parent  # of templates, texts and static files
MENU = (
    MenuEntry("/", "nav.overview"),
    MenuEntry("/password", "nav.password"),
    MenuEntry("/app-passwords", "nav.app_passwords"),
    MenuEntry("/factors", "nav.factors"),
    MenuEntry("/sessions", "nav.sessions"),
    MenuEntry("/history", "nav.history"),
    MenuEntry("/addresses", "nav.addresses"),
    MenuEntry("/contacts", "nav.contacts"),
    MenuEntry("/undelete", "nav.undelete"),
    MenuEntry("/export", "nav.export"),
    MenuEntry("/delete", "nav.delete"),
)


def add_pages(desk: Desk, factors: Factors, passkeys: Passkeys, reading: Callable[[], MailStore]) -> None:
    """``reading``: a handle of its own on the mail for each download."""
    desk.site.menu.extend(MENU)
    Overview(desk)
    Changing(desk)
    Forgotten(desk)
    AppPasswords(desk)
    SecondFactors(desk, factors, passkeys)
    Sessions(desk)
    Addresses(desk)
    Contacts(desk)
    Undelete(desk)
    Exporting(desk, reading)
    Leaving(desk)
