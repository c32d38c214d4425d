"""Proofs that a phone or a second address is the person's: a code goes there and comes back.

What is promised: PROOF-1 … PROOF-6 in README.md. The parts: ``proof_rows.py`` keeps,
``posting.py`` sends through ``gateways.py``, this module decides.
"""

from __future__ import annotations

import enum
import hashlib
import hmac
import math
from collections.abc import Mapping
from typing import NamedTuple

from holdfast.model.errors import Reason, Refused
from holdfast.model.limits import (
    PROOF_AGAIN_S,
    PROOF_CODE_S,
    PROOF_CODES,
    PROOF_PER_DAY,
    PROOF_PER_HOUR,
    PROOF_SPEND_S,
    PROOF_TRIES,
    PROOF_WAITS_S,
)
from holdfast.portal.events import PROOF_BEGUN, PROOF_CHECKED, PROOF_LIMITED
from holdfast.portal.posting import Gateway, Posting
from holdfast.portal.proof_keys import ProofKeys, Sealed
from holdfast.portal.proof_rows import ProofRow, ProofRows
from holdfast.world import World

_TOKEN_LETTERS = 26  # 130 bits
_SOON_S = 2.0  # a gateway that took nothing for so long is said to be out of reach
_LOOK_S = 0.03


class Phone(NamedTuple):
    """``number``: E.164, ``+4917012345678``."""

    number: str


class SecondAddress(NamedTuple):
    """An address that is not with us, so that it works when we don't."""

    address: str


To = Phone | SecondAddress


class Sending(enum.Enum):
    """What became of a code: WAITING: its gateway is out of reach. FAILED: it can't be sent there."""

    SENT = "sent"
    WAITING = "waiting"
    FAILED = "failed"
    OVER = "over"


class Proof(NamedTuple):
    """``to``: None for a name that nobody has (its code is never right). ``subject``: the caller's own."""

    purpose: str
    to: To | None
    subject: str
    language: str


class Lasting(NamedTuple):
    """Where somebody with a token stands. ``codes_left``: that may still be asked for."""

    sending: Sending
    tries_left: int
    codes_left: int
    again_in_s: int


class Proofs:
    """Of one process. ``run`` must be running for anything to be sent."""

    def __init__(
        self,
        world: World,
        path: str,
        key: bytes,
        gateways: Mapping[str, Gateway],
        *,
        per_day: Mapping[str, int] | None = None,
    ) -> None:
        """``gateways``: by channel, ``phone`` and ``address``; one that is missing isn't offered.

        ``key``: 32 bytes nobody knows; with another one all proofs under way are over.
        ``per_day``: how many codes a channel may send in a day (PROOF-6).
        """
        self._world = world
        self._rows = ProofRows(world, path)
        self._gateways = gateways
        self._per_day = per_day or {}
        self._thread = world.thread("proofs")
        self._keys = ProofKeys(world, key)
        self._posting = Posting(world, self._rows, self._thread, self._keys, gateways)

    # what is offered

    def offers(self, channel: str) -> bool:
        return channel in self._gateways

    def trouble(self, channel: str) -> str:
        """Why a channel's gateway is out of reach at present, '' when it is not known to be."""
        return self._posting.trouble.get(channel, "")

    # from the first page to the last

    async def begin(
        self, purpose: str, to: To | None, *, language: str, subject: str = "", discreet: bool = False
    ) -> str:
        """Puts a code on its way and returns the token that stands for the proof (PROOF-3).

        ``to``: None when nobody has the name that was typed. ``discreet``: whoever asks must not learn
        whether somebody has it. Raises ``Refused(LIMIT)`` for a contact that had too many codes,
        ``Refused(NOT_ALLOWED)`` for a channel that isn't offered; neither when discreet.
        """
        now = self._world.clock.now()
        channel, name = _spelled(to)
        if channel and not self.offers(channel):
            if not discreet:
                raise Refused(Reason.NOT_ALLOWED, f"no gateway is set up for: {channel}")
            channel = ""
        contact = self._keys.contact(channel, name)
        limit = await self._limit(channel, contact, now)
        if limit:
            self._world.journal.emit(PROOF_LIMITED, purpose=purpose, channel=channel, limit=limit)
            if not discreet:
                raise Refused(Reason.LIMIT, "too many codes were sent there: try again tomorrow")
            channel = ""
        token = self._world.entropy.token(_TOKEN_LETTERS)
        id_ = _id(token)
        code = self._keys.code()
        sealed = self._keys.close_about(Sealed(_spelled(to)[0], name, subject, language), id_)
        digest = self._keys.digest(id_, code)
        if not channel:  # its code is thrown away: no code is right
            digest = self._world.entropy.bytes(32)
        row = ProofRow(id_, purpose, channel, sealed, int(discreet), digest, 0, now, now, 0.0, 0, 0.0, 0.0)
        await self._thread.run(self._rows.begin, row, contact, self._keys.close(code.encode(), id_), now)
        self._world.journal.emit(PROOF_BEGUN, purpose=purpose, channel=channel or "none", again=False)
        self._posting.wake()
        return token

    async def again(self, token: str) -> None:
        """The person asks for another code; one that still waits for its gateway is tried at once.

        Raises ``Refused(LIMIT)`` when it is too soon or there were too many, ``Refused(NOT_ALLOWED)``.
        """
        now = self._world.clock.now()
        row = await self._row(token)
        if row is None or self._over(row, now):
            raise _over()
        if await self._thread.run(self._rows.hurry, row.id, now):
            self._posting.wake()
            return
        if len(row.digests) >= 32 * PROOF_CODES:
            raise Refused(Reason.LIMIT, "no further code can be sent for this: begin anew later")
        if now - row.asked_at < PROOF_AGAIN_S:
            raise Refused(Reason.LIMIT, f"a code was just sent: wait {PROOF_AGAIN_S:.0f} seconds")
        sealed = self._keys.about(row)
        contact = self._keys.contact(row.channel, sealed.to)
        limit = await self._limit(row.channel, contact, now)
        if limit:
            self._world.journal.emit(PROOF_LIMITED, purpose=row.purpose, channel=row.channel, limit=limit)
            if row.discreet:
                return
            raise Refused(Reason.LIMIT, "too many codes were sent there: try again tomorrow")
        code = self._keys.code()
        digest = self._keys.digest(row.id, code) if row.channel else self._world.entropy.bytes(32)
        letter = self._keys.close(code.encode(), row.id)
        await self._thread.run(self._rows.post_again, row.id, digest, contact, letter, now)
        self._world.journal.emit(PROOF_BEGUN, purpose=row.purpose, channel=row.channel or "none", again=True)
        self._posting.wake()

    async def sending(self, token: str) -> Sending:
        return (await self.lasting(token)).sending

    async def lasting(self, token: str) -> Lasting:
        """What to tell who waits for a code. A discreet proof shows how all gateways are, not its own."""
        now = self._world.clock.now()
        row = await self._row(token)
        if row is None or self._over(row, now):
            return Lasting(Sending.OVER, 0, 0, 0)
        if row.discreet:
            state = Sending.WAITING if self._posting.trouble else Sending.SENT
        elif row.failed:
            state = Sending.FAILED
        else:
            waiting = not row.sent_at and (now - row.asked_at > _SOON_S or self.trouble(row.channel))
            state = Sending.WAITING if waiting else Sending.SENT
        left = PROOF_CODES - len(row.digests) // 32
        wait = math.ceil(max(0.0, row.asked_at + PROOF_AGAIN_S - now))
        return Lasting(state, max(0, PROOF_TRIES - row.tries), left, wait)

    async def settled(self, token: str) -> Lasting:
        """As ``lasting``, when the gateway has taken the code or is known not to; or after a moment.

        Not for a discreet proof, whose page must not take longer for a name that somebody has.
        """
        until = self._world.clock.monotonic() + _SOON_S
        while self._world.clock.monotonic() < until:
            row = await self._row(token)
            if row is None or row.discreet or row.sent_at or row.failed or self.trouble(row.channel):
                break
            await self._world.clock.sleep(_LOOK_S)
        return await self.lasting(token)

    async def check(self, token: str, code: str) -> Proof:
        """Raises ``Refused``: BAD_CREDENTIALS (wrong), LIMIT (no tries left), NOT_ALLOWED (over)."""
        now = self._world.clock.now()
        row = await self._thread.run(self._rows.count_try, _id(token))
        digits = "".join(each for each in code if each.isdecimal() and each.isascii())
        given = self._keys.digest(row.id if row else b"", digits)
        if row is None or self._over(row, now):
            self._checked(row, "over")
            raise _over()
        if row.tries >= PROOF_TRIES:
            self._checked(row, "limit")
            raise Refused(Reason.LIMIT, "too many wrong codes: begin anew and ask for another one")
        each = [row.digests[at : at + 32] for at in range(0, len(row.digests), 32)]
        if not sum(hmac.compare_digest(given, known) for known in each):
            self._checked(row, "wrong")
            raise Refused(Reason.BAD_CREDENTIALS, "this is not the code that was sent")
        await self._thread.run(self._rows.prove, row.id, now)
        self._checked(row, "right")
        return self._proof(row)

    async def proven(self, token: str, purpose: str) -> Proof | None:
        """The proof, when its code came back within PROOF_SPEND_S and it is not spent."""
        row = await self._row(token)
        if row is None or row.purpose != purpose or not self._fresh(row):
            return None
        return self._proof(row)

    async def spend(self, token: str, purpose: str) -> Proof:
        """Once (PROOF-5). Raises ``Refused(NOT_ALLOWED)`` for what isn't proven, or was spent."""
        row = await self._row(token)
        if row is None or row.purpose != purpose or not self._fresh(row):
            raise _over()
        if not await self._thread.run(self._rows.spend, row.id, self._world.clock.now()):
            raise _over()
        return self._proof(row)

    # its life

    async def run(self) -> None:
        """Sends what is to be sent until it is cancelled (PROOF-4)."""
        await self._posting.run()

    async def close(self) -> None:
        """Nothing of this process's holds the file any more."""
        await self._thread.run(self._rows.close)
        self._thread.close()

    # inside

    async def _row(self, token: str) -> ProofRow | None:
        return await self._thread.run(self._rows.get, _id(token))

    async def _limit(self, channel: str, contact: bytes, now: float) -> str:
        """Which limit is reached: '' for none."""
        hour, day, all_ = await self._thread.run(self._rows.counts, contact, channel, now)
        if channel and (hour >= PROOF_PER_HOUR or day >= PROOF_PER_DAY):
            return "contact"
        if channel in self._per_day and all_ >= self._per_day[channel]:
            return "channel"
        return ""

    def _over(self, row: ProofRow, now: float) -> bool:
        """Nothing more can be done with it but to spend it."""
        if row.spent_at:
            return True
        if row.sent_at:
            return now > row.sent_at + PROOF_CODE_S
        return now > row.asked_at + PROOF_WAITS_S

    def _fresh(self, row: ProofRow) -> bool:
        now = self._world.clock.now()
        return bool(row.proven_at) and not row.spent_at and now <= row.proven_at + PROOF_SPEND_S

    def _checked(self, row: ProofRow | None, result: str) -> None:
        purpose, channel = (row.purpose, row.channel or "none") if row else ("", "none")
        self._world.journal.emit(PROOF_CHECKED, purpose=purpose, channel=channel, result=result)

    def _proof(self, row: ProofRow) -> Proof:
        sealed = self._keys.about(row)
        to: To | None = None
        if sealed.channel:
            to = Phone(sealed.to) if sealed.channel == "phone" else SecondAddress(sealed.to)
        return Proof(row.purpose, to, sealed.subject, sealed.language)


def _id(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _spelled(to: To | None) -> tuple[str, str]:
    if to is None:
        return "", ""
    return ("phone", to.number) if isinstance(to, Phone) else ("address", to.address)


def _over() -> Refused:
    return Refused(Reason.NOT_ALLOWED, "this code is over or was used: begin anew")
