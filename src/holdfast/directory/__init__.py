"""People kept: domains, customers, accounts, addresses, credentials; see README.md.

Names are loaded when they are first asked for: a process that takes mail needs ``People``, and neither the
writer nor what checks passwords, and it is to take mail again before those are loaded.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holdfast.directory.auth import AuthClient, AuthService, Checker
    from holdfast.directory.operations import Operations
    from holdfast.directory.people import People
    from holdfast.directory.requests import Made, NewAccount
    from holdfast.directory.sign_in import SignIn
    from holdfast.directory.writer import PeopleClient, PeopleWriter

__all__ = [
    "AuthClient",
    "AuthService",
    "Checker",
    "Made",
    "NewAccount",
    "Operations",
    "People",
    "PeopleClient",
    "PeopleWriter",
    "SignIn",
]

_MODULES = {
    "AuthClient": "auth",
    "AuthService": "auth",
    "Checker": "auth",
    "Made": "requests",
    "NewAccount": "requests",
    "Operations": "operations",
    "People": "people",
    "PeopleClient": "writer",
    "PeopleWriter": "writer",
    "SignIn": "sign_in",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
