"""The roles that mail programs read with: imap and pop3."""

from __future__ import annotations

from holdfast.functions import imap, pop3
from holdfast.run import parts
from holdfast.run.child import Start


async def run_imap(start: Start) -> None:
    config = start.config
    tls = parts.tls_context(start)
    settings = imap.Settings(
        hostname=config.service.hostname,
        tls=tls,
        allow_plaintext=config.tls.plain_sign_in,
        allow_plaintext_loopback=False,  # one rule at every door
        limits=config.limits,
    )
    sockets = [imap.Sockets(each, in_tls=door == "imaps") for door, each in start.sockets.items() if each]
    async with (
        parts.people_copy(start) as people,
        parts.store_handle(start) as store,
        parts.sign_in_with(start, people) as sign_in,
    ):
        await parts.until_stopped(start, imap.serve(start.world, settings, sockets, people, sign_in, store))


async def run_pop3(start: Start) -> None:
    config = start.config
    tls = parts.tls_context(start)
    settings = pop3.Settings(
        host=config.service.hostname,
        tls=tls,
        sign_in_needs_tls=not config.tls.plain_sign_in,
        limits=config.limits,
    )
    async with (
        parts.people_copy(start) as people,
        parts.store_handle(start) as store,
        parts.sign_in_with(start, people) as sign_in,
    ):
        function = pop3.Pop3(start.world, settings, sign_in, store)
        people.watch_sign_outs(function.sign_out)
        await parts.serve_doors(start, function.session, function.tls_session, tls)
