"""The commands of IMAP as values: what the server's parser yields and the client's builder takes.

Names of mailboxes are Unicode (``INBOX`` in capitals whatever the client wrote); search strings
are Unicode whatever charset carried them. What a value's absence means is said at its field.
"""

from __future__ import annotations

import datetime
import enum
from typing import ClassVar, NamedTuple

import msgspec

from holdfast.model.mail import Role
from holdfast.model.uidset import UidSet

STAR = 0  # '*' in a range: the largest number in use (RFC 3501 §9 seq-number)


class SequenceSet(msgspec.Struct, frozen=True):
    """Message numbers or UIDs as a client names them. RFC 3501 §9 sequence-set; RFC 5182 for ``$``.

    ``ranges`` are inclusive pairs in the order and direction written, ``STAR`` for ``*``.
    ``saved``: the set is ``$``, the result of the last SEARCH RETURN (SAVE); ``ranges`` is empty.
    """

    ranges: tuple[tuple[int, int], ...] = ()
    saved: bool = False

    def resolve(self, largest: int) -> UidSet:
        """The numbers meant when ``largest`` is what ``*`` stands for; 0: there is none.

        For UIDs: ``uids & ids.resolve(uids.last)``, so that ``900:*`` names at least the last one.
        """
        found = []
        for low, high in self.ranges:
            low, high = low or largest, high or largest
            if low > high:
                low, high = high, low
            if high:
                found.append((low or 1, high))
        return UidSet(found)

    @property
    def highest(self) -> int:
        """The largest number written, 0 when only ``*`` is: a message number above the count is BAD."""
        return max((n for pair in self.ranges for n in pair), default=0)

    def __str__(self) -> str:
        if self.saved:
            return "$"
        return ",".join(
            _number(low) if low == high else f"{_number(low)}:{_number(high)}" for low, high in self.ranges
        )


def _number(number: int) -> str:
    return str(number) if number else "*"


SAVED = SequenceSet(saved=True)


def sequence_set(uids: UidSet) -> SequenceSet:
    """The set that names exactly ``uids``."""
    return SequenceSet(tuple(uids.ranges))


class Command(msgspec.Struct, frozen=True):
    """The base of all commands; ``name`` is the word on the wire (without ``UID``)."""

    name: ClassVar[str] = ""


# --- any state (RFC 3501 §6.1)


class Capability(Command, frozen=True):
    """RFC 3501 §6.1.1"""

    name: ClassVar[str] = "CAPABILITY"


class Noop(Command, frozen=True):
    """RFC 3501 §6.1.2"""

    name: ClassVar[str] = "NOOP"


class Logout(Command, frozen=True):
    """RFC 3501 §6.1.3"""

    name: ClassVar[str] = "LOGOUT"


class Id(Command, frozen=True):
    """RFC 2971 §3.1. ``fields``: pairs in the order given, a value may be NIL; None for ``ID NIL``."""

    name: ClassVar[str] = "ID"
    fields: tuple[tuple[str, str | None], ...] | None = None


# --- not authenticated (§6.2)


class StartTls(Command, frozen=True):
    """RFC 3501 §6.2.1. The machine has forgotten all bytes that came after it (IMAP-6)."""

    name: ClassVar[str] = "STARTTLS"


class Authenticate(Command, frozen=True):
    """RFC 3501 §6.2.2, RFC 4959. ``initial``: decoded; b'' for ``=``; None when not sent."""

    name: ClassVar[str] = "AUTHENTICATE"
    mechanism: str  # upper case
    initial: bytes | None = None


class Login(Command, frozen=True):
    """RFC 3501 §6.2.3"""

    name: ClassVar[str] = "LOGIN"
    user: str
    password: str

    def __repr__(self) -> str:  # IMAP-7: a password must not reach a log by way of repr
        return f"Login(user={self.user!r}, password=…)"


# --- authenticated (§6.3)


class Enable(Command, frozen=True):
    """RFC 5161 §3.1. In upper case."""

    name: ClassVar[str] = "ENABLE"
    capabilities: tuple[str, ...]


class QResync(NamedTuple):
    """RFC 7162 §3.2.5: what the client knows of the mailbox it selects."""

    uidvalidity: int
    modseq: int
    known_uids: UidSet | None = None
    match_numbers: UidSet | None = None  # message sequence match data: numbers ↔ uids
    match_uids: UidSet | None = None


class Select(Command, frozen=True):
    """SELECT, or EXAMINE when ``read_only``. RFC 3501 §6.3.1-2; RFC 7162 §3.1.8, §3.2.5."""

    name: ClassVar[str] = "SELECT"
    mailbox: str
    read_only: bool = False
    condstore: bool = False
    qresync: QResync | None = None


class Create(Command, frozen=True):
    """RFC 3501 §6.3.3, RFC 6154 §3. A trailing ``/`` has been taken off. ``uses``: of USE (...)."""

    name: ClassVar[str] = "CREATE"
    mailbox: str
    uses: tuple[Role, ...] = ()


class Delete(Command, frozen=True):
    """RFC 3501 §6.3.4"""

    name: ClassVar[str] = "DELETE"
    mailbox: str


class Rename(Command, frozen=True):
    """RFC 3501 §6.3.5"""

    name: ClassVar[str] = "RENAME"
    mailbox: str
    to: str


class Subscribe(Command, frozen=True):
    """RFC 3501 §6.3.6"""

    name: ClassVar[str] = "SUBSCRIBE"
    mailbox: str


class Unsubscribe(Command, frozen=True):
    """RFC 3501 §6.3.7"""

    name: ClassVar[str] = "UNSUBSCRIBE"
    mailbox: str


class StatusItem(enum.Enum):
    """RFC 3501 §6.3.10, RFC 7162 §3.1.7, RFC 8438, RFC 9208 §4.1.4; the value is the word on the wire."""

    MESSAGES = "MESSAGES"
    RECENT = "RECENT"
    UIDNEXT = "UIDNEXT"
    UIDVALIDITY = "UIDVALIDITY"
    UNSEEN = "UNSEEN"
    DELETED = "DELETED"
    DELETED_STORAGE = "DELETED-STORAGE"
    SIZE = "SIZE"
    HIGHESTMODSEQ = "HIGHESTMODSEQ"


class Status(Command, frozen=True):
    """RFC 3501 §6.3.10"""

    name: ClassVar[str] = "STATUS"
    mailbox: str
    items: tuple[StatusItem, ...]


class ListSelect(enum.Enum):
    """Which mailboxes LIST shows. RFC 5258 §3.1, RFC 6154 §5.2."""

    SUBSCRIBED = "SUBSCRIBED"
    REMOTE = "REMOTE"
    RECURSIVEMATCH = "RECURSIVEMATCH"
    SPECIAL_USE = "SPECIAL-USE"


class ListReturn(enum.Enum):
    """What LIST tells of them. RFC 5258 §3.2, RFC 6154 §5.2."""

    SUBSCRIBED = "SUBSCRIBED"
    CHILDREN = "CHILDREN"
    SPECIAL_USE = "SPECIAL-USE"


class List(Command, frozen=True):
    """RFC 3501 §6.3.8, RFC 5258 §3, RFC 5819.

    ``status``: the items of RETURN (STATUS (...)), () when not asked for. ``extended``: any of
    RFC 5258's syntax was used, so that \\NonExistent and the like may be told.
    """

    name: ClassVar[str] = "LIST"
    reference: str
    patterns: tuple[str, ...]
    select: frozenset[ListSelect] = frozenset()
    returns: frozenset[ListReturn] = frozenset()
    status: tuple[StatusItem, ...] = ()
    extended: bool = False


class Lsub(Command, frozen=True):
    """RFC 3501 §6.3.9"""

    name: ClassVar[str] = "LSUB"
    reference: str
    pattern: str


class AppendMessage(msgspec.Struct, frozen=True):
    """One message of APPEND. ``flags``: bits of ``model.mail.Flag``. ``internaldate``: UTC seconds,
    None for "now"."""

    message: bytes
    flags: int = 0
    keywords: tuple[str, ...] = ()
    internaldate: int | None = None
    zone_minutes: int = 0  # the offset the client wrote, east of UTC


class Append(Command, frozen=True):
    """RFC 3501 §6.3.11; several messages by RFC 3502."""

    name: ClassVar[str] = "APPEND"
    mailbox: str
    messages: tuple[AppendMessage, ...]


class Namespace(Command, frozen=True):
    """RFC 2342"""

    name: ClassVar[str] = "NAMESPACE"


class GetQuota(Command, frozen=True):
    """RFC 9208 §4.1.1. ``root``: a quota root's name."""

    name: ClassVar[str] = "GETQUOTA"
    root: str


class GetQuotaRoot(Command, frozen=True):
    """RFC 9208 §4.1.2"""

    name: ClassVar[str] = "GETQUOTAROOT"
    mailbox: str


class Idle(Command, frozen=True):
    """RFC 2177. Answer with ``Server.start_idle()``."""

    name: ClassVar[str] = "IDLE"


# --- selected (§6.4)


class Check(Command, frozen=True):
    """RFC 3501 §6.4.1"""

    name: ClassVar[str] = "CHECK"


class Close(Command, frozen=True):
    """RFC 3501 §6.4.2"""

    name: ClassVar[str] = "CLOSE"


class Unselect(Command, frozen=True):
    """RFC 3691"""

    name: ClassVar[str] = "UNSELECT"


class Expunge(Command, frozen=True):
    """RFC 3501 §6.4.3; with ``uids`` it is UID EXPUNGE, RFC 4315 §2.1."""

    name: ClassVar[str] = "EXPUNGE"
    uids: SequenceSet | None = None


class ReturnOption(enum.Enum):
    """RFC 4731 §3.1, RFC 5182 §2"""

    MIN = "MIN"
    MAX = "MAX"
    ALL = "ALL"
    COUNT = "COUNT"
    SAVE = "SAVE"


class SearchKey(msgspec.Struct, frozen=True):
    """The base of all search keys (RFC 3501 §6.4.4)."""


class SearchAll(SearchKey, frozen=True):
    """ALL"""


class SearchAnd(SearchKey, frozen=True):
    """All of ``keys``: written side by side or in parentheses. Never empty."""

    keys: tuple[SearchKey, ...]


class SearchOr(SearchKey, frozen=True):
    """OR"""

    left: SearchKey
    right: SearchKey


class SearchNot(SearchKey, frozen=True):
    """NOT"""

    key: SearchKey


class SearchFlag(SearchKey, frozen=True):
    """SEEN, UNSEEN and so on: ``flag`` is a bit of ``model.mail.Flag``."""

    flag: int
    present: bool = True


class SearchRecent(SearchKey, frozen=True):
    """RECENT, or OLD when not ``present``; NEW comes as an And with UNSEEN."""

    present: bool = True


class SearchKeyword(SearchKey, frozen=True):
    """KEYWORD, UNKEYWORD"""

    keyword: str
    present: bool = True


class SearchIds(SearchKey, frozen=True):
    """Message numbers, or UIDs when ``uid``."""

    ids: SequenceSet
    uid: bool = False


class SearchHeader(SearchKey, frozen=True):
    """HEADER, and BCC, CC, FROM, SUBJECT, TO: ``field`` in upper case. '' matches when the field is there."""

    field: str
    value: str


class SearchText(SearchKey, frozen=True):
    """TEXT (header and body), or BODY when not ``headers``."""

    value: str
    headers: bool = True


class SearchSize(SearchKey, frozen=True):
    """LARGER, or SMALLER when not ``larger``; bytes."""

    size: int
    larger: bool = True


class Compare(enum.Enum):
    BEFORE = "BEFORE"
    ON = "ON"
    SINCE = "SINCE"


class SearchDate(SearchKey, frozen=True):
    """BEFORE, ON, SINCE by internal date; SENTBEFORE, SENTON, SENTSINCE by the Date field when ``sent``.

    The time of day and the zone are disregarded (§6.4.4).
    """

    compare: Compare
    day: datetime.date
    sent: bool = False


class SearchAge(SearchKey, frozen=True):
    """YOUNGER, or OLDER when not ``younger``. RFC 5032."""

    seconds: int
    younger: bool = True


class SearchModseq(SearchKey, frozen=True):
    """MODSEQ. RFC 7162 §3.1.5; ``entry`` and ``kind`` are given by the client and may be ignored."""

    modseq: int
    entry: str = ""  # '/flags/\\draft'
    kind: str = ""  # 'all', 'priv', 'shared'


class Search(Command, frozen=True):
    """RFC 3501 §6.4.4, RFC 4731. ``returns`` None: answer with SEARCH, else with ESEARCH."""

    name: ClassVar[str] = "SEARCH"
    key: SearchKey
    uid: bool = False
    returns: frozenset[ReturnOption] | None = None
    charset: str = ""  # as written, upper case; '' when not


class Attribute(enum.Enum):
    """What FETCH can tell without opening the message; the value is the word on the wire."""

    UID = "UID"
    FLAGS = "FLAGS"
    INTERNALDATE = "INTERNALDATE"
    SIZE = "RFC822.SIZE"
    ENVELOPE = "ENVELOPE"
    BODY = "BODY"  # BODYSTRUCTURE without extension data
    BODYSTRUCTURE = "BODYSTRUCTURE"
    MODSEQ = "MODSEQ"


class SectionText(enum.Enum):
    """RFC 3501 §6.4.5 section-text"""

    ALL = ""  # the whole message or part
    HEADER = "HEADER"
    FIELDS = "HEADER.FIELDS"
    FIELDS_NOT = "HEADER.FIELDS.NOT"
    TEXT = "TEXT"
    MIME = "MIME"


class Section(msgspec.Struct, frozen=True):
    """What stands in ``BODY[...]``. ``part``: (1, 2) for ``1.2``, () for the message."""

    part: tuple[int, ...] = ()
    text: SectionText = SectionText.ALL
    fields: tuple[str, ...] = ()  # as the client wrote them

    def __str__(self) -> str:
        words = [str(number) for number in self.part]
        if self.text is not SectionText.ALL:
            words.append(self.text.value)
        fields = f" ({' '.join(self.fields)})" if self.fields else ""
        return ".".join(words) + fields


class SectionKind(enum.Enum):
    BODY = "BODY"
    BINARY = "BINARY"  # RFC 3516: transfer encoding taken off
    BINARY_SIZE = "BINARY.SIZE"


class BodySection(msgspec.Struct, frozen=True):
    """One ``BODY[...]``, ``BINARY[...]``, ``RFC822``, ``RFC822.HEADER`` or ``RFC822.TEXT`` of FETCH.

    ``label``: how the answer names it, origin octet included: ``BODY[1.2]<512>``.
    ``partial``: (first byte, count). ``peek``: \\Seen stays as it is.
    """

    section: Section
    label: bytes
    peek: bool = False
    partial: tuple[int, int] | None = None
    kind: SectionKind = SectionKind.BODY


class Fetch(Command, frozen=True):
    """RFC 3501 §6.4.5, RFC 7162 §3.1.4.1, §3.2.6.

    Macros are opened; for UID FETCH ``attributes`` has UID, with CHANGEDSINCE it has MODSEQ;
    each comes once, in the order asked for.
    """

    name: ClassVar[str] = "FETCH"
    ids: SequenceSet
    attributes: tuple[Attribute, ...] = ()
    sections: tuple[BodySection, ...] = ()
    uid: bool = False
    changed_since: int | None = None
    vanished: bool = False

    @property
    def sets_seen(self) -> bool:
        return any(not section.peek for section in self.sections)


class StoreMode(enum.Enum):
    REPLACE = "FLAGS"
    ADD = "+FLAGS"
    REMOVE = "-FLAGS"


class Store(Command, frozen=True):
    """RFC 3501 §6.4.6, RFC 7162 §3.1.3. ``flags``: bits of ``model.mail.Flag``."""

    name: ClassVar[str] = "STORE"
    ids: SequenceSet
    mode: StoreMode
    flags: int = 0
    keywords: tuple[str, ...] = ()
    silent: bool = False
    uid: bool = False
    unchanged_since: int | None = None


class Copy(Command, frozen=True):
    """RFC 3501 §6.4.7"""

    name: ClassVar[str] = "COPY"
    ids: SequenceSet
    mailbox: str
    uid: bool = False


class Move(Command, frozen=True):
    """RFC 6851"""

    name: ClassVar[str] = "MOVE"
    ids: SequenceSet
    mailbox: str
    uid: bool = False
