"""The people process's snapshot of customers, for care: docs/formats/customers.md.

CUSTOMERS-2 it is behind the people by a minute at most while this process runs.
"""

from __future__ import annotations

import apsw

from holdfast.care import customers
from holdfast.care.affected import PEOPLE_LEDGER
from holdfast.directory import exported
from holdfast.directory.exported import export, sequence_of
from holdfast.directory.history import gather_last_used
from holdfast.model.errors import ComponentId, Unavailable
from holdfast.model.limits import CUSTOMERS_LOOK_S, CUSTOMERS_USED_S
from holdfast.run import layout
from holdfast.run.config import Config
from holdfast.run.events import CUSTOMERS_NOT_WRITTEN
from holdfast.world import World


async def keep_written(world: World, config: Config) -> None:
    """Until it is cancelled. What keeps it from being written is said once, and tried again."""
    failing = False
    while True:
        try:
            await world.offload(write_if_changed, world, config)
            failing = False
        except (OSError, apsw.Error) as error:
            if not failing:
                world.journal.emit(CUSTOMERS_NOT_WRITTEN, reason=str(error) or type(error).__name__)
            failing = True
        await world.clock.sleep(CUSTOMERS_LOOK_S)


def write_if_changed(world: World, config: Config) -> bool:
    """Whether it was. Blocks; raises ``OSError`` and ``apsw.Error``."""
    copy = world.disk.database_path(layout.copy_path(config, layout.PEOPLE_WRITER))
    path = layout.customers_path(config)
    if _stands(world, path, sequence_of(copy)):
        return False

    def fill(db: apsw.Connection) -> int:
        db.execute("CREATE TEMP TABLE used (account INTEGER PRIMARY KEY, last REAL NOT NULL)")
        gather_last_used(world, layout.history_folder(config), db)
        return export(copy, db)

    customers.write(world, path, fill)
    return True


def unknown_to(world: World, config: Config, component: ComponentId, most: int) -> list[int]:
    """Accounts that a process's copy doesn't know as they are, or, of the ledger of people, that left and
    aren't believed to be gone. Blocks; raises ``Unavailable``."""
    paths = [layout.copy_path(config, each) for each in (component.partition("/")[2], layout.PEOPLE_WRITER)]
    mine, people = map(world.disk.database_path, paths)
    try:
        if component == PEOPLE_LEDGER:
            return exported.doubted(people, most)
        return exported.unknown_to(mine, people, most)
    except apsw.Error as error:
        raise Unavailable("customers", f"{component}: {error}") from error


def _stands(world: World, path: str, sequence: int) -> bool:
    try:
        with customers.reading(world, path) as db:
            made = customers.made(db)
    except Unavailable:
        return False
    return made.sequence == sequence and world.clock.now() < made.made_at + CUSTOMERS_USED_S
