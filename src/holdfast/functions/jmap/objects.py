"""Objects of any kind kept in the store: get, changes and set, made of a small declaration of the kind.

JOBJ-1 an object is changed only as the one that was looked at: every change names the modseq it is for, is
tried once more on what stands there now, and is refused then.
JOBJ-2 the states of a kind are exact: they move with its objects, with nothing else, and outlive an index.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar, Final, NamedTuple
from weakref import WeakKeyDictionary

import msgspec

from holdfast.functions.jmap.asking import Ask, Handler
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.limits import JMAP_OBJECTS_READ, OBJECT_BYTES
from holdfast.model.mail import AccountId
from holdfast.store import AccountMail, AnyCommand, EmailState, MailStore, Object, PutObject, RemoveObject
from holdfast.wire.jmap.core import Json
from holdfast.wire.jmap.errors import MethodError, MethodFault, SetFault, SetRefused
from holdfast.wire.jmap.patch import Patch, apply_patch
from holdfast.wire.jmap.sets import Create, Destroy, SetRun, Step, Update
from holdfast.wire.jmap.standard import Changes, ChangesResult, Get, GetResult, Set, SetResult

ID_LETTERS: Final = 20
_TRY_AGAIN = "It was changed elsewhere at the same moment: read it again, and try again."

decode = msgspec.json.Decoder(dict[str, object]).decode
encode = msgspec.json.Encoder().encode


class Stored(NamedTuple):
    """An object as it stands. ``modseq`` 0: it isn't in the store (yet), it follows from something else."""

    id: str
    value: Json
    modseq: int
    due: int = 0


class Kind:
    """What the objects of one kind are, and what may become of them. A subclass says what differs."""

    name: ClassVar[str]  # of the type, in the store too
    settable: ClassVar[Mapping[str, object]]  # what a client may set: property → default
    required: ClassVar[frozenset[str]] = frozenset()  # … and what it must
    fixed: ClassVar[frozenset[str]] = frozenset()  # … and what may not be changed later
    server_set: ClassVar[frozenset[str]] = frozenset()
    open: ClassVar[bool] = False  # unknown properties are kept, not refused
    most: ClassVar[int]  # of one account

    def __init__(self) -> None:
        self._known: WeakKeyDictionary[MailStore, OrderedDict[AccountId, dict[str, Stored]]]
        self._known = WeakKeyDictionary()

    # -- what a subclass may say

    def show(self, ask: Ask, stored: Stored) -> Json:
        """All its properties, ``id`` among them."""
        return {**self.settable, **stored.value, "id": stored.id}

    def new_id(self, ask: Ask, value: Json) -> str:
        return ask.parts.world.entropy.token(ID_LETTERS)

    async def check(self, batch: Batch, old: Stored | None, value: Json) -> Json:
        """What is kept of what a client wants (defaults put in; ``id`` and server-set ones are left out).
        ``old`` None: a new one. Raises ``SetRefused``."""
        return value

    async def check_destroy(self, batch: Batch, old: Stored) -> None:
        """Raises ``SetRefused`` where it must stay."""

    def due(self, value: Json) -> int:
        return 0

    def find(self, ask: Ask, mail: AccountMail, object_id: str) -> Stored | None:
        found = mail.object(self.name, object_id)
        return None if found is None else stored(found)

    def all(self, ask: Ask, mail: AccountMail) -> dict[str, Stored]:
        """By id. What hasn't changed since it was read isn't read again: no value is changed in place."""
        known = self._known.setdefault(ask.parts.store, OrderedDict())
        before = known.pop(mail.account, {})
        found: dict[str, Stored] = {}
        for each in mail.objects(self.name):
            kept = before.get(each.id)
            found[each.id] = kept if kept is not None and kept.modseq == each.modseq else stored(each)
        known[mail.account] = found
        while len(known) > 1 and sum(map(len, known.values())) > JMAP_OBJECTS_READ:
            known.popitem(last=False)
        return dict(found)

    def by_itself(self, ask: Ask) -> Collection[str]:
        """Ids of those that are there before anything is kept of them: they are never told as created."""
        return ()

    def state(self, ask: Ask, mail: AccountMail) -> str:
        return str(mail.object_state(self.name))

    # -- the methods

    def handlers(self, *methods: str) -> dict[str, Handler]:
        of: dict[str, Handler] = {"get": self.get, "changes": self.changes, "set": self.set}
        return {f"{self.name}/{method}": of[method] for method in methods or of}

    async def get(self, ask: Ask, asked: Get) -> GetResult:
        mail = ask.mail()
        state = self.state(ask, mail)
        if asked.ids is None:
            found = self.all(ask, mail)
            if len(found) > ask.parts.limits.max_objects_in_get:
                text = f"There are {len(found)}; ask for {ask.parts.limits.max_objects_in_get} at once by id."
                raise MethodError(MethodFault.REQUEST_TOO_LARGE, text, Reason.TOO_LARGE)
        else:
            wanted = dict.fromkeys(asked.ids)
            found = {each: it for each in wanted if (it := self.find(ask, mail, each)) is not None}
        self._check_names(asked.properties)
        shown: list[object] = [_only(self.show(ask, each), asked.properties) for each in found.values()]
        missing = [each for each in dict.fromkeys(asked.ids or ()) if each not in found]
        return GetResult(account_id=ask.account_id, state=state, list=shown, not_found=missing)

    def _check_names(self, properties: Sequence[str] | None) -> None:
        if properties is None or self.open:
            return
        strange = [
            each for each in properties if each not in self.settable and each not in {"id", *self.server_set}
        ]
        if strange:
            text = f"{self.name} has no property {', '.join(strange)}."
            raise MethodError(MethodFault.INVALID_ARGUMENTS, text)

    async def changes(self, ask: Ask, asked: Changes) -> ChangesResult:
        since = EmailState.parse(asked.since_state)
        most = ask.parts.limits.max_objects_in_get
        mail = ask.mail()
        if since is None:
            raise MethodError(MethodFault.CANNOT_CALCULATE_CHANGES, "There has been no such state.")
        with mail.moment():
            found = mail.object_changes(self.name, since, min(asked.max_changes or most, most))
            now = str(mail.object_state(self.name))
        if found is None:
            raise MethodError(MethodFault.CANNOT_CALCULATE_CHANGES, "There has been no such state.")
        known = self.by_itself(ask)
        return ChangesResult(
            account_id=ask.account_id,
            old_state=asked.since_state,
            new_state=str(found.state) if found.more else now,
            has_more_changes=found.more,
            created=[each for each in found.created if each not in known],
            updated=found.updated + [each for each in found.created if each in known],
            destroyed=found.destroyed,
        )

    async def set(self, ask: Ask, asked: Set) -> SetResult:
        mail = ask.mail()
        old = self.state(ask, mail)
        asked.check_state(old)
        run = SetRun(asked, ask.server.real_id, ask.server.note_created, ask.met)
        batch = Batch(ask, self, mail, asked)
        while (step := run.next_event()) is not None:
            try:
                run.done(await batch.carry_out(step))
            except (Refused, Unavailable) as error:
                batch.refused = True
                run.refuse(error)
        await self.prepare(batch, asked)
        await self._keep(batch, run)
        return run.result(old, self.state(ask, ask.mail()))

    async def prepare(self, batch: Batch, asked: Set) -> None:
        """What else a /set of this kind does, before anything is kept."""

    async def _keep(self, batch: Batch, run: SetRun) -> None:
        """JOBJ-1"""
        again: list[Step] = []
        for step, why in await batch.commit():
            if isinstance(why, Refused) and why.reason is Reason.CHANGED:
                again.append(step)
            else:
                run.undo(step, why)
        if not again:
            return
        second = Batch(batch.ask, self, batch.ask.mail(), batch.asked, batch.ids)
        for step in again:
            try:
                await second.carry_out(step)
            except (Refused, Unavailable) as error:
                run.undo(step, error)
        for step, why in await second.commit():
            changed = isinstance(why, Refused) and why.reason is Reason.CHANGED
            run.undo(step, SetRefused(SetFault.SERVER_FAIL, _TRY_AGAIN) if changed else why)


class Batch:
    """What one /set does, step by step, and then durable at once. It sees what it has done already."""

    def __init__(
        self, ask: Ask, kind: Kind, mail: AccountMail, asked: Set, ids: dict[str, str] | None = None
    ) -> None:
        """``ids``: of creations that were given theirs before. ``refused``: some step was."""
        self.ask = ask
        self.kind = kind
        self.mail = mail
        self.asked = asked
        self.refused = False
        self.ids = {} if ids is None else ids
        self.step: Step | None = None
        self.memory: dict[str, Any] = {}  # the kind's own, as long as the batch lasts
        self._done: dict[str, Stored | None] = {}
        self._all: dict[str, Stored] | None = None
        self._made = 0
        self._later: list[AnyCommand] = []
        self._changes: list[_Change] = []
        self._of_object: dict[str, _Change] = {}

    def find(self, object_id: str) -> Stored | None:
        if object_id in self._done:
            return self._done[object_id]
        if self._all is not None:
            return self._all.get(object_id)
        return self.kind.find(self.ask, self.mail, object_id)

    def all(self) -> dict[str, Stored]:
        """All of the kind, as this batch leaves them; read once. Not to be changed."""
        if self._all is None:
            self._all = self.kind.all(self.ask, self.mail)
            for name, each in self._done.items():
                self._note(name, each)
        return self._all

    def _note(self, object_id: str, now: Stored | None) -> None:
        self._done[object_id] = now
        if self._all is not None and now is not None:
            self._all[object_id] = now
        elif self._all is not None:
            self._all.pop(object_id, None)

    def also(self, command: AnyCommand) -> None:
        """One more command of the step that is carried out, behind its object's: it fails with it."""
        self._later.append(command)

    async def carry_out(self, step: Step) -> Json | None:
        """What ``SetRun.done`` is given. Raises ``Refused``, ``Unavailable``."""
        self.step = step
        try:
            result = await self._carry_out(step)
            self._changes += [_Change([step], command) for command in self._later]
            return result
        finally:
            self.step = None
            self._later.clear()

    async def _carry_out(self, step: Step) -> Json | None:
        if isinstance(step, Create):
            return await self._create(step)
        old = self.find(step.id)
        if old is None:
            raise SetRefused(SetFault.NOT_FOUND)
        if isinstance(step, Update):
            return await self._update(old, step.patch)
        await self.kind.check_destroy(self, old)
        self.remove(old)
        return None

    async def _create(self, step: Create) -> Json:
        kind = self.kind
        wanted = {**kind.settable, **step.value}
        missing = [name for name in sorted(kind.required) if name not in step.value]
        strange = [name for name in step.value if name == "id" or not self._known(name)]
        if missing or strange:
            text = f"Missing: {', '.join(missing)}." if missing else f"Can't be set: {', '.join(strange)}."
            raise SetRefused(SetFault.INVALID_PROPERTIES, text, properties=missing + strange)
        if self.mail.object_count(kind.name) + self._made >= kind.most:
            raise SetRefused(SetFault.OVER_QUOTA, f"There may be {kind.most} of {kind.name}.")
        object_id = self.ids.setdefault(step.creation_id, kind.new_id(self.ask, wanted))
        value = await kind.check(self, None, wanted)
        new = self.put(object_id, value, None)
        self._made += 1
        shown = kind.show(self.ask, new)
        return {
            name: held
            for name, held in shown.items()
            if name == "id" or name not in step.value or step.value[name] != held
        }

    async def _update(self, old: Stored, patch: Patch) -> Json | None:
        kind = self.kind
        shown = kind.show(self.ask, old)
        wanted = apply_patch(shown, patch, kind.settable)
        wrong = [
            name
            for name in wanted.keys() | shown.keys()
            if wanted.get(name) != shown.get(name)
            and (name == "id" or name in kind.server_set or name in kind.fixed or not self._known(name))
        ]
        if wrong:
            text = f"Can't be changed: {', '.join(sorted(wrong))}."
            raise SetRefused(SetFault.INVALID_PROPERTIES, text, properties=sorted(wrong))
        plain = {name: held for name, held in wanted.items() if name != "id" and name not in kind.server_set}
        value = await kind.check(self, old, plain)
        new = kind.show(self.ask, self.put(old.id, value, old))
        beyond = {name: held for name, held in new.items() if held != wanted.get(name)}
        return beyond or None

    def _known(self, name: str) -> bool:
        return self.kind.open or name in self.kind.settable

    def put(self, object_id: str, value: Json, old: Stored | None) -> Stored:
        """``old``: what stands there, None for nothing."""
        data = encode(value)
        if len(data) > OBJECT_BYTES:
            text = f"One may have {OBJECT_BYTES} bytes; this would be {len(data)}."
            raise SetRefused(SetFault.TOO_LARGE, text)
        new = Stored(object_id, value, old.modseq if old is not None else 0, self.kind.due(value))
        account, expected = self.ask.account, new.modseq
        self._change(
            object_id,
            PutObject(
                account=account.id,
                cell=account.cell,
                kind=self.kind.name,
                id=object_id,
                data=data,
                due=new.due,
                if_modseq=expected,
            ),
        )
        self._note(object_id, new)
        return new

    def remove(self, old: Stored) -> None:
        account = self.ask.account
        command = RemoveObject(
            account=account.id, cell=account.cell, kind=self.kind.name, id=old.id, if_modseq=old.modseq
        )
        self._change(old.id, command if old.modseq else None)
        self._note(old.id, None)

    def _change(self, object_id: str, command: AnyCommand | None) -> None:
        """What is changed twice is changed once, to what it became last: JOBJ-1 for all its steps."""
        earlier = self._of_object.get(object_id)
        steps = [] if earlier is None else earlier.steps
        if self.step is not None:
            steps.append(self.step)
        if earlier is not None:
            earlier.command = command
        else:
            self._of_object[object_id] = change = _Change(steps, command)
            self._changes.append(change)

    async def commit(self) -> list[tuple[Step, Refused | Unavailable]]:
        """Durable when it returns, but for the steps it names. Raises ``Unavailable``: nothing was kept."""
        changes = [(each.steps, each.command) for each in self._changes if each.command is not None]
        if not changes:
            return []
        outcomes = await self.ask.commit([command for _, command in changes])
        failed: dict[int, tuple[Step, Refused | Unavailable]] = {}
        for (steps, _), outcome in zip(changes, outcomes):
            if isinstance(outcome, Refused | Unavailable):
                if not steps:
                    raise MethodError(MethodFault.SERVER_PARTIAL_FAIL, _TRY_AGAIN)
                failed |= {id(step): (step, outcome) for step in steps if id(step) not in failed}
        return list(failed.values())


class _Change:
    """One command of a batch, and the steps that fail with it."""

    __slots__ = ("command", "steps")

    def __init__(self, steps: list[Step], command: AnyCommand | None) -> None:
        self.steps = steps
        self.command = command


def stored(found: Object) -> Stored:
    return Stored(found.id, decode(found.data), found.modseq, found.due)


def _only(shown: Json, properties: Sequence[str] | None) -> Json:
    if properties is None:
        return shown
    return {name: held for name, held in shown.items() if name == "id" or name in properties}


def read(value: Any, shape: type[msgspec.Struct]) -> Any:
    """A value in the types of ``shape``; SetRefused invalidProperties where it isn't."""
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        found = str(error).rpartition("$.")[2].rstrip("`") if "$." in str(error) else ""
        name = found.split("[")[0].split(".")[0]
        properties = [name] if name else None
        raise SetRefused(SetFault.INVALID_PROPERTIES, str(error), properties=properties) from None


__all__ = ["Batch", "Destroy", "Kind", "Stored", "decode", "encode", "read", "stored"]
