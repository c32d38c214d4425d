"""One /set carried out step by step: which creation when, and what becomes of each. RFC 8620 §5.3"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

from holdfast.model.errors import Refused, Unavailable
from holdfast.wire.jmap.core import Json
from holdfast.wire.jmap.errors import SetError, SetFault, SetRefused, set_error
from holdfast.wire.jmap.standard import Set, SetResult


class Create(NamedTuple):
    creation_id: str
    value: Json


class Update(NamedTuple):
    id: str
    patch: Json


class Destroy(NamedTuple):
    id: str


Step = Create | Update | Destroy


class SetRun:
    """``next_event`` until None; each step is ended by ``done`` or ``refuse``. Then ``result``.

    Creations come before updates, updates before destructions; a creation after those it names
    (``"parentId": "#k1"``). What names a creation that failed, or one that names it back, isn't begun.
    Ids that name creations are the real ones in every step, in values and as names of properties.
    ``real_id``: of a reference, and ``note``: takes what a creation made (both the server machine's).
    ``met``: is told what each step that isn't carried out met.
    """

    __slots__ = ("_asked", "_met", "_note", "_open", "_real_id", "_result", "_steps", "_waiting")

    def __init__(
        self,
        asked: Set,
        real_id: Callable[[str], str | None],
        note: Callable[[str, str], None],
        met: Callable[[Refused | Unavailable], object] = lambda error: None,
    ) -> None:
        self._asked = asked
        self._met = met
        self._real_id = real_id
        self._note = note
        self._open: Step | None = None
        self._waiting = dict(asked.create or {})
        destroyed = set(asked.destroy or ())
        self._steps: deque[Step] = deque()
        self._result = SetResult(account_id=asked.account_id, old_state=None, new_state="")
        for each, patch in (asked.update or {}).items():
            if each in destroyed:
                self._fail(Update(each, patch), SetError(type=SetFault.WILL_DESTROY.value))
            else:
                self._steps.append(Update(each, patch))
        self._steps.extend(Destroy(each) for each in dict.fromkeys(asked.destroy or ()))

    def next_event(self) -> Step | None:
        if self._open is not None:
            return self._open
        self._open = self._next_creation() or self._next_change()
        return self._open

    def _next_creation(self) -> Create | None:
        while self._waiting:
            creation_id = self._ready()
            value = self._waiting.pop(creation_id)
            try:
                return Create(creation_id, with_real_ids(value, self._real_id))
            except SetRefused as error:
                self._fail(Create(creation_id, value), error.error)
        return None

    def _ready(self) -> str:
        """A creation that names no waiting one; where they name each other in a circle, the first."""
        for creation_id, value in self._waiting.items():
            if not any(name in self._waiting for name in creations_named(value)):
                return creation_id
        return next(iter(self._waiting))

    def _next_change(self) -> Step | None:
        while self._steps:
            step = self._steps.popleft()
            assert not isinstance(step, Create)
            real = self._real_id(step.id)
            if real is None:
                self._fail(step, SetError(type=SetFault.NOT_FOUND.value))
                continue
            if isinstance(step, Destroy):
                return Destroy(real)
            try:
                return Update(real, with_real_ids(step.patch, self._real_id))
            except SetRefused as error:
                self._fail(step, error.error)
        return None

    def done(self, properties: Json | None = None) -> None:
        """The open step is carried out. ``properties``: of a creation what the server set, its ``id`` among
        them; of an update what changed beyond the patch."""
        step = self._close()
        result = self._result
        if isinstance(step, Create):
            assert properties is not None
            self._note(step.creation_id, str(properties["id"]))
            result.created = result.created or {}
            result.created[step.creation_id] = properties
        elif isinstance(step, Update):
            result.updated = result.updated or {}
            result.updated[step.id] = properties
        else:
            result.destroyed = result.destroyed or []
            result.destroyed.append(step.id)

    def refuse(self, error: Refused | Unavailable) -> None:
        """The open step wasn't carried out; the others are."""
        self._met(error)
        self._fail(self._close(), set_error(error))

    def undo(self, step: Step, error: Refused | Unavailable) -> None:
        """A step that was ended by ``done`` could not be kept after all, where several are kept at once."""
        self._met(error)
        result = self._result
        if isinstance(step, Create):
            assert result.created is not None
            del result.created[step.creation_id]
        elif isinstance(step, Update):
            assert result.updated is not None
            del result.updated[step.id]
        else:
            assert result.destroyed is not None
            result.destroyed.remove(step.id)
        self._fail(step, set_error(error))

    def result(self, old_state: str | None, new_state: str) -> SetResult:
        assert self._open is None and not self._waiting and not self._steps
        self._result.old_state = old_state
        self._result.new_state = new_state
        return self._result

    def _close(self) -> Step:
        step = self._open
        assert step is not None, "no step is open"
        self._open = None
        return step

    def _fail(self, step: Step, error: SetError) -> None:
        result = self._result
        if isinstance(step, Create):
            result.not_created = result.not_created or {}
            result.not_created[step.creation_id] = error
        elif isinstance(step, Update):
            result.not_updated = result.not_updated or {}
            result.not_updated[step.id] = error
        else:
            result.not_destroyed = result.not_destroyed or {}
            result.not_destroyed[step.id] = error


# Properties that hold ids of other objects; elsewhere “#1 fan” is somebody's words.
REFERRING = frozenset(
    {
        *("parentId", "mailboxIds", "emailId", "identityId", "threadId", "inMailbox"),
        *("addressBookIds", "mailboxId", "forEmailId"),
    }
)


def creations_named(value: Json) -> Iterator[str]:
    """The creation ids an object names in the properties that hold ids."""
    for name in REFERRING & value.keys():
        held = value[name]
        for each in held if isinstance(held, dict) else (held,):
            if isinstance(each, str) and each[:1] == "#":
                yield each[1:]


def with_real_ids(value: Json, real_id: Callable[[str], str | None]) -> Json:
    """An object or a patch (``mailboxIds/#k1``) with real ids. SetRefused where there is none."""

    def real(name: str, reference: str) -> str:
        found = real_id(reference)
        if found is None:
            text = f"“{reference}” made nothing."
            raise SetRefused(SetFault.INVALID_PROPERTIES, text, properties=[name])
        return found

    made: Json = {}
    for path, held in value.items():
        name, slash, rest = path.partition("/")
        if name not in REFERRING:
            made[path] = held
        elif slash:
            made[f"{name}/{real(name, rest)}" if rest[:1] == "#" else path] = held
        elif isinstance(held, dict):
            made[path] = {real(name, each) if each[:1] == "#" else each: it for each, it in held.items()}
        elif isinstance(held, str) and held[:1] == "#":
            made[path] = real(name, held)
        else:
            made[path] = held
    return made
