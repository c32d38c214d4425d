"""Events of the package `packs`. ``ledger``: the component, as `volume-v1/mail`."""

from __future__ import annotations

from holdfast.model.events import register

PACK_STARTED = register("pack_started", "info", "A new pack takes the ledger's frames.", "ledger", "pack")
COMMITTED = register(
    "ledger_committed",
    "debug",
    "A batch of frames is durable; seconds: from its first byte to the end of the sync.",
    "ledger",
    "frames",
    "bytes",
    "seconds",
)
PACK_SEALED = register(
    "pack_sealed", "info", "A full pack got its footer and digest.", "ledger", "pack", "frames", "bytes"
)
SEAL_FAILED = register(
    "seal_failed",
    "warn",
    "A full pack could not be sealed; it stays readable and is tried again at the next start.",
    "ledger",
    "pack",
    "error",
)
PACK_FAILED = register(
    "pack_failed",
    "error",
    "A write or sync failed: the batch was refused, this file is never written again, a new pack begins.",
    "ledger",
    "pack",
    "step",
    "error",
    "frames",
)
VOLUME_FULL = register(
    "volume_full",
    "error",
    "The disk is full: appends are refused as unavailable until there is room.",
    "ledger",
    "pack",
    "frames",
)
TAIL_CUT = register(
    "tail_cut",
    "warn",
    "At opening, what a torn write left at the end of the last pack was cut off; it was never acknowledged.",
    "ledger",
    "pack",
    "offset",
    "bytes",
)
TORN_VOIDED = register(
    "torn_voided",
    "warn",
    "At opening, a torn stretch before whole frames was marked void; it was never acknowledged.",
    "ledger",
    "pack",
    "offset",
    "bytes",
)
FRAME_BAD = register(
    "frame_bad",
    "error",
    "A frame is damaged and no copy has it: one message or change can't be read.",
    "ledger",
    "pack",
    "offset",
    "bytes",
    "sequence",
    "reason",
)
FRAME_REPAIRED = register(
    "frame_repaired",
    "error",
    "A frame is damaged here and was read from a copy: this disk goes bad.",
    "ledger",
    "pack",
    "offset",
    "bytes",
    "sequence",
    "copy",
)
COPY_LOST = register(
    "copy_lost",
    "error",
    "A copy could not be written; it is behind until it has caught up.",
    "ledger",
    "copy",
    "error",
)
COPY_CAUGHT_UP = register(
    "copy_caught_up", "info", "A copy that was behind has everything again.", "ledger", "copy"
)
