"""Events of the package `run`."""

from __future__ import annotations

from holdfast.model.events import register

SERVICE_STARTED = register(
    "service_started",
    "info",
    "The supervisor has bound its ports and started every process.",
    "pid",
    "hostname",
    "listeners",
    "processes",
)
SERVICE_STOPPING = register("service_stopping", "info", "The supervisor was told to stop.", "signal")
SERVICE_STOPPED = register("service_stopped", "info", "All processes have ended.", "killed")
CHILD_STARTED = register(
    "child_started", "info", "A process of the service was started.", "process", "pid", "restarts"
)
CHILD_READY = register("child_ready", "info", "A process says that it serves.", "process", "pid", "after_s")
CHILD_DIED = register(
    "child_died",
    "error",
    "A process ended though nobody asked it to; it is started again after the pause.",
    "process",
    "pid",
    "status",
    "lived_s",
    "again_in_s",
    "where",
)
CHILD_ENDED = register(
    "child_ended", "info", "A process ended as it was asked to.", "process", "pid", "status"
)
CHILD_KILLED = register(
    "child_killed", "warn", "A process did not end in its time and was killed.", "process", "pid", "waited_s"
)
CHILD_FROZEN = register(
    "child_frozen",
    "error",
    "A process lives but has done nothing for too long; it is ended and started again.",
    "process",
    "pid",
    "silent_s",
)
CHILD_FAILED = register(
    "child_failed", "error", "A process's own code raised; it ends.", "process", "error", "where"
)
ROLLING_STARTED = register(
    "rolling_restart_started", "info", "The processes are started anew, one after the other.", "processes"
)
ROLLING_ENDED = register("rolling_restart_ended", "info", "Every process has been started anew.")
ROLLING_HALTED = register(
    "rolling_restart_halted",
    "warn",
    "A rolling restart was stopped; these processes stay as they are.",
    "left",
)
STAND_IN_STARTED = register(
    "stand_in_started",
    "warn",
    "The processes of a role end again and again: whoever comes to its doors is told to come again.",
    "role",
    "pid",
)
STAND_IN_ENDED = register("stand_in_ended", "info", "Nobody stands in for a role any more.", "role", "pid")
ROLLING_TAKEN_BACK = register(
    "rolling_restart_taken_back",
    "warn",
    "What a rolling restart has reached goes back to the configuration before, or out of service.",
    "left",
    "back",
    "out",
)
CHILD_RENEWED = register(
    "child_renewed", "warn", "A process is started anew, as somebody or a remedy asked.", "process", "pid"
)
CONFIG_KEPT = register(
    "config_kept", "error", "The configuration can't be read; the one from before stays in force.", "error"
)
DOOR_SHUT = register(
    "door_shut", "error", "A web door can't be opened; all else serves. A restart tries it again.", "reason"
)
PORT_TAKEN = register("port_taken", "warn", "Another process holds a port; it is tried again.", "address")
CUSTOMERS_NOT_WRITTEN = register(
    "customers_not_written",
    "error",
    "The snapshot of customers that notices and counts need could not be written; the one before stays, and "
    "it is tried again.",
    "reason",
)
CANARIES_MADE = register(
    "canaries_made", "info", "Accounts of the canaries were made; from now on they are used.", "accounts"
)
CANARIES_MISSING = register(
    "canaries_missing",
    "warn",
    "Accounts of the canaries can't be made; functions are tried without. It is tried again.",
    "reason",
)
WATCH_DOOR_SHUT = register(
    "watch_door_shut",
    "error",
    "Others can't tell the watch what they have for the record of incidents. It is tried again.",
    "path",
    "reason",
)
