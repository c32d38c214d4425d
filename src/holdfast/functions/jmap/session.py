"""The session object: what there is for an account, and where. RFC 8620 §2"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import msgspec

from holdfast.functions.jmap.asking import Parts, name_of
from holdfast.functions.jmap.methods import Table
from holdfast.model.limits import JMAP_SESSIONS_KNOWN
from holdfast.model.people import Account
from holdfast.wire.jmap import core
from holdfast.world.clock import Clock

KNOWN_S = 5.0


class Said(NamedTuple):
    """``state``: another one whenever anything else of it is (JMAPD-10)."""

    body: bytes
    state: str
    at: float


class Sessions:
    """``url``: where the role is reached. ``of_the_server``: of capabilities what holds for all accounts."""

    def __init__(
        self, clock: Clock, parts: Parts, table: Table, url: str, of_the_server: dict[str, object]
    ) -> None:
        self._clock = clock
        self._parts = parts
        self._table = table
        self._url = url
        self._of_the_server = of_the_server
        self._known: dict[Account, Said] = {}
        self.capabilities = sorted({core.CORE, *table.capabilities, *of_the_server})

    def of(self, account: Account) -> Said:
        """Raises ``Unavailable`` where something that it says can't be asked."""
        now = self._clock.monotonic()
        known = self._known.get(account)
        if known is not None and now - known.at < KNOWN_S:
            return known
        if len(self._known) >= JMAP_SESSIONS_KNOWN:
            self._known.clear()
        said = self._known[account] = self._made(account, now)
        return said

    def _made(self, account: Account, now: float) -> Said:
        name = name_of(account.id)
        described = {each: self._of_account(each, account) for each in self._table.capabilities}
        described.pop(core.CORE, None)
        session = core.Session(
            capabilities={each: self._of_the_server.get(each, {}) for each in self.capabilities},
            accounts={name: core.Account(name=account.login, account_capabilities=described)},
            primary_accounts=dict.fromkeys(described, name),
            username=account.login,
            api_url=f"{self._url}/jmap/api",
            download_url=f"{self._url}/jmap/download/{{accountId}}/{{blobId}}/{{name}}?type={{type}}",
            upload_url=f"{self._url}/jmap/upload/{{accountId}}/",
            event_source_url=f"{self._url}/jmap/events?types={{types}}&closeafter={{closeafter}}&ping={{ping}}",
            state="",
        )
        state = hashlib.sha256(msgspec.json.encode(session)).hexdigest()[:16]
        return Said(msgspec.json.encode(msgspec.structs.replace(session, state=state)), state, now)

    def _of_account(self, capability: str, account: Account) -> object:
        describe = self._table.describe.get(capability)
        return {} if describe is None else describe(self._parts, account)
