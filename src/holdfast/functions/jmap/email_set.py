"""Email/set. RFC 8621 §4.6"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from holdfast.functions.jmap.appending import New, append_all
from holdfast.functions.jmap.asking import Ask, Handler
from holdfast.functions.jmap.blobs import read_blob
from holdfast.functions.jmap.ids import EMAIL, MAILBOX, id_of, number_of
from holdfast.functions.jmap.keeping import GONE, Decide, Wanted, make_so
from holdfast.functions.jmap.placing import keywords_of, mailboxes_of, received_of
from holdfast.functions.jmap.rows import Keywords, kept, utc
from holdfast.model.errors import Refused, Unavailable
from holdfast.model.mail import MessageId
from holdfast.store import EmailRow
from holdfast.wire.jmap.composing import Blob, Stamp, blobs_named, compose
from holdfast.wire.jmap.core import Json
from holdfast.wire.jmap.errors import SetFault, SetRefused
from holdfast.wire.jmap.mail import KEPT_PROPERTIES
from holdfast.wire.jmap.patch import apply_patch
from holdfast.wire.jmap.sets import Create, Destroy, SetRun, Update
from holdfast.wire.jmap.standard import Set, SetResult

_PLACED: Final = frozenset(("mailboxIds", "keywords", "receivedAt"))
_CHANGEABLE: Final = frozenset(("mailboxIds", "keywords"))
_BOUNDARY_LETTERS = 24
_ID_LETTERS = 26


async def change(ask: Ask, asked: Set) -> SetResult:
    """Creations one by one; all updates share a commit, and so do all destructions."""
    before = str(ask.mail().modseq)
    asked.check_state(before)
    run = SetRun(asked, ask.server.real_id, ask.server.note_created, ask.met)
    updates: dict[MessageId, Update] = {}
    gone: dict[MessageId, Destroy] = {}
    while (step := run.next_event()) is not None:
        try:
            if isinstance(step, Create):
                run.done(await _create(ask, step.value))
                continue
            number = number_of(EMAIL, step.id)
            if number is None:
                raise SetRefused(SetFault.NOT_FOUND, "There is no such Email.")
            if isinstance(step, Update):
                updates[number] = step
            else:
                gone[number] = step
            run.done()
        except (Refused, Unavailable) as error:
            run.refuse(error)
    failed = await make_so(ask, {number: _decision(step.patch) for number, step in updates.items()})
    for number, why in failed.items():
        run.undo(updates[number], why)
    for number, why in (await make_so(ask, dict.fromkeys(gone, lambda row, now: GONE))).items():
        run.undo(gone[number], why)
    return run.result(before, str(ask.mail().modseq))


def _decision(patch: Json) -> Decide:
    def decide(row: EmailRow, now: frozenset[str]) -> Wanted:
        old: Json = {
            "mailboxIds": {id_of(MAILBOX, each): True for each in row.mailboxes},
            "keywords": dict.fromkeys(now, True),
        }
        ours = {name: held for name, held in patch.items() if name.partition("/")[0] in _CHANGEABLE}
        if len(ours) < len(patch):
            _same_as_it_was(row, {name: held for name, held in patch.items() if name not in ours})
        new = apply_patch(old, ours, {"keywords": {}})
        return Wanted(mailboxes_of(new.get("mailboxIds")), keywords_of(new.get("keywords")))

    return decide


def _same_as_it_was(row: EmailRow, patch: Json) -> None:
    """Nothing else of an Email ever changes; to say again what it is does no harm."""
    is_now: Json = msgspec.to_builtins(kept(row, Keywords(()), ()))
    wrong = [name for name, held in patch.items() if name not in KEPT_PROPERTIES or is_now[name] != held]
    if wrong:
        text = "Of an Email only keywords and mailboxIds change; another text is another Email."
        raise SetRefused(SetFault.INVALID_PROPERTIES, text, properties=sorted(wrong))


async def _create(ask: Ask, value: Json) -> Json:
    new = New(
        mailboxes_of(value.get("mailboxIds")),
        keywords_of(value.get("keywords") or {}),
        received_of(value.get("receivedAt")),
    )
    of_message = {name: held for name, held in value.items() if name not in _PLACED}
    blobs = await _blobs(ask, of_message)
    message = await ask.parts.world.offload(compose, of_message, blobs, _stamp(ask))
    (made,) = await append_all(ask, [new._replace(message=message)])
    if isinstance(made, Refused | Unavailable):
        raise made
    return made


async def _blobs(ask: Ask, value: Json) -> Mapping[str, Blob]:
    found: dict[str, Blob] = {}
    size = 0
    for each in blobs_named(value):
        blob = await read_blob(ask.parts, ask.account, each)
        if blob is not None:
            size += len(blob.data)
            if size > ask.parts.mail_limits.message_bytes:
                text = f"A message has at most {ask.parts.mail_limits.message_bytes} bytes."
                raise SetRefused(SetFault.TOO_LARGE, text)
            found[each] = Blob(bytes(blob.data), blob.type)
    return found


def _stamp(ask: Ask) -> Stamp:
    world = ask.parts.world
    now = utc(int(world.clock.now()))
    token = world.entropy.token
    return Stamp(now, f"{token(_ID_LETTERS)}@{ask.parts.hostname}", f"=_{token(_BOUNDARY_LETTERS)}")


HANDLERS: Final[dict[str, Handler]] = {"Email/set": change}
