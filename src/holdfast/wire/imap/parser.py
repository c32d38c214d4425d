"""One command line (and its literals) to one ``Command``. RFC 3501 §9 and the extensions at each function."""

from __future__ import annotations

from binascii import Error as NotBase64
from binascii import a2b_base64
from collections.abc import Callable
from typing import TypeVar

from holdfast.model.mail import Role
from holdfast.model.uidset import UidSet
from holdfast.wire.imap.commands import (
    Append,
    AppendMessage,
    Authenticate,
    Capability,
    Check,
    Close,
    Command,
    Copy,
    Create,
    Delete,
    Enable,
    Expunge,
    GetQuota,
    GetQuotaRoot,
    Id,
    Idle,
    List,
    ListReturn,
    ListSelect,
    Login,
    Logout,
    Lsub,
    Move,
    Namespace,
    Noop,
    QResync,
    Rename,
    Select,
    StartTls,
    Status,
    StatusItem,
    Store,
    StoreMode,
    Subscribe,
    Unselect,
    Unsubscribe,
)
from holdfast.wire.imap.dates import BadDate, parse_internaldate
from holdfast.wire.imap.fetch import parse_fetch
from holdfast.wire.imap.names import SEPARATOR
from holdfast.wire.imap.reader import MOST_NUMBER64, Malformed, Reader, as_text
from holdfast.wire.imap.search import parse_search

Option = TypeVar("Option", ListSelect, ListReturn)

NO_FLAGS: tuple[int, tuple[str, ...]] = (0, ())
USES = {
    b"\\ALL": Role.ALL,
    b"\\ARCHIVE": Role.ARCHIVE,
    b"\\DRAFTS": Role.DRAFTS,
    b"\\FLAGGED": Role.FLAGGED,
    b"\\JUNK": Role.JUNK,
    b"\\SENT": Role.SENT,
    b"\\SNOOZED": Role.SNOOZED,
    b"\\TRASH": Role.TRASH,
}


def parse_command(
    name: bytes, uid: bool, text: bytes, at: int, literals: list[bytes] | None = None
) -> Command:
    """The command ``name`` (upper case, known) whose arguments begin at ``at``. Raises ``Malformed``."""
    reader = Reader(text, at, literals)
    command = (UID_COMMANDS if uid else COMMANDS)[name](reader)
    reader.end()
    return command


def _bare(command: Command) -> Callable[[Reader], Command]:
    return lambda reader: command


def _mailbox(make: Callable[[str], Command]) -> Callable[[Reader], Command]:
    def parse(reader: Reader) -> Command:
        reader.space("a mailbox name")
        return make(reader.mailbox())

    return parse


def _id(reader: Reader) -> Command:
    """RFC 2971 §3.1"""
    reader.space("'(' or NIL")
    if reader.maybe(b"NIL"):
        return Id()
    reader.literally(b"(", "'(' or NIL")
    fields: list[tuple[str, str | None]] = []
    while not reader.maybe(b")"):
        if fields:
            reader.space("another field or ')'")
        name = as_text(reader.string("a field's name in quotes"))
        reader.space("the field's value")
        value = reader.nstring("the field's value in quotes, or NIL")
        fields.append((name, None if value is None else as_text(value)))
    return Id(tuple(fields))


def _authenticate(reader: Reader) -> Command:
    """RFC 3501 §6.2.2, RFC 4959 §3"""
    reader.space("a SASL mechanism")
    reader.secret = True
    mechanism = reader.word("a SASL mechanism").decode("ascii")
    if reader.at_end():
        return Authenticate(mechanism)
    reader.space("the initial response")
    response = reader.text[reader.at :].rstrip(b" ")
    reader.at = len(reader.text)
    return Authenticate(mechanism, b"" if response == b"=" else decode_base64(response))


def decode_base64(text: bytes) -> bytes:
    """Strictly. Raises ``Malformed``."""
    try:
        return a2b_base64(text, strict_mode=True)
    except NotBase64:
        raise Malformed("Response isn't base64") from None


def _login(reader: Reader) -> Command:
    """RFC 3501 §6.2.3"""
    reader.secret = True
    reader.space("a user name")
    user = reader.astring("a user name")
    reader.space("a password")
    return Login(as_text(user), as_text(reader.astring("a password")))


def _enable(reader: Reader) -> Command:
    """RFC 5161 §3.1"""
    found = []
    while not reader.at_end():
        reader.space("a capability")
        found.append(reader.word("a capability").decode("ascii"))
    if not found:
        raise reader.fail("a space and a capability")
    return Enable(tuple(found))


def _select(read_only: bool) -> Callable[[Reader], Command]:
    def parse(reader: Reader) -> Command:
        reader.space("a mailbox name")
        mailbox = reader.mailbox()
        condstore, qresync = _select_parameters(reader) if not reader.at_end() else (False, None)
        return Select(mailbox, read_only, condstore, qresync)

    return parse


def _select_parameters(reader: Reader) -> tuple[bool, QResync | None]:
    """RFC 7162 §3.1.8, §3.2.5: ``(CONDSTORE)``, ``(QRESYNC (1 90 1:50 (1,10 5,20)))``"""
    condstore = False
    qresync = None
    reader.space("parameters in parentheses")
    reader.literally(b"(", "'(' and a parameter")
    while True:
        if reader.maybe(b"CONDSTORE"):
            condstore = True
        elif reader.maybe(b"QRESYNC "):
            qresync = _qresync(reader)
        else:
            raise reader.fail("CONDSTORE or QRESYNC")
        if reader.maybe(b")"):
            return condstore, qresync
        reader.space("another parameter or ')'")


def _qresync(reader: Reader) -> QResync:
    reader.literally(b"(", "'(' and a UIDVALIDITY")
    uidvalidity = reader.number("a UIDVALIDITY")
    reader.space("a mod-sequence")
    modseq = reader.number("a mod-sequence", MOST_NUMBER64)
    known = match_numbers = match_uids = None
    if reader.peek() == b" ":
        reader.at += 1
        if reader.peek() != b"(":
            known = _known_set(reader)
            if reader.peek() == b" ":
                reader.at += 1
        if reader.maybe(b"("):
            match_numbers = _known_set(reader)
            reader.space("UIDs for the message numbers")
            match_uids = _known_set(reader)
            reader.literally(b")")
    reader.literally(b")")
    if match_numbers and match_uids and len(match_numbers) != len(match_uids):
        raise Malformed("QRESYNC: as many UIDs as message numbers expected")
    return QResync(uidvalidity, modseq, known, match_numbers, match_uids)


def _known_set(reader: Reader) -> UidSet:
    """A set without ``*``. RFC 7162 §7 known-uids"""
    ids = reader.sequence_set("a set of numbers")
    if ids.saved or any(0 in pair for pair in ids.ranges):
        raise Malformed("QRESYNC: a set of numbers without '*' expected")
    return ids.resolve(1)


def _create(reader: Reader) -> Command:
    """RFC 3501 §6.3.3, RFC 6154 §3"""
    reader.space("a mailbox name")
    mailbox = reader.mailbox()
    if mailbox.endswith(SEPARATOR):  # "I will make children of it": we need no telling
        mailbox = mailbox[:-1]
    uses: list[Role] = []
    if not reader.at_end():
        reader.space("USE")
        if not reader.maybe(b"(USE ("):
            raise reader.fail("'(USE (' and attributes")
        while not reader.maybe(b")"):
            if uses:
                reader.space("another attribute or ')'")
            uses.append(_use(reader))
        reader.literally(b")")
    return Create(mailbox, tuple(uses))


def _use(reader: Reader) -> Role:
    reader.literally(b"\\", "an attribute such as \\Sent")
    word = b"\\" + reader.word("an attribute such as \\Sent")
    role = USES.get(word)
    if role is None:
        raise Malformed(f"Special use {word.decode('ascii')[:40]} isn't known", "NO", "USEATTR")
    return role


def _rename(reader: Reader) -> Command:
    """RFC 3501 §6.3.5"""
    reader.space("a mailbox name")
    mailbox = reader.mailbox()
    reader.space("the new name")
    return Rename(mailbox, reader.mailbox("the new name"))


def _get_quota(reader: Reader) -> Command:
    """RFC 9208 §4.1.1"""
    reader.space("a quota root")
    return GetQuota(as_text(reader.astring("a quota root")))


_STATUS_ITEMS = {item.value.encode(): item for item in StatusItem}
_LIST_SELECTS = {option.value.encode(): option for option in ListSelect}
_LIST_RETURNS = {option.value.encode(): option for option in ListReturn}


def _status(reader: Reader) -> Command:
    """RFC 3501 §6.3.10"""
    reader.space("a mailbox name")
    mailbox = reader.mailbox()
    reader.space("status items")
    return Status(mailbox, _status_items(reader))


def _status_items(reader: Reader) -> tuple[StatusItem, ...]:
    reader.literally(b"(", "'(' and status items")
    found: dict[StatusItem, None] = {}
    while True:
        at = reader.at
        item = _STATUS_ITEMS.get(reader.word("a status item"))
        if item is None:
            reader.at = at
            raise reader.fail("a status item")
        found[item] = None
        if reader.maybe(b")"):
            return tuple(found)
        reader.space("another status item or ')'")


def _list(reader: Reader) -> Command:
    """RFC 3501 §6.3.8, RFC 5258 §6"""
    reader.space("a reference name")
    select: set[ListSelect] = set()
    extended = reader.maybe(b"(")
    if extended:
        _options(reader, _LIST_SELECTS, select)
        reader.space("a reference name")
    reference = reader.mailbox("a reference name")
    reader.space("a mailbox pattern")
    patterns, several = _patterns(reader)
    returns: set[ListReturn] = set()
    status: tuple[StatusItem, ...] = ()
    asked = False
    if not reader.at_end():
        reader.space("RETURN")
        if not reader.maybe(b"RETURN ("):
            raise reader.fail("'RETURN (' and options")
        asked = True
        status = _options(reader, _LIST_RETURNS, returns, status=True)
    if ListSelect.RECURSIVEMATCH in select and ListSelect.SUBSCRIBED not in select:
        raise Malformed("RECURSIVEMATCH needs SUBSCRIBED beside it (RFC 5258 3.1)")
    return List(
        reference, patterns, frozenset(select), frozenset(returns), status, extended or several or asked
    )


def _patterns(reader: Reader) -> tuple[tuple[str, ...], bool]:
    if not reader.maybe(b"("):
        return (reader.list_mailbox(),), False
    found = [reader.list_mailbox()]
    while not reader.maybe(b")"):
        reader.space("another pattern or ')'")
        found.append(reader.list_mailbox())
    return tuple(found), True


def _options(
    reader: Reader, known: dict[bytes, Option], found: set[Option], status: bool = False
) -> tuple[StatusItem, ...]:
    """Options up to ')'; with ``status`` also ``STATUS (...)`` (RFC 5819), whose items are returned."""
    items: tuple[StatusItem, ...] = ()
    first = True
    while not reader.maybe(b")"):
        if not first:
            reader.space("another option or ')'")
        first = False
        if status and reader.maybe(b"STATUS "):
            items = _status_items(reader)
            continue
        at = reader.at
        option = known.get(reader.word("an option"))
        if option is None:
            reader.at = at
            raise reader.fail("one of " + ", ".join(sorted(word.decode("ascii") for word in known)))
        found.add(option)
    return items


def _lsub(reader: Reader) -> Command:
    """RFC 3501 §6.3.9"""
    reader.space("a reference name")
    reference = reader.mailbox("a reference name")
    reader.space("a mailbox pattern")
    return Lsub(reference, reader.list_mailbox())


def _append(reader: Reader) -> Command:
    """RFC 3501 §6.3.11, RFC 3502"""
    reader.space("a mailbox name")
    mailbox = reader.mailbox()
    messages: list[AppendMessage] = []
    while not messages or not reader.at_end():
        reader.space("flags, a date or a literal")
        messages.append(_append_message(reader))
    return Append(mailbox, tuple(messages))


def _append_message(reader: Reader) -> AppendMessage:
    flags, keywords = NO_FLAGS
    seconds, zone = None, 0
    if reader.peek() == b"(":
        flags, keywords = reader.flag_list(recent=True)
        reader.space("a date or a literal")
    if reader.peek() == b'"':
        try:
            seconds, zone = parse_internaldate(reader.string("a date"))
        except BadDate as error:
            raise Malformed(f"Date of APPEND: {error}") from None
        reader.space("a literal")
    return AppendMessage(reader.literal("flags, a date or a literal"), flags, keywords, seconds, zone)


_STORE_MODES = {
    mode.value.encode() + end: (mode, bool(end)) for mode in StoreMode for end in (b"", b".SILENT")
}


def _store(uid: bool) -> Callable[[Reader], Command]:
    """RFC 3501 §6.4.6, RFC 7162 §3.1.3"""

    def parse(reader: Reader) -> Command:
        reader.space("a sequence set")
        ids = reader.sequence_set()
        reader.space("FLAGS, +FLAGS or -FLAGS")
        unchanged_since = None
        if reader.maybe(b"(UNCHANGEDSINCE "):
            unchanged_since = reader.number("a mod-sequence", MOST_NUMBER64)
            reader.literally(b")")
            reader.space("FLAGS, +FLAGS or -FLAGS")
        at = reader.at
        mode = _STORE_MODES.get(reader.word("FLAGS, +FLAGS or -FLAGS"))
        if mode is None:
            reader.at = at
            raise reader.fail("FLAGS, +FLAGS or -FLAGS, maybe with .SILENT")
        reader.space("flags")
        flags, keywords = reader.flag_list() if reader.peek() == b"(" else reader.flags()
        return Store(ids, mode[0], flags, keywords, mode[1], uid, unchanged_since)

    return parse


def _to_mailbox(make: type[Copy] | type[Move], uid: bool) -> Callable[[Reader], Command]:
    """RFC 3501 §6.4.7, RFC 6851 §3"""

    def parse(reader: Reader) -> Command:
        reader.space("a sequence set")
        ids = reader.sequence_set()
        reader.space("a mailbox name")
        return make(ids, reader.mailbox(), uid)

    return parse


def _uid_expunge(reader: Reader) -> Command:
    """RFC 4315 §2.1"""
    reader.space("a set of UIDs")
    return Expunge(reader.sequence_set("a set of UIDs"))


COMMANDS: dict[bytes, Callable[[Reader], Command]] = {
    b"CAPABILITY": _bare(Capability()),
    b"NOOP": _bare(Noop()),
    b"LOGOUT": _bare(Logout()),
    b"ID": _id,
    b"STARTTLS": _bare(StartTls()),
    b"AUTHENTICATE": _authenticate,
    b"LOGIN": _login,
    b"ENABLE": _enable,
    b"SELECT": _select(False),
    b"EXAMINE": _select(True),
    b"CREATE": _create,
    b"DELETE": _mailbox(Delete),
    b"RENAME": _rename,
    b"SUBSCRIBE": _mailbox(Subscribe),
    b"UNSUBSCRIBE": _mailbox(Unsubscribe),
    b"LIST": _list,
    b"LSUB": _lsub,
    b"STATUS": _status,
    b"APPEND": _append,
    b"NAMESPACE": _bare(Namespace()),
    b"GETQUOTA": _get_quota,
    b"GETQUOTAROOT": _mailbox(GetQuotaRoot),
    b"IDLE": _bare(Idle()),
    b"CHECK": _bare(Check()),
    b"CLOSE": _bare(Close()),
    b"UNSELECT": _bare(Unselect()),
    b"EXPUNGE": _bare(Expunge()),
    b"SEARCH": lambda reader: parse_search(reader, False),
    b"FETCH": lambda reader: parse_fetch(reader, False),
    b"STORE": _store(False),
    b"COPY": _to_mailbox(Copy, False),
    b"MOVE": _to_mailbox(Move, False),
}
UID_COMMANDS: dict[bytes, Callable[[Reader], Command]] = {
    b"EXPUNGE": _uid_expunge,
    b"SEARCH": lambda reader: parse_search(reader, True),
    b"FETCH": lambda reader: parse_fetch(reader, True),
    b"STORE": _store(True),
    b"COPY": _to_mailbox(Copy, True),
    b"MOVE": _to_mailbox(Move, True),
}
