"""EmailSubmission: a message that is to be sent, now or later, and can be called back until then. RFC 8621 §7

Submitting keeps an object with a time; the outbox sends it (``releasing.py``). Calling back is an update of
``undoStatus``. What holds for sending over SMTP holds here, at the time of submitting where the customer can
still do something about it, and again at the time of sending.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final

import msgspec
from msgspec import UNSET

from holdfast.flow import recipients
from holdfast.functions.jmap.asking import Ask, Describe, Handler, Parts
from holdfast.functions.jmap.envelopes import (
    Said,
    Written,
    default_envelope,
    invalid_recipients,
    read_envelope,
    written,
)
from holdfast.functions.jmap.identities import IDENTITIES, may_send_as
from holdfast.functions.jmap.ids import EMAIL, THREAD, id_of, number_of
from holdfast.functions.jmap.listed import Keys, changed_list, listed
from holdfast.functions.jmap.objects import Batch, Kind, Stored, read
from holdfast.functions.jmap.sendings import SUBMISSION, Sending, utc
from holdfast.model import limits
from holdfast.model.address import parse_address
from holdfast.model.errors import Refused, Unavailable
from holdfast.model.people import Account
from holdfast.store import EmailRow
from holdfast.wire.jmap.core import SUBMISSION as CAPABILITY
from holdfast.wire.jmap.core import Id, Json, Shape, SubmissionCapability
from holdfast.wire.jmap.errors import SetFault, SetRefused
from holdfast.wire.jmap.mail import SubmissionEnvelope
from holdfast.wire.jmap.methods import (
    SubmissionCondition,
    SubmissionQuery,
    SubmissionQueryChanges,
    SubmissionSet,
)
from holdfast.wire.jmap.standard import QueryChangesResult, QueryResult, Set, SetResult


class _Wanted(Shape, kw_only=True):
    """What a client sets of a new one."""

    identity_id: Id
    email_id: Id
    envelope: SubmissionEnvelope | None = None


class Submissions(Kind):
    name: ClassVar[str] = SUBMISSION
    settable: ClassVar[Mapping[str, object]] = {
        "identityId": None,
        "emailId": None,
        "envelope": None,
        "undoStatus": "pending",
    }
    required: ClassVar[frozenset[str]] = frozenset({"identityId", "emailId"})
    fixed: ClassVar[frozenset[str]] = frozenset({"identityId", "emailId", "envelope"})
    server_set: ClassVar[frozenset[str]] = frozenset(
        {"threadId", "sendAt", "deliveryStatus", "dsnBlobIds", "mdnBlobIds"}
    )
    most: ClassVar[int] = limits.JMAP_SUBMISSIONS

    def show(self, ask: Ask, stored: Stored) -> Json:
        shown: Json = msgspec.to_builtins(_sending(stored).shown)
        return {"id": stored.id, **shown}

    def due(self, value: Json) -> int:
        due = value["due"]
        assert isinstance(due, int)
        return due

    async def check(self, batch: Batch, old: Stored | None, value: Json) -> Json:
        made = await self._new(batch, value) if old is None else self._called_back(old, value)
        kept: Json = msgspec.to_builtins(made)
        return kept

    def _called_back(self, old: Stored, value: Json) -> Sending:
        """JOUT-1: by the compare-and-set that follows."""
        sending = _sending(old)
        before, wanted = sending.shown["undoStatus"], value["undoStatus"]
        if wanted == before:
            return sending
        if wanted != "canceled":
            text = "A submission can be called back (canceled) and nothing else."
            raise SetRefused(SetFault.INVALID_PROPERTIES, text, properties=["undoStatus"])
        if sending.state != "pending":
            raise SetRefused(SetFault.CANNOT_UNSEND, "It is on its way already.")
        return sending.changed(state="canceled", content="", due=sending.kept_until)

    async def check_destroy(self, batch: Batch, old: Stored) -> None:
        if _sending(old).state in ("pending", "releasing"):
            text = "It is still to be sent: call it back first (undoStatus), or wait."
            raise SetRefused(SetFault.FORBIDDEN, text)

    # -- a new one

    async def _new(self, batch: Batch, value: Json) -> Sending:
        ask = batch.ask
        if value["undoStatus"] != "pending":
            text = "A new submission is pending."
            raise SetRefused(SetFault.INVALID_PROPERTIES, text, properties=["undoStatus"])
        wanted: _Wanted = read({name: held for name, held in value.items() if held is not None}, _Wanted)
        identity = IDENTITIES.find(ask, batch.mail, wanted.identity_id)
        if identity is None:
            text = "There is no such identity."
            raise SetRefused(SetFault.INVALID_PROPERTIES, text, properties=["identityId"])
        row, message = _email(batch, wanted.email_id)
        header = await ask.parts.world.offload(written, message)
        envelope = wanted.envelope
        if envelope is None:
            mail_from = header.sender if _is_mine(ask, header.sender) else str(identity.value["email"])
            envelope = default_envelope(header, mail_from)
        now = ask.parts.world.clock.now()
        said = read_envelope(envelope, now)
        check_sending(ask, said, header)
        return Sending(
            identity_id=wanted.identity_id,
            email_id=wanted.email_id,
            thread_id=id_of(THREAD, row.thread),
            envelope=envelope,
            send_at=int(said.send_at),
            due=int(said.send_at),
            ref=row.ref,
            size=row.size,
        )

    async def set(self, ask: Ask, asked: Set) -> SetResult:
        """With what is done to the Emails of those that succeeded. RFC 8621 §7.5"""
        assert isinstance(asked, SubmissionSet)
        known = self._emails_before(ask, asked)
        result = await super().set(ask, asked)
        update, destroy = _afterwards(ask, asked, result, known)
        if update or destroy:
            also = Set(account_id=asked.account_id, update=update or None, destroy=destroy or None)
            await ask.implied("Email/set", also)
        return result

    async def query(self, ask: Ask, asked: SubmissionQuery) -> QueryResult:
        return listed(ask, asked, self, asked.where(), _holds, _keys(asked))

    async def query_changes(self, ask: Ask, asked: SubmissionQueryChanges) -> QueryChangesResult:
        return changed_list(ask, asked, self, asked.where(), _holds, _keys(asked))

    def _emails_before(self, ask: Ask, asked: Set) -> dict[str, str]:
        """The Emails of submissions that are to be destroyed: afterwards nobody knows."""
        mail = ask.mail()
        ids = [real for each in asked.destroy or () if (real := ask.server.real_id(each)) is not None]
        found = {each: self.find(ask, mail, each) for each in ids}
        return {name: _sending(each).email_id for name, each in found.items() if each is not None}


def check_sending(ask: Ask, said: Said, header: Written) -> None:
    """What holds for every message a customer sends. Raises ``SetRefused``, ``Unavailable``."""
    if not header.authors:
        refused = SetRefused(SetFault.INVALID_EMAIL, "The message names nobody it is from.")
        refused.error.properties = ["from"]
        raise refused
    if not any(_is_mine(ask, each) for each in header.authors):
        text = f"{header.authors[0]} is no address of this account: nothing can be sent in its name."
        raise SetRefused(SetFault.FORBIDDEN_FROM, text)
    if said.sender.domain and not may_send_as(ask, said.sender):
        text = f"{said.sender} is no address of this account: nothing can be sent from it."
        raise SetRefused(SetFault.FORBIDDEN_MAIL_FROM, text)
    most = ask.parts.mail_limits.recipients
    if len(said.recipients) > most:
        too_many = SetRefused(SetFault.TOO_MANY_RECIPIENTS, f"A message goes to at most {most} recipients.")
        too_many.error.max_recipients = most
        raise too_many
    unknown: list[str] = []
    for each in said.recipients:
        try:
            recipients.find(ask.parts.people, each.address, sending=True)
        except Refused:
            unknown.append(str(each.address))
    if unknown:
        raise invalid_recipients(unknown, "These can't get mail.")
    sending = ask.parts.sending
    too_much = None if sending is None else sending.check(ask.account.id, len(said.recipients))
    if too_much is not None:
        raise SetRefused(SetFault.RATE_LIMIT, f"{too_much.text}.")


def _is_mine(ask: Ask, email: str) -> bool:
    try:
        return may_send_as(ask, parse_address(email))
    except Refused:
        return False


def _email(batch: Batch, email_id: str) -> tuple[EmailRow, bytes]:
    number = number_of(EMAIL, email_id)
    row = None if number is None else batch.mail.emails([number]).get(number)
    if row is None:
        text = "There is no such Email."
        raise SetRefused(SetFault.INVALID_PROPERTIES, text, properties=["emailId"])
    most = batch.ask.parts.mail_limits.message_bytes
    if row.size > most:
        refused = SetRefused(SetFault.TOO_LARGE, f"A message may have {most} bytes; this one has {row.size}.")
        refused.error.max_size = most
        raise refused
    (message,) = batch.mail.messages([row.ref])
    if message is None:
        raise Unavailable("packs", "the message is damaged in every copy", retry_after_s=3600.0)
    return row, bytes(message)


def _sending(stored: Stored) -> Sending:
    return msgspec.convert(stored.value, Sending)


def _afterwards(
    ask: Ask, asked: SubmissionSet, result: SetResult, before: dict[str, str]
) -> tuple[dict[str, dict[str, object]], list[str]]:
    """What to do to Emails: those of submissions that were created, updated or destroyed."""
    mail = ask.mail()
    done: dict[str, str] = {}  # as it may be named → submission's id
    for creation_id, made in (result.created or {}).items():
        assert isinstance(made, dict)
        done[f"#{creation_id}"] = str(made["id"])
    for each in (*(result.updated or ()), *(result.destroyed or ())):
        done[each] = each

    def email_of(name: str) -> str | None:
        real = done.get(name) or (done.get(ask.server.real_id(name) or "") if name[:1] == "#" else None)
        if real is None:
            return None
        found = SUBMISSIONS.find(ask, mail, real)
        return before.get(real) if found is None else _sending(found).email_id

    update: dict[str, Any] = {}
    for name, patch in (asked.on_success_update_email or {}).items():
        if (email := email_of(name)) is not None:
            update[email] = {**update.get(email, {}), **patch}
    destroy = [
        email for name in asked.on_success_destroy_email or () if (email := email_of(name)) is not None
    ]
    return {email: patch for email, patch in update.items() if email not in destroy}, destroy


# Queries

_SORTS: Final[dict[str, Callable[[Stored], str]]] = {
    "emailId": lambda stored: _sending(stored).email_id,
    "threadId": lambda stored: _sending(stored).thread_id,
    "sentAt": lambda stored: utc(_sending(stored).send_at),
}


def _keys(asked: SubmissionQuery | SubmissionQueryChanges) -> Keys:
    return [(_SORTS[each.property], not each.is_ascending) for each in asked.order()]


def _holds(stored: Stored, condition: SubmissionCondition) -> bool:
    """RFC 8621 §7.3"""
    sending = _sending(stored)
    return (
        (condition.identity_ids is UNSET or sending.identity_id in condition.identity_ids)
        and (condition.email_ids is UNSET or sending.email_id in condition.email_ids)
        and (condition.thread_ids is UNSET or sending.thread_id in condition.thread_ids)
        and condition.undo_status in (UNSET, sending.shown["undoStatus"])
        and (condition.before is UNSET or sending.send_at < condition.before.timestamp())
        and (condition.after is UNSET or sending.send_at >= condition.after.timestamp())
    )


def _capability(parts: Parts, account: Account) -> SubmissionCapability:
    return SubmissionCapability(
        max_delayed_send=limits.JMAP_DELAYED_SEND_S,
        submission_extensions={
            "FUTURERELEASE": [str(limits.JMAP_DELAYED_SEND_S)],
            "DSN": [],
            "8BITMIME": [],
            "SMTPUTF8": [],
        },
    )


SUBMISSIONS: Final = Submissions()

KINDS: Final = (SUBMISSION,)
CAPABILITIES: Final[dict[str, Describe]] = {CAPABILITY: _capability}
HANDLERS: Final[dict[str, Handler]] = {
    **SUBMISSIONS.handlers(),
    "EmailSubmission/query": SUBMISSIONS.query,
    "EmailSubmission/queryChanges": SUBMISSIONS.query_changes,
}
