"""The function over HTTP: one application for the API, for blobs, events, sign-in and its pages.

What comes in is told apart by its path, then by who asks. Every error has one table
(``incoming.error_reply``).
"""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Awaitable, Callable

from holdfast.functions.jmap.asking import Ask, Parts, carry_out, opened
from holdfast.functions.jmap.clients import Clients
from holdfast.functions.jmap.downloads import DOWNLOAD, UPLOAD, Blobs
from holdfast.functions.jmap.events import FAILED, REQUEST, UNAVAILABLE
from holdfast.functions.jmap.events_source import EventSource
from holdfast.functions.jmap.incoming import (
    Gone,
    Incoming,
    Reply,
    error_reply,
    plain_problem,
)
from holdfast.functions.jmap.methods import Table
from holdfast.functions.jmap.oauth import METADATA, REVOKE, TOKEN, OAuth
from holdfast.functions.jmap.permits import Permits
from holdfast.functions.jmap.session import Sessions
from holdfast.functions.jmap.watching import Watching
from holdfast.functions.jmap.websocket import Given, Sockets
from holdfast.functions.jmap.who import Who
from holdfast.model.errors import HASTE, Refused, Unavailable
from holdfast.model.limits import WEB_BODY_S
from holdfast.model.people import Account
from holdfast.wire.jmap.server import Server
from holdfast.world.http import App, Receive, Scope, Send

SESSION, API, EVENTS, SOCKET = "/.well-known/jmap", "/jmap/api", "/jmap/events", "/jmap/ws"
_BEARER, _BASIC = 'Bearer realm="holdfast"', 'Basic realm="holdfast", charset="UTF-8"'
_CORS = {
    "access-control-allow-methods": "GET, POST, OPTIONS",
    "access-control-allow-headers": "authorization, content-type, last-event-id, cache-control",
    "access-control-max-age": "7200",
}
_SHOWN_TO_SCRIPTS = "retry-after, www-authenticate, content-disposition"

Answer = Callable[[Incoming, Account], Awaitable[Reply | None]]


class Jmap:
    """``app``: an ASGI application. ``pages``: for every other path."""

    def __init__(
        self,
        parts: Parts,
        table: Table,
        sessions: Sessions,
        who: Who,
        oauth: OAuth,
        clients: Clients,
        watching: Watching,
        pages: App,
    ) -> None:
        self._parts = parts
        self._table = table
        self._sessions = sessions
        self._who = who
        self._clients = clients
        self._pages = pages
        self._requests = Permits(parts.limits.max_concurrent_requests, "maxConcurrentRequests")
        blobs = Blobs(parts)
        self._events = EventSource(parts, watching, who)
        self._sockets = Sockets(Given(parts, table, sessions, who, self._requests), watching)
        self._open = {
            ("GET", METADATA): oauth.metadata,
            ("POST", TOKEN): oauth.token,
            ("POST", REVOKE): oauth.revoke,
        }
        self._closed: dict[tuple[str, str], Answer] = {
            ("GET", SESSION): self._session,
            ("POST", API): self._api,
            ("POST", UPLOAD): blobs.upload,
            ("GET", DOWNLOAD): blobs.download,
            ("GET", EVENTS): self._tell,
        }
        self._paths = {path for _, path in [*self._open, *self._closed]}

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._sockets.serve(Incoming(scope, receive, send), receive, self._origin_fits(scope))
            return
        path = self._path_of(scope["path"])
        if scope["type"] != "http" or path is None:
            await self._pages(scope, receive, send)
            return
        request = Incoming(scope, receive, send)
        clock, begun = self._parts.world.clock, self._parts.world.clock.monotonic()
        with contextlib.suppress(Gone):
            reply = await self._reply(request, path)
            if reply is not None:
                seconds = clock.monotonic() - begun
                self._parts.world.journal.emit(REQUEST, what=path, status=reply.status, seconds=seconds)
                await request.answer(reply, self._also(request))

    def _path_of(self, path: str) -> str | None:
        if path in self._paths:
            return path if not path.endswith("/") else None
        return next((each for each in (UPLOAD, DOWNLOAD) if path.startswith(each)), None)

    async def _reply(self, request: Incoming, path: str) -> Reply | None:
        """None: it is answered already."""
        if request.method == "OPTIONS":
            return Reply(204, _CORS if self._cors(request) else {})
        key = ("GET" if request.method == "HEAD" else request.method, path)
        try:
            if key in self._open:
                return await self._open[key](request)
            if key not in self._closed:
                allow = ", ".join(sorted(way for way, to in [*self._open, *self._closed] if to == path))
                return plain_problem(405, f"{request.method} does nothing here.", {"allow": allow})
            account = await self._who.account(request)
            request.cell = account.cell
            return await self._closed[key](request, account)
        except (Refused, Unavailable) as error:
            return self._refused(request, error)
        except Gone:
            raise
        except TimeoutError:
            return plain_problem(408, "The request took too long to arrive.")
        except Exception as error:
            if request.begun:
                raise
            return self._failed(request, error)

    def _refused(self, request: Incoming, error: Refused | Unavailable) -> Reply:
        reply = error_reply(error)
        if isinstance(error, Unavailable) and error.component not in HASTE:
            self._parts.world.journal.emit(
                UNAVAILABLE,
                path=request.path[:200],
                component=error.component,
                text=error.text,
                peer=request.peer,
                cell=request.cell,
            )
        if reply.status == 401:
            # A browser asks for a name and a password by itself where Basic is offered: not on our pages.
            by_page = "origin" in request.headers or request.headers.get("authorization", "")[:6] == "Bearer"
            reply.headers["www-authenticate"] = _BEARER if by_page else f"{_BEARER}, {_BASIC}"
        return reply

    def _failed(self, request: Incoming, error: Exception) -> Reply:
        reference = self._parts.world.entropy.token(8)
        self._parts.world.journal.emit(
            FAILED,
            path=request.path[:200],
            reference=reference,
            error=f"{type(error).__name__}: {error}",
            where="".join(traceback.format_exception(error)[-6:]),
        )
        return plain_problem(500, f"An error of ours; its reference is {reference}.")

    # Other origins (the Fetch standard, §3.2)

    def _cors(self, request: Incoming) -> str:
        """The origin that asks, when it is one of the webmail's; '' otherwise."""
        origin = request.headers.get("origin", "")
        return origin if origin in self._clients.origins else ""

    def _origin_fits(self, scope: Scope) -> bool:
        """A websocket opened by a page of somebody else's is none of ours."""
        origins = [value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"]
        return all(each in self._clients.origins for each in origins)

    def _also(self, request: Incoming) -> dict[str, str]:
        headers = {"x-content-type-options": "nosniff", "vary": "origin"}
        if request.secure:
            headers["strict-transport-security"] = "max-age=31536000"
        if origin := self._cors(request):
            headers["access-control-allow-origin"] = origin
            headers["access-control-expose-headers"] = _SHOWN_TO_SCRIPTS
        return headers

    # What needs an account

    async def _session(self, request: Incoming, account: Account) -> Reply:
        said = self._sessions.of(account)
        headers = {
            "content-type": "application/json",
            "cache-control": "no-cache, no-store, must-revalidate",  # RFC 8620 §2
        }
        return Reply(200, headers, said.body)

    async def _tell(self, request: Incoming, account: Account) -> Reply | None:
        await self._events.serve(request, account, self._also(request))
        return None

    async def _api(self, request: Incoming, account: Account) -> Reply:
        """RFC 8620 §3"""
        with self._requests.one(account.id):
            said = self._sessions.of(account)
            server = Server(self._table.methods, self._parts.limits, said.state, self._sessions.capabilities)
            most = self._parts.limits.max_size_request
            async for piece in request.pieces(most, WEB_BODY_S, "maxSizeRequest"):
                server.receive(piece)
            server.end(request.headers.get("content-type", ""))
            await opened(self._parts, account)
            await carry_out(Ask(self._parts, account, server, request.peer), self._table.handlers)
            status, kind, body = server.take()
        return Reply(status, {"content-type": kind, "cache-control": "no-store"}, body)
