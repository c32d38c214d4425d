"""The words of the canaries: which there are, by which steps they go, what they need and what they found."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from typing import NamedTuple

from holdfast.model.findings import Finding
from holdfast.watch.clients import Target


class Course(NamedTuple):
    """``steps``: in their order; of TLS and of readers some are left out where they don't apply."""

    function: str
    steps: tuple[str, ...]


_SMTP = ("connect", "greeting", "STARTTLS", "certificate")
_TLS = ("connect", "certificate", "greeting", "STARTTLS")

# By trial, as the dependency map and findings name it.
COURSES: Mapping[str, Course] = {
    "canary/receive": Course("receive", (*_SMTP, "RCPT", "DATA", "seen")),
    "canary/refuse": Course("receive", (*_SMTP, "RCPT")),
    "canary/send": Course("send", (*_TLS, "sign-in", "RCPT", "DATA", "seen")),
    "canary/relay": Course("send", (*_TLS, "sign-in", "RCPT", "DATA", "back")),
    "canary/imap": Course("imap", (*_TLS, "sign-in", "SELECT", "FETCH", "APPEND", "EXPUNGE")),
    "canary/pop3": Course("pop3", (*_TLS, "sign-in", "STAT", "RETR", "QUIT")),
    "canary/webmail": Course(
        "webmail", ("index.html", "config.json", "sign-in", "Email/query", "Email/get", "blob")
    ),
    "canary/password": Course("password", ("sign-in", "change", "sign-in again", "change back")),
    "canary/signup": Course("signup", ("name", "details", "summary", "made", "used", "removed")),
}


class Account(NamedTuple):
    """A canary's account. ``password``, ``other``: it is changed from the one to the other and back.

    ``app``: its app password, for all mail programs. ``cell``: None where that isn't known.
    """

    address: str
    password: str
    other: str
    app: str
    cell: int | None = None


class Site(NamedTuple):
    """Where a function's pages are, as a client on this machine reaches them."""

    url: str
    tls: ssl.SSLContext


class Doors(NamedTuple):
    """By role; what is turned off is missing. ``mail``: mx, submission, imap, pop3."""

    mail: Mapping[str, Target]
    pages: Mapping[str, Site]


class Joining(NamedTuple):
    """How a canary signs up. ``domain``: '' when it can't, and then ``why``. ``pause_s``: what the form asks
    for before it is believed that somebody has read it. ``pass_of``: an address → what the pages know our
    canary by; raises ``Unavailable``."""

    domain: str
    why: str = ""
    pause_s: float = 0.0
    pass_of: Callable[[str], str] = str


class Taken(NamedTuple):
    """A step and how long it took."""

    step: str
    took_s: float


class Result(NamedTuple):
    """``passed``: the steps that went well. ``notes``: what else was seen on the way. ``ours``: what is at
    fault is the canary's own account."""

    finding: Finding
    passed: tuple[Taken, ...]
    notes: tuple[str, ...] = ()
    ours: bool = False


class Unsure(Exception):
    """It can't be decided: what is missing is the canary's own, or what it would have had to ask."""
