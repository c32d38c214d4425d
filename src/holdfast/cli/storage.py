"""`holdfast pack`, `holdfast index`: what is on disk, and is it whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.cli import terminal
from holdfast.model.errors import Reason, Refused

if TYPE_CHECKING:
    from holdfast.packs import LedgerReader
    from holdfast.run.config import Config
    from holdfast.world import World

Which = Annotated[list[str] | None, typer.Argument(help="Ledgers, such as v1/mail; all if none is named.")]


def add_to(app: typer.Typer) -> None:
    packs = typer.Typer(
        help="The packs: what there is, and whether every frame is whole.", no_args_is_help=True
    )
    packs.command("ls")(pack_ls)
    packs.command("verify")(pack_verify)
    app.add_typer(packs, name="pack")
    indexes = typer.Typer(help="The indexes, which are made from the packs.", no_args_is_help=True)
    indexes.command("rebuild")(index_rebuild)
    app.add_typer(indexes, name="index")


def pack_ls(ledgers: Which = None, as_json: terminal.Json = False) -> None:
    """Lists every pack."""
    from holdfast.packs.verify import pack_infos
    from holdfast.world import real_world

    world = real_world(level="warn")
    rows = [
        {"ledger": name, "pack": pack.number, **pack._asdict()}
        for name, reader in _ledgers(world, terminal.load_config(), ledgers or [])
        for pack in pack_infos(reader)
    ]
    columns = ["ledger", "pack", "bytes", "frames", "sealed", "first_sequence", "last_sequence"]
    terminal.show(rows, columns, as_json)


def pack_verify(ledgers: Which = None, as_json: terminal.Json = False) -> None:
    """Reads every frame and checks it, copies too; 2 when something is damaged."""
    from holdfast.cli.progress import progress
    from holdfast.packs.verify import verify
    from holdfast.world import real_world

    world = real_world(level="warn")
    rows = []
    found = list(_ledgers(world, terminal.load_config(), ledgers or []))
    with progress("ledgers", len(found)) as bar:
        for name, reader in found:
            report = verify(reader)
            row = {"ledger": name, "good": report.good, **report._asdict()}
            rows.append({**row, "bad": [str(bad) for bad in report.bad]})
            bar.advance()
    terminal.show(rows, ["ledger", "good", "packs", "frames", "bytes", "bad"], as_json)
    if not all(row["good"] for row in rows):
        raise typer.Exit(2)


def _ledgers(world: World, config: Config, wanted: list[str]) -> Iterator[tuple[str, LedgerReader]]:
    """``v1/mail`` … and ``people``, as far as there are any."""
    from holdfast.packs import LedgerReader
    from holdfast.run import layout

    known = dict(layout.ledgers(world.disk, config))
    strange = [name for name in wanted if name not in known]
    if strange:
        there = ", ".join(known) or "none yet"
        raise Refused(Reason.BAD_NAME, f"no ledger {strange[0]}; there are: {there}")
    for name, place in known.items():
        if not wanted or name in wanted:
            yield name, LedgerReader(world, place.folder, place.ledger, copies=place.copies)


def index_rebuild(
    cells: Annotated[list[int] | None, typer.Argument(help="Numbers of cells.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every cell.")] = False,
) -> None:
    """Makes indexes anew from the packs, also while the service runs: its accounts wait meanwhile.

    The index is taken away; the store notices and builds it, at its start at the latest.
    """
    from holdfast.cli.progress import progress
    from holdfast.run import layout
    from holdfast.world import real_world, run

    config = terminal.load_config()
    if not cells and not everything:
        raise Refused(Reason.BAD_SYNTAX, "name the cells, or say --all")
    wanted = list(range(config.service.cells)) if everything else sorted(set(cells or []))
    strange = [cell for cell in wanted if not 0 <= cell < config.service.cells]
    if strange:
        raise Refused(Reason.BAD_NAME, f"no cell {strange[0]}; there are 0 to {config.service.cells - 1}")
    volume = layout.main_volume(config)
    world = real_world(level="warn")
    for cell in wanted:  # what lies beside it goes with it, by the store: it may be another's by then
        path, *_ = layout.index_files(config, volume, cell)
        if world.disk.exists(path):
            world.disk.remove(path)
    with progress("cells", len(wanted)) as bar:
        run(_wait_for(world, config, wanted, bar.to))


async def _wait_for(world: World, config: Config, cells: list[int], done: Callable[[int], None]) -> None:
    """Until every one of ``cells`` has its index again."""
    from holdfast.run import doors, layout

    volume = layout.main_volume(config)
    async with doors.rebuilding(world, config) as behind:
        while True:
            waiting = set(await behind()) & set(cells)
            files = [layout.index_files(config, volume, cell)[0] for cell in cells]
            missing = sum(not world.disk.exists(path) for path in files)
            done(len(cells) - max(len(waiting), missing))
            if not waiting and not missing:
                return
            await world.clock.sleep(0.05)
