"""Which programs may be sent back to with a code: the webmail where it is configured, and programs on the
person's own machine. RFC 6749 §3.1.2, RFC 8252 §7.3"""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterable

LOOPBACK = ("127.0.0.1", "::1", "localhost")
_PORTS = {"https": 443, "http": 80}


def origin_of(url: str) -> str:
    """``https://mail.example.org:8447/x`` → ``https://mail.example.org:8447``, as a browser says it (RFC 6454
    §6.2); '' for what has none."""
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme not in _PORTS or not parts.hostname:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    shown = "" if port is None or port == _PORTS[parts.scheme] else f":{port}"
    return f"{parts.scheme}://{host}{shown}"


class Clients:
    """``origins``: where our webmail is served; a page there needs no further word of the person."""

    def __init__(self, origins: Iterable[str]) -> None:
        self.origins = frozenset(filter(None, map(origin_of, origins)))

    def is_ours(self, redirect_uri: str) -> bool:
        return origin_of(redirect_uri) in self.origins

    def may_return_to(self, redirect_uri: str) -> bool:
        """JMAPD-7: a code is sent nowhere else."""
        if not redirect_uri.isascii() or not redirect_uri.isprintable() or "#" in redirect_uri:
            return False
        if "\\" in redirect_uri or " " in redirect_uri or "@" in redirect_uri.partition("?")[0]:
            return False
        if self.is_ours(redirect_uri):
            return True
        parts = urllib.parse.urlsplit(redirect_uri)
        return bool(origin_of(redirect_uri)) and parts.scheme == "http" and parts.hostname in LOOPBACK
