"""App passwords: made, shown once, removed."""

from __future__ import annotations

import ipaddress
from types import NoneType

from starlette.responses import Response

from holdfast.directory.app_passwords import new_app_password
from holdfast.directory.deferred import Taken
from holdfast.directory.requests import AppPasswordRemove
from holdfast.functions.password.desk import SETTLE_S, Desk
from holdfast.model.limits import NAME_CHARACTERS
from holdfast.model.people import Account
from holdfast.pages import Visit, Wrong

FUNCTIONS = ("imap", "pop3", "submission")
_DAY_S = 86_400.0
LIVES = {"never": 0.0, "month": 30 * _DAY_S, "quarter": 90 * _DAY_S, "year": 365 * _DAY_S}


class AppPasswords:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        desk.page("/app-passwords", self.manage, fresh=True)
        desk.page("/app-passwords/remove", self.remove, fresh=True)

    async def manage(self, visit: Visit) -> Response:
        account = self._desk.own(visit)
        wrong = None
        if visit.method == "POST":
            try:
                return await self._made(visit, account)
            except Wrong as found:
                wrong = found
        return visit.show(
            "app_passwords.html",
            account=account,
            kept=self._desk.people.app_passwords(account.id),
            now=self._desk.world.clock.now(),
            functions=FUNCTIONS,
            lives=list(LIVES),
            chosen=visit.form.all("functions") if wrong else list(FUNCTIONS),
            wrong=wrong,
        )

    async def _made(self, visit: Visit, account: Account) -> Response:
        """Shown once; only its digest is kept."""
        form, desk = visit.form, self._desk
        name = form.get("name")[:NAME_CHARACTERS]
        if not name:
            raise Wrong("app.name.none", "name")
        chosen = tuple(each for each in FUNCTIONS if each in form.all("functions"))
        if not chosen:
            raise Wrong("app.scope.none", "functions")
        networks = read_networks(form.get("networks"))
        life_s = LIVES.get(form.get("expires"), 0.0)
        secret = new_app_password(desk.world)
        made = await desk.operations.app_password_add(
            account.id,
            name,
            secret,
            functions=() if chosen == FUNCTIONS else chosen,
            networks=networks,
            expires_at=desk.world.clock.now() + life_s if life_s else 0.0,
            by=desk.by(visit),
        )
        await desk.people.settled(SETTLE_S)
        servers = [server for server in desk.settings.servers if server.how in chosen]
        return visit.show("app_password.html", made=made, secret=secret, account=account, servers=servers)

    async def remove(self, visit: Visit) -> Response:
        desk, account = self._desk, self._desk.own(visit)
        found = [
            each for each in desk.people.app_passwords(account.id) if str(each.id) == visit.form.get("id")
        ]
        if visit.method != "POST" or not found:
            return visit.go("/app-passwords")
        request = AppPasswordRemove(account=account.id, id=found[0].id, by=desk.by(visit))
        done = await desk.ask(request, NoneType)
        if isinstance(done, Taken):
            return visit.show("taken.html", ticket=done.ticket, back="/app-passwords")
        visit.notice("app.removed", name=found[0].name)
        return visit.go("/app-passwords")


def read_networks(text: str) -> tuple[str, ...]:
    """Addresses and networks (CIDR) with spaces or commas between. Raises ``Wrong``."""
    found = []
    for word in text.replace(",", " ").split():
        try:
            found.append(str(ipaddress.ip_network(word, strict=False)))
        except ValueError:
            raise Wrong("app.networks.bad", "networks", text=word[:100]) from None
    return tuple(found)
