"""The page a program sends a person to, to be let in: sign-in, consent, and back with a code. RFC 6749 §4.1

The sign-in is the portal's, with second factors, passkeys and providers as on every page. Our webmail gets
its code at once; any other program only when the person says so. The session that the sign-in made is ended
with it: nobody else who sits down at this browser gets in by it (JMAPD-8).
"""

from __future__ import annotations

import re
import urllib.parse
from typing import NamedTuple

from starlette.responses import Response

from holdfast.functions.jmap.clients import Clients
from holdfast.functions.jmap.events import PROGRAM_ALLOWED
from holdfast.functions.jmap.tokens import Tokens
from holdfast.model.errors import Reason, Refused
from holdfast.pages import Visit
from holdfast.portal.portal import Portal

PATH = "/authorize"
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}").fullmatch  # RFC 7636 §4.2: a SHA-256 in base64url
_CLIENT_CHARACTERS = 100
_STATE_CHARACTERS = 1000


class Asked(NamedTuple):
    """``state``: given back as it came."""

    client: str
    redirect_uri: str
    state: str
    challenge: str


class Authorize:
    """``issuer``: our own URL, which the program compares (RFC 9207)."""

    def __init__(self, portal: Portal, tokens: Tokens, clients: Clients, issuer: str) -> None:
        self._portal = portal
        self._tokens = tokens
        self._clients = clients
        self._issuer = issuer
        self._signed_in = portal.required(self._answer)
        portal.site.page(PATH)(self._page)

    async def _page(self, visit: Visit) -> Response:
        """What was asked for is looked at first: nobody signs in for a program that can't be let in."""
        asked = self._asked(visit)
        error = self._error(visit, asked)
        if error:
            return self._back(visit, asked, {"error": error})
        if visit.session is None and visit.query.get("login_hint"):
            query = {"next": visit.here, "name": visit.query["login_hint"][:320]}
            return visit.go("/sign-in?" + urllib.parse.urlencode(query))
        return await self._signed_in(visit)

    def _asked(self, visit: Visit) -> Asked:
        """Raises ``Refused`` where there is nobody to be told: the page says so to the person."""
        query = visit.query
        client, redirect_uri = query.get("client_id", ""), query.get("redirect_uri", "")
        if not client.isprintable() or not 0 < len(client) <= _CLIENT_CHARACTERS:
            raise Refused(Reason.BAD_SYNTAX, "the program that led you here says no client_id")
        if not self._clients.may_return_to(redirect_uri):
            raise Refused(
                Reason.NOT_ALLOWED,
                "the program that led you here is at an address that is not allowed; "
                "whoever runs this service names allowed ones in web.webmail_origins",
            )
        return Asked(client, redirect_uri, query.get("state", ""), query.get("code_challenge", ""))

    def _error(self, visit: Visit, asked: Asked) -> str:
        """RFC 6749 §4.1.2.1"""
        if len(asked.state) > _STATE_CHARACTERS:
            return "invalid_request"
        if visit.query.get("response_type") != "code":
            return "unsupported_response_type"
        if visit.query.get("code_challenge_method") != "S256" or not _CHALLENGE(asked.challenge):
            return "invalid_request"  # RFC 7636 §4.4.1
        return ""

    async def _answer(self, visit: Visit) -> Response:
        asked = self._asked(visit)
        if visit.method == "POST":
            if visit.form.get("allow") != "yes":
                return self._back(visit, asked, {"error": "access_denied"})
        elif not self._clients.is_ours(asked.redirect_uri):
            return visit.show("authorize.html", client=asked.client, action=visit.here)
        account, session = self._portal.account(visit), visit.session
        assert session is not None
        code = self._tokens.code(
            account.id, session.began_at, asked.client, asked.redirect_uri, asked.challenge
        )
        visit.world.journal.emit(
            PROGRAM_ALLOWED, account=account.id, client=asked.client[:_CLIENT_CHARACTERS], peer=visit.peer
        )
        return self._back(visit, asked, {"code": code})

    def _back(self, visit: Visit, asked: Asked, said: dict[str, str]) -> Response:
        """By a page that goes on by itself: what a form leads to stays on this site (PAGES-1's policy)."""
        if visit.session is not None:
            visit.sign_out()
        values = said | ({"state": asked.state} if asked.state else {}) | {"iss": self._issuer}
        sign = "&" if "?" in asked.redirect_uri else "?"
        url = asked.redirect_uri + sign + urllib.parse.urlencode(values)
        return visit.show("go_on.html", url=url)
