"""Tries of each function as its clients have it, by the client halves of the protocols.

A probe says which steps went well, and raises ``Fault`` with the first that didn't. It goes through the
public door, so that what it finds is what customers find (WATCH-4).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from holdfast.watch.clients import (
    Fault,
    Steps,
    Target,
    Turned,
    check_certificate,
    imap_ready,
    pop3_ready,
    smtp_ready,
)
from holdfast.watch.talking import Talk, talking
from holdfast.wire.imap import commands as c
from holdfast.wire.smtp.transaction import Recipient, Transaction
from holdfast.world import World


async def try_door(world: World, target: Target, steps: Steps) -> None:
    """Raises ``Fault``, ``OSError``."""
    tls = target.tls if target.in_tls else None
    async with talking(world, target.address, tls, target.host) as talk:
        if target.in_tls:
            check_certificate(world, talk, steps)
        try:
            await _PROBES[target.function](world, talk, target, steps)
        except Turned as turned:
            # a wrong password is the probe's fault, not the function's
            partly = steps.doing == "sign-in" and not turned.temporary
            raise Fault(steps.doing, str(turned), partly=partly) from None
        steps.begin("")


async def _try_mx(world: World, talk: Talk, target: Target, steps: Steps) -> None:
    smtp = await smtp_ready(world, talk, target, steps)
    steps.begin("RCPT")
    to = target.account[0] if target.account else "postmaster"
    reply = await smtp.reply_to(Transaction("", (Recipient(to),), b""), asks=True)
    if reply.code // 100 != 2:
        nobody = to == "postmaster" and "postmaster" in reply.text
        raise Fault("RCPT", f"{to}: {reply}", partly=nobody or reply.code // 100 == 5)


async def _try_submission(world: World, talk: Talk, target: Target, steps: Steps) -> None:
    smtp = await smtp_ready(world, talk, target, steps)
    if target.account is not None:
        steps.begin("sign-in")
        await smtp.sign_in(target.account)


async def _try_imap(world: World, talk: Talk, target: Target, steps: Steps) -> None:
    imap = await imap_ready(world, talk, target, steps)
    if target.account is not None:
        steps.begin("sign-in")
        await imap.do(c.Login(*target.account))
        steps.begin("SELECT")
        await imap.do(c.Select("INBOX", read_only=True))
        await imap.do(c.Noop())


async def _try_pop3(world: World, talk: Talk, target: Target, steps: Steps) -> None:
    pop3 = await pop3_ready(world, talk, target, steps)
    if target.account is not None:
        steps.begin("sign-in")
        await pop3.sign_in(target.account)
        steps.begin("STAT")
        await pop3.do("STAT")
        await pop3.do("QUIT")


async def _try_page(world: World, talk: Talk, target: Target, steps: Steps) -> None:
    """A page that is answered, be it with the advice to go elsewhere or to sign in."""
    steps.begin(f"GET {target.page}")
    lines = (f"GET {target.page} HTTP/1.1", f"Host: {target.host}", "User-Agent: holdfast-health")
    talk.connection.write("\r\n".join([*lines, "Connection: close", "", ""]).encode())
    answer = b""
    while b"\r\n" not in answer:
        answer += await talk.more()
    words = answer.partition(b"\r\n")[0].split(b" ")
    if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():
        raise Fault(steps.doing, "the answer is not HTTP")
    if words[1][:1] == b"5":
        raise Fault(steps.doing, f"answered {words[1].decode()}")


_Probe = Callable[[World, Talk, Target, Steps], Awaitable[None]]

_PROBES: dict[str, _Probe] = {
    "mx": _try_mx,
    "submission": _try_submission,
    "imap": _try_imap,
    "pop3": _try_pop3,
    "password": _try_page,
    "signup": _try_page,
    "admin": _try_page,
    "setup": _try_page,
    "care": _try_page,
    "jmap": _try_page,
    "webmail": _try_page,
}
