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
NOTICE_PLANNED = register(
    "notice_planned",
    "info",
    "A notice was laid down with all whom it is for; about: opened, update, correction or ended.",
    "incident",
    "notice",
    "about",
    "customers",
    "quiet",
)
NOTICE_HELD = register(
    "notice_held",
    "error",
    "A notice is held: it would go to far more customers than were counted, or hides a time or a number.",
    "incident",
    "about",
    "reason",
)
NOTICE_CHANNEL_LOST = register(
    "notice_channel_lost",
    "error",
    "A way to customers takes nothing; it is tried on, and what waits for it goes by the next one.",
    "channel",
    "reason",
)
NOTICE_CHANNEL_BACK = register(
    "notice_channel_back", "info", "A way to customers takes messages again.", "channel"
)
NOTICES_STUCK = register(
    "notices_stuck",
    "error",
    "What is to be sent can't be read: no notice goes out by this channel until it can.",
    "channel",
    "reason",
)
STATUS_PLANS_LEFT_OUT = register(
    "status_plans_left_out",
    "warn",
    "Planned maintenance can't be shown on the status page; all else is published.",
    "reason",
)
