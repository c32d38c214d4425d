"""The canaries of what is done in a browser: webmail, a password changed and changed back, an account."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from holdfast.model.errors import Unavailable
from holdfast.model.limits import CANARY_LEFT_S, CANARY_STEP_S
from holdfast.watch.canaries.ground import ANCHOR, NO_ANCHOR, Ground
from holdfast.watch.canaries.leftovers import Left
from holdfast.watch.canaries.visiting import Page, Visitor, Web, path_of
from holdfast.watch.canaries.walk import Walk
from holdfast.watch.canaries.words import Account, Unsure
from holdfast.watch.clients import Fault, Turned

NO_ANSWER = "no answer in time"
_LOOK_S = 0.2
_MADE_S = 4.0
_USED_S = 2.0
_NOT_NOW = (Turned, Fault, Unavailable, Unsure, OSError)


async def webmail(ground: Ground, walk: Walk) -> None:
    web = Web(ground.world, ground.site("webmail"))
    try:
        if b"<script" not in await web.get("/index.html"):
            raise Fault("index.html", "it is not the program")
        walk.begin("config.json")
        said = msgspec.json.decode(await web.get("/config.json"), type=dict[str, Any])
        if not said.get("jmap"):
            raise Fault("config.json", "it names no JMAP to ask")
    finally:
        await web.close()
    walk.begin("sign-in")
    walk.account = ground.first
    async with ground.programs(ground.first) as programs:
        await programs.sign_in()
        walk.begin("Email/query")
        ids = (await programs.call("Email/query", {"filter": {"subject": ANCHOR}, "limit": 1}))["ids"]
        if not ids:
            raise Unsure(NO_ANCHOR)
        walk.begin("Email/get")
        got = await programs.call("Email/get", {"ids": ids, "properties": ["blobId", "size"]})
        if [each.get("id") for each in got["list"]] != ids:
            raise Fault("Email/get", "what Email/query names isn't there")
        walk.begin("blob")
        [found] = got["list"]
        if len(await programs.blob(found["blobId"])) != found["size"]:
            raise Fault("blob", "it is of another size than said")


@asynccontextmanager
async def _visitor(ground: Ground, role: str) -> AsyncIterator[Visitor]:
    visitor = Visitor(ground.world, ground.site(role))
    try:
        yield visitor
    finally:
        await visitor.close()


# A password


async def password(ground: Ground, walk: Walk) -> None:
    """CANARY-4: it knows two passwords, so one left by a broken run is found and changed back."""
    own = ground.second
    walk.account = own._replace(app=own.password)
    now, then = own.password, own.other
    async with _visitor(ground, "password") as visitor:
        if await _enter(ground, visitor, own) == then:
            walk.notes.append("the password was still the other one, of a run before")
            await _change(visitor, own.address, then, now)
        walk.begin("change")
        await _change(visitor, own.address, now, then)
    async with _visitor(ground, "password") as visitor:
        walk.begin("sign-in again")
        await visitor.sign_in(own.address, then)
        walk.begin("change back")
        await _change(visitor, own.address, then, now)
        ground.stood[own.address] = now


async def _enter(ground: Ground, visitor: Visitor, own: Account) -> str:
    """The password that let it in. Of its two that of the last time comes first: wrong ones are counted."""
    last = ground.stood.get(own.address, own.password)
    other = own.other if last == own.password else own.password
    try:
        await visitor.sign_in(own.address, last)
        return last
    except Turned as turned:
        if turned.temporary or not await _signs_in(ground, own.address, other):
            raise
    ground.stood[own.address] = other
    await visitor.sign_in(own.address, other)
    return other


async def _signs_in(ground: Ground, address: str, word: str) -> bool:
    async with _visitor(ground, "password") as visitor:
        try:
            await visitor.sign_in(address, word)
        except Turned:
            return False
        return True


async def _change(visitor: Visitor, address: str, current: str, new: str) -> None:
    answer = await visitor.send(
        "/password", {"username": address, "current": current, "new": new, "again": new}
    )
    if answer.status != 200:
        raise Turned("/password: it asks to sign in once more", temporary=False)
    page = Page(answer.body)
    if any(link.startswith("/asked/") for link in page.links):
        raise Fault("change", "it was taken, and is carried out later", partly=True)
    if "good" not in page.classes:
        raise Fault("change", "the page doesn't say that it was changed")


# An account


async def signup(ground: Ground, walk: Walk) -> None:
    """An account made, used and removed; noted before it is made (CANARY-4)."""
    joining, clock = ground.joining, ground.world.clock
    site = ground.site("signup")
    if not joining.domain:
        raise Unsure(joining.why)
    own = Left(f"canary-{ground.token}@{joining.domain}", ground.world.entropy.token(20), clock.now())
    visitor = Visitor(ground.world, site)
    try:
        await _join(ground, visitor, walk, own)
    finally:
        await visitor.close()
    walk.begin("used", _USED_S + 1.0)
    walk.notes.append(f"let in by {await _use(ground, own)}")
    walk.begin("removed", 2 * CANARY_STEP_S)
    try:
        async with asyncio.timeout(CANARY_STEP_S):
            await _remove(ground, own)
        ground.leftovers.drop(own)
    except _NOT_NOW as error:
        walk.notes.append(f"not removed yet, the next run tries again: {str(error) or NO_ANSWER}")


async def _join(ground: Ground, visitor: Visitor, walk: Walk, own: Left) -> None:
    clock = ground.world.clock
    name, _, domain = own.address.partition("@")
    page = await visitor.page("/")
    walk.may_take(ground.joining.pause_s + CANARY_STEP_S)
    await clock.sleep(ground.joining.pause_s)
    try:
        known_by = await ground.world.offload(ground.joining.pass_of, own.address)
    except Unavailable as error:
        raise Unsure(f"it can't show that it is ours: {error}") from None
    await visitor.send("/", {"name": name, "domain": domain, "canary": known_by}, page)
    walk.begin("details")
    details = {"name": "Canary", "password": own.password, "repeat": own.password}
    await visitor.send("/details", {**details, "spoken": "en", "terms": "on"})
    walk.begin("summary")
    page = await visitor.page("/summary")
    ground.leftovers.add(own)
    answer = await visitor.send("/summary", {}, page)
    walk.begin("made", _MADE_S + 1.0)
    path = path_of(answer.headers.get("location", ""))
    if not path.startswith("/request/"):
        raise Unsure("sign-up asks for more than a canary has")
    until = clock.monotonic() + _MADE_S
    while "facts" not in (page := await visitor.page(path)).classes:
        if clock.monotonic() > until:
            waits = "warn" in page.classes
            raise Fault("made", "it was taken, and is made later" if waits else "refused", partly=waits)
        await clock.sleep(_LOOK_S)


async def _use(ground: Ground, own: Left) -> str:
    """The first door that lets it in: each process may hear of it a moment later."""
    account = Account(own.address, own.password, "", own.password)
    until = ground.world.clock.monotonic() + _USED_S
    while (found := await ground.stands(account)) is not True:
        if ground.world.clock.monotonic() > until:
            if found is None:
                raise Unsure("made; no door could be asked to let it in")
            raise Fault("used", "made, and no door lets it in")
        await ground.world.clock.sleep(_LOOK_S)
    return "a mail program's door"


async def _remove(ground: Ground, own: Left) -> None:
    """By its owner, on the pages of self-service. Raises ``Turned`` and what else a conversation does."""
    async with _visitor(ground, "password") as visitor:
        await visitor.sign_in(own.address, own.password)
        answer = await visitor.send("/delete", {"typed": own.address, "current": own.password})
        if answer.status != 200:
            raise Turned("/delete: it asks to sign in once more", temporary=False)


async def clear(ground: Ground) -> list[str]:
    """CANARY-4: removes accounts that were left, and says which could not be."""
    said = []
    for each in ground.leftovers.all:
        try:
            await _remove(ground, each)
            ground.leftovers.drop(each)
        except _NOT_NOW as error:
            never = isinstance(error, Turned) and not error.temporary
            if never and ground.world.clock.now() - each.at > CANARY_LEFT_S:
                ground.leftovers.drop(each)
            else:
                said.append(f"{each.address} is not removed yet: {str(error) or NO_ANSWER}")
    return said
