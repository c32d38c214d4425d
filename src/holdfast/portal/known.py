"""Browsers that somebody has signed in with before: limits for strangers don't concern them.

So who guesses at a name from a network can use up that network's tries and not its owner's (PORTAL-4).
"""

from __future__ import annotations

import msgspec

from holdfast.directory.names import name_key
from holdfast.model.errors import Refused
from holdfast.model.people import Account
from holdfast.pages import Visit
from holdfast.world import World

COOKIE = "known"
LIFE_S = 180 * 86_400
MOST = 8  # accounts that one browser is remembered for


class _Known(msgspec.Struct, frozen=True):
    names: tuple[str, ...]
    until: float


_encode = msgspec.msgpack.encode
_decode = msgspec.msgpack.Decoder(_Known).decode


class KnownBrowsers:
    """Kept by the browser itself, sealed."""

    def __init__(self, world: World) -> None:
        self._world = world

    def is_known(self, visit: Visit, name: str) -> bool:
        return spelling(name) in self._names(visit)

    def remember(self, visit: Visit, account: Account) -> None:
        key = spelling(account.login)
        names = (key, *(each for each in self._names(visit) if each != key))[:MOST]
        known = _Known(names, self._world.clock.now() + LIFE_S)
        visit.set_cookie(COOKIE, visit.seal(COOKIE, _encode(known)), LIFE_S)

    def _names(self, visit: Visit) -> tuple[str, ...]:
        sealed = visit.open(COOKIE, visit.cookie(COOKIE))
        if sealed is None:
            return ()
        try:
            known = _decode(sealed)
        except msgspec.MsgspecError:
            return ()
        return known.names if known.until > self._world.clock.now() else ()


def spelling(name: str) -> str:
    try:
        return name_key(name)
    except Refused:
        return name.lower()
