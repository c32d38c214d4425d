"""Telling somebody by phone or second address what became of their account.

Sent in the background and tried again for a day; what waits when the process ends is lost, so nothing
depends on it (what must arrive is a proof, ``portal/proofs.py``).
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from holdfast.functions.password.events import LETTER_FAILED
from holdfast.model.errors import Refused, Unavailable
from holdfast.model.limits import LETTER_LIFE_S, LETTERS_MOST, PROOF_RETRY_FIRST_S, PROOF_RETRY_LONGEST_S
from holdfast.portal.proofs import Phone, SecondAddress
from holdfast.world import World


class Sms(Protocol):
    async def send(self, to: str, text: str) -> None: ...


class Mail(Protocol):
    async def send(self, to: str, subject: str, text: str, language: str) -> None: ...


class Letters:
    """``sms``, ``mail``: None where nothing is set up; nobody is told that way then."""

    def __init__(self, world: World, *, sms: Sms | None, mail: Mail | None) -> None:
        self._world = world
        self._sms = sms
        self._mail = mail
        self._tasks: set[asyncio.Task[None]] = set()

    def tell(self, to: Phone | SecondAddress, subject: str, text: str, language: str) -> None:
        """Returns at once."""
        if len(self._tasks) >= LETTERS_MOST:
            self._world.journal.emit(LETTER_FAILED, reason=f"{LETTERS_MOST} letters wait")
            return
        task = asyncio.get_running_loop().create_task(self._send(to, subject, text, language))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _send(self, to: Phone | SecondAddress, subject: str, text: str, language: str) -> None:
        clock = self._world.clock
        give_up = clock.monotonic() + LETTER_LIFE_S
        wait = PROOF_RETRY_FIRST_S
        while True:
            try:
                await self._hand_over(to, subject, text, language)
                return
            except Refused as refused:
                reason = refused.text
            except Unavailable as unavailable:
                reason = str(unavailable)
                if clock.monotonic() < give_up:
                    await clock.sleep(self._world.entropy.uniform(wait / 2, wait))
                    wait = min(wait * 2, PROOF_RETRY_LONGEST_S)
                    continue
            self._world.journal.emit(LETTER_FAILED, reason=reason)
            return

    async def _hand_over(self, to: Phone | SecondAddress, subject: str, text: str, language: str) -> None:
        if isinstance(to, Phone):
            if self._sms is not None:
                await self._sms.send(to.number, text)
        elif self._mail is not None:
            await self._mail.send(to.address, subject, text, language)
