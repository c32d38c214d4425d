"""A message on its way out, as the store keeps it, and the machine of its states.

    pending ──▶ releasing ──▶ final
       └──────▶ canceled

Each arrow is one compare-and-set of the object. ``releasing`` says from where in the outbox's ledger the
message would stand if it was taken: who finds it so looks there before anything is sent (JOUT-2).
"""

from __future__ import annotations

import datetime
from typing import Final, Literal

import msgspec

from holdfast.model import limits
from holdfast.model.mail import AccountId, MessageId
from holdfast.store import MessageRef
from holdfast.wire.jmap.core import Json
from holdfast.wire.jmap.mail import DeliveryStatus, SubmissionEnvelope

SUBMISSION: Final = "EmailSubmission"
NOTICE: Final = "Notice"  # what is sent but is no Email of the account: an MDN, for one

KNOWN_BY: Final = 2  # so many looks later, what is in no mailbox and no queue is unknown for good

State = Literal["pending", "releasing", "final", "canceled"]
# After it was sent: when to look what became of it, until the relay gives up (Limits.queue_life_s).
LOOKS_S: Final = (
    0.5,
    5.0,
    60.0,
    600.0,
    3600.0,
    *(4 * 3600.0 for _ in range(6)),
    *(86_400.0 for _ in range(5)),
)


class Delivered(msgspec.Struct, array_like=True):
    """One account here that gets it. ``address``: of the envelope."""

    address: str
    account: AccountId
    cell: int


class Sending(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    """One object. ``send_at``, ``due``: UTC seconds. ``ref``: where the message lies; or ``content`` is it,
    in latin-1. ``begun``: (pack, offset) of the outbox's ledger. ``message``: its id as it was sent."""

    identity_id: str = ""
    email_id: str = ""
    thread_id: str = ""
    envelope: SubmissionEnvelope
    send_at: int
    state: State = "pending"
    due: int
    ref: MessageRef | None = None
    content: str = ""
    size: int = 0
    begun: tuple[int, int] | None = None
    status: dict[str, DeliveryStatus] = {}
    message: MessageId = 0
    here: list[Delivered] = []
    looks: int = 0

    def changed(self, **what: object) -> Sending:
        return msgspec.structs.replace(self, **what)

    @property
    def kept_until(self) -> int:
        return self.send_at + limits.JMAP_SUBMISSION_KEPT_S

    def look_again(self, now: float) -> int:
        """When next, after it was sent; at last when it is to be forgotten."""
        waiting = any(each.delivered == "queued" for each in self.status.values())
        if waiting and self.looks < len(LOOKS_S):
            return int(now + LOOKS_S[self.looks]) + 1
        return self.kept_until

    @property
    def shown(self) -> Json:
        """RFC 8621 §7; what is being released can't be undone any more."""
        undo = {"pending": "pending", "canceled": "canceled"}.get(self.state, "final")
        return {
            "identityId": self.identity_id,
            "emailId": self.email_id,
            "threadId": self.thread_id,
            "envelope": self.envelope,
            "sendAt": utc(self.send_at),
            "undoStatus": undo,
            "deliveryStatus": self.status or None,
            "dsnBlobIds": [],
            "mdnBlobIds": [],
        }


read_sending = msgspec.json.Decoder(Sending).decode
write_sending = msgspec.json.Encoder().encode


def utc(seconds: float) -> str:
    """UTCDate of RFC 8620 §1.4."""
    return datetime.datetime.fromtimestamp(int(seconds), datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
