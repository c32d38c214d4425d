"""Name and password with every request (RFC 7617): checked in full once, then known for a while.

What is known counts only while the account and its app passwords are as they were: a changed password, a
sign-out or a removed app password is in effect at once (JMAPD-6).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from holdfast.model.errors import Reason, Refused
from holdfast.model.limits import JMAP_BASIC_KNOWN, JMAP_BASIC_S
from holdfast.model.mail import AccountId
from holdfast.model.people import Account
from holdfast.world import World

FUNCTION = "jmap"


class Checks(Protocol):
    """What ``directory.SignIn`` gives."""

    async def check(self, login: str, password: str, *, peer: str, function: str) -> Account: ...


class KnowsPeople(Protocol):
    def account(self, account: AccountId) -> Account | None: ...

    def app_password_digests(self, account: AccountId) -> Sequence[object]: ...


class _Known(NamedTuple):
    account: Account
    app_passwords: Sequence[object]
    until: float


class Basic:
    def __init__(self, world: World, people: KnowsPeople, sign_in: Checks) -> None:
        self._world = world
        self._people = people
        self._sign_in = sign_in
        self._salt = world.entropy.bytes(32)
        self._known: OrderedDict[bytes, _Known] = OrderedDict()

    async def account(self, credentials: str, peer: str) -> Account:
        """Whose they are (what follows ``Basic``). Raises as ``SignIn.check``."""
        key = hashlib.blake2b(f"{peer}\0{credentials}".encode(), key=self._salt).digest()
        known = self._known.get(key)
        if known is not None and self._stands(known):
            return known.account
        login, password = _read(credentials)
        account = await self._sign_in.check(login, password, peer=peer, function=FUNCTION)
        until = self._world.clock.monotonic() + JMAP_BASIC_S
        self._known[key] = _Known(account, self._people.app_password_digests(account.id), until)
        self._known.move_to_end(key)
        if len(self._known) > JMAP_BASIC_KNOWN:
            self._known.popitem(last=False)
        return account

    def _stands(self, known: _Known) -> bool:
        return (
            self._world.clock.monotonic() < known.until
            and self._people.account(known.account.id) == known.account
            and self._people.app_password_digests(known.account.id) == known.app_passwords
        )


def _read(credentials: str) -> tuple[str, str]:
    try:
        text = base64.b64decode(credentials.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        raise Refused(Reason.BAD_CREDENTIALS, "not a name and a password in base64") from None
    login, colon, password = text.partition(":")
    if not colon or not login:
        raise Refused(Reason.BAD_CREDENTIALS, "not a name and a password with a colon between")
    return login, password
