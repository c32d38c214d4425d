"""Score cards of drills, as their files have them."""

from __future__ import annotations

import os.path

import msgspec

from holdfast.world import World

CARDS = 500  # shown, the newest


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """What the console shows of one; the file has more. Times in seconds, None: it didn't happen."""

    fault: str
    title: str
    at: float
    where: str = ""
    detected_after_s: float | None = None
    named_after_s: float | None = None
    noticed_after_s: float | None = None
    returned_after_s: float | None = None
    verdict: str = ""
    named: tuple[str, ...] = ()
    affected: str = ""
    forbidden: tuple[str, ...] = ()


_decode = msgspec.json.Decoder(Card | list[Card]).decode


def cards(world: World, folder: str) -> tuple[list[Card], list[str]]:
    """The newest first, and the names of files that can't be read. Blocks."""
    found: list[Card] = []
    lost: list[str] = []
    for name in sorted(world.disk.list(folder)) if world.disk.exists(folder) else []:
        if not name.endswith(".json"):
            continue
        try:
            read: Card | list[Card] = _decode(world.disk.read(os.path.join(folder, name)))
        except (OSError, msgspec.MsgspecError):
            lost.append(name)
            continue
        found += read if isinstance(read, list) else [read]
    return sorted(found, key=lambda each: -each.at)[:CARDS], lost
