"""Maildir and mbox as other programs left them: folders, flags, keywords and dates with each message."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from email.utils import parsedate_tz
from pathlib import Path
from typing import NamedTuple

from holdfast.model.errors import Reason, Refused
from holdfast.model.limits import MIB
from holdfast.model.mail import Flag
from holdfast.wire.imap.names import BadName, decode_name

LARGEST_BYTES = 128 * MIB

# Maildir's letters (cr.yp.to/proto/maildir.html) and mbox's (Status, X-Status of BSD and UW mail).
_MAILDIR_FLAGS = {"S": Flag.SEEN, "R": Flag.ANSWERED, "F": Flag.FLAGGED, "T": Flag.DELETED, "D": Flag.DRAFT}
_MBOX_FLAGS = {"R": Flag.SEEN, "A": Flag.ANSWERED, "F": Flag.FLAGGED, "D": Flag.DELETED, "T": Flag.DRAFT}


class Found(NamedTuple):
    """One message to import: CRLF lines, flags as bits, ``date`` in UTC seconds, ``place`` for complaints."""

    mailbox: str
    message: bytes
    flags: int
    keywords: tuple[str, ...]
    date: float | None
    place: str


class Bad(NamedTuple):
    place: str
    why: str


def with_crlf(message: bytes) -> bytes:
    """Lines end as SMTP and IMAP want them; what has CRLF already keeps it."""
    if b"\n" not in message.replace(b"\r\n", b""):
        return message
    return message.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


# Maildir


def maildir_folders(root: Path) -> list[tuple[str, Path]]:
    """(mailbox name, folder) of a Maildir and its Maildir++ or nested folders. Raises ``Refused``."""
    if not (root / "cur").is_dir():
        raise Refused(Reason.BAD_NAME, f"{root} is no Maildir: it has no folder 'cur'")
    found = [("INBOX", root)]
    for folder, names, _ in sorted(os.walk(root)):
        names[:] = [name for name in names if name not in ("cur", "new", "tmp")]
        path = Path(folder)
        if path != root and (path / "cur").is_dir():
            found.append((_folder_name(path.relative_to(root)), path))
    return found


def _folder_name(path: Path) -> str:
    """``.Lists.Work`` (Maildir++) or ``Lists/Work`` → ``Lists/Work``; names may be modified UTF-7."""
    levels = [level for part in path.parts for level in (part[1:].split(".") if part[0] == "." else [part])]
    decoded = []
    for level in levels:
        try:
            decoded.append(decode_name(level.encode()))
        except (BadName, UnicodeEncodeError):
            decoded.append(level)
    return "/".join(level for level in decoded if level)


def maildir_count(root: Path) -> int:
    return sum(
        len(os.listdir(folder / kind))
        for _, folder in maildir_folders(root)
        for kind in ("cur", "new")
        if (folder / kind).is_dir()
    )


def read_maildir(root: Path) -> Iterator[Found | Bad]:
    """Every message, folder by folder in the order of arrival."""
    for mailbox, folder in maildir_folders(root):
        names = _keywords(folder)
        files = [
            path for kind in ("cur", "new") if (folder / kind).is_dir() for path in (folder / kind).iterdir()
        ]
        for path in sorted(files, key=lambda path: (_arrived(path), path.name)):
            try:
                if path.stat().st_size > LARGEST_BYTES:
                    yield Bad(str(path), f"larger than {LARGEST_BYTES // MIB} MiB")
                    continue
                message, date = path.read_bytes(), path.stat().st_mtime
            except OSError as error:
                yield Bad(str(path), str(error))
                continue
            letters = path.name.partition(":2,")[2]
            flags = sum(flag for letter, flag in _MAILDIR_FLAGS.items() if letter in letters)
            keywords = tuple(names[letter] for letter in letters if letter in names)
            yield Found(mailbox, with_crlf(message), flags, keywords, date, str(path))


def _arrived(path: Path) -> int:
    """The name begins with the second of the delivery."""
    seconds = path.name.partition(".")[0]
    return int(seconds) if seconds.isdecimal() else 0


def _keywords(folder: Path) -> dict[str, str]:
    """Dovecot's letters a to z for keywords: lines ``0 $Forwarded`` in ``dovecot-keywords``."""
    found = {}
    try:
        lines = (folder / "dovecot-keywords").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    for line in lines:
        number, _, name = line.partition(" ")
        if number.isdecimal() and int(number) < 26 and name:
            found[chr(ord("a") + int(number))] = name
    return found


# mbox, RFC 4155; quoting as in "mboxrd"

_FROM = re.compile(rb"From (\S*) +(.*)\r?\n\Z")
_QUOTED = re.compile(rb"^>(>*From )", re.M)


def read_mbox(path: Path, mailbox: str) -> Iterator[Found | Bad]:
    """Every message of the file, read once and never held whole. Raises ``Refused`` for what is no mbox."""
    lines: list[bytes] = []
    size = number = 0
    date: float | None = None
    blank = True
    with path.open("rb") as file:
        for line in file:
            begins = _FROM.match(line) if blank and line.startswith(b"From ") else None
            if begins:
                if number:
                    yield _mbox_message(path, number, mailbox, lines, size, date)
                elif lines:
                    raise Refused(Reason.BAD_SYNTAX, f"{path} is no mbox: it does not begin with 'From '")
                lines, size, number, date = [], 0, number + 1, _from_date(begins[2])
            else:
                size += len(line)
                if size <= LARGEST_BYTES:
                    lines.append(line)
            blank = line in (b"\n", b"\r\n")
    if number:
        yield _mbox_message(path, number, mailbox, lines, size, date)
    elif lines:
        raise Refused(Reason.BAD_SYNTAX, f"{path} is no mbox: it does not begin with 'From '")


def _mbox_message(
    path: Path, number: int, mailbox: str, lines: list[bytes], size: int, date: float | None
) -> Found | Bad:
    place = f"{path}, message {number}"
    if size > LARGEST_BYTES:
        return Bad(place, f"larger than {LARGEST_BYTES // MIB} MiB")
    if lines and lines[-1] in (b"\n", b"\r\n"):  # the one before the next "From "
        lines = lines[:-1]
    message = _QUOTED.sub(rb"\1", b"".join(lines))
    header = re.split(rb"\r?\n\r?\n", message, maxsplit=1)[0]
    letters = b"".join(re.findall(rb"^(?:X-)?Status:[ \t]*([A-Z]*)", header, re.M)).decode()
    flags = sum(flag for letter, flag in _MBOX_FLAGS.items() if letter in letters)
    keywords = (
        b" ".join(re.findall(rb"^X-Keywords:[ \t]*([^\r\n]*)", header, re.M))
        .decode("ascii", "ignore")
        .split()
    )
    return Found(mailbox, with_crlf(message), flags, tuple(keywords), date, place)


def _from_date(text: bytes) -> float | None:
    """asctime's form, UTC by RFC 4155, sometimes with a zone behind it."""
    parsed = parsedate_tz(text.decode("ascii", "replace").strip())
    if parsed is None:
        return None
    from email.utils import mktime_tz

    try:
        return float(mktime_tz((*parsed[:9], parsed[9] or 0)))
    except (ValueError, OverflowError):
        return None
