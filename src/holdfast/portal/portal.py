"""Signing in to pages, and what a page may ask of who is signed in.

Name and password, then what else the account asks for, then a session. Who knows only the password has a
session of level ``password``: it opens the second step and nothing else (PORTAL-1).
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from starlette.responses import Response

from holdfast.directory.factors import Factors
from holdfast.directory.history import RIGHT, WRONG, History
from holdfast.directory.passkeys import Passkeys
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.limits import WEB_FRESH_GRACE_S, WEB_STEP_S
from holdfast.model.mail import AccountId
from holdfast.model.networks import network_of
from holdfast.model.people import Account, AccountState
from holdfast.pages import Level, Pace, Session, Site, Visit, Wrong, local_path
from holdfast.pages.site import SAFE_METHODS, Handler
from holdfast.portal.elsewhere import Elsewhere
from holdfast.portal.events import PORTAL_SECOND_WRONG, PORTAL_SIGNED_IN
from holdfast.portal.known import KnownBrowsers, spelling
from holdfast.portal.oidc import Provider
from holdfast.portal.second_step import SecondStep, SpendsCodes
from holdfast.world import World

FOLDER = Path(__file__).parent  # of templates, texts and static files: Site(packages=[portal.FOLDER, …])
FUNCTION = "web"
FRESH_S = 900.0  # for pages that ask for it: a sign-in not older than this

NETWORK_BURST, NETWORK_EVERY_S = 40, 10.0  # wrong passwords from one network, whatever the names
NAME_BURST, NAME_EVERY_S = 50, 60.0  # wrong passwords for one name, wherever from …
SLOW_S = 2.0  # … after which each answer takes this much longer: never a refusal (PORTAL-4)


class KnowsPeople(Protocol):
    def account(self, account: AccountId) -> Account | None: ...

    def by_login(self, name: str) -> Account | None: ...

    def by_external(self, source: str, external_id: str) -> Account | None: ...


class ChecksPasswords(Protocol):
    async def check(self, login: str, password: str, *, peer: str, function: str) -> Account: ...


class Portal:
    """One per site. ``home``: where who has signed in is led to."""

    def __init__(
        self,
        world: World,
        site: Site,
        people: KnowsPeople,
        sign_in: ChecksPasswords,
        *,
        factors: Factors | None = None,
        passkeys: Passkeys | None = None,
        operations: SpendsCodes | None = None,
        history: History | None = None,
        home: str = "/",
        forgotten: str = "",
        providers: Sequence[Provider] = (),
    ) -> None:
        """Without ``factors`` nobody who has a second one can sign in here; ``operations`` spends recovery
        codes. ``forgotten``: the path of the page for a forgotten password, '' for none here.
        ``providers``: who else may vouch for somebody."""
        self.world = world
        self.site = site
        self.people = people
        self._sign_in = sign_in
        self._history = history
        self._home = home
        self._forgotten = forgotten
        self._known = KnownBrowsers(world)
        self._networks = Pace(world, burst=NETWORK_BURST, every_s=NETWORK_EVERY_S)
        self._names = Pace(world, burst=NAME_BURST, every_s=NAME_EVERY_S)
        site.holds_sessions(self._holds, self._who)
        site.page("/sign-in")(self._password_page)
        site.page("/sign-out", methods=("POST",))(self._sign_out)
        self._elsewhere = Elsewhere(world, site, self, people, providers) if providers else None
        self._second: SecondStep | None = None
        if factors is not None:
            self._second = SecondStep(world, site, self, factors, passkeys, operations)

    # What pages ask

    def required(self, handler: Handler, *, level: Level = "full", fresh_s: float | None = None) -> Handler:
        """``handler`` for who is signed in; anybody else is led to the sign-in and back.

        ``fresh_s``: the sign-in must not be older; a form opened in time may be sent a little later.
        """

        async def guarded(visit: Visit) -> Response:
            session = visit.session
            if session is None:
                return self._to_sign_in(visit)
            if level == "full" and session.level != "full":
                return self._to_step(visit)
            if fresh_s is not None:
                grace = 0.0 if visit.method in SAFE_METHODS else WEB_FRESH_GRACE_S
                if self.world.clock.now() - session.began_at > fresh_s + grace:
                    return self._to_sign_in(visit, again=True)
            return await handler(visit)

        return guarded

    def account(self, visit: Visit) -> Account:
        """Whose session it is. Raises ``Refused`` without one; within ``required`` there is one."""
        account = self.people.account(visit.session.account) if visit.session else None
        if account is None:
            raise Refused(Reason.NOT_ALLOWED, "sign in first")
        return account

    # Sessions

    def _holds(self, session: Session) -> bool:
        """PORTAL-2: what ends a session is asked anew for each page."""
        account = self.people.account(session.account)
        if account is None or account.state is not AccountState.ACTIVE:
            return False
        if session.began_at < account.signed_out_at:
            return False
        age = self.world.clock.now() - session.began_at
        return session.level == "full" or age <= WEB_STEP_S

    def _who(self, visit: Visit) -> str:
        try:
            account = self.people.account(visit.session.account) if visit.session else None
        except Unavailable:
            return ""
        return account.login if account is not None else ""

    def _to_sign_in(self, visit: Visit, *, again: bool = False) -> Response:
        values = {"next": _way_back(visit)} | ({"again": "1"} if again else {})
        return visit.go("/sign-in?" + urllib.parse.urlencode(values))

    def _to_step(self, visit: Visit) -> Response:
        return visit.go("/sign-in/code?" + urllib.parse.urlencode({"next": _way_back(visit)}))

    # The first step

    async def _password_page(self, visit: Visit) -> Response:
        again = visit.query.get("again") == "1" and visit.shown_session is not None
        if visit.method == "POST":
            try:
                return await self._password_step(visit)
            except Wrong as wrong:
                return self._show_password(visit, again, wrong)
        session = visit.session
        if session is not None and session.level == "full" and not again:
            return visit.go(self.way_on(visit))
        return self._show_password(visit, again, None)

    def _show_password(self, visit: Visit, again: bool, wrong: Wrong | None) -> Response:
        name = visit.form.get("name") or visit.query.get("name", "")
        if again and not name:
            name = self._who(visit)
        return visit.show(
            "sign_in.html",
            name=name,
            again=again,
            next=self.way_on(visit),
            passkey=self._second.ask_for_passkey(visit) if self._second is not None else None,
            forgotten=self._forgotten,
            providers=self._elsewhere.buttons(self.way_on(visit), again) if self._elsewhere else [],
            wrong=wrong,
        )

    async def _password_step(self, visit: Visit) -> Response:
        name, password = visit.form.get("name"), visit.form.exact("password")
        if not name:
            raise Wrong("sign_in.no_name", "name")
        if not password:
            raise Wrong("sign_in.no_password", "password")
        account = await self._check(visit, name, password)
        if not account.two_factor:
            return self.welcome(visit, account, "full", "password")
        if self._second is None:
            raise Refused(
                Reason.NOT_ALLOWED, "this account has a second factor, which these pages don't take"
            )
        return self.welcome(visit, account, "password", "password")

    async def _check(self, visit: Visit, name: str, password: str) -> Account:
        """PORTAL-3: one sentence and one way for a wrong name and a wrong password."""
        network, key = network_of(visit.peer), spelling(name)
        known = self._known.is_known(visit, name)
        if not known and self._networks.wait_s(network) > 0:
            raise Unavailable("pace", "wrong passwords from this network", self._networks.wait_s(network))
        if not known and self._names.wait_s(key) > 0:
            await self.world.clock.sleep(SLOW_S)
        try:
            account = await self._sign_in.check(name, password, peer=visit.peer, function=FUNCTION)
            if account.passkey_only:
                raise Refused(Reason.BAD_CREDENTIALS)
        except Refused as refused:
            if refused.reason is not Reason.BAD_CREDENTIALS:
                raise
            self._networks.use(network)
            self._names.use(key)
            raise Wrong("sign_in.wrong") from None
        return account

    # What the second step asks of it

    def welcome(
        self, visit: Visit, account: Account, level: Level, how: str, *, way_on: str = ""
    ) -> Response:
        """A session, and on: to the second step, or to where the visitor wanted to go.

        ``way_on``: '' for what the visit itself says.
        """
        way_on = way_on or self.way_on(visit)
        before = visit.session
        if before is not None:
            self.site.ended(before)
        visit.sign_in(account.id, level)
        if level != "full":
            return visit.go("/sign-in/code?" + urllib.parse.urlencode({"next": way_on}))
        self._known.remember(visit, account)
        self.world.journal.emit(PORTAL_SIGNED_IN, account=account.id, peer=visit.peer, how=how)
        if how != "password" and self._history is not None:
            self._history.note(account.id, FUNCTION, visit.peer, RIGHT, how)
        return visit.go(way_on)

    def wrong(self, visit: Visit, account: AccountId, how: str) -> None:
        """``account``: 0 if nobody knows whose it was to be."""
        self.world.journal.emit(PORTAL_SECOND_WRONG, account=account, peer=visit.peer, how=how)
        if account and self._history is not None:
            self._history.note(account, FUNCTION, visit.peer, WRONG, how)

    def account_of(self, account: AccountId) -> Account | None:
        return self.people.account(account)

    def network(self, visit: Visit) -> str:
        return network_of(visit.peer)

    def way_on(self, visit: Visit) -> str:
        """Where the visitor wanted to go before the sign-in came in between."""
        wish = local_path(visit.form.get("next") or visit.query.get("next", ""))
        return self._home if wish == "/" or wish.startswith("/sign-") else wish

    async def _sign_out(self, visit: Visit) -> Response:
        visit.sign_out()
        visit.notice("sign_in.signed_out")
        return visit.go("/sign-in")


def _way_back(visit: Visit) -> str:
    return visit.here if visit.method in SAFE_METHODS else visit.path
