"""Commands as a client writes them: the inverse of ``parser``. RFC 3501 §9."""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Callable
from typing import Any

from holdfast.model.limits import IMAP_LITERAL_MINUS_BYTES
from holdfast.model.mail import Flag
from holdfast.wire.imap import commands as c
from holdfast.wire.imap.dates import format_date, internaldate
from holdfast.wire.imap.fetch import section_name
from holdfast.wire.imap.names import encode_name
from holdfast.wire.imap.responses import ROLE_ATTRIBUTES, SYSTEM_FLAGS
from holdfast.wire.imap.syntax import astring, can_be_quoted, quoted


class CommandText:
    """A command being written: bytes, and the strings that only a literal can carry."""

    __slots__ = ("pieces",)

    def __init__(self) -> None:
        self.pieces: list[bytes | tuple[bytes]] = []  # a tuple of one is a literal

    def raw(self, text: bytes) -> None:
        self.pieces.append(text)

    def literal(self, value: bytes) -> None:
        self.pieces.append((value,))

    def astring(self, value: bytes) -> None:
        if can_be_quoted(value):
            self.raw(astring(value))
        else:
            self.literal(value)

    def string(self, value: bytes) -> None:
        if can_be_quoted(value):
            self.raw(quoted(value))
        else:
            self.literal(value)

    def mailbox(self, name: str) -> None:
        self.astring(encode_name(name))

    def segments(self, most_at_once: int) -> list[bytes]:
        """What is sent without waiting; before each further segment the server says ``+``.

        ``most_at_once``: literals up to this size are non-synchronising (RFC 7888); -1 for none.
        """
        found = [b""]
        line: list[bytes] = []
        for piece in self.pieces:
            if isinstance(piece, bytes):
                line.append(piece)
                continue
            value = piece[0]
            if len(value) <= most_at_once:
                line.append(b"{%d+}\r\n" % len(value))
            else:
                line.append(b"{%d}\r\n" % len(value))
                found[-1] = b"".join(line)
                found.append(b"")
                line = []
            line.append(value)
        found[-1] = b"".join(line)
        return found


ALL_AT_ONCE = 2**63
LITERAL_MINUS = IMAP_LITERAL_MINUS_BYTES
NONE_AT_ONCE = -1


def build(tag: bytes, command: c.Command, most_at_once: int = NONE_AT_ONCE) -> list[bytes]:
    """The segments of one command, see ``CommandText.segments``."""
    text = CommandText()
    uid = b"UID " if getattr(command, "uid", False) or getattr(command, "uids", None) else b""
    name = b"EXAMINE" if getattr(command, "read_only", False) else command.name.encode()
    text.raw(b"%b %b%b" % (tag, uid, name))
    write = _WRITERS.get(type(command))
    if write:
        write(text, command)
    text.raw(b"\r\n")
    return text.segments(most_at_once)


def flag_list(flags: int, keywords: tuple[str, ...] = ()) -> bytes:
    names = [name for at, name in enumerate(SYSTEM_FLAGS) if flags >> at & 1]
    return b"(%b)" % b" ".join((*names, *(keyword.encode("ascii") for keyword in keywords)))


def _id(text: CommandText, command: c.Id) -> None:
    if command.fields is None:
        text.raw(b" NIL")
        return
    for at, (name, value) in enumerate(command.fields):
        text.raw(b" " if at else b" (")
        text.string(name.encode())
        text.raw(b" ")
        if value is None:
            text.raw(b"NIL")
        else:
            text.string(value.encode())
    text.raw(b")" if command.fields else b" ()")


def _authenticate(text: CommandText, command: c.Authenticate) -> None:
    text.raw(b" " + command.mechanism.encode("ascii"))
    if command.initial is not None:
        text.raw(b" " + (b2a_base64(command.initial, newline=False) or b"="))


def _login(text: CommandText, command: c.Login) -> None:
    for value in (command.user, command.password):
        text.raw(b" ")
        text.astring(value.encode())


def _enable(text: CommandText, command: c.Enable) -> None:
    text.raw(b"".join(b" " + name.encode("ascii") for name in command.capabilities))


def _select(text: CommandText, command: c.Select) -> None:
    _one_mailbox(text, command)
    parameters = [b"CONDSTORE"] if command.condstore else []
    if command.qresync:
        known = command.qresync
        words = [b"%d %d" % (known.uidvalidity, known.modseq)]
        if known.known_uids:
            words.append(str(known.known_uids).encode())
        if known.match_numbers and known.match_uids:
            words.append(b"(%b %b)" % (str(known.match_numbers).encode(), str(known.match_uids).encode()))
        parameters.append(b"QRESYNC (%b)" % b" ".join(words))
    if parameters:
        text.raw(b" (%b)" % b" ".join(parameters))


def _one_mailbox(text: CommandText, command: Any) -> None:
    text.raw(b" ")
    text.mailbox(command.mailbox)


def _get_quota(text: CommandText, command: c.GetQuota) -> None:
    text.raw(b" ")
    text.astring(command.root.encode())


def _create(text: CommandText, command: c.Create) -> None:
    _one_mailbox(text, command)
    if command.uses:
        text.raw(b" (USE (%b))" % b" ".join(ROLE_ATTRIBUTES[use] for use in command.uses))


def _rename(text: CommandText, command: c.Rename) -> None:
    _one_mailbox(text, command)
    text.raw(b" ")
    text.mailbox(command.to)


def _words(words: Any) -> bytes:
    return b"(%b)" % b" ".join(sorted(word.value.encode() for word in words))


def _status(text: CommandText, command: c.Status) -> None:
    _one_mailbox(text, command)
    text.raw(b" (%b)" % b" ".join(item.value.encode() for item in command.items))


def _list(text: CommandText, command: c.List) -> None:
    text.raw(b" ")
    if command.select:
        text.raw(_words(command.select) + b" ")
    text.string(encode_name(command.reference))
    several = len(command.patterns) > 1 or (command.extended and not command.select)
    for at, pattern in enumerate(command.patterns):
        text.raw(b" (" if several and not at else b" ")
        text.string(encode_name(pattern))
    text.raw(b")" if several else b"")
    options = sorted(option.value.encode() for option in command.returns)
    if command.status:
        options.append(b"STATUS (%b)" % b" ".join(item.value.encode() for item in command.status))
    if options:
        text.raw(b" RETURN (%b)" % b" ".join(options))


def _lsub(text: CommandText, command: c.Lsub) -> None:
    text.raw(b" ")
    text.string(encode_name(command.reference))
    text.raw(b" ")
    text.string(encode_name(command.pattern))


def _append(text: CommandText, command: c.Append) -> None:
    _one_mailbox(text, command)
    for message in command.messages:
        if message.flags or message.keywords:
            text.raw(b" " + flag_list(message.flags, message.keywords))
        if message.internaldate is not None:
            text.raw(b" " + internaldate(message.internaldate, message.zone_minutes))
        text.raw(b" ")
        text.literal(message.message)


def _ids(ids: c.SequenceSet) -> bytes:
    return b" " + str(ids).encode()


def _expunge(text: CommandText, command: c.Expunge) -> None:
    if command.uids:
        text.raw(_ids(command.uids))


def _fetch(text: CommandText, command: c.Fetch) -> None:
    items = [attribute.value.encode() for attribute in command.attributes]
    items.extend(map(_section, command.sections))
    text.raw(b"%b (%b)" % (_ids(command.ids), b" ".join(items)))
    if command.changed_since is not None:
        tail = b" VANISHED" if command.vanished else b""
        text.raw(b" (CHANGEDSINCE %d%b)" % (command.changed_since, tail))


def _section(section: c.BodySection) -> bytes:
    if section.label.startswith(b"RFC822"):
        return section.label
    peek = b".PEEK" if section.peek and section.kind is not c.SectionKind.BINARY_SIZE else b""
    partial = b"<%d.%d>" % section.partial if section.partial else b""
    return b"%b%b[%b]%b" % (section.kind.value.encode(), peek, section_name(section.section), partial)


def _store(text: CommandText, command: c.Store) -> None:
    text.raw(_ids(command.ids))
    if command.unchanged_since is not None:
        text.raw(b" (UNCHANGEDSINCE %d)" % command.unchanged_since)
    silent = b".SILENT" if command.silent else b""
    text.raw(b" %b%b %b" % (command.mode.value.encode(), silent, flag_list(command.flags, command.keywords)))


def _to_mailbox(text: CommandText, command: c.Copy | c.Move) -> None:
    text.raw(_ids(command.ids))
    _one_mailbox(text, command)


def _search(text: CommandText, command: c.Search) -> None:
    if command.returns is not None:
        text.raw(b" RETURN " + _words(command.returns))
    if command.charset:
        text.raw(b" CHARSET " + command.charset.encode("ascii"))
    keys = command.key.keys if isinstance(command.key, c.SearchAnd) else (command.key,)
    for key in keys:
        text.raw(b" ")
        _key(text, key)


def _key(text: CommandText, key: c.SearchKey) -> None:
    """Recursion is bounded by IMAP_SEARCH_DEPTH, which the server holds us to."""
    if isinstance(key, c.SearchAnd):
        for at, each in enumerate(key.keys):
            text.raw(b" " if at else b"(")
            _key(text, each)
        text.raw(b")")
    elif isinstance(key, c.SearchOr):
        text.raw(b"OR ")
        _key(text, key.left)
        text.raw(b" ")
        _key(text, key.right)
    elif isinstance(key, c.SearchNot):
        text.raw(b"NOT ")
        _key(text, key.key)
    elif isinstance(key, c.SearchHeader | c.SearchText):
        _string_key(text, key)
    else:
        text.raw(_PLAIN_KEYS[type(key)](key))


def _string_key(text: CommandText, key: c.SearchHeader | c.SearchText) -> None:
    if isinstance(key, c.SearchText):
        text.raw(b"TEXT " if key.headers else b"BODY ")
    elif key.field in ("BCC", "CC", "FROM", "SUBJECT", "TO"):
        text.raw(key.field.encode() + b" ")
    else:
        text.raw(b"HEADER ")
        text.astring(key.field.encode())
        text.raw(b" ")
    text.string(key.value.encode())


def _modseq_key(key: Any) -> bytes:
    entry = b"%b %b " % (quoted(key.entry.encode()), key.kind.encode()) if key.entry else b""
    return b"MODSEQ %b%d" % (entry, key.modseq)


def _un(present: bool) -> bytes:
    return b"" if present else b"UN"


_PLAIN_KEYS: dict[type[c.SearchKey], Callable[[Any], bytes]] = {
    c.SearchAll: lambda key: b"ALL",
    c.SearchFlag: lambda key: _un(key.present) + str(Flag(key.flag).name).encode(),
    c.SearchRecent: lambda key: b"RECENT" if key.present else b"OLD",
    c.SearchKeyword: lambda key: b"%bKEYWORD %b" % (_un(key.present), key.keyword.encode("ascii")),
    c.SearchIds: lambda key: (b"UID " if key.uid else b"") + str(key.ids).encode(),
    c.SearchSize: lambda key: b"%b %d" % (b"LARGER" if key.larger else b"SMALLER", key.size),
    c.SearchAge: lambda key: b"%b %d" % (b"YOUNGER" if key.younger else b"OLDER", key.seconds),
    c.SearchDate: lambda key: (
        b"%b%b %b" % (b"SENT" if key.sent else b"", key.compare.value.encode(), format_date(key.day))
    ),
    c.SearchModseq: _modseq_key,
}

_WRITERS: dict[type[c.Command], Callable[[CommandText, Any], None]] = {
    c.Id: _id,
    c.Authenticate: _authenticate,
    c.Login: _login,
    c.Enable: _enable,
    c.Select: _select,
    c.Create: _create,
    c.Delete: _one_mailbox,
    c.Rename: _rename,
    c.Subscribe: _one_mailbox,
    c.Unsubscribe: _one_mailbox,
    c.Status: _status,
    c.GetQuota: _get_quota,
    c.GetQuotaRoot: _one_mailbox,
    c.List: _list,
    c.Lsub: _lsub,
    c.Append: _append,
    c.Expunge: _expunge,
    c.Fetch: _fetch,
    c.Store: _store,
    c.Copy: _to_mailbox,
    c.Move: _to_mailbox,
    c.Search: _search,
}
