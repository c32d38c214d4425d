"""The door for monitoring: /metrics, /healthz/live, /healthz/ready, /healthz; for customers
/status/summary.json. An ASGI application.

It says nothing about persons, and takes nothing in.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from holdfast.watch.health import Health, Verdict
from holdfast.watch.summary import Summary
from holdfast.world.http import Receive, Scope, Send

Page = Callable[[str], Awaitable[tuple[bytes, str]]]
"""What an Accept header gets: body and content type."""

_JSON = "application/json"
_PLAIN = "text/plain; charset=utf-8"
_PATHS = b"/metrics, /status/summary.json, /healthz, /healthz/live, /healthz/ready?func=imap\n"
_FEWEST_WORDS = ("healthy", "degraded", "unhealthy", "unknown")


class HealthDoor:
    def __init__(self, health: Health, metrics: Page, summary: Summary | None = None) -> None:
        self._health = health
        self._summary = summary or Summary(health)
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, query = scope["path"], urllib.parse.parse_qs(scope["query_string"].decode("latin-1"))
        if scope["method"] not in ("GET", "HEAD"):
            status, body, kind = 405, b"GET only\n", _PLAIN
        elif path == "/healthz/live":
            status, body, kind = 200, b"alive\n", _PLAIN
        elif path == "/healthz/ready":
            status, body, kind = await self._ready(query.get("func", []))
        elif path == "/healthz":
            status, body, kind = await self._all("strict" in _flags(scope))
        elif path == "/status/summary.json":
            status, body, kind = 200, msgspec.json.encode(await self._summary.now()) + b"\n", _JSON
        elif path == "/metrics":
            accept = b", ".join(value for name, value in scope["headers"] if name == b"accept")
            status, (body, kind) = 200, await self._metrics(accept.decode("latin-1"))
        else:
            status, body, kind = 404, _PATHS, _PLAIN
        await _answer(send, status, body, kind, head=scope["method"] == "HEAD")

    async def _ready(self, functions: list[str]) -> tuple[int, bytes, str]:
        """200 as long as the functions named serve; none named: this door itself."""
        strange = [each for each in functions if each not in self._health.functions]
        if strange:
            known = ", ".join(self._health.functions)
            return 404, f"no function {strange[0]}; there are: {known}\n".encode(), _PLAIN
        verdicts = [await self._health.verdict(each) for each in functions]
        status = 200 if all(each.serves for each in verdicts) else 503
        lines = [f"{each.function} {each.state} {each.component} {each.cause}".rstrip() for each in verdicts]
        return status, ("\n".join(lines or ["ready"]) + "\n").encode(), _PLAIN

    async def _all(self, strict: bool) -> tuple[int, bytes, str]:
        """200 when every function serves; ``?strict``: when every one is healthy."""
        verdicts = await self._health.verdicts()
        good = all(each.state == "healthy" if strict else each.serves for each in verdicts)
        page = {"state": worst(verdicts), "functions": {each.function: each for each in verdicts}}
        return 200 if good else 503, msgspec.json.encode(page) + b"\n", _JSON


def worst(verdicts: list[Verdict]) -> str:
    """Of all functions together; without any, nothing is known."""
    return max((each.state for each in verdicts), key=_FEWEST_WORDS.index, default="unknown")


def _flags(scope: Scope) -> set[str]:
    return {part.partition("=")[0] for part in scope["query_string"].decode("latin-1").split("&")}


async def _answer(send: Send, status: int, body: bytes, kind: str, *, head: bool) -> None:
    headers: list[tuple[bytes, bytes]] = [
        (b"content-type", kind.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        (b"access-control-allow-origin", b"*"),  # there is nothing here that a page may not know
    ]
    start: dict[str, Any] = {"type": "http.response.start", "status": status, "headers": headers}
    await send(start)
    await send({"type": "http.response.body", "body": b"" if head else body})
