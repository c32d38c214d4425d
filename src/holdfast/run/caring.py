"""The role care: who is hurt, what they are told, when it is over, what they are owed. It needs no other
process: it reads the record of incidents, what the watch sees now, and the snapshot of customers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Sequence

from holdfast.care.credits import billing
from holdfast.care.parts.affected import AffectedPart
from holdfast.care.parts.credits import CreditsPart, Terms
from holdfast.care.parts.estimate import EstimatePart
from holdfast.care.turns import Part, Sight, Turns
from holdfast.pages.texts import Texts
from holdfast.run import care_site, crediting, layout, publishing, reporting, web
from holdfast.run.child import Start
from holdfast.run.config import Config
from holdfast.run.noticing import noticing
from holdfast.run.progress import Measures
from holdfast.watch.incidents import door
from holdfast.watch.incidents.record import AnyEntry
from holdfast.world import World


async def run_care(start: Start) -> None:
    pages = care_site.make(start)
    parts = [*_parts(start), *pages.parts]
    async with contextlib.AsyncExitStack() as stack:
        if start.config.notices.enabled:
            parts.append(await stack.enter_async_context(noticing(start.world, start.config)))
        task = asyncio.get_running_loop().create_task(turns(start.world, start.config).run(parts))
        try:
            await web.serve(start, pages.site.app)
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


def turns(world: World, config: Config) -> Turns:
    folder, now = layout.watch_folder(config), layout.now_path(config)
    socket = layout.socket_path(config, "watch")

    async def tell(entries: Sequence[AnyEntry]) -> None:
        await door.tell(world, socket, entries)

    return Turns(world, lambda: Sight(world, folder, now), tell)


def _parts(start: Start) -> Iterator[Part]:
    world, config = start.world, start.config
    yield AffectedPart(world, layout.watch_folder(config), layout.customers_path(config))
    yield EstimatePart(world, layout.repairs_path(config), Measures(world, config).of)
    credits = _credits(world, config)
    yield credits
    yield from publishing.parts(world, config, credits.of)
    yield from reporting.parts(world, config)


def _credits(world: World, config: Config) -> CreditsPart:
    terms = Terms(
        crediting.policies(config),
        lambda: crediting.known_fees(world, config),
        config.care.currency,
        config.care.credit_days,
    )
    texts = Texts([billing.FOLDER], time_zone=config.web.time_zone)
    folder, customers = layout.care_folder(config), layout.customers_path(config)
    return CreditsPart(world, folder, customers, terms, texts, config.web.language)
