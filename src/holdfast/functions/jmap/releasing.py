"""Sending what is due: out of the store's objects into the outbox's intake ledger, once.

JOUT-1 a submission is cancelled or it is sent, never both: each is a compare-and-set of one object from
``pending``, and the store puts them in an order.
JOUT-2 it is sent once, whatever dies when: its id is the trace of its frame in a ledger that only the
outbox writes, so that one that was begun is looked up there before it is sent, from where it was begun.
JOUT-3 who is told that a message will be sent is told of it when it can't be: what can't be delivered at the
time of sending comes back as a report, sent with the same care.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from holdfast.directory.people import People
from holdfast.flow import dsn, recipients
from holdfast.flow.intake import Envelope, Intake
from holdfast.flow.queue import Fate
from holdfast.flow.reception import SaysNo, Transaction
from holdfast.flow.sending import Completing, SendingLimits, TooMany
from holdfast.flow.trace import Dates
from holdfast.functions.jmap import events
from holdfast.functions.jmap.asking import Fates
from holdfast.functions.jmap.envelopes import Said, read_envelope, without_bcc
from holdfast.functions.jmap.sendings import KNOWN_BY, Delivered, Sending, read_sending, write_sending
from holdfast.model.envelope import LocalRecipient
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.ledgers import ledger_number
from holdfast.model.limits import Limits
from holdfast.model.mail import MessageId, Position
from holdfast.model.people import AccountState, Local, Many, Route
from holdfast.store import Due, MailStore, PutObject, RemoveObject
from holdfast.wire.jmap.mail import DeliveryStatus
from holdfast.wire.smtp import replies
from holdfast.wire.smtp.replies import Reply
from holdfast.world import World

Delivery = Literal["queued", "yes", "no", "unknown"]

_LOST = Reply(554, "5.6.0", "the message is damaged on our disk")
_NOT_YOURS = Reply(550, "5.7.1", "is no address of the account any more")


class _Planned(NamedTuple):
    """``refused``: recipients that can't get it, with the reply. ``here``: who of those gets it in accounts
    of ours alone. Both by the address as the envelope has it."""

    said: Said
    message: bytes
    transaction: Transaction
    refused: dict[str, Reply]
    here: list[Delivered]


class Releasing:
    """Of the outbox, for kinds of objects that are ``Sending``s. ``intake``: its own."""

    def __init__(
        self,
        world: World,
        store: MailStore,
        people: People,
        intake: Intake,
        *,
        hostname: str,
        limits: Limits,
        sending: SendingLimits | None = None,
        fates: Fates | None = None,
    ) -> None:
        self._world = world
        self._store = store
        self._people = people
        self._intake = intake
        self._hostname = hostname
        self._limits = limits
        self._sending = sending
        self._fates = fates
        self._completing = Completing(world, hostname)
        self._dates = Dates()

    async def carry_out(self, due: Due) -> None:
        """One that is due, in whatever state it is."""
        found = self._store.account(due.account, due.cell).object(due.kind, due.id)
        if found is None or found.due > self._world.clock.now():
            return
        sending = read_sending(found.data)
        if sending.state in ("pending", "releasing"):
            self._intake.check(sending.size)
            self._intake.hold(sending.size)
            try:
                go = self._begin if sending.state == "pending" else self._go_on
                await go(due, sending, found.modseq)
            finally:
                self._intake.hold(-sending.size)
        elif sending.due >= sending.kept_until:
            await self._forget(due, found.modseq)
        else:
            await self._look(due, sending, found.modseq)

    # -- sending

    async def _begin(self, due: Due, sending: Sending, modseq: int) -> None:
        planned = self._plan(due, sending)
        count = len(planned.transaction.local) + len(planned.transaction.remote)
        if (too_many := self._take(due, count)) is not None:
            again_at = int(too_many.again_at) + 1
            self._world.journal.emit(
                events.SUBMISSION_PUT_OFF, account=due.account, id=due.id, again_at=again_at
            )
            await self._put(due, sending.changed(due=again_at), modseq)
            return
        begun = sending.changed(state="releasing", begun=tuple(self._intake.durable))
        now_at = await self._put(due, begun, modseq)
        if now_at:  # JOUT-1
            await self._send(due, begun, now_at, planned, {})

    async def _go_on(self, due: Due, sending: Sending, modseq: int) -> None:
        """JOUT-2: somebody began and didn't come to the end."""
        assert sending.begun is not None
        kept = await self._intake.kept((due.id, _report_of(due.id)), Position(*sending.begun))
        planned = self._plan(due, sending)
        if due.id not in kept:
            self._take(due, len(planned.transaction.local) + len(planned.transaction.remote))
        await self._send(due, sending, modseq, planned, kept)

    async def _send(
        self, due: Due, sending: Sending, modseq: int, planned: _Planned, kept: dict[str, int]
    ) -> None:
        """``kept``: what is in the ledger already, trace → sequence."""
        local, remote = planned.transaction.local, planned.transaction.remote
        sequence = kept.get(due.id, 0)
        if (local or remote) and not sequence:
            parameters = planned.said.parameters
            envelope = Envelope(
                str(planned.said.sender),
                tuple(local.values()),
                tuple(remote.values()),
                due.account,
                parameters.ret,
                parameters.envid,
                parameters.smtputf8,
                not planned.message.isascii(),
            )
            sequence = await self._append(envelope, planned.message, due.id)
        if planned.refused and _report_of(due.id) not in kept:
            await self._report(due, planned)
        status = {
            rcpt.email: _status(planned.refused.get(rcpt.email), due.id) for rcpt in sending.envelope.rcpt_to
        }
        final = sending.changed(
            state="final",
            content="",
            begun=None,
            status=status,
            here=planned.here,
            message=ledger_number(self._intake.ledger) << 48 | sequence if sequence else 0,
        )
        final.due = final.look_again(self._world.clock.now())
        await self._put(due, final, modseq)
        self._world.journal.emit(
            events.SUBMISSION_SENT,
            account=due.account,
            id=due.id,
            local=len(local),
            remote=len(remote),
            refused=len(planned.refused),
            late_s=round(self._world.clock.now() - sending.send_at, 3),
        )

    def _take(self, due: Due, recipients: int) -> TooMany | None:
        return None if self._sending is None else self._sending.take(due.account, recipients)

    async def _append(self, envelope: Envelope, message: bytes, trace: str) -> int:
        receipt = self._intake.submit(envelope, message, trace=trace)
        (written,) = await receipt.written
        self._intake.acknowledged(written.sequence)
        return written.sequence

    # -- who gets what

    def _plan(self, due: Due, sending: Sending) -> _Planned:
        """As the directory has it now. Raises ``Unavailable``."""
        said = read_envelope(sending.envelope, self._world.clock.now())
        message = self._message(due, sending)
        why = _LOST if message is None else self._not_allowed(due, said)
        planned = _Planned(said, message or b"", Transaction(said.sender, said.parameters, 0.0), {}, [])
        for each, rcpt in zip(sending.envelope.rcpt_to, said.recipients):
            try:
                if why is not None:
                    raise SaysNo(why)
                route = recipients.find(self._people, rcpt.address, sending=True)
                recipients.add(planned.transaction, rcpt, route, self._limits.recipients)
                planned.here.extend(_here(each.email, route))
            except SaysNo as no:
                planned.refused[each.email] = no.reply
            except Refused as error:
                planned.refused[each.email] = replies.refused(error)
        return planned

    def _message(self, due: Due, sending: Sending) -> bytes | None:
        if sending.ref is None:
            data: bytes | memoryview | None = sending.content.encode("latin-1")
        else:
            (data,) = self._store.account(due.account, due.cell).messages([sending.ref])
        if data is None:
            return None
        domain = sending.envelope.mail_from.email.rpartition("@")[2]
        return self._completing.complete(without_bcc(bytes(data)), domain)

    def _not_allowed(self, due: Due, said: Said) -> Reply | None:
        """Who lost the address, or was disabled, since it was accepted, sends nothing from it."""
        account = self._people.account(due.account)
        if account is None or account.state is not AccountState.ACTIVE:
            return replies.refused(Refused(Reason.USER_DISABLED, "the sender's account is disabled"))
        if said.sender.domain and not self._people.may_send_as(due.account, said.sender):
            return _NOT_YOURS._replace(text=f"{said.sender} {_NOT_YOURS.text}")
        return None

    async def _report(self, due: Due, planned: _Planned) -> None:
        """JOUT-3"""
        account = self._people.account(due.account)
        if account is None or not planned.said.sender.domain:
            return
        now = self._dates.at(self._world.clock.now())
        report = dsn.write(
            dsn.Report(
                action="failed",
                host=self._hostname,
                to=account.login,
                recipients=tuple((each, "", str(reply)) for each, reply in planned.refused.items()),
                message=planned.message,
                date=now,
                arrived=now,
                boundary=f"hf-{due.id}",
                envid=planned.said.parameters.envid,
                full=planned.said.parameters.ret == "FULL",
            )
        )
        to = LocalRecipient(due.account, due.cell, account.login)
        await self._append(Envelope("", (to,)), report, _report_of(due.id))

    # -- what became of it

    async def _look(self, due: Due, sending: Sending, modseq: int) -> None:
        """Whether it is in the mailboxes here, and what the relay knows of the others."""
        queued = [each for each, it in sending.status.items() if it.delivered == "queued"]
        here = {address: [each for each in sending.here if each.address == address] for address in queued}
        elsewhere = [address for address in queued if not here[address]]
        fates = await self._ask_relay(sending.message, elsewhere)
        last = sending.looks >= KNOWN_BY
        status = dict(sending.status)
        for address in queued:
            before = status[address]
            if here[address]:
                arrived = all(self._is_there(each, sending.message) for each in here[address])
                delivered: Delivery = "yes" if arrived else "unknown" if last else "queued"
                status[address] = DeliveryStatus(smtp_reply=before.smtp_reply, delivered=delivered)
            else:
                status[address] = _relayed(before, fates.get(address), last)
        looked = sending.changed(status=status, looks=sending.looks + 1)
        looked.due = looked.look_again(self._world.clock.now())
        await self._put(due, looked, modseq)

    async def _ask_relay(self, message: MessageId, addresses: list[str]) -> dict[str, Fate]:
        if self._fates is None or not addresses:
            return {}
        sequence = message & (1 << 48) - 1
        try:
            return await self._fates(f"{self._intake.ledger}:{sequence}", addresses)
        except Unavailable:
            return {address: Fate("waits") for address in addresses}

    def _is_there(self, to: Delivered, message: int) -> bool:
        return message in self._store.account(to.account, to.cell).emails([message])

    async def _forget(self, due: Due, modseq: int) -> None:
        remove = RemoveObject(account=due.account, cell=due.cell, kind=due.kind, id=due.id, if_modseq=modseq)
        await self._commit(remove)

    async def _put(self, due: Due, sending: Sending, modseq: int) -> int:
        """The modseq it stands at now; 0: it was changed by somebody else."""
        return await self._commit(
            PutObject(
                account=due.account,
                cell=due.cell,
                kind=due.kind,
                id=due.id,
                data=write_sending(sending),
                due=sending.due,
                if_modseq=modseq,
            )
        )

    async def _commit(self, command: PutObject | RemoveObject) -> int:
        try:
            return (await self._store.commit_one(command)).modseq
        except Refused as error:
            if error.reason is not Reason.CHANGED:
                raise
            return 0


def _here(address: str, route: Route) -> list[Delivered]:
    members = route.routes if isinstance(route, Many) else (route,)
    local = [Delivered(address, each.account, each.cell) for each in members if isinstance(each, Local)]
    return local if len(local) == len(members) else []


def _report_of(trace: str) -> str:
    """The trace of the report that goes with a sending."""
    return f"{trace}r"


def _relayed(before: DeliveryStatus, fate: Fate | None, last: bool) -> DeliveryStatus:
    """RFC 8621 §7: what another server took is unknown from then on; its reply is the last that is known."""
    if fate is None:
        return DeliveryStatus(smtp_reply=before.smtp_reply, delivered="unknown" if last else "queued")
    delivered: Delivery = "queued" if fate.state == "waits" else "unknown" if fate.state == "sent" else "no"
    return DeliveryStatus(smtp_reply=fate.reply or before.smtp_reply, delivered=delivered)


def _status(refused: Reply | None, trace: str) -> DeliveryStatus:
    if refused is not None:
        return DeliveryStatus(smtp_reply=str(refused), delivered="no")
    return DeliveryStatus(smtp_reply=f"250 2.0.0 taken as {trace}", delivered="queued")
