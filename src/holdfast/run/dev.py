"""``holdfast dev``: all roles but ``watch`` in one process and one loop, for looking inside."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence

from holdfast.model.errors import Reason, Refused
from holdfast.run import events, ports, roles, system
from holdfast.run.child import RoleMain, Start, process_name
from holdfast.run.config import Config
from holdfast.watch.counting import Counts
from holdfast.world import real_world
from holdfast.world import run as run_loop


def run(config: Config, without: Sequence[str] = ()) -> None:
    """Until SIGINT or SIGTERM. A role that fails is journalled and the others go on. Raises ``Refused``."""
    strange = [role for role in without if role not in roles.MAINS]
    if strange:
        raise Refused(Reason.BAD_NAME, f"no role {strange[0]}; there are: {', '.join(roles.MAINS)}")
    for folder in (config.data, config.run_folder):
        system.make_folder(folder)
    left_out = {*without, "watch"}  # one loop for all, and no supervisor: it would find faults of this alone
    wanted = [each for each in roles.plan(config) if each[0] not in left_out and each[1] == 0]
    run_loop(_run(config, wanted))


async def _run(config: Config, wanted: Sequence[tuple[str, int, RoleMain]]) -> None:
    world = real_world(journal_path=config.service.journal or None, level=config.service.journal_level)
    sockets = ports.bind_all(
        config,
        lambda text: world.journal.emit(events.PORT_TAKEN, address=text),
        lambda text: world.journal.emit(events.DOOR_SHUT, reason=text),
    )
    stop, stop_back = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)

    async def one(role: str, worker: int, main: RoleMain) -> None:
        until = stop_back if role in roles.BACK else stop
        mine = {door: sockets[door] for door in ports.DOORS.get(role, ())}
        name = process_name(role, worker)

        def ready() -> None:
            world.journal.emit(events.CHILD_READY, process=name, pid=0, after_s=0)

        try:
            await main(Start(world, config, role, worker, mine, until, ready, Counts()))
        except Exception as error:
            world.journal.emit(events.CHILD_FAILED, process=name, error=repr(error), where="dev")

    front = [asyncio.ensure_future(one(*each)) for each in wanted if each[0] not in roles.BACK]
    back = [asyncio.ensure_future(one(*each)) for each in wanted if each[0] in roles.BACK]
    await stop.wait()
    await asyncio.gather(*front)
    stop_back.set()  # RUN-6
    await asyncio.gather(*back)
