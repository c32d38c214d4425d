"""The envelope: who sends, who receives, where it came from. RFC 5321 §2.3.1."""

from __future__ import annotations

import msgspec

from holdfast.model.mail import AccountId


class LocalRecipient(msgspec.Struct, frozen=True, array_like=True):
    """One account that gets the message. ``detail``: the sub-address (RFC 5233), a folder's name or ''."""

    account: AccountId
    cell: int
    address: str  # as the envelope had it
    detail: str = ""


class RemoteRecipient(msgspec.Struct, frozen=True, array_like=True):
    """One address that the relay delivers to elsewhere, with its DSN wishes (RFC 3461)."""

    address: str
    notify: str = ""  # as given with NOTIFY=, '' when not
    orcpt: str = ""


class Delivery(msgspec.Struct, frozen=True, array_like=True):
    """The meta of a DELIVERY frame: the envelope as it was accepted.

    ``sender``: '' is the null reverse-path. ``received_at``: UTC seconds.
    ``trace``: the id in the 250 reply, the Received line and every event.
    ``head_bytes``: how much of the message is our own trace header (RFC 5321 §4.4).
    """

    sender: str
    local: tuple[LocalRecipient, ...]
    remote: tuple[RemoteRecipient, ...]
    received_at: float
    trace: str
    head_bytes: int
    peer: str = ""  # 'host [address]' of the client
    account: AccountId = 0  # who signed in, 0 for nobody
    ret: str = ""  # DSN RET (RFC 3461 §4.3): '', 'FULL' or 'HDRS'
    envid: str = ""
    smtputf8: bool = False
    body_8bit: bool = False


class Started(msgspec.Struct, frozen=True, array_like=True):
    """The meta of a STARTED frame.

    ``unsure``: sequences of the frames that were whole on disk but whose 250 may never
    have reached the sender. The same message with the same envelope, sent once more
    after this frame, is that sender's second try and is not delivered again.
    """

    at: float
    unsure: tuple[int, ...] = ()
