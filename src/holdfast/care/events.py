"""Events of the package `care`."""

from __future__ import annotations

from holdfast.model.events import register

PART_FAILED = register(
    "care_part_failed",
    "error",
    "A part of care could not do its work this time; it is tried again, and all others go on.",
    "part",
    "reason",
)
PART_BACK = register("care_part_back", "info", "A part of care does its work again.", "part")
