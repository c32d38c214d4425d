"""Who asks: the bearer token of a request (RFC 6750), against this process's own copy of the people."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from holdfast.directory.people import People
from holdfast.functions.admin.events import ADMIN_NOT_SIGNED_IN
from holdfast.functions.admin.permissions import Actor, token_actor
from holdfast.functions.admin.rights import TOKEN_PREFIX, token_digest
from holdfast.model.errors import Reason, Refused
from holdfast.model.people import AccountState
from holdfast.pages.pace import Pace
from holdfast.world import World

_TOKEN_CHARACTERS = 200
TOLD_AT_ONCE = 10  # wrong keys of one peer that the journal hears of …
TOLD_EVERY_S = 60.0  # … and then one in so long


class Bearers:
    """A token is drawn from 160 bits, so it isn't guessed, and one digest finds it: no wrong one is near."""

    def __init__(self, world: World, people: People) -> None:
        self._world = world
        self._people = people
        self._told = Pace(world, burst=TOLD_AT_ONCE, every_s=TOLD_EVERY_S)

    def actor(self, headers: Mapping[str, str], peer: str) -> Actor:
        """Raises ``Refused(BAD_CREDENTIALS)``; the same words whatever is wrong with the token."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise Refused(Reason.BAD_CREDENTIALS, "send your token: `Authorization: Bearer hfadm_…`")
        actor, reason = self._actor(token, peer)
        if actor is None:
            if not self._told.use(peer):  # who tries many fills no disk
                self._world.journal.emit(ADMIN_NOT_SIGNED_IN, peer=peer, reason=reason)
            text = "this token is not good: unknown, over, or not from there"
            raise Refused(Reason.BAD_CREDENTIALS, text)
        return actor

    def _actor(self, token: str, peer: str) -> tuple[Actor | None, str]:
        if not token.startswith(TOKEN_PREFIX) or len(token) > _TOKEN_CHARACTERS:
            return None, "not a token"
        found = self._people.token(token_digest(token))
        if found is None:
            return None, "unknown"
        if found.expires_at and found.expires_at <= self._world.clock.now():
            return None, "expired"
        if found.networks and not _is_within(peer, found.networks):
            return None, "network"
        account = self._people.account(found.account)
        if account is None or account.state is not AccountState.ACTIVE:
            return None, "account"
        return token_actor(found, self._people.grants(found.account), token.encode()), ""


def _is_within(peer: str, networks: tuple[str, ...]) -> bool:
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in ipaddress.ip_network(each, strict=False) for each in networks)
