"""The metrics there are: names, meanings, labels, and from which events they come.

Names as Prometheus wants them (prometheus.io/docs/practices/naming): base units, ``_total`` for what only
grows. No label holds an address, a login or anything else that people choose (WATCH-3).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

FAST_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
LONG_S = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0)
BUSY = "holdfast_thread_busy_seconds"
STATES = ("healthy", "degraded", "unhealthy", "unknown")


class Metric(NamedTuple):
    """``labels``: besides ``process``, which all have that a process tells. ``bounds``: of a histogram."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    meaning: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()


class Step(NamedTuple):
    """What an event does to a metric. ``labels``: each label's key in the event, or ``=word``.

    ``key``: what is added, or observed; '' adds one.
    """

    metric: str
    labels: dict[str, str] = {}
    key: str = ""


# Told by each process, of what it did.
COUNTED = (
    Metric(
        "holdfast_smtp_messages_total",
        "counter",
        "Messages offered by SMTP clients: accepted, or read and rejected.",
        ("function", "result"),
    ),
    Metric("holdfast_smtp_message_bytes_total", "counter", "Bytes of accepted messages.", ("function",)),
    Metric(
        "holdfast_smtp_accept_seconds",
        "histogram",
        "From MAIL to the 250 that says the message is durable.",
        ("function",),
        FAST_S,
    ),
    Metric(
        "holdfast_smtp_refusals_total",
        "counter",
        "Senders, recipients and sign-ins refused for good.",
        ("function", "step"),
    ),
    Metric(
        "holdfast_smtp_unavailable_total",
        "counter",
        "Temporary refusals because a component was out of reach.",
        ("function", "component"),
    ),
    Metric(
        "holdfast_unavailable_total",
        "counter",
        "Times that somebody was told to come again, or waits, because a component was out of reach.",
        ("component",),
    ),
    Metric(
        "holdfast_relay_tries_total",
        "counter",
        "Recipients tried elsewhere: sent, later, failed.",
        ("result",),
    ),
    Metric(
        "holdfast_relay_try_seconds", "histogram", "One message's try at another server.", ("result",), LONG_S
    ),
    Metric(
        "holdfast_auth_total",
        "counter",
        "Sign-ins: right, wrong, limited (too many wrong), elsewhere (an app password for other doors).",
        ("function", "result"),
    ),
    Metric(
        "holdfast_imap_command_seconds",
        "histogram",
        "From the whole command to its tagged reply; IDLE lasts as long as the client likes.",
        ("command",),
        FAST_S,
    ),
    Metric("holdfast_imap_commands_total", "counter", "IMAP commands answered.", ("command", "result")),
    Metric(
        "holdfast_jmap_call_seconds",
        "histogram",
        "One method call of a JMAP request.",
        ("method",),
        FAST_S,
    ),
    Metric(
        "holdfast_jmap_calls_total",
        "counter",
        "Method calls of JMAP: ok, or the type of their error.",
        ("method", "result"),
    ),
    Metric(
        "holdfast_jmap_request_seconds",
        "histogram",
        "From a request of a JMAP client to its answer; what waits for changes isn't among them.",
        ("what",),
        FAST_S,
    ),
    Metric("holdfast_jmap_requests_total", "counter", "The same, by HTTP status.", ("what", "status")),
    Metric(
        "holdfast_page_seconds",
        "histogram",
        "From a page's request to its answer.",
        ("function",),
        FAST_S,
    ),
    Metric("holdfast_pages_total", "counter", "Pages answered, by HTTP status.", ("function", "status")),
    Metric(
        "holdfast_commit_seconds",
        "histogram",
        "One group commit: written and synced.",
        ("ledger",),
        FAST_S,
    ),
    Metric("holdfast_commit_frames_total", "counter", "Frames made durable.", ("ledger",)),
    Metric("holdfast_commit_bytes_total", "counter", "Bytes made durable.", ("ledger",)),
    Metric(
        "holdfast_frames_bad_total",
        "counter",
        "Damaged frames that were met and that no copy has whole, each place once.",
        ("ledger", "pack"),
    ),
    Metric(
        "holdfast_frames_repaired_total",
        "counter",
        "Damaged frames that were met and read from a copy, each place once.",
        ("ledger", "pack"),
    ),
    Metric("holdfast_merged_messages_total", "counter", "Messages shown in their mailboxes.", ("ledger",)),
    Metric(
        "holdfast_merge_seconds",
        "histogram",
        "From reading a range of an intake to showing it.",
        (),
        FAST_S,
    ),
    Metric(
        "holdfast_served_by_network_total",
        "counter",
        "Messages accepted, sign-ins, commands, calls and pages that went well, by the client's network: /24,"
        " IPv6 /48; `other`: those met later.",
        ("function", "network"),
    ),
    Metric(
        "holdfast_missed_by_network_total",
        "counter",
        "Times that somebody from there was told to come again, because a component was out of reach.",
        ("function", "network"),
    ),
    Metric(
        "holdfast_served_by_cell_total",
        "counter",
        "Sign-ins, commands and calls that went well, by the cell of whose they were: of functions that read"
        " mail.",
        ("function", "cell"),
    ),
    Metric(
        "holdfast_missed_by_cell_total",
        "counter",
        "Times that somebody who had signed in was told to come again, by the cell of the account.",
        ("function", "cell"),
    ),
    Metric(
        "holdfast_late_by_network_total",
        "counter",
        "Of what was served there, what took longer than a second; sign-ins and IDLE aren't timed.",
        ("function", "network"),
    ),
    Metric(
        "holdfast_late_by_cell_total",
        "counter",
        "Of what was served by that cell, what took longer than a second; sign-ins and IDLE aren't timed.",
        ("function", "cell"),
    ),
    Metric(
        "holdfast_events_total",
        "counter",
        "Events of the journal that warn or tell of an error, by name (docs/reference/events.md).",
        ("event", "level"),
    ),
)

_UNAVAILABLE = Step("holdfast_unavailable_total", {"component": "component"})

STEPS: dict[str, tuple[Step, ...]] = {
    "message_accepted": (
        Step("holdfast_smtp_messages_total", {"function": "function", "result": "=accepted"}),
        Step("holdfast_smtp_message_bytes_total", {"function": "function"}, "bytes"),
        Step("holdfast_smtp_accept_seconds", {"function": "function"}, "seconds"),
    ),
    "message_rejected": (
        Step("holdfast_smtp_messages_total", {"function": "function", "result": "=rejected"}),
    ),
    "smtp_refused": (Step("holdfast_smtp_refusals_total", {"function": "function", "step": "step"}),),
    "smtp_unavailable": (
        Step("holdfast_smtp_unavailable_total", {"function": "function", "component": "component"}),
        _UNAVAILABLE,
    ),
    "imap_unavailable": (_UNAVAILABLE,),
    "pop3_unavailable": (_UNAVAILABLE,),
    "jmap_unavailable": (_UNAVAILABLE,),
    "page_unavailable": (_UNAVAILABLE,),
    "setup_unavailable": (_UNAVAILABLE,),
    "admin_unavailable": (_UNAVAILABLE,),
    "asked_kept": (_UNAVAILABLE,),
    "people_write_failed": (_UNAVAILABLE,),
    "signup_taken": (_UNAVAILABLE,),
    "proof_waits": (_UNAVAILABLE,),
    "queue_unavailable": (_UNAVAILABLE,),
    "relay_blocked": (_UNAVAILABLE,),
    "intake_unavailable": (Step("holdfast_unavailable_total", {"component": "ledger"}),),
    "relay_tried": (
        Step("holdfast_relay_tries_total", {"result": "result"}),
        Step("holdfast_relay_try_seconds", {"result": "result"}, "seconds"),
    ),
    "sign_in": (Step("holdfast_auth_total", {"function": "function", "result": "=right"}),),
    "sign_in_wrong": (Step("holdfast_auth_total", {"function": "function", "result": "=wrong"}),),
    "sign_in_limited": (Step("holdfast_auth_total", {"function": "function", "result": "=limited"}),),
    "app_password_refused": (Step("holdfast_auth_total", {"function": "function", "result": "=elsewhere"}),),
    "imap_command": (
        Step("holdfast_imap_command_seconds", {"command": "command"}, "seconds"),
        Step("holdfast_imap_commands_total", {"command": "command", "result": "result"}),
    ),
    "jmap_call": (
        Step("holdfast_jmap_call_seconds", {"method": "method"}, "seconds"),
        Step("holdfast_jmap_calls_total", {"method": "method", "result": "result"}),
    ),
    "jmap_request": (
        Step("holdfast_jmap_request_seconds", {"what": "what"}, "seconds"),
        Step("holdfast_jmap_requests_total", {"what": "what", "status": "status"}),
    ),
    "page_served": (
        Step("holdfast_page_seconds", {"function": "function"}, "seconds"),
        Step("holdfast_pages_total", {"function": "function", "status": "status"}),
    ),
    "ledger_committed": (
        Step("holdfast_commit_seconds", {"ledger": "ledger"}, "seconds"),
        Step("holdfast_commit_frames_total", {"ledger": "ledger"}, "frames"),
        Step("holdfast_commit_bytes_total", {"ledger": "ledger"}, "bytes"),
    ),
    "frame_bad": (Step("holdfast_frames_bad_total", {"ledger": "ledger", "pack": "pack"}),),
    "frame_repaired": (Step("holdfast_frames_repaired_total", {"ledger": "ledger", "pack": "pack"}),),
    "mail_merged": (
        Step("holdfast_merged_messages_total", {"ledger": "ledger"}, "messages"),
        Step("holdfast_merge_seconds", {}, "seconds"),
    ),
}


class Use(NamedTuple):
    """What an event says of real use. ``function``: as labels have it. ``went_well``: which of them count;
    ``timed``: how long it took is known; of ``untimed`` commands that is the client's affair.
    """

    what: Literal["served", "missed"]
    function: str
    went_well: Callable[[dict[str, Any]], bool] | None = None
    timed: bool = False
    untimed: tuple[str, ...] = ()


def _page_went_well(keys: dict[str, Any]) -> bool:
    return bool(keys["status"] < 400)


def _command_went_well(keys: dict[str, Any]) -> bool:
    return keys["result"] in (b"OK", "OK")


def _call_went_well(keys: dict[str, Any]) -> bool:
    return bool(keys["result"] == "ok")


# They are counted once more: by network, and by cell where it is known and what is used lies in cells.
USES: dict[str, Use] = {
    "message_accepted": Use("served", "function", timed=True),
    "sign_in": Use("served", "function"),
    "imap_command": Use("served", "=imap", _command_went_well, timed=True, untimed=("IDLE",)),
    "jmap_call": Use("served", "=jmap", _call_went_well, timed=True),
    "page_served": Use("served", "function", _page_went_well, timed=True),
    "smtp_unavailable": Use("missed", "function"),
    "imap_unavailable": Use("missed", "=imap"),
    "pop3_unavailable": Use("missed", "=pop3"),
    "jmap_unavailable": Use("missed", "=jmap"),
    "page_unavailable": Use("missed", "function"),
}
BY = ("network", "cell")  # the label of each pair of metrics
IN_CELLS = ("imap", "pop3", "jmap")


def used(what: str, by: str) -> str:
    """The metric's name."""
    return f"holdfast_{what}_by_{by}_total"


RELEASE = "holdfast_release_start_time_seconds"

# Told by the process that has it, when it is asked.
ASKED = (
    Metric(
        RELEASE,
        "gauge",
        "Since when this process has run this version with this configuration, since 1970.",
        ("version", "configuration"),
    ),
    Metric("holdfast_queue_messages", "gauge", "Messages that wait to go elsewhere."),
    Metric("holdfast_queue_recipients", "gauge", "Recipients elsewhere that wait."),
    Metric("holdfast_queue_oldest_age_seconds", "gauge", "How long the oldest of them has waited."),
    Metric("holdfast_index_behind_cells", "gauge", "Cells whose index is being made whole."),
    Metric(
        "holdfast_index_rebuilt_bytes",
        "gauge",
        "Of the ledger, how much is in the indexes made anew; else 0.",
    ),
    Metric("holdfast_index_rebuild_bytes", "gauge", "How much is to be in them; 0 when none is made anew."),
    Metric(
        "holdfast_intake_unmerged_bytes",
        "gauge",
        "Accepted mail that its mailboxes don't show yet; all packs but the last count as full.",
        ("ledger",),
    ),
    Metric("holdfast_auth_wait_seconds", "gauge", "How long a password check that comes now will wait."),
    Metric(
        "holdfast_auth_put_off",
        "gauge",
        "Password checks put off within ten seconds, 1000 at most: too many waited (full), or others go first"
        " (shed).",
        ("why",),
    ),
    Metric(
        "holdfast_people_copy_stale_seconds",
        "gauge",
        "How long this process's copy of the people has been behind or without its writer; else 0.",
    ),
    Metric(
        "holdfast_people_active_accounts", "gauge", "Active accounts that this process's copy was told of."
    ),
    Metric(
        "holdfast_people_left_accounts",
        "gauge",
        "How many of the past hour's most active accounts aren't active any more, and nobody announced it.",
    ),
    Metric(
        "holdfast_people_missing_accounts",
        "gauge",
        "How many of them aren't in the copy, where they are too many to believe it; else 0.",
    ),
    Metric(
        BUSY,
        "gauge",
        "How long each of its threads has been at what it does; offload: how long what needs one waits.",
        ("thread",),
    ),
    Metric("holdfast_journal_lost_lines_total", "counter", "Lines of the journal that could not be written."),
)

# Told by the role health, of all.
SEEN = (
    Metric("holdfast_build_info", "gauge", "1, with what runs.", ("version", "python")),
    Metric("holdfast_supervisor_up", "gauge", "1: the supervisor answers."),
    Metric("holdfast_process_up", "gauge", "1: the process says what it does.", ("process",)),
    Metric("holdfast_process_ready", "gauge", "1: the process has said that it serves.", ("process",)),
    Metric("holdfast_process_restarts_total", "counter", "Unasked ends of the process.", ("process",)),
    Metric(
        "holdfast_process_start_time_seconds", "gauge", "When the process began, since 1970.", ("process",)
    ),
    Metric("holdfast_process_resident_bytes", "gauge", "Memory in use, shared parts too.", ("process",)),
    Metric("holdfast_process_cpu_seconds_total", "counter", "Processor time used.", ("process",)),
    Metric("holdfast_process_open_fds", "gauge", "Open descriptors.", ("process",)),
    Metric("holdfast_disk_free_bytes", "gauge", "Room for the service's user.", ("place",)),
    Metric(
        "holdfast_certificate_left_days",
        "gauge",
        "Until the certificate in the file ends; NaN: it can't be read.",
        ("file",),
    ),
    Metric(
        "holdfast_function_state",
        "gauge",
        "1 for the state a function is in, 0 for the others, as tried through its own doors.",
        ("function", "state"),
    ),
    Metric("holdfast_probe_seconds", "gauge", "How long the last try of a function took.", ("function",)),
)

METRICS: dict[str, Metric] = {metric.name: metric for metric in (*COUNTED, *ASKED, *SEEN)}
