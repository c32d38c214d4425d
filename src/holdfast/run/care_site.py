"""The pages of the role care: where customers report what doesn't work, and operators' console.

They are there with every other process dead: no directory, no mail, no sign-in of customers is needed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from holdfast.care.reports.intake import FOLDER, Intake
from holdfast.care.reports.kept import KeptReports
from holdfast.care.turns import Sight
from holdfast.directory.guessing import network_of
from holdfast.model.errors import Unavailable
from holdfast.pages import Site
from holdfast.run import keys, layout, web
from holdfast.run.child import Start
from holdfast.watch.incidents import Incidents


def make(start: Start) -> Site:
    """``web.serve(start, make(start).app)`` serves it."""
    site = web.site(start, [FOLDER], key=_key(start))
    kept = KeptReports(start.world, layout.reports_path(start.config))
    Intake(site, kept, network_of=network_of, incidents=_incidents(start))
    return site


def _incidents(start: Start) -> Callable[[], Awaitable[Incidents]]:
    """All there are, as the ledger has them: for one page at a time, as it folds in what is new."""
    sight = Sight(start.world, layout.watch_folder(start.config), layout.now_path(start.config))
    turn = asyncio.Lock()

    async def read() -> Incidents:
        async with turn:
            return (await start.world.offload(sight)).incidents

    return read


def _key(start: Start) -> bytes:
    """The pages' own, else one for as long as this process lives: a form then outlives no restart."""
    try:
        return keys.key_of(start.config, keys.PAGES)
    except Unavailable:
        return start.world.entropy.bytes(keys.KEY_BYTES)
