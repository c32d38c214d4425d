"""Where a vantage point tells what it saw: one page, for who has its key. An ASGI application.

It takes nothing in, and tells nothing else.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable
from typing import Any

from holdfast.watch.vantage import page
from holdfast.world.http import Receive, Scope, Send

_NONCE = range(16, 65)  # letters


class VantageDoor:
    """``told``: the page of now."""

    def __init__(self, key: bytes, told: Callable[[], page.Page]) -> None:
        self._key = key
        self._told = told

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fields = urllib.parse.parse_qs(scope["query_string"].decode("latin-1"))
        nonce = fields.get("nonce", [""])[0]
        if scope["path"] != page.PATH or scope["method"] != "GET":
            await _answer(send, 404, f"{page.PATH}\n".encode())
        elif len(nonce) not in _NONCE or not page.proves(_proof(scope), self._key, "question", nonce):
            await _answer(send, 403, b"This question isn't made with the key of this place.\n")
        else:
            body = page.encode(self._told())
            await _answer(send, 200, body, page.proof(self._key, "answer", nonce, body))


def _proof(scope: Scope) -> str:
    name = page.PROOF.encode()
    return next((value.decode("latin-1") for field, value in scope["headers"] if field == name), "")


async def _answer(send: Send, status: int, body: bytes, proof: str = "") -> None:
    headers = [
        (b"content-type", b"application/json" if proof else b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    if proof:
        headers.append((page.PROOF.encode(), proof.encode()))
    start: dict[str, Any] = {"type": "http.response.start", "status": status, "headers": headers}
    await send(start)
    await send({"type": "http.response.body", "body": body})
