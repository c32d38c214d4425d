"""When it was known how each function is: kept from one look to the next in ``care/watched.json``."""

from __future__ import annotations

import os.path

import msgspec

from holdfast.care.status.lines import Watched
from holdfast.watch.incidents.incidents import Span
from holdfast.world import World


def read_watched(world: World, path: str) -> Watched:
    """As the last time left it; nothing is known of before where that can't be read. Blocks."""
    try:
        return msgspec.json.decode(world.disk.read(path), type=dict[str, list[Span]])
    except (OSError, msgspec.MsgspecError):
        return {}


def keep_watched(world: World, path: str, watched: Watched) -> None:
    """Blocks; raises ``OSError``."""
    world.disk.make_folder(os.path.dirname(path))
    world.disk.write_atomic(path, msgspec.json.encode(watched))
