"""Codes on their way: handed to gateways one after the other, and again while those are out of reach."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Protocol

from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.limits import (
    GATEWAY_S,
    PROOF_RETRY_FIRST_S,
    PROOF_RETRY_LONGEST_S,
    PROOF_SENDS,
    PROOF_WAITS_S,
)
from holdfast.portal.events import PROOF_FAILED, PROOF_SENT, PROOF_WAITS
from holdfast.portal.proof_keys import ProofKeys
from holdfast.portal.proof_rows import COMPONENT, LetterRow, ProofRow, ProofRows
from holdfast.world import Thread, World

_FORGET_EVERY_S = 600.0
_FAILED_WAIT_S = 5.0  # until a file that can't be used is looked at again


class Gateway(Protocol):
    """Takes a message to somebody, and answers when it has taken it on."""

    async def send_code(self, to: str, code: str, language: str, purpose: str) -> None:
        """Raises ``Unavailable`` to be asked again, ``Refused`` when ``to`` can't be."""


class Posting:
    """Of one process; ``run`` sends. ``trouble``: by channel, why its gateway is out of reach now."""

    def __init__(
        self, world: World, rows: ProofRows, thread: Thread, keys: ProofKeys, gateways: Mapping[str, Gateway]
    ) -> None:
        """``thread``: the one that ``rows`` are used from."""
        self._world = world
        self._rows = rows
        self._thread = thread
        self._keys = keys
        self._gateways = gateways
        self.trouble: dict[str, str] = {}
        self._sending: dict[int, asyncio.Task[None]] = {}
        self._taken: set[int] = set()  # letters that a gateway has taken and the file doesn't know it
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """There is something new to send."""
        self._wake.set()

    async def run(self) -> None:
        """Sends what is to be sent until it is cancelled (PROOF-4)."""
        forget_at = 0.0
        try:
            while True:
                self._wake.clear()
                now = self._world.clock.now()
                try:
                    if now >= forget_at:
                        await self._thread.run(self._rows.forget, now)
                        forget_at = now + _FORGET_EVERY_S
                    wait = await self._send_due(now)
                except Unavailable:
                    wait = _FAILED_WAIT_S  # whoever asks for a code is told
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._wake.wait()
        finally:
            for task in self._sending.values():
                task.cancel()
            await asyncio.gather(*self._sending.values(), return_exceptions=True)

    async def _send_due(self, now: float) -> float:
        """Starts what is due; seconds until the next is."""
        room = PROOF_SENDS - len(self._sending)
        if room <= 0:
            return _FORGET_EVERY_S  # the end of one of them wakes
        for letter in await self._thread.run(self._rows.take_due, now, room):
            task = asyncio.get_running_loop().create_task(self._send(letter))
            self._sending[letter.id] = task
            task.add_done_callback(lambda done, id_=letter.id: self._ended(id_))  # type: ignore[misc]
        at = await self._thread.run(self._rows.next_at)
        return min(_FORGET_EVERY_S, max(0.01, at - self._world.clock.now()))

    def _ended(self, id_: int) -> None:
        self._sending.pop(id_, None)
        self.wake()

    async def _send(self, letter: LetterRow) -> None:
        try:
            row = await self._thread.run(self._rows.get, letter.proof)
            if row is None:
                return
            try:
                await self._hand_over(letter, row)
            except Refused as error:
                self._world.journal.emit(PROOF_FAILED, channel=letter.channel, reason=error.text)
                await self._thread.run(self._rows.failed, letter)
                return
            except Unavailable as error:
                await self._put_off(letter, row, error)
                return
            except Exception as error:  # a fault of ours in one gateway must not end the other's codes
                await self._put_off(letter, row, Unavailable(COMPONENT, f"{type(error).__name__}: {error}"))
                return
            await self._note_sent(letter, row)
        except Unavailable:  # of the file: the letter is still in it
            await self._world.clock.sleep(_FAILED_WAIT_S)

    async def _hand_over(self, letter: LetterRow, row: ProofRow) -> None:
        """Once: a file that can't be written must not send the same code again and again."""
        if not letter.channel or letter.id in self._taken:
            return
        gateway = self._gateways.get(letter.channel)
        if gateway is None:
            raise Refused(Reason.NOT_ALLOWED, "its gateway is no longer set up")
        sealed = self._keys.about(row)
        code = self._keys.open(letter.sealed, letter.proof).decode()
        try:
            async with asyncio.timeout(GATEWAY_S):
                await gateway.send_code(sealed.to, code, sealed.language, row.purpose)
        except TimeoutError:
            raise Unavailable(letter.channel, f"no answer within {GATEWAY_S:g} seconds") from None
        self.trouble.pop(letter.channel, None)
        self._taken.add(letter.id)

    async def _note_sent(self, letter: LetterRow, row: ProofRow) -> None:
        now = self._world.clock.now()
        await self._thread.run(self._rows.sent, letter, now)
        self._taken.discard(letter.id)
        if letter.channel:
            waited = round(now - row.asked_at, 3)
            self._world.journal.emit(PROOF_SENT, channel=letter.channel, tries=letter.tries, seconds=waited)

    async def _put_off(self, letter: LetterRow, row: ProofRow, error: Unavailable) -> None:
        now = self._world.clock.now()
        self.trouble[letter.channel] = error.text or error.component
        if now - row.asked_at > PROOF_WAITS_S:
            self._world.journal.emit(PROOF_FAILED, channel=letter.channel, reason="out of reach for too long")
            await self._thread.run(self._rows.failed, letter)
            return
        wait = min(PROOF_RETRY_FIRST_S * 2.0 ** min(letter.tries, 10), PROOF_RETRY_LONGEST_S)
        self._world.journal.emit(
            PROOF_WAITS,
            channel=letter.channel,
            component=error.component,
            reason=error.text,
            tries=letter.tries + 1,
            again_s=wait,
        )
        await self._thread.run(self._rows.later, letter, now + wait)
