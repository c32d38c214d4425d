"""Untagged responses as bytes, made fast: these lines are what a mail service mostly writes. RFC 3501 §7.

Every function returns whole lines unless its name ends in ``_items``. Mailbox names come in as
Unicode and go out in modified UTF-7.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from holdfast.model.mail import FIRST_KEYWORD_BIT, Role
from holdfast.model.uidset import UidSet
from holdfast.wire.imap.commands import StatusItem
from holdfast.wire.imap.names import SEPARATOR, encode_name
from holdfast.wire.imap.syntax import astring, nstring, quoted, string

SYSTEM_FLAGS = (b"\\Seen", b"\\Answered", b"\\Flagged", b"\\Deleted", b"\\Draft")  # in order of their bits
RECENT = b"\\Recent"
# RFC 6154 §2; no attribute says INBOX
ROLE_ATTRIBUTES = {
    Role.ARCHIVE: b"\\Archive",
    Role.DRAFTS: b"\\Drafts",
    Role.FLAGGED: b"\\Flagged",
    Role.JUNK: b"\\Junk",
    Role.SENT: b"\\Sent",
    Role.TRASH: b"\\Trash",
    Role.ALL: b"\\All",
    Role.SNOOZED: b"\\Snoozed",
}
_CACHED_LISTS = 4096


class FlagNames:
    """The flag lists of one account: bits of an entry → ``(\\Seen work)``; each made once and kept.

    ``keywords[i]`` is bit ``FIRST_KEYWORD_BIT + i``; a bit without a name is left out.
    """

    __slots__ = ("_lists", "_names")

    def __init__(self, keywords: Sequence[str] = ()) -> None:
        self._names = (*SYSTEM_FLAGS, *(keyword.encode("ascii", "replace") for keyword in keywords))
        self._lists: dict[int, bytes] = {}

    def of(self, bits: int, recent: bool = False) -> bytes:
        """In parentheses."""
        key = bits << 1 | recent
        found = self._lists.get(key)
        if found is None:
            if len(self._lists) >= _CACHED_LISTS:
                self._lists.clear()
            names = [name for at, name in enumerate(self._names) if bits >> at & 1]
            if recent:
                names.append(RECENT)
            found = self._lists[key] = b"(%b)" % b" ".join(names)
        return found

    def all(self, more: bytes = b"") -> bytes:
        """Every flag there is, for FLAGS; with ``more=b"\\\\*"`` for PERMANENTFLAGS."""
        return b"(%b)" % b" ".join((*self._names, more) if more else self._names)

    @property
    def most_keywords(self) -> int:
        return len(self._names) - FIRST_KEYWORD_BIT


# --- the mailbox's size and shape (§7.3, §7.4.1)


def exists(count: int) -> bytes:
    return b"* %d EXISTS\r\n" % count


def recent(count: int) -> bytes:
    return b"* %d RECENT\r\n" % count


def expunge(number: int) -> bytes:
    return b"* %d EXPUNGE\r\n" % number


def expunges(view: UidSet, gone: UidSet) -> bytes:
    """EXPUNGE for each of ``gone``, highest first so that no number shifts under another. RFC 3501 §7.4.1"""
    lines: list[bytes] = []
    for low, high in reversed((view & gone).ranges):
        first = view.rank(low) + 1
        lines.extend(map(b"* %d EXPUNGE\r\n".__mod__, range(first + high - low, first - 1, -1)))
    return b"".join(lines)


def vanished(uids: UidSet, earlier: bool = False) -> bytes:
    """RFC 7162 §3.2.10"""
    return b"* VANISHED %b%b\r\n" % (b"(EARLIER) " if earlier else b"", str(uids).encode())


def flags(names: FlagNames) -> bytes:
    return b"* FLAGS %b\r\n" % names.all()


# --- FETCH (§7.4.2)


def fetch(number: int, items: Iterable[bytes]) -> bytes:
    """``items`` are ``NAME value`` each."""
    return b"* %d FETCH (%b)\r\n" % (number, b" ".join(items))


def fetch_flags(number: int, flag_list: bytes, uid: int = 0, modseq: int = 0) -> bytes:
    """What STORE and others' changes tell; ``uid`` and ``modseq`` only where the client wants them."""
    if modseq:
        if uid:
            return b"* %d FETCH (UID %d FLAGS %b MODSEQ (%d))\r\n" % (number, uid, flag_list, modseq)
        return b"* %d FETCH (FLAGS %b MODSEQ (%d))\r\n" % (number, flag_list, modseq)
    if uid:
        return b"* %d FETCH (UID %d FLAGS %b)\r\n" % (number, uid, flag_list)
    return b"* %d FETCH (FLAGS %b)\r\n" % (number, flag_list)


def literal_head(label: bytes, size: int) -> bytes:
    """``BODY[] {5}`` and the line's end: the ``size`` bytes follow it, unjoined for large ones."""
    return b"%b {%d}\r\n" % (label, size)


# --- mailboxes (§7.2)


@lru_cache(maxsize=4096)
def mailbox_name(name: str) -> bytes:
    """A name as an astring in modified UTF-7."""
    return astring(encode_name(name))


def list_line(
    name: str, attributes: Iterable[bytes] = (), kind: bytes = b"LIST", extended: bytes = b""
) -> bytes:
    """``kind`` LIST or LSUB. ``extended``: RFC 5258's extra data with its parentheses."""
    tail = b" " + extended if extended else b""
    return b'* %b (%b) "%b" %b%b\r\n' % (
        kind,
        b" ".join(attributes),
        SEPARATOR.encode(),
        mailbox_name(name),
        tail,
    )


CHILDINFO_SUBSCRIBED = b'("CHILDINFO" ("SUBSCRIBED"))'  # RFC 5258 §3.5, quoted as its examples are


def list_separator() -> bytes:
    """The answer to LIST "" "": the separator and the name of the root. RFC 3501 §6.3.8"""
    return b'* LIST (\\Noselect) "%b" ""\r\n' % SEPARATOR.encode()


def status_line(name: str, values: Mapping[StatusItem, int]) -> bytes:
    pairs = b" ".join(b"%b %d" % (item.value.encode(), value) for item, value in values.items())
    return b"* STATUS %b (%b)\r\n" % (mailbox_name(name), pairs)


def namespace_line() -> bytes:
    """One personal namespace without a prefix, nothing shared. RFC 2342 §5"""
    return b'* NAMESPACE (("" "%b")) NIL NIL\r\n' % SEPARATOR.encode()


def quota_line(root: str, used: int, limit: int) -> bytes:
    """STORAGE in units of 1024 octets, rounded up. RFC 9208 §4.2.1, §5.1; ``used``, ``limit``: bytes"""
    return b"* QUOTA %b (STORAGE %d %d)\r\n" % (quoted(root.encode()), -(-used // 1024), -(-limit // 1024))


def quota_root_line(mailbox: str, roots: Iterable[str]) -> bytes:
    """RFC 9208 §4.2.2; no root: the mailbox has no quota"""
    names = b"".join(b" " + quoted(root.encode()) for root in roots)
    return b"* QUOTAROOT %b%b\r\n" % (mailbox_name(mailbox), names)


# --- SEARCH (§7.2.5)


def search_line(numbers: Iterable[int], modseq: int = 0) -> bytes:
    """``modseq``: the highest of the found, where a key was MODSEQ. RFC 7162 §3.1.5"""
    found = b"".join(map(b" %d".__mod__, numbers))
    if modseq and found:
        return b"* SEARCH%b (MODSEQ %d)\r\n" % (found, modseq)
    return b"* SEARCH%b\r\n" % found


def esearch_line(
    tag: bytes,
    uid: bool,
    *,
    least: int | None = None,
    most: int | None = None,
    all_of: UidSet | None = None,
    count: int | None = None,
    modseq: int = 0,
) -> bytes:
    """RFC 4731 §3.1. None: not asked for. Nothing found: MIN, MAX and ALL aren't told."""
    line = [b"* ESEARCH (TAG %b)" % quoted(tag)]
    if uid:
        line.append(b"UID")
    if least:
        line.append(b"MIN %d" % least)
    if most:
        line.append(b"MAX %d" % most)
    if all_of:
        line.append(b"ALL %b" % str(all_of).encode())
    if count is not None:
        line.append(b"COUNT %d" % count)
    if modseq:
        line.append(b"MODSEQ %d" % modseq)
    return b" ".join(line) + b"\r\n"


# --- the server (§7.2.1)


def capability_line(capabilities: Iterable[str]) -> bytes:
    return b"* CAPABILITY %b\r\n" % " ".join(capabilities).encode("ascii")


def greeting(text: str, capabilities: Iterable[str] = ()) -> bytes:
    """RFC 3501 §7.1.1, with the capabilities as a code so that the client needn't ask"""
    code = f"[CAPABILITY {' '.join(capabilities)}] " if capabilities else ""
    return f"* OK {code}{text}\r\n".encode("ascii")


def enabled_line(capabilities: Iterable[str]) -> bytes:
    """RFC 5161 §3.2; with nothing enabled the line is still sent"""
    return b" ".join((b"* ENABLED", *(c.encode("ascii") for c in capabilities))) + b"\r\n"


def id_line(fields: Iterable[tuple[str, str | None]] | None) -> bytes:
    """RFC 2971 §3.2"""
    pairs = [
        b"%b %b" % (string(name.encode()), nstring(None if value is None else value.encode()))
        for name, value in fields or ()
    ]
    return b"* ID (%b)\r\n" % b" ".join(pairs) if pairs else b"* ID NIL\r\n"


# --- response codes (§7.1), without their brackets


def permanentflags(names: FlagNames, *, read_only: bool = False, more: bool = True) -> bytes:
    return b"PERMANENTFLAGS ()" if read_only else b"PERMANENTFLAGS " + names.all(b"\\*" if more else b"")


def uidvalidity(number: int) -> bytes:
    return b"UIDVALIDITY %d" % number


def uidnext(number: int) -> bytes:
    return b"UIDNEXT %d" % number


def unseen(number: int) -> bytes:
    return b"UNSEEN %d" % number


def highestmodseq(modseq: int) -> bytes:
    """RFC 7162 §3.1.2.1"""
    return b"HIGHESTMODSEQ %d" % modseq


def appenduid(validity: int, uids: UidSet) -> bytes:
    """RFC 4315 §3"""
    return b"APPENDUID %d %b" % (validity, str(uids).encode())


def copyuid(validity: int, from_uids: UidSet, to_uids: UidSet) -> bytes:
    """RFC 4315 §3; the n-th of one is the n-th of the other. Nothing copied: no code, b''."""
    if not from_uids:
        return b""
    return b"COPYUID %d %b %b" % (validity, str(from_uids).encode(), str(to_uids).encode())


def modified(ids: UidSet) -> bytes:
    """RFC 7162 §3.1.3: what a STORE with UNCHANGEDSINCE left alone"""
    return b"MODIFIED %b" % str(ids).encode()


def capability(capabilities: Iterable[str]) -> bytes:
    return b"CAPABILITY " + " ".join(capabilities).encode("ascii")
