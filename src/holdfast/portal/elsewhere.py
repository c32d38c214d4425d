"""The buttons for signing in elsewhere, and which account opens for whom a provider vouches."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import urllib.parse
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import msgspec
from starlette.responses import RedirectResponse, Response

from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.limits import WEB_STEP_S
from holdfast.model.networks import network_of
from holdfast.model.people import Account, AccountState
from holdfast.pages import Level, Pace, Site, Visit
from holdfast.portal.events import OIDC_REFUSED
from holdfast.portal.oidc import Claims, Flow, Provider
from holdfast.world import World

COOKIE = "elsewhere"
PATH = "/sign-in/with"
FRESH_S = 900.0  # a sign-in there must not be older
BURST, EVERY_S = 30, 3.0  # flows of one network: each costs the provider an answer

_encode = msgspec.msgpack.encode
_decode = msgspec.msgpack.Decoder(Flow).decode


class KnowsPeople(Protocol):
    def by_login(self, name: str) -> Account | None: ...

    def by_external(self, source: str, external_id: str) -> Account | None: ...


class Welcomes(Protocol):
    """What it needs of the portal."""

    def welcome(
        self, visit: Visit, account: Account, level: Level, how: str, *, way_on: str = ""
    ) -> Response: ...

    def way_on(self, visit: Visit) -> str: ...


class Button(NamedTuple):
    title: str
    path: str
    well: bool


class Elsewhere:
    def __init__(
        self,
        world: World,
        site: Site,
        portal: Welcomes,
        people: KnowsPeople,
        providers: Sequence[Provider],
    ) -> None:
        self._world = world
        self._site = site
        self._portal = portal
        self._people = people
        self._providers = {each.settings.name: each for each in providers}
        self._looks: set[asyncio.Task[None]] = set()
        self._pace = Pace(world, burst=BURST, every_s=EVERY_S)
        site.page(PATH + "/{provider}", methods=("GET",))(self._begin)
        site.page(PATH + "/{provider}/back", methods=("GET",))(self._back)

    def buttons(self, next: str, again: bool) -> list[Button]:
        """OIDC-3: as each was when it was looked at last; a new look goes on behind the page's back."""
        found = []
        for name, provider in self._providers.items():
            if provider.is_stale:
                task = asyncio.get_running_loop().create_task(self._look(provider))
                self._looks.add(task)
                task.add_done_callback(self._looks.discard)
            query = {"next": next} | ({"again": "1"} if again else {})
            path = f"{PATH}/{name}?{urllib.parse.urlencode(query)}"
            found.append(Button(_title(provider), path, not provider.trouble))
        return found

    async def _look(self, provider: Provider) -> None:
        with contextlib.suppress(Unavailable):
            await provider.look()

    async def _begin(self, visit: Visit) -> Response:
        provider = self._provider(visit)
        if visit.request.method == "HEAD":
            return visit.go("/sign-in")
        self._pace.take(network_of(visit.peer))
        again = visit.query.get("again") == "1"
        way_on = self._portal.way_on(visit)
        try:
            flow, url = await provider.begin(
                way_on, self._back_url(visit, provider), again=again, fresh_s=FRESH_S
            )
        except Unavailable:
            visit.notice("sign_in.oidc_gone", "warn", title=_title(provider))
            return visit.go("/sign-in?" + urllib.parse.urlencode({"next": way_on}))
        visit.set_cookie(COOKIE, visit.seal(COOKIE, _encode(flow)), int(WEB_STEP_S))
        return RedirectResponse(url, 303)

    async def _back(self, visit: Visit) -> Response:
        """OIDC-1: the flow that this browser began, once."""
        provider = self._provider(visit)
        if visit.request.method == "HEAD":
            return visit.go("/sign-in")
        flow = self._flow(visit, provider)
        visit.drop_cookie(COOKIE)
        try:
            claims = await self._claims(visit, provider, flow)
        except Refused as refused:
            return self._failed(visit, provider, flow, "sign_in.oidc_failed", refused.text)
        except Unavailable as unavailable:
            return self._failed(visit, provider, flow, "sign_in.oidc_gone", unavailable.text)
        account = self._account(provider, claims)
        if account is None:
            return self._failed(visit, provider, flow, "sign_in.oidc_nobody", "nobody here")
        if account.state is not AccountState.ACTIVE:
            raise Refused(Reason.USER_DISABLED, "this account is disabled: ask your provider")
        if account.passkey_only:
            return self._failed(visit, provider, flow, "sign_in.oidc_passkey", "passkey only")
        level: Level = "password" if account.two_factor else "full"
        assert flow is not None
        how = f"oidc:{provider.settings.name}"
        return self._portal.welcome(visit, account, level, how, way_on=flow.next)

    async def _claims(self, visit: Visit, provider: Provider, flow: Flow | None) -> Claims:
        state = visit.query.get("state", "")
        if flow is None or not hmac.compare_digest(flow.state.encode(), state.encode()):
            raise Refused(Reason.BAD_CREDENTIALS, "not the flow that was begun")
        code = visit.query.get("code", "")
        if not code:
            raise Refused(Reason.BAD_CREDENTIALS, f"refused there: {visit.query.get('error', '')[:100]}")
        back, issuer = self._back_url(visit, provider), visit.query.get("iss", "")
        return await provider.finish(flow, code, issuer, back, fresh_s=FRESH_S)

    def _account(self, provider: Provider, claims: Claims) -> Account | None:
        found = self._people.by_external(f"oidc:{provider.settings.name}", claims.subject)
        if found is None and provider.settings.by_address and claims.address:
            found = self._people.by_login(claims.address)
        return found

    def _failed(self, visit: Visit, provider: Provider, flow: Flow | None, key: str, reason: str) -> Response:
        name = provider.settings.name
        self._world.journal.emit(OIDC_REFUSED, provider=name, peer=visit.peer, reason=reason)
        if key == "sign_in.oidc_passkey":
            visit.notice(key, "warn")
        else:
            visit.notice(key, "warn", title=_title(provider))
        query = urllib.parse.urlencode({"next": flow.next}) if flow is not None else ""
        return visit.go(f"/sign-in?{query}")

    def _flow(self, visit: Visit, provider: Provider) -> Flow | None:
        sealed = visit.open(COOKIE, visit.cookie(COOKIE))
        if sealed is None:
            return None
        try:
            flow = _decode(sealed)
        except msgspec.MsgspecError:
            return None
        is_old = self._world.clock.now() > flow.began_at + WEB_STEP_S
        return None if is_old or flow.provider != provider.settings.name else flow

    def _provider(self, visit: Visit) -> Provider:
        found = self._providers.get(visit.parts["provider"])
        if found is None:
            raise Refused(Reason.NOT_ALLOWED, "no such way to sign in here")
        return found

    def _back_url(self, visit: Visit, provider: Provider) -> str:
        base = self._site.url or str(visit.request.base_url).rstrip("/")
        return f"{base}{PATH}/{provider.settings.name}/back"


def _title(provider: Provider) -> str:
    return provider.settings.title or provider.settings.name
