"""The words for mail kept: references into packs, mailboxes, entries, changes."""

from __future__ import annotations

import enum
from typing import NamedTuple

import msgspec

MessageId = int  # (ledger number << 48) | frame sequence: from the frame, never reused
MailboxId = int  # account << 20 | how many mailboxes the account had made, this one counted; never reused
AccountId = int  # sequence of the people frame that made the account, never reused


class Position(NamedTuple):
    """Where the next frame of a ledger begins: everything before is known. Ordered."""

    pack: int
    offset: int


START = Position(0, 0)


class PackRef(NamedTuple):
    """Where one frame lies in its ledger; ``size`` is the whole frame's, header and padding included."""

    pack: int
    offset: int
    size: int


class Flag(enum.IntFlag):
    """System flags (RFC 3501 §2.3.2) as bits of an entry's flag set; keywords take bits 5 and up.

    ``\\Recent`` is not kept: it belongs to a session (see ``functions/imap``).
    """

    SEEN = 1
    ANSWERED = 2
    FLAGGED = 4
    DELETED = 8
    DRAFT = 16


FIRST_KEYWORD_BIT = 5


class Role(enum.StrEnum):
    """Special use of a mailbox. RFC 6154 §2, RFC 8457 and JMAP's ``role`` (RFC 8621 §2): names that
    IANA keeps under “IMAP Mailbox Name Attributes”."""

    NONE = ""
    INBOX = "inbox"
    ARCHIVE = "archive"
    DRAFTS = "drafts"
    FLAGGED = "flagged"
    JUNK = "junk"
    SENT = "sent"
    TRASH = "trash"
    ALL = "all"
    SNOOZED = "snoozed"


class Mailbox(msgspec.Struct, frozen=True):
    """One mailbox as its index row has it. Names are Unicode, levels split by ``/``."""

    id: MailboxId
    account: AccountId
    name: str
    role: Role
    uidvalidity: int
    uidnext: int
    modseq: int  # HIGHESTMODSEQ
    exists: int
    unseen: int
    deleted: int  # how many carry \Deleted
    size_bytes: int  # RFC822.SIZE summed up
    first_recent_uid: int  # entries from this UID on have not been shown as \Recent to anybody
    sort_order: int = 0  # where to show it among the others: JMAP's sortOrder, RFC 8621 §2
    made: int = 0  # modseq at which it came into being


class Placement(NamedTuple):
    """Where an account's mail is kept."""

    account: AccountId
    cell: int
