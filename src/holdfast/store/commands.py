"""What may be asked of the store, and what it answers.

A command is written to the mail ledger before it is carried out; the fold decides
the outcome, deterministically, when it reaches the frame. So an outcome is a
function of the ledger, and a command that came too late (its mailbox is gone) is
refused the same way at every replay.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec

from holdfast.model.errors import Reason, Refused
from holdfast.model.mail import AccountId, MailboxId, MessageId
from holdfast.model.uidset import UidSet


class Command(msgspec.Struct, frozen=True, kw_only=True, tag_field="do", omit_defaults=True):
    """One change of one account's mail. ``cell``: where the account is placed."""

    account: AccountId
    cell: int


class Append(Command, frozen=True, tag="append"):
    """Add a message to a mailbox. RFC 3501 §6.3.11.

    ``mailbox``: name; ``flags``: system flags as bits; ``keywords``: names;
    ``internaldate``: UTC seconds, ``None`` for now.
    ``message`` travels beside the frame's meta, never inside it.
    """

    mailbox: str
    message: bytes
    flags: int = 0
    keywords: tuple[str, ...] = ()
    internaldate: float | None = None


class Laid(msgspec.Struct, frozen=True, array_like=True):
    """Where the store has laid a message down: its MESSAGE frame in the mail ledger.

    ``frame``: bytes of the whole frame; ``head``: where in its body the message begins; ``size``: its bytes.
    """

    sequence: int
    pack: int
    offset: int
    frame: int
    head: int
    size: int


class NewMessage(msgspec.Struct, frozen=True, array_like=True):
    """One message of an ``AppendAll``; fields as in ``Append``. ``laid``: the store's, in the ledger only."""

    message: bytes
    flags: int = 0
    keywords: tuple[str, ...] = ()
    internaldate: float | None = None
    laid: Laid | None = None


class AppendAll(Command, frozen=True, tag="append_all"):
    """Add messages to the end of a mailbox, in their order: all of them or none. RFC 3502."""

    mailbox: str
    messages: tuple[NewMessage, ...]


class StoreFlags(Command, frozen=True, tag="flags"):
    """Change flags of messages. RFC 3501 §6.4.6; ``unchanged_since``: RFC 7162 §3.1.3.

    ``uids``: ``UidSet.pack()``. Replacing never touches ``\\Recent``.
    """

    mailbox: MailboxId
    uids: bytes
    mode: Literal["add", "remove", "replace"]
    flags: int = 0
    keywords: tuple[str, ...] = ()
    unchanged_since: int | None = None


class Copy(Command, frozen=True, tag="copy"):
    """Copy messages to the end of the mailbox named ``to``. RFC 3501 §6.4.7."""

    mailbox: MailboxId
    uids: bytes
    to: str


class Move(Command, frozen=True, tag="move"):
    """Copy and expunge as one. RFC 6851 §3.3."""

    mailbox: MailboxId
    uids: bytes
    to: str


class Expunge(Command, frozen=True, tag="expunge"):
    """Remove messages; ``only_deleted``: those with ``\\Deleted``. RFC 3501 §6.4.3, RFC 4315 §2.1."""

    mailbox: MailboxId
    uids: bytes
    only_deleted: bool = True


class Restore(Command, frozen=True, tag="restore"):
    """Bring removed messages back. ``rows``: numbers of ``GoneMessage``s, packed as a ``UidSet``.

    Each gets a new UID in the mailbox it was in (one of the same name, or INBOX, where that is gone too),
    with its flags but ``\\Deleted``. What was brought back before is passed over.
    """

    rows: bytes


class MakeMailbox(Command, frozen=True, tag="make"):
    """Create a mailbox. RFC 3501 §6.3.3; ``role``: RFC 6154 §3, a value of ``model.mail.Role``."""

    name: str
    role: str = ""


class Rename(Command, frozen=True, tag="rename"):
    """Give a mailbox and all below it another name; INBOX's messages move instead. RFC 3501 §6.3.5."""

    old: str
    new: str


class Delete(Command, frozen=True, tag="delete"):
    """Remove a mailbox with its messages; mailboxes below it stay. RFC 3501 §6.3.4."""

    name: str


class Subscribe(Command, frozen=True, tag="subscribe"):
    """Put a name on the list of subscriptions, or take it off. RFC 3501 §6.3.6."""

    name: str
    on: bool = True


class TakeRecent(Command, frozen=True, tag="recent"):
    """From now on no other session is told these messages are ``\\Recent``. RFC 3501 §2.3.2."""

    mailbox: MailboxId


class Describe(Command, frozen=True, tag="describe"):
    """Change a mailbox's role (a value of ``model.mail.Role``) and its place among the others; ``None``: as
    it is. RFC 8621 §2. A role belongs to one mailbox; INBOX keeps its own."""

    mailbox: MailboxId
    role: str | None = None
    sort_order: int | None = None


class PutObject(Command, frozen=True, tag="put"):
    """Keep ``data`` under (kind, id), in the place of what is there.

    ``due``: UTC seconds, for ``MailStore.due``; 0: never. ``if_modseq``: 0, it must not be there; n, it must
    stand at modseq n; else ``Refused(CHANGED)``.
    """

    kind: str
    id: str
    data: bytes
    due: int = 0
    if_modseq: int | None = None


class RemoveObject(Command, frozen=True, tag="drop"):
    """Remove what is kept under (kind, id); nothing there: nothing happens, or with ``if_modseq``
    ``Refused(CHANGED)``, as with ``PutObject``."""

    kind: str
    id: str
    if_modseq: int | None = None


class Open(Command, frozen=True, tag="open"):
    """Make the account's first mailboxes if it has none yet."""


AnyCommand = (
    Append
    | AppendAll
    | StoreFlags
    | Copy
    | Move
    | Expunge
    | Restore
    | MakeMailbox
    | Rename
    | Delete
    | Subscribe
    | TakeRecent
    | Describe
    | PutObject
    | RemoveObject
    | Open
)


class Outcome(msgspec.Struct, frozen=True, tag_field="is", omit_defaults=True):
    """What came of a command. ``modseq``: the account's after it."""

    modseq: int = 0


class Done(Outcome, frozen=True, tag="done"):
    """Carried out; nothing to add."""


class Appended(Outcome, frozen=True, tag="appended", kw_only=True):
    mailbox: MailboxId
    uidvalidity: int
    uid: int
    message: MessageId


class AppendedAll(Outcome, frozen=True, tag="appended_all", kw_only=True):
    """``uids``: packed, one for each message, in their order; ``messages``: likewise."""

    mailbox: MailboxId
    uidvalidity: int
    uids: bytes
    messages: tuple[MessageId, ...]


class Stored(Outcome, frozen=True, tag="stored", kw_only=True):
    """``changed``: packed UIDs whose flags are others now; ``kept``: refused by ``unchanged_since``."""

    changed: bytes = b""
    kept: bytes = b""


class Copied(Outcome, frozen=True, tag="copied", kw_only=True):
    """``sources`` and ``copies``: packed UID sets of equal size, in the same order (COPYUID, RFC 4315 §3)."""

    mailbox: MailboxId
    uidvalidity: int
    sources: bytes
    copies: bytes


class Expunged(Outcome, frozen=True, tag="expunged", kw_only=True):
    uids: bytes = b""


class Restored(Outcome, frozen=True, tag="restored", kw_only=True):
    """``rows``: packed numbers of those brought back; ``placed``: mailbox → their packed new UIDs."""

    rows: bytes = b""
    placed: dict[MailboxId, bytes] = {}


class Made(Outcome, frozen=True, tag="made", kw_only=True):
    mailbox: MailboxId


class Failed(Outcome, frozen=True, tag="refused", kw_only=True):
    """Refused by the fold: ``reason`` is a ``Reason``'s value."""

    reason: str
    text: str

    def error(self) -> Refused:
        return Refused(Reason(self.reason), self.text)


AnyOutcome = Done | Appended | AppendedAll | Stored | Copied | Expunged | Restored | Made | Failed


class Added(NamedTuple):
    """New entries in a mailbox."""

    modseq: int
    mailbox: MailboxId
    uids: UidSet


class Flagged(NamedTuple):
    """Entries whose flags changed."""

    modseq: int
    mailbox: MailboxId
    uids: UidSet


class Removed(NamedTuple):
    """Entries that are gone."""

    modseq: int
    mailbox: MailboxId
    uids: UidSet


class MailboxMade(NamedTuple):
    modseq: int
    mailbox: MailboxId


class MailboxRenamed(NamedTuple):
    modseq: int
    mailbox: MailboxId


class MailboxGone(NamedTuple):
    modseq: int
    mailbox: MailboxId


class SubscriptionMoved(NamedTuple):
    modseq: int
    mailbox: MailboxId  # 0: of a name that no mailbox has


class MailboxDescribed(NamedTuple):
    modseq: int
    mailbox: MailboxId


Change = (
    Added
    | Flagged
    | Removed
    | MailboxMade
    | MailboxRenamed
    | MailboxGone
    | SubscriptionMoved
    | MailboxDescribed
)

# Numbers in the index's ``change`` table; never changed, never reused.
CHANGE_KINDS: tuple[type[Change], ...] = (
    Added,
    Flagged,
    Removed,
    MailboxMade,
    MailboxRenamed,
    MailboxGone,
    SubscriptionMoved,
    MailboxDescribed,
)
