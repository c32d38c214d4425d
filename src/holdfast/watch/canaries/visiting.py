"""Clients over HTTP without a browser: pages with their forms and cookies, and JMAP."""

from __future__ import annotations

import urllib.parse
from base64 import b64encode
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

import msgspec

from holdfast.model.limits import CANARY_PAGE_BYTES, CANARY_STEP_S
from holdfast.watch.canaries.words import Site
from holdfast.watch.clients import Fault, Turned
from holdfast.wire.jmap.client import Client, Results
from holdfast.world import World
from holdfast.world.http import HttpAnswer, HttpClient

USING = ("urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail")
_MAIL = USING[1]
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Web:
    """One client with its cookies. ``said`` of an answer: what may be shown of it."""

    def __init__(self, world: World, site: Site) -> None:
        self._site = site
        self._client = HttpClient(world, tls=site.tls)

    async def ask(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, content: bytes = b""
    ) -> HttpAnswer:
        """Raises ``Unavailable`` for no answer and for 5xx."""
        return await self._client.ask(
            method,
            self._site.url + path,
            component=self._site.url,
            headers=headers,
            content=content,
            timeout_s=CANARY_STEP_S,
            most_bytes=CANARY_PAGE_BYTES,
        )

    async def get(self, path: str) -> bytes:
        """Raises ``Turned`` for anything but 200."""
        answer = await self.ask("GET", path)
        if answer.status != 200:
            raise Turned(f"{path}: answered {answer.status}", temporary=False)
        return answer.body

    async def close(self) -> None:
        await self._client.close()


class Page(HTMLParser):
    """What a form's sender needs of a page: hidden fields, what it says is wrong, its classes and links."""

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self.hidden: dict[str, str] = {}
        self.wrong = ""
        self.classes: set[str] = set()
        self.links: list[str] = []
        self._in_wrong = 0
        self.feed(body.decode("utf-8", "replace"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.classes |= set(found.get("class", "").split())
        if tag == "input" and found.get("type") == "hidden" and "name" in found:
            self.hidden.setdefault(found["name"], found.get("value", ""))
        if tag == "a":
            self.links.append(found.get("href", ""))
        if found.get("id") == "wrong" or self._in_wrong:
            self._in_wrong += 1

    def handle_endtag(self, tag: str) -> None:
        self._in_wrong = max(0, self._in_wrong - 1)

    def handle_data(self, data: str) -> None:
        if self._in_wrong:
            self.wrong += data


class Visitor(Web):
    """A person with forms: ``send`` opens the page for its token, as a browser has done before."""

    async def page(self, path: str) -> Page:
        return Page(await self.get(path))

    async def send(self, path: str, fields: Mapping[str, str], opened: Page | None = None) -> HttpAnswer:
        """200 or 303. Raises ``Turned`` with what the page says is wrong."""
        page = opened or await self.page(path)
        filled = urllib.parse.urlencode({**page.hidden, **fields}).encode()
        answer = await self.ask("POST", path, _FORM, filled)
        if answer.status not in (200, 303):
            said = Page(answer.body).wrong.strip() or f"answered {answer.status}"
            raise Turned(f"{path}: {said}", temporary=answer.status == 429)
        return answer

    async def sign_in(self, login: str, password: str) -> None:
        """Raises ``Turned``, also where a second factor is asked for."""
        answer = await self.send("/sign-in", {"name": login, "password": password})
        if answer.status != 303 or "/sign-in" in answer.headers.get("location", ""):
            raise Turned("/sign-in: it asks for more than the password", temporary=False)


def path_of(url: str) -> str:
    """Of an address that the service gives out, what is asked at the door on this machine."""
    parts = urllib.parse.urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")


class Programs(Web):
    """A mail program that speaks JMAP, with name and password (RFC 8620, RFC 8621)."""

    def __init__(self, world: World, site: Site, account: tuple[str, str]) -> None:
        super().__init__(world, site)
        self._headers = {"Authorization": "Basic " + b64encode(":".join(account).encode()).decode()}
        self._session: dict[str, Any] = {}

    @property
    def account(self) -> str:
        return str(self._session["primaryAccounts"][_MAIL])

    async def sign_in(self) -> None:
        """Raises ``Turned``."""
        answer = await self.ask("GET", "/.well-known/jmap", self._headers)
        if answer.status != 200:
            raise Turned(f"answered {answer.status}", temporary=answer.status not in (401, 403))
        self._session = msgspec.json.decode(answer.body, type=dict[str, Any])

    async def call(self, name: str, arguments: Mapping[str, object]) -> dict[str, Any]:
        """One method's result. Raises ``Fault`` for a method's error."""
        client = Client(*USING)
        client.call(name, {"accountId": self.account, **arguments})
        headers = {**self._headers, "Content-Type": client.content_type}
        answer = await self.ask("POST", path_of(self._session["apiUrl"]), headers, client.body())
        found = client.read(answer.status, answer.body)
        if not isinstance(found, Results) or not found.results:
            raise Fault(name, f"answered {answer.status}: {found}"[:300])
        if failed := found.results[0].failed:
            raise Fault(name, f"{failed.type} {failed.description or ''}".strip())
        return found.results[0].value

    async def blob(self, blob: str) -> bytes:
        filled = {"accountId": self.account, "blobId": blob, "name": "message.eml", "type": "message/rfc822"}
        url = str(self._session["downloadUrl"])
        for name, value in filled.items():
            url = url.replace(f"{{{name}}}", urllib.parse.quote(value, safe=""))
        answer = await self.ask("GET", path_of(url), self._headers)
        if answer.status != 200:
            raise Fault("blob", f"answered {answer.status}")
        return answer.body
