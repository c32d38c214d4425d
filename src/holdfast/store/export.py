"""All of an account's mail in forms other programs read: mbox files, and one JSON file about them.

STORE-11 reading changes nothing: no flag is set, and a damaged message is named and left out, never the
end of the export.
"""

from __future__ import annotations

import datetime
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any

import msgspec

from holdfast.model.limits import READ_JOIN_BYTES
from holdfast.model.mail import FIRST_KEYWORD_BIT, Flag, Mailbox
from holdfast.store.columns import Column, MessageRef

if TYPE_CHECKING:
    from holdfast.store.reader import AccountMail

_COLUMNS = (Column.UID, Column.FLAGS, Column.INTERNALDATE, Column.REF)
_RETURN_PATH = re.compile(rb"^Return-Path:[ \t]*<([^<>\s]+)>", re.I | re.M)
# They would be taken for ours by whoever reads the file.
_OURS = re.compile(rb"^(?:Status|X-Status|X-Keywords):[^\n]*\n(?:[ \t][^\n]*\n)*", re.I | re.M)
_FROM = re.compile(rb"^(>*From )", re.M)
_X_STATUS = ((Flag.ANSWERED, b"A"), (Flag.FLAGGED, b"F"), (Flag.DRAFT, b"T"), (Flag.DELETED, b"D"))
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_UNSAFE = re.compile(r'[\x00-\x1f\x7f\\:*?"<>|]')  # in the name of a file, somewhere
_FILE_NAME_CHARACTERS = 100  # of one level
_PIECE_BYTES = 64 * 1024
_PAGE = 200

Row = tuple[Any, ...]


class Unreadable(msgspec.Struct, frozen=True):
    """A message that could not be exported because its frame is damaged on every copy."""

    mailbox: str
    uid: int


class Folder(msgspec.Struct, frozen=True):
    """What is said of one mailbox. ``file``: where its messages are in the archive; '' outside of one."""

    name: str
    role: str
    uidvalidity: int
    messages: int
    unseen: int
    bytes: int
    file: str = ""


class Removed(msgspec.Struct, frozen=True):
    """A message that was removed. ``mailbox``: its name as of then; ``removed_at``: UTC seconds."""

    mailbox: str
    uid: int
    removed_at: int
    readable: bool


def folders(mail: AccountMail) -> list[Folder]:
    """All mailboxes of the account, with the names of their files."""
    taken: set[str] = set()
    found = []
    for box in mail.mailboxes():
        file = _file_name(box.name, taken)
        found.append(
            Folder(box.name, box.role.value, box.uidvalidity, box.exists, box.unseen, box.size_bytes, file)
        )
    return found


def mbox(mail: AccountMail, box: Mailbox, damaged: list[int] | None = None) -> Iterator[bytes]:
    """The mailbox as one mbox file, "mboxrd" quoting, LF line ends (RFC 4155), in order of UID.

    Flags are in Status, X-Status and X-Keywords; fields of these names that came with a message are left
    out. ``damaged`` gets the UIDs of messages that can't be read. What is gone when its turn comes is
    left out. Raises ``Unavailable`` when the index can't be read.
    """
    keywords = [name.encode("ascii", "replace") for name in mail.keywords()]
    fresh = mail.by_id(box.id)
    if fresh is None:
        return
    for chunk in mail.rows(box.id, mail.uids(fresh), _COLUMNS):
        for batch in _batches(chunk):
            messages = mail.messages([MessageRef(*row[3:]) for row in batch])
            for (uid, flags, received, *_), message in zip(batch, messages):
                if message is not None:
                    yield _one(bytes(message), flags, received, keywords)
                elif damaged is not None:
                    damaged.append(uid)


def removed(mail: AccountMail, since: float, told: list[Removed] | None = None) -> Iterator[bytes]:
    """What was removed at ``since`` (UTC seconds; 0: ever) or later and not brought back, as one mbox file.

    The last one removed first; ``told`` gets a line for each, those that can't be read too.
    """
    keywords = [name.encode("ascii", "replace") for name in mail.keywords()]
    after = 0
    while page := mail.gone(since, _PAGE, after):
        after = page[-1].number
        for batch in _batches([(gone, gone.size) for gone in page]):
            messages = mail.messages([gone.ref for gone, _ in batch])
            for (gone, _), message in zip(batch, messages):
                if told is not None:
                    told.append(Removed(gone.name, gone.uid, gone.removed_at, message is not None))
                if message is not None:
                    yield _one(bytes(message), gone.flags, gone.internaldate, keywords)


def archive(
    mail: AccountMail,
    also: Mapping[str, bytes] | None = None,
    *,
    removed_since: float | None = None,
    unreadable: list[Unreadable] | None = None,
    on_message: Callable[[], object] = lambda: None,
) -> Iterator[bytes]:
    """A ZIP file, in pieces of some 64 KiB: each mailbox as mbox, and ``mail.json``.

    ``mail.json``: ``folders``, ``unreadable`` and ``removed`` (lists of ``Folder``, ``Unreadable`` and, in
    the order of their file, ``Removed``). ``removed_since``: what was removed since then comes along.
    ``also``: more files, name → content. ``unreadable`` gets what can't be read; ``on_message`` is called
    for every message written. Between two pieces others may be given their turn.
    """
    sink = _Sink()
    unreadable = [] if unreadable is None else unreadable
    described = folders(mail)
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in (also or {}).items():
            out.writestr(_entry(name), content)
        for folder in described:
            box = mail.mailbox(folder.name)
            if box is None:
                continue
            damaged: list[int] = []
            with out.open(_entry(folder.file), "w", force_zip64=True) as file:
                yield from _written(file, sink, mbox(mail, box, damaged), on_message)
            unreadable += [Unreadable(folder.name, uid) for uid in damaged]
        told: list[Removed] = []
        if removed_since is not None:
            with out.open(_entry("removed.mbox"), "w", force_zip64=True) as file:
                yield from _written(file, sink, removed(mail, removed_since, told), on_message)
        report = {"folders": described, "unreadable": unreadable, "removed": told}
        out.writestr(_entry("mail.json"), msgspec.json.format(msgspec.json.encode(report), indent=2))
    yield sink.take(0)


def _written(
    file: IO[bytes], sink: _Sink, messages: Iterator[bytes], on_message: Callable[[], object]
) -> Iterator[bytes]:
    """Writes messages into a file of the archive; gives what came out of it by that."""
    for message in messages:
        on_message()
        for at in range(0, len(message), _PIECE_BYTES):
            file.write(message[at : at + _PIECE_BYTES])
            if piece := sink.take(_PIECE_BYTES):
                yield piece


class _Sink:
    """Where ``zipfile`` writes; it can't seek, so that sizes come behind the data."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def write(self, data: bytes, /) -> int:
        self._parts.append(bytes(data))
        self._size += len(data)
        return len(data)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass

    def take(self, least: int) -> bytes:
        """What was written since, if it is ``least`` bytes or more; else b''."""
        if self._size < least:
            return b""
        taken = b"".join(self._parts)
        self._parts.clear()
        self._size = 0
        return taken


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o600 << 16
    return entry


def _file_name(mailbox: str, taken: set[str]) -> str:
    """``mail/Work/2012.mbox``: safe on every system and unlike all in ``taken``, whatever the case."""
    levels = [_UNSAFE.sub("_", each)[:_FILE_NAME_CHARACTERS].strip(". ") for each in mailbox.split("/")]
    stem = "mail/" + "/".join(level or "_" for level in levels)
    name, count = stem, 1
    while name.lower() in taken:
        count += 1
        name = f"{stem} ({count})"
    taken.add(name.lower())
    return name + ".mbox"


def _batches(chunk: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Neighbours that are read at once: together about READ_JOIN_BYTES, or one."""
    first = total = 0
    for at, row in enumerate(chunk):
        if total and total + row[-1] > READ_JOIN_BYTES:
            yield chunk[first:at]
            first, total = at, 0
        total += row[-1]
    yield chunk[first:]


def _one(message: bytes, flags: int, received: int, keywords: Sequence[bytes]) -> bytes:
    text = message.replace(b"\r\n", b"\n")
    end = text.find(b"\n\n")
    if text.startswith(b"\n"):
        end = -1
    header, body = (text[: end + 1], text[end + 1 :]) if end >= 0 else (b"", text)
    path = _RETURN_PATH.search(header)
    ours = b"Status: RO\n" if flags & Flag.SEEN else b"Status: O\n"
    if letters := b"".join(letter for flag, letter in _X_STATUS if flags & flag):
        ours += b"X-Status: %b\n" % letters
    if words := b" ".join(n for at, n in enumerate(keywords) if flags >> (FIRST_KEYWORD_BIT + at) & 1):
        ours += b"X-Keywords: %b\n" % words
    first = b"From %b %b\n" % (path[1] if path else b"MAILER-DAEMON", _asctime(received))
    quoted = _FROM.sub(rb">\1", _OURS.sub(b"", header) + body)
    return b"%b%b%b%b" % (first, ours, quoted, b"\n" if quoted.endswith(b"\n") else b"\n\n")


def _asctime(seconds: int) -> bytes:
    """RFC 4155: as C's asctime writes it, in UTC."""
    when = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    text = f"{_DAYS[when.weekday()]} {_MONTHS[when.month - 1]} {when.day:2d} {when:%H:%M:%S} {when.year:04d}"
    return text.encode()
