"""Snooze: an Email out of sight until a time. Vendor capability; see docs/reference/jmap.md.

Whoever snoozes an Email puts it into the mailbox “Snoozed”, which every program sees; when its time has come
the outbox moves it back, unread and with the keyword ``$awakened``.

JSNZ-1 a snoozed Email comes back: after a restart, after an index was made anew, and where its mailbox is
gone, into the Inbox. The object that says so is durable before the Email is moved away, and goes after it
came back; what somebody moved or destroyed meanwhile stays as they left it.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import ClassVar, Final

from holdfast.functions.jmap.asking import Ask, Handler
from holdfast.functions.jmap.ids import EMAIL, MAILBOX, id_of, number_of
from holdfast.functions.jmap.objects import Batch, Kind, Stored, encode, read, stored
from holdfast.functions.jmap.sendings import utc
from holdfast.model import limits
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.mail import Flag, Mailbox, Role
from holdfast.model.uidset import UidSet
from holdfast.store import (
    AccountMail,
    AnyCommand,
    Due,
    EmailRow,
    MailStore,
    MakeMailbox,
    Move,
    PutObject,
    RemoveObject,
    StoreFlags,
    Subscribe,
)
from holdfast.wire.jmap import vendor
from holdfast.wire.jmap.core import Json
from holdfast.wire.jmap.errors import SetFault, SetRefused
from holdfast.wire.jmap.vendor import SnoozeCreate, SnoozeUpdate
from holdfast.world import World

SNOOZED: Final = "Snoozed"  # the name of the mailbox, until a person gives it another
AWAKENED: Final = "$awakened"


class Snoozes(Kind):
    name: ClassVar[str] = "Snooze"
    settable: ClassVar[Mapping[str, object]] = {"emailId": None, "until": None, "mailboxId": None}
    required: ClassVar[frozenset[str]] = frozenset({"emailId", "until"})
    fixed: ClassVar[frozenset[str]] = frozenset({"emailId"})
    most: ClassVar[int] = limits.JMAP_SNOOZES

    def show(self, ask: Ask, stored: Stored) -> Json:
        return {"id": stored.id, **{name: stored.value[name] for name in self.settable}}

    def new_id(self, ask: Ask, value: Json) -> str:
        return str(value["emailId"])

    def due(self, value: Json) -> int:
        return int(datetime.datetime.fromisoformat(str(value["until"])).timestamp())

    async def check(self, batch: Batch, old: Stored | None, value: Json) -> Json:
        if old is None:
            return await self._new(batch, value)
        wanted: SnoozeUpdate = read({"until": value["until"], "mailboxId": value["mailboxId"]}, SnoozeUpdate)
        self._check_until(batch.ask, wanted.until)
        if value["mailboxId"] != old.value["mailboxId"]:
            _mailbox(batch.mail, wanted.mailbox_id)
        return {**old.value, "until": utc(wanted.until.timestamp()), "mailboxId": wanted.mailbox_id}

    async def _new(self, batch: Batch, value: Json) -> Json:
        wanted: SnoozeCreate = read(value, SnoozeCreate)
        self._check_until(batch.ask, wanted.until)
        number = number_of(EMAIL, wanted.email_id)
        row = None if number is None else batch.mail.emails([number]).get(number)
        if number is None or row is None:
            text = "There is no such Email."
            raise SetRefused(SetFault.INVALID_PROPERTIES, text, properties=["emailId"])
        if batch.find(wanted.email_id) is not None:
            refused = SetRefused(SetFault.ALREADY_EXISTS, "It is snoozed already: change until when.")
            refused.error.existing_id = wanted.email_id
            raise refused
        if wanted.mailbox_id is not None:
            home = _mailbox(batch.mail, wanted.mailbox_id)
        else:
            home = _home(batch.mail, row)
        await self._move_away(batch, number, home)
        return {
            "emailId": wanted.email_id,
            "until": utc(wanted.until.timestamp()),
            "mailboxId": id_of(MAILBOX, home.id),
        }

    async def _move_away(self, batch: Batch, message: int, home: Mailbox) -> None:
        """Out of its mailbox alone; what else it is in are its labels."""
        account = batch.ask.account
        away = await _made(batch.ask)
        uids = [each.uid for each in batch.mail.places([message]).get(message, ()) if each.mailbox == home.id]
        if uids:
            packed = UidSet.of(uids).pack()
            batch.also(Move(account=account.id, cell=account.cell, mailbox=home.id, uids=packed, to=away))

    async def check_destroy(self, batch: Batch, old: Stored) -> None:
        """It comes back now, as it is."""
        for each in _back(batch.mail, batch.ask.account.cell, old, awakened=False):
            batch.also(each)

    def _check_until(self, ask: Ask, until: datetime.datetime) -> None:
        if until.timestamp() > ask.parts.world.clock.now() + limits.JMAP_SNOOZE_S:
            text = f"At most {limits.JMAP_SNOOZE_S // 86_400} days from now."
            raise SetRefused(SetFault.INVALID_PROPERTIES, text, properties=["until"])


def _snoozed(mail: AccountMail) -> Mailbox | None:
    """By its role; one that a person made by that name serves as well."""
    found = [box for box in mail.mailboxes() if box.role is Role.SNOOZED]
    return found[0] if found else mail.mailbox(SNOOZED)


async def _made(ask: Ask) -> str:
    """Its name; it is made where it is missing."""
    if (there := _snoozed(ask.mail())) is not None:
        return there.name
    account = ask.account
    make = MakeMailbox(account=account.id, cell=account.cell, name=SNOOZED, role=Role.SNOOZED.value)
    seen = Subscribe(account=account.id, cell=account.cell, name=SNOOZED)
    for outcome in await ask.commit([make, seen]):
        exists = isinstance(outcome, Refused) and outcome.reason is Reason.MAILBOX_EXISTS
        if isinstance(outcome, Refused | Unavailable) and not exists:
            raise outcome
    return SNOOZED


def _home(mail: AccountMail, row: EmailRow) -> Mailbox:
    """Where an Email returns to if nobody says: the Inbox if it is there, else the first of its mailboxes."""
    boxes = {box.id: box for box in mail.mailboxes()}
    away = _snoozed(mail)
    inbox = next(box for box in boxes.values() if box.role is Role.INBOX)
    if inbox.id in row.mailboxes:
        return inbox
    others = [boxes[each] for each in row.mailboxes if away is None or each != away.id]
    return others[0] if others else inbox


def _mailbox(mail: AccountMail, mailbox_id: str) -> Mailbox:
    number = number_of(MAILBOX, mailbox_id)
    found = None if number is None else mail.by_id(number)
    if found is None or found.account != mail.account:
        text = "There is no such mailbox."
        raise SetRefused(SetFault.INVALID_PROPERTIES, text, properties=["mailboxId"])
    return found


def _back(mail: AccountMail, cell: int, snooze: Stored, *, awakened: bool) -> list[AnyCommand]:
    """What brings it back (JSNZ-1): nothing, where it isn't in “Snoozed” any more."""
    away = _snoozed(mail)
    message = number_of(EMAIL, snooze.id)
    if away is None or message is None:
        return []
    uids = [each.uid for each in mail.places([message]).get(message, ()) if each.mailbox == away.id]
    if not uids:
        return []
    number = number_of(MAILBOX, str(snooze.value["mailboxId"]))
    home = None if number is None else mail.by_id(number)
    to = home.name if home is not None and home.account == mail.account else "INBOX"
    packed, account = UidSet.of(uids).pack(), mail.account
    move = Move(account=account, cell=cell, mailbox=away.id, uids=packed, to=to)
    if not awakened:
        return [move]
    unread = StoreFlags(
        account=account, cell=cell, mailbox=away.id, uids=packed, mode="remove", flags=int(Flag.SEEN)
    )
    marked = StoreFlags(
        account=account, cell=cell, mailbox=away.id, uids=packed, mode="add", keywords=(AWAKENED,)
    )
    return [unread, marked, move]


class Awakening:
    """Of the outbox: brings back what is due."""

    def __init__(self, world: World, store: MailStore) -> None:
        self._world = world
        self._store = store

    async def carry_out(self, due: Due) -> None:
        """Raises ``Unavailable``. Who puts the time off at this moment wins: that is said first."""
        found = self._store.account(due.account, due.cell).object(due.kind, due.id)
        if found is None or found.due > self._world.clock.now():
            return
        snooze = stored(found)
        modseq = found.modseq
        if "returning" not in snooze.value:
            data = encode({**snooze.value, "returning": True})
            modseq = await self._commit(
                PutObject(
                    account=due.account,
                    cell=due.cell,
                    kind=due.kind,
                    id=due.id,
                    data=data,
                    due=found.due,
                    if_modseq=modseq,
                )
            )
        if modseq:
            mail = self._store.account(due.account, due.cell)
            for each in _back(mail, due.cell, snooze, awakened=True):
                if not await self._commit(each) and isinstance(each, Move):
                    raise Unavailable("store", "the mailbox went at this moment")
            await self._commit(
                RemoveObject(account=due.account, cell=due.cell, kind=due.kind, id=due.id, if_modseq=modseq)
            )

    async def _commit(self, command: AnyCommand) -> int:
        """The account's modseq; 0: refused, because something changed meanwhile."""
        try:
            return (await self._store.commit_one(command)).modseq
        except Refused:
            return 0


SNOOZES: Final = Snoozes()

METHODS: Final = {name: it for name, it in vendor.METHODS.items() if name.startswith("Snooze/")}
KINDS: Final = (Snoozes.name,)
HANDLERS: Final[dict[str, Handler]] = SNOOZES.handlers()
