"""People kept: domains, customers, accounts, addresses, credentials; see README.md."""

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
