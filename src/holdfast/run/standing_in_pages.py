"""What pages and programs over HTTP are told while a role ends again and again: 503 (RUN-11)."""

from __future__ import annotations

import html

from holdfast.model.limits import STAND_IN_RETRY_S
from holdfast.run import web
from holdfast.run.child import Start
from holdfast.run.config import Config
from holdfast.world.http import Receive, Scope, Send

# A page of another of our origins may read that it is to come again, and when: nothing here is anybody's.
_OPEN = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "GET, POST, OPTIONS",
    "access-control-allow-headers": "authorization, content-type, last-event-id, cache-control",
    "access-control-expose-headers": "retry-after",
}
_PAGE = """<!doctype html>
<html lang="de"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>503</title></head><body>
<h1>Hier ist gerade etwas ausgefallen</h1>
<p>Diese Seite antwortet zurzeit nicht. Ihre Mails sind davon nicht berührt{de}.</p>
{link_de}
<div lang="en"><h1>Something is out of order here</h1>
<p>This page doesn't answer at present. Your mail is not touched by this{en}.</p>
{link_en}</div>
</body></html>
"""
_BY_PROGRAM = {
    "de": ": Ein Mailprogramm (IMAP) ist ein anderer Weg zu ihnen",
    "en": ": a mail program (IMAP) is another way to it",
}
_READING = ("jmap", "webmail")


async def serve(start: Start) -> None:
    await web.serve(start, Refusing(start.role, _status_url(start.config, start.role)))


def _status_url(config: Config, role: str) -> str:
    """'' for none: who stands in for those that tell it leads nobody back to them."""
    return config.web.status_url or (web.url_of(config, "care") if role != "care" else "")


class Refusing:
    """An ASGI application: 503 to everything, for people as a page in both languages, for programs as a
    problem (RFC 9457)."""

    def __init__(self, role: str, status_url: str) -> None:
        self._page = _page(role, status_url).encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = dict(scope["headers"])
        status, kind, body = 503, "application/problem+json", _PROBLEM
        if scope["method"] == "OPTIONS":  # asked by a browser first: what it asks then is answered with 503
            status, body = 204, b""
        elif b"text/html" in headers.get(b"accept", b""):
            kind, body = "text/html; charset=utf-8", self._page
        fields = {"content-type": kind, "cache-control": "no-store", "retry-after": f"{STAND_IN_RETRY_S}"}
        if body:
            fields["content-length"] = str(len(body))
        raw = [(name.encode(), value.encode()) for name, value in (fields | _OPEN).items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


_PROBLEM = b'{"type":"about:blank","status":503,"detail":"Out of order for now: please try again later."}'


def _page(role: str, status_url: str) -> str:
    url = html.escape(status_url)
    more = _BY_PROGRAM if role in _READING else {"de": "", "en": ""}
    return _PAGE.format(
        de=more["de"],
        en=more["en"],
        link_de=f'<p><a href="{url}">Was ausgefallen ist und wie es weitergeht</a></p>' if url else "",
        link_en=f'<p><a href="{url}">What is out of order, and what happens next</a></p>' if url else "",
    )
