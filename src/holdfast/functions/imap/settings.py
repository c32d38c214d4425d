"""What the IMAP function is told by whoever runs it."""

from __future__ import annotations

import msgspec

from holdfast.model.limits import Limits
from holdfast.world.tls import TlsContext


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """``tls``: for STARTTLS and for listeners in TLS; None: neither is offered.

    ``allow_plaintext``: a password may cross any connection without TLS (for trying things out);
    ``allow_plaintext_loopback``: one from this machine.
    """

    hostname: str
    tls: TlsContext | None = None
    allow_plaintext: bool = False
    allow_plaintext_loopback: bool = True
    limits: Limits = Limits()
