"""The canaries of mail: received, refused, sent, sent out and back, read by IMAP and by POP3."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from holdfast.model.limits import CANARY_SEEN_S, CANARY_STEP_S
from holdfast.model.mail import Flag
from holdfast.watch.canaries.ground import ANCHOR, NO_ANCHOR, Ground, hand_over
from holdfast.watch.canaries.seeing import LOOK_S, seen
from holdfast.watch.canaries.walk import Walk
from holdfast.watch.canaries.words import Unsure
from holdfast.watch.clients import NOT_UNDERSTOOD, Fault, Imap, Steps, Turned
from holdfast.wire.imap import commands as c
from holdfast.wire.imap.answers import Fetched, Searched, Tagged
from holdfast.wire.smtp.transaction import Recipient, Transaction

_WRITE_S = CANARY_STEP_S - 0.5
OUT = "holdfast canary out"  # subject of what is sent elsewhere and comes back
_NOT_LOOKED = "it was taken; nobody could be asked whether it is back"
_WHOLE = c.BodySection(c.Section(), b"BODY[]", peek=True)


async def receive(ground: Ground, walk: Walk) -> None:
    """As another server delivers it, from nobody: no answer to it goes anywhere."""
    await _come_in(ground, walk, f"holdfast canary {ground.token} in")


async def _come_in(ground: Ground, walk: Walk, subject: str) -> None:
    to, walk.account = ground.first.address, ground.first
    async with ground.smtp("mx", walk) as smtp:
        await hand_over(walk, smtp, "", to, ground.message(f"canary@{_domain(ground)}", to, subject))
    await seen(ground, walk, ground.first, subject)


async def refuse(ground: Ground, walk: Walk) -> None:
    """Who isn't here is refused at once and for good; that only people in doubt are asked to wait is right,
    and no refusal."""
    async with ground.smtp("mx", walk) as smtp:
        walk.begin("RCPT")
        nobody = Recipient(f"nobody-{ground.token}@{_domain(ground)}")
        reply = await smtp.reply_to(Transaction("", (nobody,), b""), asks=True)
        if reply.code != 550:
            raise Fault("RCPT", f"an address that nobody has: {reply}", partly=reply.temporary)


async def send(ground: Ground, walk: Walk) -> None:
    subject, to = f"holdfast canary {ground.token} sent", ground.second.address
    await _submit(ground, walk, to, subject)
    await seen(ground, walk, ground.second, subject)


async def relay(ground: Ground, walk: Walk) -> None:
    """Out to the address elsewhere, which sends back what it gets, and in again (CANARY-7). Who looks for it,
    and the way in, are others' to be tried: when these don't serve, it is unknown."""
    if not ground.outside:
        raise Unsure("no address elsewhere is configured: [canary] outside")
    returns, clock = ground.returns, ground.world.clock
    await _submit(ground, walk, ground.outside, f"{OUT} {ground.token}")
    returns.sent(ground.token, clock.monotonic())
    patience_s = returns.patience_s()
    walk.begin("back", patience_s + 2 * CANARY_SEEN_S)
    looked_at = -math.inf
    try:
        async with asyncio.timeout(patience_s), ground.imap(ground.first, Steps()) as imap:
            await imap.do(c.Select("INBOX", read_only=True))
            missing = [each for each in returns.missing() if await _found(imap, f"{OUT} {each}")]
            returns.late(missing, clock.monotonic())
            while not await _found(imap, f"{OUT} {ground.token}"):
                looked_at = clock.monotonic()
                await clock.sleep(5 * LOOK_S)
                await imap.do(c.Noop())
            returns.back(ground.token, clock.monotonic())
    except TimeoutError:
        if clock.monotonic() - looked_at > CANARY_STEP_S:
            raise Unsure(_NOT_LOOKED) from None
        await _way_in(ground)
        usual = returns.usual_s()
        more = "" if usual is None else f"; it has taken {usual:.1f} s at most"
        raise Fault(walk.doing, f"taken, and not back after {patience_s:.0f} s{more}", partly=True) from None
    except (Turned, Fault, OSError, *NOT_UNDERSTOOD) as error:
        raise Unsure(f"{_NOT_LOOKED}: {error}") from None


async def _way_in(ground: Ground) -> None:
    """Raises ``Unsure`` where nothing would come in from anywhere."""
    try:
        async with asyncio.timeout(1.5 * CANARY_SEEN_S):
            await _come_in(ground, Walk(ground.world, "connect"), f"{OUT} here {ground.token}")
    except (Turned, Fault, Unsure, OSError, *NOT_UNDERSTOOD) as error:
        raise Unsure(f"it isn't back, and no mail comes in: {error or 'no answer in time'}") from None


async def _submit(ground: Ground, walk: Walk, to: str, subject: str) -> None:
    own = ground.first
    walk.account = own
    async with ground.smtp("submission", walk) as smtp:
        walk.begin("sign-in")
        await smtp.sign_in((own.address, own.app))
        walk.account = ground.second if to == ground.second.address else own
        await hand_over(walk, smtp, own.address, to, ground.message(own.address, to, subject))


async def imap(ground: Ground, walk: Walk) -> None:
    walk.account = ground.first
    async with ground.imap(ground.first, walk) as imap:
        walk.begin("SELECT")
        await imap.do(c.Select("INBOX"))
        walk.begin("FETCH")
        uids = await _found(imap, ANCHOR)
        if not uids:
            raise Unsure(NO_ANCHOR)
        whole = c.Fetch(c.SequenceSet(((uids[0], uids[0]),)), (c.Attribute.UID,), (_WHOLE,), uid=True)
        bodies = [each for each in await imap.do(whole) if isinstance(each, Fetched)]
        if not any(ANCHOR.encode() in (each.bytes_of("BODY[]") or b"") for each in bodies):
            raise Fault("FETCH", "the message comes without what stands in it")
        walk.begin("APPEND")
        async with _writing(walk):
            uid = await _append(ground, imap, f"holdfast canary {ground.token} kept")
        walk.begin("EXPUNGE")
        async with _writing(walk):
            await expunge(imap, (uid,))


async def pop3(ground: Ground, walk: Walk) -> None:
    walk.account = ground.first
    async with ground.pop3(ground.first, walk) as pop3:
        walk.begin("STAT")
        count = int((await pop3.do("STAT")).text.split()[0])
        if not count:
            raise Unsure(NO_ANCHOR)
        walk.begin("RETR")
        body = (await pop3.do("RETR 1", multiline=True)).body or b""
        if b"Subject:" not in body:
            raise Fault("RETR", f"{len(body)} bytes that are no message")
        walk.begin("QUIT")
        async with _writing(walk):  # what was fetched counts as seen from here on
            await pop3.do("QUIT")


# The mailbox


@asynccontextmanager
async def _writing(walk: Walk) -> AsyncIterator[None]:
    """Reading outlives writing: when nothing can be changed, the function serves all the same."""
    try:
        async with asyncio.timeout(_WRITE_S):
            yield
    except TimeoutError:
        raise Fault(walk.doing, f"no answer within {_WRITE_S:g} s; reading goes on", partly=True) from None
    except Turned as turned:
        if not turned.temporary:
            raise
        raise Fault(walk.doing, f"{turned}; reading goes on", partly=True) from None


async def _append(ground: Ground, imap: Imap, subject: str) -> int:
    own = ground.first.address
    message = c.AppendMessage(ground.message(own, own, subject), Flag.SEEN)
    ended = (await imap.do(c.Append("INBOX", (message,))))[-1]
    code = ended.code if isinstance(ended, Tagged) else None
    if code is None or code.name != "APPENDUID":
        raise Fault("APPEND", "the answer doesn't say which it is")
    return int(code.words[1])


async def _found(imap: Imap, subject: str) -> tuple[int, ...]:
    """UIDs, the oldest first; '' finds all."""
    key = c.SearchHeader("SUBJECT", subject) if subject else c.SearchAll()
    for each in await imap.do(c.Search(key, uid=True)):
        if isinstance(each, Searched):
            return each.numbers
    return ()


async def expunge(imap: Imap, uids: tuple[int, ...]) -> None:
    wanted = c.SequenceSet(tuple((uid, uid) for uid in uids))
    await imap.do(c.Store(wanted, c.StoreMode.ADD, Flag.DELETED, silent=True, uid=True))
    await imap.do(c.Expunge(wanted))


async def tidy(ground: Ground, *, out: bool, rest: bool) -> int:
    """CANARY-4: nothing stays in the inboxes of both but the one message that is read, which is put there if
    it is missing. ``out``: what comes back from elsewhere goes; ``rest``: all else does. What isn't asked for
    somebody else may wait for. How many messages went. Raises what a conversation raises."""
    gone = 0
    for account in (ground.first, ground.second):
        async with ground.imap(account, Steps()) as imap:
            await imap.do(c.Select("INBOX"))
            kept = (await _found(imap, ANCHOR))[:1] if account == ground.first else ()
            every, back = await _found(imap, ""), await _found(imap, OUT)
            if unwanted := tuple(uid for uid in every if uid not in kept and (out if uid in back else rest)):
                await expunge(imap, unwanted)
                gone += len(unwanted)
            if account == ground.first and not kept:
                await _append(ground, imap, ANCHOR)
    return gone


def _domain(ground: Ground) -> str:
    return ground.first.address.rpartition("@")[2]
