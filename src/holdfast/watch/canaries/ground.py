"""What all canaries stand on: the doors, the accounts, and the ways in that they share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.utils import formatdate
from typing import NamedTuple

from holdfast.model.errors import Unavailable
from holdfast.model.limits import CANARY_STEP_S
from holdfast.watch.canaries.leftovers import Leftovers
from holdfast.watch.canaries.returns import Returns
from holdfast.watch.canaries.visiting import Programs
from holdfast.watch.canaries.walk import Walk
from holdfast.watch.canaries.words import Account, Doors, Joining, Site, Unsure
from holdfast.watch.clients import (
    NOT_UNDERSTOOD,
    Fault,
    Imap,
    Pop3,
    Smtp,
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

ASKED = ("imap", "pop3", "submission", "jmap")
ANCHOR = "holdfast canary: this message stays"
NO_ANCHOR = "the canary's message that stays isn't there; a run while IMAP takes mail puts it there"


class Ground(NamedTuple):
    """``first`` reads and sends, ``second`` is written to and changes its password. ``token``: of this run,
    in whatever it sends. ``outside``: an address elsewhere whose mail comes back to ``first``; '' for none.

    ``stood``: by address the password that was the right one the last time; it is noted anew. ``returns``: of
    what was sent elsewhere.
    """

    world: World
    doors: Doors
    first: Account
    second: Account
    token: str
    leftovers: Leftovers
    joining: Joining
    outside: str
    stood: dict[str, str]
    returns: Returns

    def target(self, role: str) -> Target:
        found = self.doors.mail.get(role)
        if found is None:
            raise Unsure(f"{role} is turned off here")
        return found

    def site(self, role: str) -> Site:
        found = self.doors.pages.get(role)
        if found is None:
            raise Unsure(f"{role} is turned off here")
        return found

    @asynccontextmanager
    async def talk(self, role: str, steps: Steps) -> AsyncIterator[tuple[Talk, Target]]:
        """Connected, and in TLS where it begins so."""
        target = self.target(role)
        tls = target.tls if target.in_tls else None
        async with talking(self.world, target.address, tls, target.host) as talk:
            if target.in_tls:
                check_certificate(self.world, talk, steps)
            yield talk, target

    @asynccontextmanager
    async def smtp(self, role: str, steps: Steps) -> AsyncIterator[Smtp]:
        """It calls itself by the domain that it writes from."""
        async with self.talk(role, steps) as (talk, target):
            name = self.first.address.rpartition("@")[2]
            yield await smtp_ready(self.world, talk, target, steps, name)

    @asynccontextmanager
    async def imap(self, account: Account, steps: Steps) -> AsyncIterator[Imap]:
        """Signed in."""
        async with self.talk("imap", steps) as (talk, target):
            imap = await imap_ready(self.world, talk, target, steps)
            steps.begin("sign-in")
            await imap.do(c.Login(account.address, account.app))
            yield imap

    @asynccontextmanager
    async def pop3(self, account: Account, steps: Steps) -> AsyncIterator[Pop3]:
        """Signed in."""
        async with self.talk("pop3", steps) as (talk, target):
            pop3 = await pop3_ready(self.world, talk, target, steps)
            steps.begin("sign-in")
            await pop3.sign_in((account.address, account.app))
            yield pop3

    @asynccontextmanager
    async def programs(self, account: Account) -> AsyncIterator[Programs]:
        """JMAP, not signed in yet."""
        programs = Programs(self.world, self.site("jmap"), (account.address, account.app))
        try:
            yield programs
        finally:
            await programs.close()

    async def stands(self, account: Account) -> bool | None:
        """Whether any door for mail programs lets it in; None when none says yes or no (CANARY-2)."""
        said = await asyncio.gather(*(self._asked(role, account) for role in ASKED))
        return True if True in said else False if False in said else None

    async def _asked(self, role: str, account: Account) -> bool | None:
        steps = Steps()
        try:
            async with asyncio.timeout(CANARY_STEP_S / 2):
                await self._lets_in(role, account, steps)
        except Turned as turned:
            return None if turned.temporary or steps.doing != "sign-in" else False
        except (Fault, Unsure, Unavailable, OSError, *NOT_UNDERSTOOD):
            return None
        return True

    async def _lets_in(self, role: str, account: Account, steps: Steps) -> None:
        if role == "submission":
            async with self.smtp(role, steps) as smtp:
                steps.begin("sign-in")
                await smtp.sign_in((account.address, account.app))
        elif role == "imap":
            async with self.imap(account, steps):
                pass
        elif role == "pop3":
            async with self.pop3(account, steps):
                pass
        else:
            async with self.programs(account) as programs:
                steps.begin("sign-in")
                await programs.sign_in()

    def message(self, sender: str, to: str, subject: str) -> bytes:
        date = formatdate(self.world.clock.now())
        identity = f"<{self.world.entropy.token()}@{self.first.address.rpartition('@')[2]}>"
        head = f"From: <{sender}>\r\nTo: <{to}>\r\nSubject: {subject}\r\nDate: {date}\r\n"
        more = f"Message-ID: {identity}\r\nAuto-Submitted: auto-generated\r\n\r\n"
        return (head + more + "A canary's message. It goes by itself.\r\n").encode()


async def hand_over(walk: Walk, smtp: Smtp, sender: str, to: str, message: bytes) -> None:
    """RCPT and DATA, each a step with its answer."""
    walk.begin("RCPT")
    asked = Transaction(sender, (Recipient(to),), message)
    for step in ("RCPT", "DATA"):
        if step == "DATA":
            walk.begin(step)
        reply = await smtp.reply_to(asked, asks=step == "RCPT")
        if reply.code // 100 != 2:
            text = str(reply)
            raise Turned(text, temporary=reply.temporary, full=".2.2" in text)
