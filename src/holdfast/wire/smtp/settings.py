"""What a listening address offers, and the states of its connections."""

from __future__ import annotations

import enum
from typing import NamedTuple


class ServerSettings(NamedTuple):
    """What one listening address offers. Shared by all its connections."""

    host: str
    message_bytes: int
    recipients: int
    errors: int  # bad commands before 421
    starttls: bool = False
    mechanisms: tuple[str, ...] = ()  # of SASL; none: AUTH isn't offered
    auth_needs_tls: bool = True
    auth_required: bool = False  # before MAIL (RFC 6409 §4.3)


class State(enum.IntEnum):
    COMMAND = 0
    SASL = 1  # the next line is a response to a challenge
    DATA = 2
    BDAT = 3  # octets of a chunk are outstanding
    DECIDE = 4  # the session owes accept() or refuse()
    TLS = 5  # the session owes tls_started(); input is dropped
    CLOSED = 6
