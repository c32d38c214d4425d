"""PushSubscription/get and /set: of the person who asks, without an account. RFC 8620 §7.2"""

from __future__ import annotations

import datetime
import hmac
from typing import Any, Final

import msgspec
from msgspec import UNSET

from holdfast.functions.jmap.asking import Ask, Describe, Handler
from holdfast.functions.jmap.pushes import KIND, Kept, decode, encode
from holdfast.functions.jmap.webpush import Subscriber
from holdfast.model.errors import Refused, Unavailable
from holdfast.model.limits import JMAP_PUSH_LIFE_S, JMAP_PUSH_MOST
from holdfast.store import PutObject, RemoveObject
from holdfast.wire.jmap.core import Json, Shape
from holdfast.wire.jmap.errors import MethodError, MethodFault, SetFault, SetRefused
from holdfast.wire.jmap.methods import PushGet, PushSet
from holdfast.wire.jmap.push import PushSubscription
from holdfast.wire.jmap.sets import Create, Destroy, SetRun, Step
from holdfast.wire.jmap.standard import Set

VAPID: Final = "urn:ietf:params:jmap:webpush-vapid"  # RFC 9749
_SHOWN = frozenset({"id", "deviceClientId", "verificationCode", "expires", "types"})
_HIDDEN = frozenset({"url", "keys"})
_DEVICE_CHARACTERS = 255
_CODE_LETTERS = 32
_SAID = {  # of a /set, what has no account and no state
    "created": "created",
    "updated": "updated",
    "destroyed": "destroyed",
    "not_created": "notCreated",
    "not_updated": "notUpdated",
    "not_destroyed": "notDestroyed",
}

Objects = list[Json]
Ids = list[str]


class PushGetResult(Shape, kw_only=True):
    list: Objects
    not_found: Ids


async def get(ask: Ask, asked: PushGet) -> PushGetResult:
    wanted = _SHOWN if asked.properties is None else {"id", *asked.properties}
    if hidden := wanted & _HIDDEN:
        text = f"{', '.join(sorted(hidden))}: never given back (RFC 8620 §7.2.1)."
        raise MethodError(MethodFault.FORBIDDEN, text)
    if strange := wanted - _SHOWN:
        raise MethodError(MethodFault.INVALID_ARGUMENTS, f"There is no property {', '.join(strange)}.")
    there = {each.id: _shown(each.id, decode(each.data)) for each in ask.mail().objects(KIND)}
    ids = list(there) if asked.ids is None else list(dict.fromkeys(asked.ids))
    found = [there[id] for id in ids if id in there]
    return PushGetResult(
        list=[{name: value for name, value in each.items() if name in wanted} for each in found],
        not_found=[id for id in ids if id not in there],
    )


def _shown(id: str, kept: Kept) -> Json:
    return {
        "id": id,
        "deviceClientId": kept.device,
        "verificationCode": kept.code if kept.verified else None,
        "expires": _date(kept.expires),
        "types": kept.types,
    }


async def set_(ask: Ask, asked: PushSet) -> dict[str, Any]:
    run = SetRun(
        Set(account_id=ask.account_id, create=asked.create, update=asked.update, destroy=asked.destroy),
        ask.server.real_id,
        ask.server.note_created,
        ask.met,
    )
    while (step := run.next_event()) is not None:
        try:
            run.done(await _carry_out(ask, step))
        except (Refused, Unavailable) as error:
            run.refuse(error)
    ask.parts.pushes.nudge()
    result = msgspec.structs.asdict(run.result(None, ""))
    return {encoded: result[name] for name, encoded in _SAID.items()}


async def _carry_out(ask: Ask, step: Step) -> Json | None:
    if isinstance(step, Create):
        return await _create(ask, _read(step.value))
    found = ask.mail().object(KIND, step.id)
    if found is None:
        raise SetRefused(SetFault.NOT_FOUND)
    if isinstance(step, Destroy):
        await _commit(ask, RemoveObject(account=ask.account.id, cell=ask.account.cell, kind=KIND, id=step.id))
        return None
    return await _update(ask, step.id, decode(found.data), found.modseq, step.patch)


async def _create(ask: Ask, new: PushSubscription) -> Json:
    if new.verification_code not in (UNSET, None) or new.id is not UNSET:
        raise _wrong("verificationCode", "comes with the first push, and is set then")
    if not isinstance(new.url, str):
        raise _wrong("url", "is missing")
    if not new.device_client_id or len(new.device_client_id) > _DEVICE_CHARACTERS:
        raise _wrong("deviceClientId", f"has 1 to {_DEVICE_CHARACTERS} characters")
    if len(ask.mail().objects(KIND)) >= JMAP_PUSH_MOST:
        raise SetRefused(SetFault.RATE_LIMIT, f"at most {JMAP_PUSH_MOST} subscriptions")
    now = ask.parts.world.clock.now()
    keys = new.keys if new.keys is not UNSET else None
    if keys is not None:
        try:
            Subscriber.read(keys.p256dh, keys.auth)
        except Refused as refused:
            raise _wrong("keys", refused.text) from None
    kept = Kept(
        device=new.device_client_id,
        url=new.url,
        code=ask.parts.world.entropy.token(_CODE_LETTERS),
        made_at=now,
        expires=_expires(ask, new.expires),
        p256dh=keys.p256dh if keys is not None else "",
        auth=keys.auth if keys is not None else "",
        types=new.types if isinstance(new.types, list) else None,
    )
    id = ask.parts.world.entropy.token(20)
    await _keep(ask, id, kept, 0)
    return {"id": id, "keys": None, "expires": _date(kept.expires)}


async def _update(ask: Ask, id: str, kept: Kept, modseq: int, patch: Json) -> Json | None:
    """RFC 8620 §7.2.2: the code, the end, the types; nothing else may change."""
    if strange := patch.keys() - {"verificationCode", "expires", "types"}:
        raise _wrong(sorted(strange)[0], "can't be changed")
    new = _read({"deviceClientId": kept.device, **patch})
    changed: Json | None = None
    if isinstance(new.verification_code, str):
        if not hmac.compare_digest(new.verification_code.encode(), kept.code.encode()):
            raise _wrong("verificationCode", "isn't the one that was pushed")
        kept.verified = True
    if "expires" in patch:
        kept.expires = _expires(ask, new.expires)
        changed = {"expires": _date(kept.expires)}
    if "types" in patch:
        kept.types = new.types if isinstance(new.types, list) else None
    await _keep(ask, id, kept, modseq)
    return changed


async def _keep(ask: Ask, id: str, kept: Kept, modseq: int) -> None:
    whose = {"account": ask.account.id, "cell": ask.account.cell}
    await _commit(
        ask,
        PutObject(**whose, kind=KIND, id=id, data=encode(kept), due=kept.expires, if_modseq=modseq),
    )


async def _commit(ask: Ask, command: PutObject | RemoveObject) -> None:
    (outcome,) = await ask.commit([command])
    if isinstance(outcome, Refused | Unavailable):
        raise outcome


def _read(value: Json) -> PushSubscription:
    try:
        return msgspec.convert(value, PushSubscription)
    except msgspec.ValidationError as error:
        raise SetRefused(SetFault.INVALID_PROPERTIES, str(error)) from None


def _expires(ask: Ask, wish: object) -> int:
    """No later than we allow, and not in the past."""
    now = ask.parts.world.clock.now()
    latest = int(now + JMAP_PUSH_LIFE_S)
    return min(latest, int(wish.timestamp())) if isinstance(wish, datetime.datetime) else latest


def _date(at: int) -> str:
    return datetime.datetime.fromtimestamp(at, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _wrong(name: str, text: str) -> SetRefused:
    return SetRefused(SetFault.INVALID_PROPERTIES, f"{name} {text}.", properties=[name])


HANDLERS: Final[dict[str, Handler]] = {"PushSubscription/get": get, "PushSubscription/set": set_}
CAPABILITIES: Final[dict[str, Describe]] = {VAPID: lambda parts, account: {}}
