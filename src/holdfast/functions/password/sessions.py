"""Who is signed in and who was: ending all of it, and the history of ninety days."""

from __future__ import annotations

from starlette.responses import Response

from holdfast.directory.deferred import Taken
from holdfast.directory.requests import SignOut
from holdfast.functions.password.desk import FUNCTIONS, Desk
from holdfast.model.people import Account
from holdfast.pages import Visit


class Sessions:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        desk.page("/sessions", self.sessions)
        desk.page("/history", self.history)

    async def sessions(self, visit: Visit) -> Response:
        desk, account = self._desk, self._desk.own(visit)
        if visit.method == "POST":
            done = await desk.ask(SignOut(account=account.id, by=desk.by(visit)), Account)
            if isinstance(done, Taken):
                return visit.show("taken.html", ticket=done.ticket, back="/sessions")
            visit.sign_out()
            visit.notice("sessions.done")
            return visit.go("/sign-in")
        assert visit.session is not None
        began = visit.session.began_at
        return visit.show("sessions.html", account=account, since=began, until=began + desk.site.session_s)

    async def history(self, visit: Visit) -> Response:
        account = self._desk.own(visit)
        seen = await self._desk.history.read_all(account.id)
        return visit.show("history.html", account=account, seen=seen, functions=FUNCTIONS)
