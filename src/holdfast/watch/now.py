"""How it is now, as the role ``watch`` sees it: a small file that anybody may read (docs/formats/now.md).

NOW-1 it says when it was written, and one that is older than NOW_STALE_S, comes from the future or can't be
read counts for nothing: then nothing is known, and that is never green.
"""

from __future__ import annotations

import contextlib

import msgspec

from holdfast.model.findings import Finding
from holdfast.model.limits import NOW_STALE_S
from holdfast.watch.diagnosis.report import Report
from holdfast.watch.incidents.record import AnyEntry, Remedied
from holdfast.watch.ratios import Used
from holdfast.world import World


class Now(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``findings``: the newest of each trial and vantage point. ``report``: the diagnosis that is published,
    None where nothing is at fault. ``remedies``: the last ones.

    ``uses``: how real use of each function goes, of those that somebody used of late.
    ``ledger``: why the ledger of incidents can't be written, '' while it can. ``held``: what isn't in it
    because of that, and is in effect all the same.
    """

    at: float
    findings: tuple[Finding, ...] = ()
    report: Report | None = None
    remedies: tuple[Remedied, ...] = ()
    uses: tuple[Used, ...] = ()
    ledger: str = ""
    held: tuple[AnyEntry, ...] = ()


_encoder = msgspec.json.Encoder()
_decode = msgspec.json.Decoder(Now).decode


def write_now(world: World, path: str, now: Now) -> None:
    """Whole or not at all. Blocks; raises ``OSError``."""
    world.disk.write_atomic(path, _encoder.encode(now))


def read_now(world: World, path: str) -> Now | None:
    """None where there is none that counts (NOW-1). Blocks; raises nothing."""
    with contextlib.suppress(OSError, msgspec.DecodeError):
        found: Now = _decode(world.disk.read(path))
        if abs(world.clock.now() - found.at) <= NOW_STALE_S:
            return found
    return None
