"""What can be read of an entry, and the forms in which it comes."""

from __future__ import annotations

import enum
from typing import NamedTuple

import msgspec

from holdfast.model.mail import MailboxId, MessageId


class Column(enum.Enum):
    """What ``rows`` can give of an entry; the value is its SQL."""

    UID = "e.uid"
    FLAGS = "e.flags"
    MODSEQ = "e.modseq"
    MESSAGE_ID = "e.message"
    BORN = "e.born"  # with MESSAGE_ID: unique within a mailbox, the ground of POP3's UIDL
    SIZE = "e.size"
    INTERNALDATE = "e.received"
    ENVELOPE = "m.envelope"
    BODYSTRUCTURE = "m.structure"
    PREVIEW = "m.preview"
    # four columns of the row, for ``messages``
    REF = 'm.ledger, m.pack, m."offset", m.frame, m.head, m.size'


OF_ENTRY = frozenset(column for column in Column if column.value.startswith("e."))


class MessageRef(NamedTuple):
    """Where a message's bytes are; columns of ``Column.REF``."""

    ledger: int
    pack: int
    offset: int
    frame: int
    head: int
    size: int


class GoneMessage(NamedTuple):
    """A message that was removed and can be brought back (``commands.Restore``).

    ``number``: of its removal, grows with time; ``name``: its mailbox's as of then; ``removed_at`` and
    ``internaldate``: UTC seconds; ``envelope``: as IMAP has it (RFC 3501 §7.4.2).
    """

    number: int
    mailbox: MailboxId
    name: str
    uid: int
    flags: int
    removed_at: int
    message: MessageId
    size: int
    internaldate: int
    envelope: bytes
    preview: str
    ref: MessageRef


class Usage(msgspec.Struct, frozen=True):
    """What an account has now. ``bytes``: RFC822.SIZE summed up; removed messages don't count."""

    bytes: int
    messages: int
