"""Mailbox/get and Mailbox/set. RFC 8621 §2.1, §2.5"""

from __future__ import annotations

import unicodedata
from typing import Final

import msgspec

from holdfast.functions.jmap.asking import Ask, Handler
from holdfast.functions.jmap.boxes import COUNTS, PROPERTIES, ROLES, Box, Tree, all_shown, shown
from holdfast.functions.jmap.ids import MAILBOX, number_of
from holdfast.functions.jmap.room import check_mailboxes
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.limits import SORT_ORDER_MOST
from holdfast.model.mail import Role
from holdfast.store import (
    AnyCommand,
    AnyOutcome,
    Counts,
    Delete,
    Describe,
    Made,
    MakeMailbox,
    Rename,
    Subscribe,
)
from holdfast.wire.jmap.core import Json
from holdfast.wire.jmap.errors import SetFault, SetRefused
from holdfast.wire.jmap.mail import MailboxCreate
from holdfast.wire.jmap.methods import MailboxSet
from holdfast.wire.jmap.patch import apply_patch
from holdfast.wire.jmap.sets import Create, SetRun, Update
from holdfast.wire.jmap.standard import Get, GetResult, SetResult, select

_DEFAULTS: Final[Json] = {"parentId": None, "role": None, "sortOrder": 0, "isSubscribed": True}
_GIVEN_BY_US: Final = COUNTS | {"id", "myRights"}


async def get(ask: Ask, asked: Get) -> GetResult:
    mail = ask.mail()
    with mail.moment() as modseq:
        known = all_shown(mail, Tree(mail), asked.properties)
    ids = list(known) if asked.ids is None else asked.ids
    found, missing = select(ids, asked.properties, PROPERTIES, known.get)
    return GetResult(account_id=ask.account_id, state=str(modseq), list=found, not_found=missing)


async def change(ask: Ask, asked: MailboxSet) -> SetResult:
    """Mailbox/set. What is below another one of those destroyed goes first."""
    before = Tree(ask.mail())
    asked.check_state(str(before.modseq))
    if asked.destroy:
        asked.destroy.sort(key=lambda each: -_depth(before, each))
    run = SetRun(asked, ask.server.real_id, ask.server.note_created, ask.met)
    while (step := run.next_event()) is not None:
        try:
            if isinstance(step, Create):
                run.done(await _create(ask, step.value))
            elif isinstance(step, Update):
                await _update(ask, step.id, step.patch)
                run.done()
            else:
                await _destroy(ask, step.id, asked.on_destroy_remove_emails)
                run.done()
        except (Refused, Unavailable) as error:
            run.refuse(error)
    return run.result(str(before.modseq), str(ask.mail().modseq))


def _depth(tree: Tree, id: str) -> int:
    number = number_of(MAILBOX, id)
    return len(tree.chain(number)) if number in tree.boxes and number is not None else 0


def _wrong(name: str, why: str) -> SetRefused:
    return SetRefused(SetFault.INVALID_PROPERTIES, why, properties=[name])


def _find(tree: Tree, id: str) -> Box:
    number = number_of(MAILBOX, id)
    if number is None or number not in tree.boxes:
        raise SetRefused(SetFault.NOT_FOUND, f"There is no mailbox “{id}”.")
    return tree.boxes[number]


def _full_name(tree: Tree, name: str, parent: object) -> str:
    """The store's name of a mailbox to be; SetRefused where there can't be such a one."""
    name = unicodedata.normalize("NFC", name)
    if "/" in name:
        raise _wrong("name", "A name has no “/”: what stands below another mailbox has it as its parentId.")
    if parent is None:
        full = name
    else:
        number = number_of(MAILBOX, str(parent))
        if number is None or number not in tree.boxes:
            raise _wrong("parentId", f"There is no mailbox “{parent}”.")
        full = f"{tree.boxes[number].kept.name}/{name}"
    if full.upper() == "INBOX":
        raise _wrong("name", "There is one INBOX.")
    return full


def _check_role(tree: Tree, role: str | None, of: Box | None) -> None:
    if role is None:
        return
    if role not in ROLES or role == Role.INBOX:
        raise _wrong("role", f"“{role}” is no role that can be given.")
    holder = tree.with_role(role)
    if holder is not None and (of is None or holder.id != of.id):
        raise _wrong("role", f"“{holder.name}” has that role already.")


async def _one(ask: Ask, command: AnyCommand, named: str = "name") -> AnyOutcome:
    outcome = (await ask.commit([command]))[0]
    if isinstance(outcome, Refused) and outcome.reason in (
        Reason.MAILBOX_EXISTS,
        Reason.BAD_NAME,
        Reason.EXISTS,
    ):
        raise _wrong(named, outcome.text)
    if isinstance(outcome, Refused | Unavailable):
        raise outcome
    return outcome


async def _create(ask: Ask, value: Json) -> Json:
    try:
        wanted = msgspec.convert({k: v for k, v in value.items() if k not in _GIVEN_BY_US}, MailboxCreate)
    except msgspec.ValidationError as error:
        raise _wrong(_named(str(error), value), str(error)) from None
    if given := [name for name in value if name in _GIVEN_BY_US]:
        raise SetRefused(SetFault.INVALID_PROPERTIES, "These are ours to set.", properties=given)
    mail = ask.mail()
    tree = Tree(mail)
    name = _full_name(tree, wanted.name, wanted.parent_id)
    _check_role(tree, wanted.role, None)
    _check_sort_order(wanted.sort_order)
    check_mailboxes(ask, mail)
    who = ask.whose
    made = await _one(ask, MakeMailbox(**who, name=name, role=wanted.role or ""))
    assert isinstance(made, Made)
    if wanted.sort_order:
        await _one(ask, Describe(**who, mailbox=made.mailbox, sort_order=wanted.sort_order))
    if wanted.is_subscribed:
        await _one(ask, Subscribe(**who, name=name))
    box = Tree(ask.mail()).boxes.get(made.mailbox)
    if box is None:
        raise SetRefused(SetFault.NOT_FOUND, "It was removed again at once, by somebody else.")
    whole = shown(box, Counts(0, 0, 0, 0))
    return {each: it for each, it in whole.items() if each == "id" or value.get(each, _ABSENT) != it}


_ABSENT: Final = object()


def _named(text: str, value: Json) -> str:
    """The property a complaint is of."""
    return next((name for name in (*value, "name") if f"`{name}`" in text or f"$.{name}" in text), "name")


def _check_sort_order(order: int) -> None:
    if order > SORT_ORDER_MOST:
        raise _wrong("sortOrder", f"A number up to {SORT_ORDER_MOST}.")


async def _update(ask: Ask, id: str, patch: Json) -> None:
    mail = ask.mail()
    tree = Tree(mail)
    box = _find(tree, id)
    old: Json = msgspec.to_builtins(shown(box, mail.mail_counts(box.id)))
    new = apply_patch(old, patch, _DEFAULTS)
    changed = [name for name in old.keys() | new.keys() if old.get(name, _ABSENT) != new.get(name, _ABSENT)]
    if strange := [name for name in changed if name in _GIVEN_BY_US or name not in PROPERTIES]:
        raise SetRefused(SetFault.INVALID_PROPERTIES, "These can't be set.", properties=sorted(strange))
    try:
        wanted = msgspec.convert({k: v for k, v in new.items() if k not in _GIVEN_BY_US}, MailboxCreate)
    except msgspec.ValidationError as error:
        raise _wrong(_named(str(error), new), str(error)) from None
    if box.kept.role is Role.INBOX and {"name", "parentId", "role"} & set(changed):
        raise SetRefused(SetFault.FORBIDDEN, "INBOX keeps its name, its place and its role.")
    name = box.kept.name
    if {"name", "parentId"} & set(changed):
        name = _full_name(
            tree, wanted.name if "name" in changed else box.name.rpartition("/")[2], wanted.parent_id
        )
        parent = number_of(MAILBOX, wanted.parent_id or "")
        if parent is not None and any(each.id == box.id for each in tree.chain(parent)):
            raise _wrong("parentId", "A mailbox can't stand below itself.")
    _check_sort_order(wanted.sort_order)
    if "role" in changed:
        _check_role(tree, wanted.role, box)
    await _carry_out(ask, tree, box, name, wanted, changed)


async def _carry_out(
    ask: Ask, tree: Tree, box: Box, name: str, wanted: MailboxCreate, changed: list[str]
) -> None:
    """What may be refused comes first. Who was subscribed stays so under the new name."""
    who = ask.whose
    old = box.kept.name
    if name != old:
        await _one(ask, Rename(**who, old=old, new=name))
        moved = [each.kept.name for each in tree.boxes.values() if each.subscribed]
        moved = [each for each in moved if each == old or each.startswith(old + "/")]
        await ask.commit(
            [Subscribe(**who, name=name + each[len(old) :]) for each in moved]
            + [Subscribe(**who, name=each, on=False) for each in moved]
        )
    if {"role", "sortOrder"} & set(changed):
        role = (wanted.role or "") if "role" in changed else None
        order = wanted.sort_order if "sortOrder" in changed else None
        await _one(ask, Describe(**who, mailbox=box.id, role=role, sort_order=order), "role")
    if "isSubscribed" in changed:
        await _one(ask, Subscribe(**who, name=name, on=wanted.is_subscribed))


async def _destroy(ask: Ask, id: str, with_emails: bool) -> None:
    tree = Tree(ask.mail())
    box = _find(tree, id)
    if box.kept.role is Role.INBOX:
        raise SetRefused(SetFault.FORBIDDEN, "INBOX can't be destroyed.")
    if tree.children(box.id):
        raise SetRefused(SetFault.MAILBOX_HAS_CHILD, f"There are mailboxes below “{box.name}”.")
    if box.kept.exists and not with_emails:
        raise SetRefused(SetFault.MAILBOX_HAS_EMAIL, f"There are messages in “{box.name}”.")
    who = ask.whose
    await _one(ask, Delete(**who, name=box.kept.name))
    if box.subscribed:
        await _one(ask, Subscribe(**who, name=box.kept.name, on=False))


HANDLERS: Final[dict[str, Handler]] = {"Mailbox/get": get, "Mailbox/set": change}
