"""Where the people ledger lies, its copies, and what size packs have: as the configuration says."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.directory import People
from holdfast.model.errors import Refused
from holdfast.run import doors, layout, system
from holdfast.run.config import Config
from holdfast.run.reading import parse
from holdfast.world import World, real_world, run


def configured(folder: Path, mode: str) -> Config:
    text = (
        f"[service]\ndata = '{folder}/data'\ncells = 2\n"
        "[volumes.v1]\npack_bytes = 70000\n"
        f"[copies.second]\nvolume = 'people'\nfolder = '{folder}/second'\nmode = '{mode}'\n"
    )
    (folder / "second").mkdir(exist_ok=True)
    return parse(text, str(folder / "holdfast.toml"), {})


def made_ready(folder: Path, mode: str) -> tuple[World, Config]:
    world, config = real_world(level="error"), configured(folder, mode)
    for made in (layout.people_folder(config), config.run_folder):
        system.make_folder(made)
    return world, config


@pytest.mark.parametrize("mode", ["synchronous", "trailing"])
def test_the_people_ledger_has_copies_and_is_read_from_one_when_it_is_lost(tmp_path: Path, mode: str) -> None:
    world, config = made_ready(tmp_path, mode)

    async def main() -> None:
        async with doors.people(world, config) as people:
            await people.domain_add("example.org")
            await people.account_add("ann@example.org")
        own = tmp_path / "data" / "people" / "00000001.pack"
        assert (tmp_path / "second" / "people" / own.name).read_bytes()[4096:] == own.read_bytes()[4096:]
        # the middle of it is damaged: frames come from the copy
        bytes_ = bytearray(own.read_bytes())
        at = bytes_.index(b"ann@example.org")
        bytes_[at : at + 3] = b"eve"
        own.write_bytes(bytes_)
        copy = await People.open(
            world, ":memory:", layout.people_folder(config), copies=layout.people_copies(config)
        )
        assert copy.by_login("ann@example.org") is not None and copy.doubt == ""
        copy.close()

    run(main())
    places = dict(layout.ledgers(world.disk, config))
    assert places["people"].copies == (str(tmp_path / "second"),)


def test_no_volume_is_called_as_copies_call_the_people_ledger() -> None:
    with pytest.raises(Refused) as caught:
        parse("[volumes.people]\n", "/nowhere/holdfast.toml", {})
    assert "name it otherwise" in caught.value.text


def test_a_copy_of_people_is_not_in_the_data_folder_itself(tmp_path: Path) -> None:
    text = f"[service]\ndata = '{tmp_path}'\n[copies.a]\nvolume = 'people'\nfolder = '{tmp_path}'\n"
    with pytest.raises(Refused) as caught:
        parse(text, str(tmp_path / "holdfast.toml"), {})
    assert "another disk" in caught.value.text


def test_the_mail_ledgers_packs_have_the_size_of_the_configuration(tmp_path: Path) -> None:
    world, config = made_ready(tmp_path, "trailing")
    system.make_folder(config.volume_folder("v1"))

    async def main() -> None:
        writer = await doors.open_store(world, config)
        try:
            assert writer._ledger._pack_bytes == 70000
        finally:
            await writer.close()

    run(main())
