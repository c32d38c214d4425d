"""Whose request it is, by its Authorization field."""

from __future__ import annotations

from holdfast.functions.jmap.basic import Basic
from holdfast.functions.jmap.incoming import Incoming
from holdfast.functions.jmap.tokens import Tokens
from holdfast.model.errors import Reason, Refused
from holdfast.model.people import Account


class Who:
    """A token (RFC 6750), or name and password (RFC 7617)."""

    def __init__(self, tokens: Tokens, basic: Basic, *, plain: bool) -> None:
        """``plain``: credentials are taken without TLS."""
        self._tokens = tokens
        self._basic = basic
        self._plain = plain

    async def account(self, request: Incoming) -> Account:
        """Raises ``Refused(BAD_CREDENTIALS)``, ``Refused(NOT_ALLOWED)`` without TLS, ``Unavailable``."""
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        if scheme and not request.secure and not self._plain:
            raise Refused(Reason.NOT_ALLOWED, "passwords and tokens are taken in TLS only")
        if scheme.lower() == "bearer":
            return self._tokens.account(credentials.strip())
        if scheme.lower() == "basic":
            return await self._basic.account(credentials, request.peer)
        raise Refused(Reason.BAD_CREDENTIALS, "sign in: by a token, or by name and password")

    def stands(self, request: Incoming) -> bool:
        """Whether the sign-in of a request that lasts still stands. Raises ``Unavailable("people")``."""
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        return scheme.lower() != "bearer" or self._tokens.stands(credentials.strip())
