"""LIST, LSUB, STATUS, NAMESPACE. RFC 3501 §6.3.8-10, RFC 5258, RFC 5819, RFC 6154.

A name above a mailbox that is none itself (``a`` when only ``a/b`` exists) is shown as ``\\Noselect``.
"""

from __future__ import annotations

from collections.abc import Iterator

from holdfast.functions.imap.session import Answer, ImapSession
from holdfast.functions.imap.view import recent_among
from holdfast.model.errors import Reason, Refused
from holdfast.model.mail import Flag, Mailbox
from holdfast.store.reader import AccountMail
from holdfast.wire.imap import commands as c
from holdfast.wire.imap import responses
from holdfast.wire.imap.events import Request
from holdfast.wire.imap.names import INBOX, SEPARATOR, Pattern, full_pattern

_SUBSCRIBED, _RECURSIVE = c.ListSelect.SUBSCRIBED, c.ListSelect.RECURSIVEMATCH


class Tree:
    """The account's names: mailboxes, subscriptions, and what lies above them."""

    __slots__ = ("boxes", "parents", "subscribed", "subscribed_above")

    def __init__(self, kept: AccountMail) -> None:
        self.boxes = {box.name: box for box in kept.mailboxes()}
        self.subscribed = kept.subscriptions()
        self.parents = {parent for name in self.boxes for parent in above(name)}
        self.subscribed_above = {parent for name in self.subscribed for parent in above(name)}

    def names(self, also: set[str]) -> list[str]:
        """Mailboxes, what lies above them, and ``also``; INBOX first."""
        return sorted(self.parents.union(self.boxes, also), key=lambda name: (name != INBOX, name))

    def attributes(self, name: str, *, extended: bool) -> list[bytes]:
        box = self.boxes.get(name)
        found = []
        if box is None:
            found.append(b"\\NonExistent" if extended else b"\\Noselect")
        found.append(b"\\HasChildren" if name in self.parents else b"\\HasNoChildren")
        if box is not None and box.role in responses.ROLE_ATTRIBUTES:
            found.append(responses.ROLE_ATTRIBUTES[box.role])
        return found


def above(name: str) -> Iterator[str]:
    """``a`` and ``a/b`` for ``a/b/c``."""
    at = name.find(SEPARATOR)
    while at > 0:
        yield name[:at]
        at = name.find(SEPARATOR, at + 1)


def list_mailboxes(session: ImapSession, request: Request) -> Answer:
    command = request.command
    assert isinstance(command, c.List)
    if command.patterns == ("",) and not command.extended:
        session.connection.write(responses.list_separator())
        return Answer("LIST completed.")
    kept = session.kept
    tree = Tree(kept)
    patterns = [Pattern(full_pattern(command.reference, pattern)) for pattern in command.patterns]
    told_subscribed = c.ListReturn.SUBSCRIBED in command.returns or _SUBSCRIBED in command.select
    lines: list[bytes] = []
    for name in tree.names(
        tree.subscribed | tree.subscribed_above if _SUBSCRIBED in command.select else set()
    ):
        if not any(pattern.matches(name) for pattern in patterns):
            continue
        below = _selected_below(tree, command, patterns, name)
        if not _is_selected(tree, command, name) and not below:
            continue
        attributes = tree.attributes(name, extended=command.extended)
        if told_subscribed and name in tree.subscribed:
            attributes.append(b"\\Subscribed")
        extended = responses.CHILDINFO_SUBSCRIBED if below else b""
        lines.append(responses.list_line(name, attributes, extended=extended))
        if command.status and name in tree.boxes:
            lines.append(_status_line(kept, tree.boxes[name], command.status))
    session.connection.write(b"".join(lines))
    if c.StatusItem.HIGHESTMODSEQ in command.status:
        session.condstore = True
    return Answer("LIST completed.")


def _is_selected(tree: Tree, command: c.List, name: str) -> bool:
    """RFC 5258 §3.1: a name must meet every selection option."""
    if _SUBSCRIBED in command.select and name not in tree.subscribed:
        return False
    box = tree.boxes.get(name)
    if c.ListSelect.SPECIAL_USE in command.select:
        return box is not None and box.role in responses.ROLE_ATTRIBUTES
    return True


def _selected_below(tree: Tree, command: c.List, patterns: list[Pattern], name: str) -> bool:
    """RECURSIVEMATCH: below the name lies a subscription that the patterns don't reach themselves."""
    if _RECURSIVE not in command.select or name not in tree.subscribed_above:
        return False
    prefix = name + SEPARATOR
    return any(
        each.startswith(prefix) and not any(pattern.matches(each) for pattern in patterns)
        for each in tree.subscribed
    )


def lsub(session: ImapSession, request: Request) -> Answer:
    """RFC 3501 §6.3.9: with ``%``, a name above a subscription that isn't one itself is ``\\Noselect``."""
    command = request.command
    assert isinstance(command, c.Lsub)
    tree = Tree(session.kept)
    pattern = Pattern(full_pattern(command.reference, command.pattern))
    lines = [
        responses.list_line(name, (), kind=b"LSUB")
        for name in sorted(tree.subscribed, key=lambda name: (name != INBOX, name))
        if pattern.matches(name)
    ]
    if "%" in command.pattern:
        lines += [
            responses.list_line(name, (b"\\Noselect",), kind=b"LSUB")
            for name in sorted(tree.subscribed_above - tree.subscribed)
            if pattern.matches(name)
        ]
    session.connection.write(b"".join(lines))
    return Answer("LSUB completed.")


def status(session: ImapSession, request: Request) -> Answer:
    command = request.command
    assert isinstance(command, c.Status)
    kept = session.kept
    box = kept.mailbox(command.mailbox)
    if box is None:
        raise Refused(Reason.NO_SUCH_MAILBOX, f"no mailbox named {command.mailbox!r}")
    if c.StatusItem.HIGHESTMODSEQ in command.items:
        session.condstore = True
    session.connection.write(_status_line(kept, box, command.items))
    return Answer("STATUS completed.")


def _status_line(kept: AccountMail, box: Mailbox, items: tuple[c.StatusItem, ...]) -> bytes:
    values = {
        c.StatusItem.MESSAGES: box.exists,
        c.StatusItem.UIDNEXT: box.uidnext,
        c.StatusItem.UIDVALIDITY: box.uidvalidity,
        c.StatusItem.UNSEEN: box.unseen,
        c.StatusItem.DELETED: box.deleted,
        c.StatusItem.SIZE: box.size_bytes,
        c.StatusItem.HIGHESTMODSEQ: box.modseq,
    }
    if c.StatusItem.DELETED_STORAGE in items:  # RFC 9208 §4.1.4
        freed = kept.size_of(box.id, kept.uids(box), Flag.DELETED) if box.deleted else 0
        values[c.StatusItem.DELETED_STORAGE] = freed
    if c.StatusItem.RECENT in items:
        values[c.StatusItem.RECENT] = len(recent_among(kept.uids(box), box))
    return responses.status_line(box.name, {item: values[item] for item in items})


def namespace(session: ImapSession, request: Request) -> Answer:
    session.connection.write(responses.namespace_line())
    return Answer("NAMESPACE completed.")
