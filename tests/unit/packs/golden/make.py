"""Makes the golden ledger beside it: `python tests/unit/packs/golden/make.py FOLDER`.

Run once for each version of the format; what it wrote is kept for ever and read by every
later version. Never run it over an existing ledger.
"""

from __future__ import annotations

import asyncio
import sys

from holdfast.packs import LedgerWriter, NewFrame
from holdfast.world import real_world

FRAMES = [
    NewFrame(1, b"", 0, ()),
    NewFrame(1, b"one cell", 2**63, (7,)),
    NewFrame(2, (b"in ", b"three ", b"parts"), 1, (0, 1, 65535)),
    NewFrame(16, bytes(range(256)) * 8, 77, (63,)),
    NewFrame(17, "Grüße".encode() * 100, 78, (63, 7)),
]


async def main(volume: str) -> None:
    writer = await LedgerWriter.open(real_world(level="error"), volume, "mail", pack_bytes=9000)
    told = 0
    for round_ in range(3):
        for frame in FRAMES:
            (written,) = await writer.append([frame._replace(account=frame.account ^ round_)], told)
            told = written.sequence - 1
    await writer.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
