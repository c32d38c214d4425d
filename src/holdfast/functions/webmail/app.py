"""Answers: files, the configuration, the status feed. An ASGI application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

import msgspec

from holdfast.functions.webmail.files import ANEW, Files, Served
from holdfast.model.errors import Unavailable
from holdfast.world.http import Receive, Scope, Send

CONFIG, STATUS, LIVE = "config.json", "status/summary.json", "healthz/live"
_NOT_BUILT = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Webmail</title></head><body>
<h1>The webmail is not built yet</h1>
<p>Its files are missing here. From a checkout <code>make run</code> builds them within a minute or two,
or <code>python web/build.py</code> does; a released package brings them along. Then load this page again.</p>
<p>Mail itself is not touched by this: every mail program works.</p>
<h1 lang="de">Das Webmail ist noch nicht gebaut</h1>
<p lang="de">Seine Dateien fehlen hier. In einer Arbeitskopie baut sie <code>make run</code>
in ein bis zwei Minuten, oder <code>python web/build.py</code>; ein veröffentlichtes Paket bringt sie mit.
Laden Sie dann diese Seite neu.</p>
<p lang="de">Die Mail selbst berührt das nicht: Jedes Mailprogramm funktioniert.</p>
</body></html>
"""


class Config(msgspec.Struct, frozen=True):
    """What the webmail has to know. Another static host writes it into a file ``config.json``."""

    jmap: str
    status: str
    accounts: str
    signup: str
    product: str


class _Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


Feed = Callable[[], Awaitable[bytes]]


class Webmail:
    """``reached``: origins besides its own that it speaks to. ``feed``: asks for the status; raises
    ``Unavailable``."""

    def __init__(self, files: Files, config: Config, reached: list[str], feed: Feed) -> None:
        self._files = files
        self._config = msgspec.json.encode(config)
        self._feed = feed
        self._policy = policy(reached)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        reply = await self._answer(scope["method"], scope["path"].lstrip("/"), headers)
        fields = {
            "content-security-policy": self._policy,
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
            "cross-origin-opener-policy": "same-origin",
            "cross-origin-resource-policy": "same-origin",
            "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
            "content-length": str(len(reply.body)),
        } | reply.headers
        if scope.get("scheme") == "https":
            fields["strict-transport-security"] = "max-age=31536000"
        if reply.status == 304:
            del fields["content-length"]
        raw = [(name.encode(), value.encode("latin-1")) for name, value in fields.items()]
        await send({"type": "http.response.start", "status": reply.status, "headers": raw})
        body = b"" if scope["method"] == "HEAD" else reply.body
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, method: str, name: str, headers: dict[str, str]) -> _Reply:
        if method not in ("GET", "HEAD"):
            return _plain(405, "Files are read here, with GET.", {"allow": "GET, HEAD"})
        if name == LIVE:
            return _plain(200, "alive", {"cache-control": "no-store"})
        if name == CONFIG:
            kind = {"content-type": "application/json", "cache-control": ANEW}
            return _Reply(200, kind, self._config)
        if name == STATUS:
            return await self._status()
        served = self._files.find(name)
        if served is not None:
            return self._file(served, headers)
        if not name and self._files.find("") is None:
            kind = {"content-type": "text/html; charset=utf-8", "cache-control": "no-store"}
            return _Reply(503, kind | {"retry-after": "30"}, _NOT_BUILT.encode())
        return _plain(404, "There is no such file.", {"cache-control": "no-store"})

    def _file(self, served: Served, headers: dict[str, str]) -> _Reply:
        accepted = {each.partition(";")[0].strip() for each in headers.get("accept-encoding", "").split(",")}
        coding = next((each for each in ("br", "gzip") if each in accepted and each in served.bodies), "")
        fields = {
            "content-type": served.kind,
            "cache-control": served.caching,
            "etag": served.etag,
            "vary": "accept-encoding",
        }
        if served.policy:
            fields["content-security-policy"] = f"{served.policy}; frame-ancestors 'self'"
        if coding:
            fields["content-encoding"] = coding
        if served.etag in headers.get("if-none-match", ""):
            return _Reply(304, fields, b"")
        return _Reply(200, fields, served.bodies[coding])

    async def _status(self) -> _Reply:
        """From the door for monitoring, which need not be open to the world for it."""
        kind = {"content-type": "application/json", "cache-control": "no-store"}
        try:
            return _Reply(200, kind, await self._feed())
        except Unavailable as error:
            return _plain(503, f"The status is out of reach: {error.text}", {"retry-after": "10"})


def policy(reached: list[str]) -> str:
    """WEBMAIL-2"""
    websockets = [each.replace("http", "ws", 1) for each in reached]
    return "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' blob: data:",
            "font-src 'self'",
            " ".join(["connect-src 'self'", *dict.fromkeys([*reached, *websockets])]),
            "frame-src 'self' blob:",
            "worker-src 'self'",
            "manifest-src 'self'",
            "form-action 'none'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        ]
    )


def _plain(status: int, text: str, headers: dict[str, str]) -> _Reply:
    return _Reply(status, {"content-type": "text/plain; charset=utf-8"} | headers, f"{text}\n".encode())
