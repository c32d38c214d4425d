"""The role jmap: mail for programs over HTTP, the webmail among them.

Reading needs the copy of the directory and the indexes; auth, the store's writer and the people process may
be gone: who has a token reads on (JMAPD-9).
"""

from __future__ import annotations

import contextlib
import functools
import traceback
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

from starlette.responses import RedirectResponse, Response

import holdfast.functions.jmap
from holdfast.directory.people import People
from holdfast.flow.intake import Intake
from holdfast.flow.sending import SendingLimits
from holdfast.flow.sent import Sent
from holdfast.functions.jmap.app import Jmap
from holdfast.functions.jmap.asking import Fates, Parts
from holdfast.functions.jmap.authorize import Authorize
from holdfast.functions.jmap.basic import Basic
from holdfast.functions.jmap.clients import Clients
from holdfast.functions.jmap.events import TASK_FAILED
from holdfast.functions.jmap.methods import TABLE
from holdfast.functions.jmap.oauth import OAuth
from holdfast.functions.jmap.push_methods import VAPID
from holdfast.functions.jmap.pushes import Pushes
from holdfast.functions.jmap.session import Sessions
from holdfast.functions.jmap.sign_ins import SignIns
from holdfast.functions.jmap.tokens import Tokens
from holdfast.functions.jmap.uploads import Uploads
from holdfast.functions.jmap.watching import Watching
from holdfast.functions.jmap.webpush import Vapid
from holdfast.functions.jmap.who import Who
from holdfast.model.errors import Unavailable
from holdfast.model.limits import (
    JMAP_CONNECTIONS,
    JMAP_CONNECTIONS_PER_ADDRESS,
    JMAP_REQUEST_BYTES,
    JMAP_SWEEP_S,
    JMAP_TASK_REST_S,
)
from holdfast.pages import Visit
from holdfast.portal import portal
from holdfast.run import keys, layout, parts, web
from holdfast.run.child import Start
from holdfast.run.reaching import running
from holdfast.store.mailstore import MailStore
from holdfast.wire.jmap.core import CORE, WEBSOCKET, CoreLimits, WebSocketCapability
from holdfast.world.http import Crowd, HttpClient

FOLDER = Path(holdfast.functions.jmap.__file__).parent


async def run_jmap(start: Start) -> None:
    config, world = start.config, start.world
    url = web.url_of(config, "jmap")
    async with contextlib.AsyncExitStack() as stack:
        people = await stack.enter_async_context(parts.people_copy(start))
        operations = await stack.enter_async_context(web.operations(start))
        store = await stack.enter_async_context(parts.store_handle(start))
        history = await stack.enter_async_context(parts.history_of(start))
        sign_in = await stack.enter_async_context(parts.sign_in_noted(start, people, history))
        intake, sent, fates = await stack.enter_async_context(_intake(start))
        sign_ins = stack.enter_context(contextlib.closing(SignIns(world, layout.tokens_path(config))))
        pushes = await stack.enter_async_context(_pushes(start, people, store))
        sending = SendingLimits(world, people, sent, "jmap")
        given = _parts(start, people, store, intake, sending, fates, pushes)
        site = web.site(start, packages=[portal.FOLDER, FOLDER], brand=web.brand_for(people))
        tokens = Tokens(world, site.seal, sign_ins, people)
        webmail = web.url_of(config, "webmail") if config.workers.webmail else ""
        clients = Clients([webmail, *config.web.webmail_origins])
        guarded = web.portal(start, site, people, sign_in, operations, history=history)
        Authorize(guarded, tokens, clients, url)
        site.page("/", methods=("GET",))(_first_page(webmail))
        watching = Watching(store, TABLE.kinds)
        stack.callback(people.watch_sign_outs(watching.sign_out))
        who = Who(tokens, Basic(world, people, sign_in), plain=config.tls.plain_sign_in)
        sessions = Sessions(world.clock, given, TABLE, url, _of_the_server(url, given))
        oauth = OAuth(tokens, url)
        jmap = Jmap(given, TABLE, sessions, who, oauth, clients, watching, site.app)
        stack.enter_context(running(_stopping(start, watching)))
        if start.worker == 0:
            works = [lambda: _sweeping(given, sign_ins), pushes.run]
            works += [functools.partial(run, given) for run in TABLE.runs]
            for work in works:
                stack.enter_context(running(_going_on(start, work)))
        crowd = Crowd(JMAP_CONNECTIONS, JMAP_CONNECTIONS_PER_ADDRESS)
        await web.serve(start, jmap.app, message_bytes=JMAP_REQUEST_BYTES, crowd=crowd)


def _parts(
    start: Start,
    people: People,
    store: MailStore,
    intake: Intake,
    sending: SendingLimits,
    fates: Fates,
    pushes: Pushes,
) -> Parts:
    return Parts(
        world=start.world,
        store=store,
        people=people,
        uploads=Uploads(start.world, layout.uploads_folder(start.config)),
        intake=intake,
        pushes=pushes,
        hostname=start.config.service.hostname,
        limits=CoreLimits(),
        sending=sending,
        mail_limits=start.config.limits,
        fates=fates,
    )


def _of_the_server(url: str, given: Parts) -> dict[str, object]:
    """What the session object says of capabilities for all accounts."""
    return {
        CORE: given.limits,
        VAPID: {"applicationServerKey": given.pushes.key},
        WEBSOCKET: WebSocketCapability(url=f"ws{url.removeprefix('http')}/jmap/ws"),
    }


def _first_page(webmail: str) -> Any:
    """Who comes here by hand wants to read mail."""

    async def page(visit: Visit) -> Response:
        return RedirectResponse(webmail, 302) if webmail else visit.go("/sign-in")

    return page


@contextlib.asynccontextmanager
async def _intake(start: Start) -> AsyncIterator[tuple[Intake, Sent, Fates]]:
    """Where what is sent becomes durable: this process's own ledger; how much was sent by whom; and who knows
    what became of it."""
    config, volume = start.config, layout.main_volume(start.config)
    sent = Sent(start.world, config.volume_folder(volume), start.name)
    async with parts.announcing(start) as announce:
        intake = Intake(
            start.world,
            config.volume_folder(volume),
            start.name,
            host=config.service.hostname,
            inflight_bytes=config.limits.inflight_bytes,
            announce=sent.announcing(announce),
            copies=config.copies_of(volume, "synchronous"),
            trailing=config.copies_of(volume, "trailing"),
            pack_bytes=config.volumes[volume].pack_bytes,
            in_doubt=False,
        )
        await intake.open()
        try:
            yield intake, sent, announce.fates
        finally:
            await intake.close()
            await sent.close()


@contextlib.asynccontextmanager
async def _pushes(start: Start, people: People, store: MailStore) -> AsyncIterator[Pushes]:
    client = HttpClient(start.world, public_only=True)
    subject = f"mailto:postmaster@{start.config.service.hostname}"
    vapid = Vapid(keys.key_of(start.config, "vapid"), subject)
    try:
        yield Pushes(start.world, store, people, client, vapid, TABLE.kinds)
    finally:
        await client.close()


async def _stopping(start: Start, watching: Watching) -> None:
    """What would last ends with the process, in order."""
    await start.stop.wait()
    watching.close()


async def _going_on(start: Start, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """What is done beside goes on after an error of ours: nobody would miss it until it is too late."""
    while True:
        try:
            await work()
        except Exception as error:
            where = "".join(traceback.format_exception(error)[-6:])
            start.world.journal.emit(TASK_FAILED, error=f"{type(error).__name__}: {error}", where=where)
        await start.world.clock.sleep(JMAP_TASK_REST_S)


async def _sweeping(given: Parts, sign_ins: SignIns) -> None:
    """What is too old goes."""
    while True:
        with contextlib.suppress(Unavailable):
            await given.uploads.sweep()
        await sign_ins.sweep()
        await given.world.clock.sleep(JMAP_SWEEP_S)
