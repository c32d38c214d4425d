"""A visitor without a browser: real HTTP, cookies, forms with tokens. For rules that no browser shows."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import httpx2


class _Tokens(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.hidden: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "input" and found.get("type") == "hidden" and found.get("name"):
            self.hidden.setdefault(str(found["name"]), found.get("value") or "")


class Visitor:
    """``visitor.post("/name", name="Anna")`` opens the page first, as a person does, for its token."""

    def __init__(self, url: str, *, verify: bool = False, **headers: str) -> None:
        self.url = url
        self.client = httpx2.Client(base_url=url, timeout=20, verify=verify, headers=headers)

    def get(self, path: str, **headers: str) -> httpx2.Response:
        return self.client.get(path, headers=headers)

    def hidden(self, path: str) -> dict[str, str]:
        """The hidden fields of the page's forms."""
        parser = _Tokens()
        parser.feed(self.client.get(path).text)
        return parser.hidden

    def post(
        self, path: str, *, at: str = "", headers: dict[str, str] | None = None, **fields: str
    ) -> httpx2.Response:
        """``at``: the page with the form, if it is another than ``path``."""
        token = self.hidden(at or path).get("csrf", "")
        return self.client.post(path, data={"csrf": token, **fields}, headers=headers)

    def sign_in(self, login: str, password: str) -> httpx2.Response:
        return self.post("/sign-in", name=login, password=password)

    def cookies(self) -> set[str]:
        return {re.sub(r"^(__Host-)?hf-\w+-", "", each.name) for each in self.client.cookies.jar}
