"""Signing in to the console with a token: no directory is asked, no account is needed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.exceptions import HTTPException
from starlette.responses import Response

from holdfast.care.console.tokens import Tokens
from holdfast.model.errors import Unavailable
from holdfast.model.limits import CONSOLE_BURST, CONSOLE_EVERY_S
from holdfast.pages import Pace, Session, Site, Visit, Wrong

Handler = Callable[[Visit], Awaitable[Response]]


class Signing:
    """CONSOLE-2, with ``tokens``: who isn't admitted by address finds nothing here."""

    def __init__(self, site: Site, tokens: Tokens, admits: Callable[[str], bool]) -> None:
        self._tokens = tokens
        self._admits = admits
        self._pace = Pace(site.world, burst=CONSOLE_BURST, every_s=CONSOLE_EVERY_S)
        site.holds_sessions(self._holds, self.name)
        site.page("/console/sign-in")(self._sign_in)
        site.page("/sign-out", methods=("POST",))(self._sign_out)

    def guarded(self, handler: Handler) -> Handler:
        """For who is signed in; others are asked to."""

        async def guarded(visit: Visit) -> Response:
            self._admit(visit)
            if visit.session is None:
                return visit.go("/console/sign-in")
            return await handler(visit)

        return guarded

    def name(self, visit: Visit) -> str:
        """Whose token it is."""
        session = visit.shown_session
        token = self._tokens.get(session.account) if session is not None else None
        return token.name if token is not None else ""

    def _holds(self, session: Session) -> bool:
        try:
            return self._tokens.get(session.account) is not None
        except Unavailable:
            return False

    def _admit(self, visit: Visit) -> None:
        if not self._admits(visit.peer):
            raise HTTPException(404)

    async def _sign_in(self, visit: Visit) -> Response:
        self._admit(visit)
        wrong = None
        if visit.method == "POST":
            self._pace.take(visit.peer)
            token = self._tokens.of(visit.form.get("token"))
            if token is not None:
                visit.sign_in(token.number, "full")
                return visit.go("/console")
            wrong = Wrong("console.sign_in.wrong", "token")
        return visit.show("console_sign_in.html", wrong=wrong)

    async def _sign_out(self, visit: Visit) -> Response:
        visit.sign_out()
        return visit.go("/console/sign-in")
