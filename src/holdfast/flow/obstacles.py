"""What keeps mail here, and whose affair that is: one destination's, or that of our way out.

A server that turns us away, or can't be found, is met every day. It says something of our way out when
several say the same and nothing goes through, or when they say that our address is on a list.
"""

from __future__ import annotations

import re
from typing import Literal

from holdfast.model.limits import RELAY_WITNESSES, RELAY_WITNESSES_S
from holdfast.wire.smtp.replies import Reply

ONWARD = "relay/onward"  # words for components, see edges.py
NAMES = "relay/names"

Kind = Literal["names", "reach", "listed"]
_LISTED = re.compile(
    r"\b(?:listed|(?:block|black|deny)-?list(?:ed|s)?|(?:dns)?[rb]bls?|dnsbl|spamhaus|spamcop|barracuda"
    r"|(?:poor|bad|low) reputation)\b",
    re.IGNORECASE,
)


class Obstacles:
    """``alone``: all mail goes by one server, so what keeps us from that one keeps all mail here."""

    def __init__(self, *, alone: bool) -> None:
        self._alone = alone
        self._met: dict[Kind, dict[str, float]] = {"names": {}, "reach": {}, "listed": {}}

    def no_name(self, destination: str, now: float) -> str:
        """It can't be looked up now. Returns a word for what is at fault, '' while that is its own affair."""
        return NAMES if self._alone or self._many("names", destination, now) else ""

    def unreachable(self, destination: str, reply: Reply, now: float) -> str:
        """Nothing could be handed over there. Returns likewise."""
        kind: Kind = "listed" if _LISTED.search(reply.text) else "reach"
        return ONWARD if self._alone or self._many(kind, destination, now) else ""

    def refused(self, domain: str, reply: Reply, now: float) -> str:
        """Mail for this domain was refused, for now or for good. Returns likewise: that somebody who asks
        all strangers to come again asks us, too, says nothing (greylisting), but of one who knows us."""
        if _LISTED.search(reply.text):
            return ONWARD if self._alone or self._many("listed", domain, now) else ""
        return ONWARD if self._alone and reply.temporary and self._many("reach", domain, now) else ""

    def taken(self, domain: str) -> None:
        """Mail for there went out."""
        self._met["names"].clear()
        self._met["reach"].clear()
        self._met["listed"].pop(domain, None)

    def _many(self, kind: Kind, destination: str, now: float) -> bool:
        met = self._met[kind]
        met[destination] = now
        for each in [each for each, at in met.items() if now - at > RELAY_WITNESSES_S]:
            del met[each]
        return len(met) >= RELAY_WITNESSES
