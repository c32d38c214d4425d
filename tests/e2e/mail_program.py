"""A mail program that speaks JMAP, as it is let in by a person: OAuth with code and PKCE. Not a test."""

from __future__ import annotations

import base64
import hashlib
import html
import re
import urllib.parse
from collections.abc import Mapping
from typing import Any

import httpx2

from e2e.service import DOMAIN, Service, password

CORE, MAIL = "urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail"
SUBMISSION = "urn:ietf:params:jmap:submission"
_VERIFIER = "v" * 50
_BACK = "http://127.0.0.1:9/back"


def let_in(service: Service, name: str = "anna") -> dict[str, Any]:
    """The person signs in on the page and says yes; the tokens."""
    url = service.url("jmap")
    challenge = base64.urlsafe_b64encode(hashlib.sha256(_VERIFIER.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "response_type": "code",
        "client_id": "test",
        "redirect_uri": _BACK,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    with httpx2.Client(base_url=url, trust_env=False, timeout=30, follow_redirects=True) as browser:
        page = browser.get("/authorize?" + urllib.parse.urlencode(asked))
        form = _hidden(page.text) | {"name": f"{name}@{DOMAIN}", "password": password(name)}
        page = browser.post("/sign-in", data=form)
        page = browser.post(str(page.url), data=_hidden(page.text) | {"allow": "yes"})
        led = re.search(r'content="0;url=([^"]*)"', page.text)
        assert led is not None, page.text
        code = urllib.parse.parse_qs(html.unescape(led[1]).partition("?")[2])["code"][0]
        answer = browser.post(
            "/token",
            data={
                "grant_type": "authorization_code",
                "code": code,
                "client_id": "test",
                "redirect_uri": _BACK,
                "code_verifier": _VERIFIER,
            },
        )
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def _hidden(page: str) -> dict[str, str]:
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', page)
    return {name: html.unescape(value) for name, value in found}


class Program:
    """Signed in by a token; ``call`` gives the arguments of the one response."""

    def __init__(self, service: Service, name: str = "anna") -> None:
        self.tokens = let_in(service, name)
        self.http = httpx2.Client(
            base_url=service.url("jmap"),
            trust_env=False,
            timeout=30,
            headers={"authorization": f"Bearer {self.tokens['access_token']}"},
        )
        self.session = self.http.get("/.well-known/jmap").json()
        (self.account,) = self.session["accounts"]

    def post(self, *calls: tuple[str, Mapping[str, object], str]) -> httpx2.Response:
        using = [each for each in self.session["capabilities"] if each.startswith(("urn", "https"))]
        whole = [(name, {"accountId": self.account} | dict(given), tag) for name, given, tag in calls]
        return self.http.post("/jmap/api", json={"using": using, "methodCalls": whole})

    def call(self, name: str, **given: object) -> Any:
        answer = self.post((name, given, "0"))
        assert answer.status_code == 200, answer.text
        said, result, _ = answer.json()["methodResponses"][0]
        return result if said == name else {"error": result["type"]}

    def subjects(self) -> list[str]:
        """Of all mail, the newest first."""
        answer = self.post(
            ("Email/query", {"sort": [{"property": "receivedAt", "isAscending": False}]}, "q"),
            (
                "Email/get",
                {"#ids": {"resultOf": "q", "name": "Email/query", "path": "/ids"}, "properties": ["subject"]},
                "g",
            ),
        )
        (_, query, _), (name, got, _) = answer.json()["methodResponses"]
        assert name == "Email/get", got
        found = {each["id"]: each["subject"] for each in got["list"]}
        return [found[each] for each in query["ids"]]

    def close(self) -> None:
        self.http.close()
