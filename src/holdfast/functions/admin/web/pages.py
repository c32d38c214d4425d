"""All pages for administrators on one site."""

from __future__ import annotations

from pathlib import Path

from holdfast.functions.admin.web.accounts import AccountPages
from holdfast.functions.admin.web.acting import Acting
from holdfast.functions.admin.web.customers import CustomerPages
from holdfast.functions.admin.web.domains import DomainPages
from holdfast.functions.admin.web.many import ManyPages
from holdfast.functions.admin.web.office import Office
from holdfast.functions.admin.web.oversight import OversightPages
from holdfast.functions.admin.web.rights import RightsPages
from holdfast.functions.admin.web.start import StartPages

FOLDER = Path(__file__).parent  # of templates and texts


def add_pages(office: Office) -> None:
    StartPages(office)
    AccountPages(office)
    customers = CustomerPages(office)
    DomainPages(office, customers)
    RightsPages(office)
    OversightPages(office)
    ManyPages(office)
    Acting(office)
