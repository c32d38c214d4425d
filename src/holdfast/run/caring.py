"""The role care: who is hurt, what they are told, when it is over, what they are owed. It needs no other
process: it reads the record of incidents, what the watch sees now, and the snapshot of customers."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from holdfast.care.credits import billing
from holdfast.care.events import PART_FAILED
from holdfast.care.parts.affected import AffectedPart
from holdfast.care.parts.credits import CreditsPart, Terms
from holdfast.care.parts.estimate import EstimatePart
from holdfast.care.turns import Part, Sight, Turns
from holdfast.pages.texts import Texts
from holdfast.run import care_site, crediting, layout, parts, publishing, reporting, web
from holdfast.run.child import Start
from holdfast.run.config import Config
from holdfast.run.customers import unknown_to
from holdfast.run.noticing import noticing
from holdfast.run.progress import Measures
from holdfast.run.reaching import running
from holdfast.watch.incidents import door
from holdfast.watch.incidents.record import AnyEntry
from holdfast.world import World


async def run_care(start: Start) -> None:
    """What can't even be made is journalled, and all else goes on (TURNS-1)."""
    world, config = start.world, start.config
    made: list[Part] = []
    pages: care_site.CareSite | None = None
    async with contextlib.AsyncExitStack() as stack:
        for name, make in _parts(world, config).items():
            with _spared(world, name):
                made += make()
        if config.notices.enabled:
            with _spared(world, "notices"):
                made.append(await stack.enter_async_context(noticing(world, config)))
        with _spared(world, "pages"):
            pages = care_site.make(start)
            made += pages.parts
        with running(turns(world, config).run(made)):
            if pages is None:
                await parts.until_stop(start)
            else:
                await web.serve(start, pages.site.app)


@contextlib.contextmanager
def _spared(world: World, name: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        world.journal.emit(PART_FAILED, part=name, reason=repr(error))


def turns(world: World, config: Config) -> Turns:
    folder, now = layout.watch_folder(config), layout.now_path(config)
    socket = layout.socket_path(config, "watch")

    async def tell(entries: Sequence[AnyEntry]) -> None:
        await door.tell(world, socket, entries)

    return Turns(world, lambda: Sight(world, folder, now), tell)


def _parts(world: World, config: Config) -> dict[str, Callable[[], Iterable[Part]]]:
    watch, customers = layout.watch_folder(config), layout.customers_path(config)
    credits = _credits(world, config)
    return {
        "affected": lambda: [AffectedPart(world, watch, customers, partial(unknown_to, world, config))],
        "estimate": lambda: [EstimatePart(world, layout.repairs_path(config), Measures(world, config).of)],
        "credits": lambda: [credits],
        "status": lambda: publishing.parts(world, config, credits),
        "reports": lambda: reporting.parts(world, config),
    }


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
