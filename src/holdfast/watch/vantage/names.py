"""Where our doors are, by the resolvers of a vantage point."""

from __future__ import annotations

from holdfast.model.errors import Refused, Unavailable
from holdfast.model.limits import VANTAGE_NAMES_S
from holdfast.watch.clients import Fault
from holdfast.world import World
from holdfast.world.dns import Resolver

STEP = "resolve"
_CONTROL = "a.root-servers.net"  # a name that lives as long as the DNS does


class Names:
    """Each is looked up every VANTAGE_NAMES_S; what doesn't go well, each time it is asked for."""

    def __init__(self, world: World, resolver: Resolver) -> None:
        self._world = world
        self._resolver = resolver
        self._known: dict[tuple[str, str], tuple[float, str]] = {}

    async def address(self, host: str, domain: str = "") -> str:
        """One of ``host``; with ``domain``, also only while that names ``host`` as one that takes its mail.

        Raises ``Fault`` where our names don't lead there, ``Unavailable`` while nobody can say.
        """
        now = self._world.clock.monotonic()
        at, known = self._known.get((host, domain), (float("-inf"), ""))
        if now - at < VANTAGE_NAMES_S:
            return known
        try:
            if domain and host not in (found := await self._resolver.mail_hosts(domain)):
                raise Fault(STEP, f"mail for {domain} goes to {', '.join(found)}, and not to {host}")
            address = (await self._resolver.addresses(host))[0]
        except Refused as refused:
            raise Fault(STEP, refused.text) from None
        except Unavailable as error:
            await self._control()
            raise Fault(STEP, f"resolvers find other names, and not ours: {error}") from None
        self._known[host, domain] = now, address
        return address

    async def _control(self) -> None:
        """Raises ``Unavailable`` while the resolver finds nothing at all: that is no fault of our names."""
        try:
            await self._resolver.addresses(_CONTROL)
        except Refused:
            pass  # it answers
