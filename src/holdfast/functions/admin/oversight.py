"""Operations that watch over others: legal hold, the audit trail, and sealed access to a mailbox.

What an auditor looks at is on record before he sees it (ADMIN-5).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import NamedTuple

from holdfast.directory.audit import AuditTrail
from holdfast.functions.admin import shapes as s
from holdfast.functions.admin.call import SETTLE_S, Call, not_now
from holdfast.functions.admin.cursors import cursor, position
from holdfast.functions.admin.gate import place_of_address, place_of_domain
from holdfast.functions.admin.permissions import EVERYWHERE, Forbidden, Missing, Permission, Place
from holdfast.functions.admin.sealed import sealed_archive
from holdfast.mime import decode_header, parse
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.limits import ADMIN_SCAN
from holdfast.model.mail import Mailbox
from holdfast.model.people import Account, AuditEntry, SealedAccess
from holdfast.model.uidset import UidSet
from holdfast.store import AccountMail, Column, MessageRef
from holdfast.store.export import removed


async def hold_set(call: Call, asked: s.HoldSet) -> Account:
    await call.change.hold_set(call.account.id, on=asked.on, why=asked.why, once=call.once)
    await call.people.written(SETTLE_S)
    return call.desk.account(str(call.account.id)) or call.account


# The audit trail


async def audit_list(call: Call, asked: s.AuditAsked) -> s.Page[AuditEntry]:
    """Newest first. Who has narrower rights than the whole service sees what lies within them."""
    trail = call.desk.trail
    if trail is None:
        raise Unavailable("people", "the audit trail is being made")
    [before] = position(asked.cursor, 0)
    await _caught_up(call, trail)
    found: list[AuditEntry] = []
    seen = 0
    while seen < ADMIN_SCAN:
        rows = trail.page(
            account=call.account.id if asked.account else 0,
            by=asked.by,
            what=asked.what,
            since=asked.since,
            before=before,
            limit=asked.limit,
        )
        for row in rows:
            before = row.id
            if call.actor.may(Permission.AUDIT, _place_of_entry(call, row)):
                found.append(row)
                if len(found) == asked.limit:
                    return s.Page(found, cursor(before))
        seen += len(rows)
        if len(rows) < asked.limit:
            return s.Page(found)
    return s.Page(found, cursor(before))


async def _caught_up(call: Call, trail: AuditTrail) -> None:
    """Who changed something finds it in the trail; which is not kept from who asks by one that lags."""
    clock = call.desk.world.clock
    until = clock.monotonic() + SETTLE_S
    while trail.position < call.people.position and clock.monotonic() < until:
        await clock.sleep(0.005)


def _place_of_entry(call: Call, entry: AuditEntry) -> Place:
    """Where it happened: its account, the domain or tenant that it names; else it is the service's."""
    if entry.account:
        account = call.people.account(entry.account)
        return place_of_address(call, account.login) if account is not None else EVERYWHERE
    detail = entry.detail
    name = detail.get("domain") or (detail.get("name") if entry.what.startswith("domain_") else "")
    address = detail.get("address")
    tenant = detail.get("tenant")
    if isinstance(name, str) and name:
        return place_of_domain(call, name)
    if isinstance(address, str) and "@" in address:
        return place_of_address(call, address)
    return Place(tenant) if isinstance(tenant, int) and tenant else EVERYWHERE


# Sealed access


async def access_list(call: Call, asked: s.Nothing) -> s.Page[SealedAccess]:
    """One's own, and those that one may approve."""
    return s.Page([each for each in call.people.accesses() if _is_mine(call, each)])


def _is_mine(call: Call, access: SealedAccess) -> bool:
    if access.auditor == call.actor.account and call.actor.account:
        return True
    account = call.people.account(access.account)
    place = place_of_address(call, account.login) if account is not None else EVERYWHERE
    return call.actor.may(Permission.APPROVE, place)


async def access_add(call: Call, asked: s.AccessAdd) -> SealedAccess:
    if not call.actor.account:
        raise not_now("a person asks to see a mailbox: sign in as one")
    return await call.change.access_ask(call.account.id, call.actor.account, why=asked.why, once=call.once)


async def access_approve(call: Call, asked: s.AccessApprove) -> SealedAccess:
    access: SealedAccess = call.found["access"]
    if not call.actor.account or access.auditor == call.actor.account:
        raise Forbidden("another person than the one who asked approves")
    until = call.desk.world.clock.now() + asked.hours * 3600
    return await call.change.access_approve(
        access.id, call.actor.account, until, why=asked.why or call.why, once=call.once
    )


async def _opened(call: Call, what: str) -> AccountMail:
    """The sealed mailbox's mail, once it is on record what is looked at (ADMIN-5)."""
    access: SealedAccess = call.found["access"]
    if access.auditor != call.actor.account or not call.actor.account:
        raise Missing(f"access {access.id}")
    if not access.approved_by or access.until <= call.desk.world.clock.now():
        raise not_now("this access isn't approved, or is over")
    if call.desk.store is None:
        raise Unavailable("store", "no mail is kept here")
    await call.change.access_use(access.id, what)
    account: Account = call.found["seen"]
    return call.desk.store.account(account.id, account.cell)


def _box(mail: AccountMail, mailbox: int) -> Mailbox:
    box = mail.by_id(mailbox)
    if box is None:
        raise Refused(Reason.NO_SUCH_MAILBOX, f"no mailbox {mailbox}")
    return box


async def sealed_mailboxes(call: Call, asked: s.AccessAsked) -> s.Page[s.SealedMailbox]:
    mail = await _opened(call, "the list of mailboxes")
    return s.Page([s.SealedMailbox(box.id, box.name, box.exists) for box in mail.mailboxes()])


async def sealed_messages(call: Call, asked: s.MessagesAsked) -> s.Page[s.SealedMessage]:
    [after] = position(asked.cursor, 0)
    mail = await _opened(call, f"the list of messages of mailbox {asked.mailbox} after {after}")
    box = _box(mail, asked.mailbox)
    uids = mail.uids(box) & UidSet([(after + 1, max(after + 1, box.uidnext))])
    found = list(_listed(mail, box, uids, asked.limit))
    more = len(found) == asked.limit and found[-1].uid < (uids.last if uids else 0)
    return s.Page(found, cursor(found[-1].uid) if more else "")


_COLUMNS = (Column.UID, Column.INTERNALDATE, Column.SIZE, Column.PREVIEW, Column.REF)


def _listed(mail: AccountMail, box: Mailbox, uids: UidSet, limit: int) -> Iterator[s.SealedMessage]:
    left = limit
    for chunk in mail.rows(box.id, uids, _COLUMNS):
        rows = chunk[:left]
        for row, message in zip(rows, mail.messages([MessageRef(*row[4:]) for row in rows])):
            known = parse(bytes(message or b"")).known
            yield s.SealedMessage(
                row[0], float(row[1]), row[2], str(row[3]), _line(known, b"subject"), _line(known, b"from")
            )
        left -= len(rows)
        if left <= 0:
            return


def _line(known: dict[bytes, list[bytes]], name: bytes) -> str:
    values = known.get(name)
    return decode_header(values[0]) if values else ""


class Raw(NamedTuple):
    """An answer that isn't JSON: a message as it came, or an archive in pieces."""

    media_type: str
    name: str
    content: bytes | AsyncIterator[bytes]


async def sealed_message(call: Call, asked: s.MessageAsked) -> Raw:
    mail = await _opened(call, f"message {asked.uid} of mailbox {asked.mailbox}")
    box = _box(mail, asked.mailbox)
    for chunk in mail.rows(box.id, UidSet.of([asked.uid]), (Column.REF,)):
        [message] = mail.messages([MessageRef(*chunk[0])])
        if message is None:
            raise Refused(Reason.UNREADABLE, "this message is damaged on every copy")
        return Raw("message/rfc822", f"{box.id}-{asked.uid}.eml", bytes(message))
    raise Refused(Reason.NO_SUCH_MESSAGE, f"no message {asked.uid} in mailbox {asked.mailbox}")


async def sealed_export(call: Call, asked: s.AccessAsked) -> Raw:
    mail = await _opened(call, "all of it, as an archive")
    access: SealedAccess = call.found["access"]
    return Raw("application/zip", f"access-{access.id}.zip", sealed_archive(call.desk.world, mail, access))


async def sealed_removed(call: Call, asked: s.AccessAsked) -> Raw:
    mail = await _opened(call, "what was removed")
    access: SealedAccess = call.found["access"]

    async def pieces() -> AsyncIterator[bytes]:
        for piece in removed(mail, 0.0):
            yield piece
            await call.desk.world.clock.sleep(0)  # others have their turn

    return Raw("application/mbox", f"access-{access.id}-removed.mbox", pieces())
