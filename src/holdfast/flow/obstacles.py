"""What keeps mail here, and whose affair that is: one destination's, or that of our way out.

A server that turns us away, or can't be found, is met every day. It says something of our way out when
several say the same and nothing goes through, or when they say that our address is on a list.
"""

from __future__ import annotations

import re
from typing import Literal

from holdfast.model.limits import (
    RELAY_LISTED_ALONE_S,
    RELAY_LISTED_KEPT_S,
    RELAY_LISTED_S,
    RELAY_WITNESSES,
    RELAY_WITNESSES_S,
)
from holdfast.wire.smtp.replies import Reply

ONWARD = "relay/onward"  # words for components, see edges.py
NAMES = "relay/names"

Kind = Literal["names", "reach", "listed"]
_LISTED = re.compile(
    r"\b(?:listed|(?:block|black|deny)-?list(?:ed|s)?|(?:dns)?[rb]bls?|dnsbl|spamhaus|spamcop|barracuda"
    r"|(?:poor|bad|low) reputation|banned sending ip"
    r"|client host\b.{0,80}\b(?:blocked|rejected)"
    r"|your (?:ip|host|server|network)\b.{0,80}\b(?:blocked|banned))\b",
    re.IGNORECASE,
)
_OF_THE_MAIL = re.compile(  # what is listed stands in it
    r"\b(?:surbl|uribl|dbl\.spamhaus|sender (?:address|domain)"
    r"|(?:url|uri|link|domain)\b.{0,60}\b(?:listed|block))",
    re.IGNORECASE,
)
_NO_NAME_OF_OURS = "5.7.25"  # our address has no name that leads back to it: RFC 7372 §3.3


class Obstacles:
    """``alone``: all mail goes by one server, so what keeps us from that one keeps all mail here."""

    def __init__(self, *, alone: bool) -> None:
        self._alone = alone
        self._met: dict[Kind, dict[str, float]] = {"names": {}, "reach": {}, "listed": {}}
        self._listed: dict[str, tuple[float, float]] = {}  # domain → first and last said, until it takes mail

    def no_name(self, destination: str, now: float) -> str:
        """It can't be looked up now. Returns a word for what is at fault, '' while that is its own affair."""
        return NAMES if self._alone or self._many("names", destination, now) else ""

    def unreachable(self, destination: str, reply: Reply, now: float) -> str:
        """Nothing could be handed over there. Returns likewise."""
        kind: Kind = "listed" if _of_our_address(reply) else "reach"
        return ONWARD if self._alone or self._many(kind, destination, now) else ""

    def refused(self, domain: str, reply: Reply, now: float) -> str:
        """Mail for this domain was refused, for now or for good. Returns likewise: that somebody who asks
        all strangers to come again asks us, too, says nothing (greylisting), but of one who knows us."""
        if _of_our_address(reply):
            return ONWARD if self._alone or self._many("listed", domain, now) else ""
        return ONWARD if self._alone and reply.temporary and self._many("reach", domain, now) else ""

    def waits(self, domain: str, reply: Reply, now: float) -> bool:
        """QUEUE-4: whether mail that this domain refused for good is tried again: because of our address, and
        not for too long yet. Where several say so it is ours to mend, and worth a longer wait."""
        if not _of_our_address(reply):
            return False
        since, _ = self._listed.get(domain, (now, now))
        self._listed[domain] = since, now
        for each in [each for each, (_, last) in self._listed.items() if now - last > RELAY_LISTED_KEPT_S]:
            del self._listed[each]
        all_say_so = self._alone or len(self._listed) >= RELAY_WITNESSES
        return now - since <= (RELAY_LISTED_S if all_say_so else RELAY_LISTED_ALONE_S)

    def taken(self, domain: str) -> None:
        """Mail for there went out."""
        self._met["names"].clear()
        self._met["reach"].clear()
        self._met["listed"].pop(domain, None)
        self._listed.pop(domain, None)

    def _many(self, kind: Kind, destination: str, now: float) -> bool:
        met = self._met[kind]
        met[destination] = now
        for each in [each for each, at in met.items() if now - at > RELAY_WITNESSES_S]:
            del met[each]
        return len(met) >= RELAY_WITNESSES


def _of_our_address(reply: Reply) -> bool:
    """It is refused because of where it comes from, not of what it is or to whom."""
    if reply.enhanced == _NO_NAME_OF_OURS:
        return True
    return _LISTED.search(reply.text) is not None and _OF_THE_MAIL.search(reply.text) is None
