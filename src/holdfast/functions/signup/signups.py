"""From what is asked for to an account: contract, then account, then a word to who waited.

Each step is tried at once, while the person waits; what is out of reach leaves the request where it is,
on the disk, and ``run`` goes on with it when that is back (SIGNUP-1). The people process makes the account
once for one key (SIGNUP-3), so that every step may be tried again after any accident.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol

import msgspec

from holdfast.directory import requests as q
from holdfast.directory.deferred import Deferred, Done, Outcome, Taken, Waiting
from holdfast.directory.deferred import Denied as TurnedDown
from holdfast.functions.signup.contract import CONTRACTS, Contracts
from holdfast.functions.signup.events import (
    SIGNUP_DONE,
    SIGNUP_REFUSED,
    SIGNUP_TAKEN,
    SIGNUP_TOLD,
    SIGNUP_UNTOLD,
)
from holdfast.functions.signup.requests import RequestRow, Requests, Step, WantedAccount
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.limits import SIGNUP_RETRY_FIRST_S, SIGNUP_RETRY_LONGEST_S
from holdfast.model.people import Contact
from holdfast.world import World

_LEASE_S = 60.0  # while a visitor's own try is under way, ``run`` leaves his request alone
_LOOK_S = 5.0  # how often what the people process is asked for is looked after
_FORGET_EVERY_S = 3600.0
_FAILED_WAIT_S = 5.0
_BATCH = 16


class Standing(NamedTuple):
    """Where a request is. ``why``: of a refusal: contract, name, invitation or other."""

    step: Step
    address: str
    since: float
    changed_at: float
    channel: str
    contact: str
    why: str = ""

    @property
    def waits(self) -> bool:
        return self.step in (Step.CONTRACT, Step.ACCOUNT, Step.ASKED)


class Teller(Protocol):
    """Says to a person what became of the request. Raises ``Unavailable``, ``Refused``."""

    async def __call__(self, wanted: WantedAccount, step: Step, why: str) -> None: ...


class SignUps:
    """Of one process. ``run`` must be running for what waits to be carried out."""

    def __init__(
        self,
        world: World,
        requests: Requests,
        deferred: Deferred,
        contracts: Contracts | None,
        tell: Teller,
    ) -> None:
        self._world = world
        self._requests = requests
        self._deferred = deferred
        self._contracts = contracts
        self._tell = tell
        self._thread = world.thread("signup")
        self._wake = asyncio.Event()

    async def close(self) -> None:
        """Nothing of this process's holds the file any more."""
        await self._thread.run(self._requests.close)
        self._thread.close()

    # What pages ask

    async def holds(self, address: str) -> bool:
        """SIGNUP-2: whether the name waits to be somebody's."""
        return await self._thread.run(self._requests.holds, address)

    async def counts(self, network: str, contact: str) -> tuple[int, int]:
        """Accounts made from a network in a day, with a contact in a year (SIGNUP-6)."""
        return await self._thread.run(self._requests.counts, network, contact, self._world.clock.now())

    async def standing(self, ticket: str) -> Standing | None:
        found = await self._thread.run(self._requests.get, ticket)
        return None if found is None else _standing(*found)

    async def submit(
        self, wanted: WantedAccount, network: str, spend: Callable[[], Awaitable[object]]
    ) -> Standing:
        """Takes the request and does what can be done of it now.

        ``spend``: done once, when the request is on disk; what it raises undoes it. Raises
        ``Refused(EXISTS)`` for a name that is held, ``Unavailable`` when nothing was taken.
        """
        now = self._world.clock.now()
        unchecked = bool(wanted.contract) and not wanted.customer
        step = Step.CONTRACT if unchecked else Step.ACCOUNT
        new = await self._thread.run(self._requests.add, wanted, step, network, now, now + _LEASE_S)
        if new:
            try:
                await spend()
            except BaseException:
                await self._thread.run(self._requests.drop, wanted)
                raise
            await self._go_on(wanted, step, 0, tell=False)
        standing = await self.standing(wanted.ticket)
        if standing is None:
            raise Unavailable("signup", "the request can't be found")
        return standing

    # Going on

    async def on_outcome(self, outcome: Outcome) -> None:
        """What was put off is decided (DEFER-3: perhaps told twice)."""
        if not outcome.note:
            return
        found = await self._thread.run(self._requests.get, outcome.note)
        if found is None:
            return
        row, wanted = found
        if isinstance(outcome.state, TurnedDown):
            await self._refuse(wanted, outcome.state.reason, outcome.state.text, tell=True)
        else:
            await self._finish(row, wanted, tell=True)

    async def run(self) -> None:
        """Carries on with what waits until it is cancelled."""
        forget_at = 0.0
        while True:
            self._wake.clear()
            now = self._world.clock.now()
            try:
                if now >= forget_at:
                    await self._thread.run(self._requests.forget, now)
                    forget_at = now + _FORGET_EVERY_S
                for row, wanted in await self._thread.run(self._requests.due, now, _BATCH):
                    await self._again(row, wanted)
                at = await self._thread.run(self._requests.next_at)
                wait = min(_FORGET_EVERY_S, max(0.01, at - self._world.clock.now()))
            except Unavailable:
                wait = _FAILED_WAIT_S  # who asks for an account is told
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._wake.wait()

    async def _again(self, row: RequestRow, wanted: WantedAccount) -> None:
        """One turn of one request; a fault of ours in it holds up no other."""
        try:
            await self._turn(row, wanted)
        except Unavailable:
            raise
        except Exception as error:
            self._taken(
                wanted, "signup", f"{type(error).__name__}: {error}", row.tries + 1, SIGNUP_RETRY_LONGEST_S
            )
            again_at = self._world.clock.now() + SIGNUP_RETRY_LONGEST_S
            await self._thread.run(self._requests.later, row, again_at)

    async def _turn(self, row: RequestRow, wanted: WantedAccount) -> None:
        if row.step in (Step.DONE, Step.REFUSED):
            await self._say(row, wanted)
        elif row.step is Step.ASKED and isinstance(self._deferred.state(row.asked), Waiting):
            await self._thread.run(self._requests.later, row, self._world.clock.now() + _LOOK_S)
        else:  # ASKED and no longer waiting: its outcome wasn't heard; asked once more, it is told again
            step = Step.CONTRACT if row.step is Step.CONTRACT else Step.ACCOUNT
            await self._go_on(wanted, step, row.tries, tell=True)

    async def _go_on(self, wanted: WantedAccount, step: Step, tries: int, *, tell: bool) -> None:
        try:
            if step is Step.CONTRACT:
                wanted = await self._check_contract(wanted)
                now = self._world.clock.now()
                await self._thread.run(self._requests.move, wanted, Step.ACCOUNT, now, now + _LEASE_S)
                step, tries = Step.ACCOUNT, 0
            await self._make(wanted, tell=tell)
        except Refused as error:
            await self._refuse(wanted, error.reason, error.text, tell=tell, step=step)
        except Unavailable as error:
            wait = min(SIGNUP_RETRY_FIRST_S * 2.0 ** min(tries, 10), SIGNUP_RETRY_LONGEST_S)
            self._taken(wanted, error.component, error.text, tries + 1, wait)
            now = self._world.clock.now()
            await self._thread.run(self._requests.move, wanted, step, now, now + wait, "", tries + 1)
            self._wake.set()

    async def _check_contract(self, wanted: WantedAccount) -> WantedAccount:
        if self._contracts is None:
            raise Unavailable(CONTRACTS, "no contract_url is configured")
        found = await self._contracts.check(wanted.once, wanted.contract, wanted.address, wanted.name)
        return msgspec.structs.replace(
            wanted,
            customer=found.customer or wanted.contract,
            quota_bytes=found.quota_bytes,
            daily_recipients=found.daily_recipients,
        )

    async def _make(self, wanted: WantedAccount, *, tell: bool) -> None:
        request = q.AccountAddMany(accounts=(new_account(wanted),), once=wanted.once, by="signup")
        answer = await self._deferred.ask(request, list[q.Made], note=wanted.ticket)
        now = self._world.clock.now()
        if isinstance(answer, Taken):
            self._taken(wanted, answer.component, "out of reach", 1, _LOOK_S)
            await self._thread.run(self._requests.move, wanted, Step.ASKED, now, now + _LOOK_S, answer.ticket)
            self._wake.set()
            return
        assert isinstance(answer, Done)
        [made] = answer.value
        if made.reason:
            raise Refused(Reason(made.reason), made.text)
        found = await self._thread.run(self._requests.get, wanted.ticket)
        if found is not None:
            await self._finish(found[0], wanted, tell=tell, account=made.id)

    async def _finish(self, row: RequestRow, wanted: WantedAccount, *, tell: bool, account: int = 0) -> None:
        now = self._world.clock.now()
        new = await self._thread.run(
            lambda: self._requests.finish(wanted.ticket, Step.DONE, now, tell=tell and bool(wanted.channel))
        )
        if new:
            waited = round(now - row.made_at, 3)
            self._world.journal.emit(SIGNUP_DONE, address=wanted.address, account=account, waited_s=waited)
            self._wake.set()

    async def _refuse(
        self, wanted: WantedAccount, reason: Reason, text: str, *, tell: bool, step: Step = Step.ACCOUNT
    ) -> None:
        why = _why(wanted, reason, step)
        now = self._world.clock.now()
        new = await self._thread.run(
            lambda: self._requests.finish(
                wanted.ticket, Step.REFUSED, now, why=why, tell=tell and bool(wanted.channel)
            )
        )
        if new:
            self._world.journal.emit(SIGNUP_REFUSED, address=wanted.address, why=why, reason=text)
            self._wake.set()

    async def _say(self, row: RequestRow, wanted: WantedAccount) -> None:
        """SIGNUP-4: whoever waited is told by the contact that was proven, as soon as that works."""
        try:
            await self._tell(wanted, row.step, row.why)
        except Unavailable as error:
            self._untold(wanted, error.text or error.component)
            wait = min(SIGNUP_RETRY_FIRST_S * 2.0 ** min(row.tries, 10), SIGNUP_RETRY_LONGEST_S)
            await self._thread.run(self._requests.later, row, self._world.clock.now() + wait)
            return
        except Refused as error:
            self._untold(wanted, error.text)
        else:
            self._world.journal.emit(SIGNUP_TOLD, address=wanted.address, channel=wanted.channel)
        await self._thread.run(self._requests.told, row)

    def _untold(self, wanted: WantedAccount, reason: str) -> None:
        self._world.journal.emit(SIGNUP_UNTOLD, address=wanted.address, channel=wanted.channel, reason=reason)

    def _taken(self, wanted: WantedAccount, component: str, reason: str, tries: int, again_s: float) -> None:
        self._world.journal.emit(
            SIGNUP_TAKEN,
            address=wanted.address,
            component=component,
            reason=reason,
            tries=tries,
            again_s=again_s,
        )


def new_account(wanted: WantedAccount) -> q.NewAccount:
    contact = Contact(
        0,
        phone=wanted.phone,
        phone_proven_at=wanted.phone_proven_at,
        address=wanted.second,
        address_proven_at=wanted.second_proven_at,
        language=wanted.language,
        consent_at=wanted.consent_at,
    )
    return q.NewAccount(
        address=wanted.address,
        name=wanted.name,
        credential=wanted.credential,
        quota_bytes=wanted.quota_bytes,
        daily_recipients=wanted.daily_recipients,
        external_id=wanted.customer,
        contact=contact,
        invitation=wanted.invitation,
    )


def _why(wanted: WantedAccount, reason: Reason, step: Step) -> str:
    if step is Step.CONTRACT:
        return "contract"
    if reason in (Reason.EXISTS, Reason.BAD_NAME):
        return "name"
    return "invitation" if wanted.invitation and reason is Reason.NOT_ALLOWED else "other"


def _standing(row: RequestRow, wanted: WantedAccount) -> Standing:
    contact = wanted.phone if wanted.channel == "phone" else wanted.second
    return Standing(row.step, wanted.address, row.made_at, row.changed_at, wanted.channel, contact, row.why)
