"""An account deleted by its owner: softly, with a link that takes it back until it is final."""

from __future__ import annotations

import msgspec
from starlette.responses import Response

from holdfast.directory.deferred import Carried, Taken, Waiting
from holdfast.directory.requests import AccountSet
from holdfast.functions.password.changing import check_current
from holdfast.functions.password.desk import Desk
from holdfast.functions.password.events import ACCOUNT_LEFT
from holdfast.model.people import Account, AccountState
from holdfast.pages import Visit, Wrong

PURPOSE = "undo"


_CARRY_S = 120.0  # between what the ledger and what ``Carried`` call the moment of a removal


class Undo(msgspec.Struct, frozen=True, array_like=True):
    """What the link holds, sealed: nobody else can make one.

    PASSWORD-9: it takes back this removal and no other, say by an administrator: ``removed_at``, as the
    ledger has it, or 0 for one that was taken durably, which ``ticket`` knows.
    """

    account: int
    until: float
    removed_at: float
    ticket: str


class Leaving:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        desk.page("/delete", self.delete, fresh=True)
        desk.site.page("/undo/{token}")(self.undo)

    async def delete(self, visit: Visit) -> Response:
        desk, account = self._desk, self._desk.own(visit)
        until = desk.world.clock.now() + desk.settings.undo_s
        asks = bool(account.credential) and not account.passkey_only
        wrong = None
        if visit.method == "POST" and not account.held:
            try:
                return await self._deleted(visit, account, until, asks)
            except Wrong as found:
                wrong = found
        return visit.show("delete.html", account=account, until=until, asks=asks, wrong=wrong)

    async def _deleted(self, visit: Visit, account: Account, until: float, asks: bool) -> Response:
        desk = self._desk
        if visit.form.get("typed").casefold() != account.login.casefold():
            raise Wrong("delete.typed.wrong", "typed", address=account.login)
        if asks:
            await check_current(desk, visit, account, visit.form.exact("current"))
        request = AccountSet(account=account.id, state=AccountState.REMOVED, by=desk.by(visit))
        done = await desk.ask(request, Account)
        taken = isinstance(done, Taken)
        desk.world.journal.emit(ACCOUNT_LEFT, account=account.id, undone=False, taken=taken)
        if isinstance(done, Taken):
            undo = Undo(account.id, until, 0.0, done.ticket)
        else:
            undo = Undo(account.id, until, done.value.removed_at, "")
        token = desk.site.seal.seal(PURPOSE, msgspec.msgpack.encode(undo))
        visit.sign_out()
        return visit.show(
            "deleted.html",
            account=account,
            until=until,
            taken=taken,
            link=f"{desk.settings.url}/undo/{token}",
            token=token,
        )

    async def undo(self, visit: Visit) -> Response:
        """Who has the link may take the removal back; it opens nothing else."""
        desk = self._desk
        sealed = desk.site.seal.open(PURPOSE, visit.parts["token"])
        undo = msgspec.msgpack.decode(sealed, type=Undo) if sealed is not None else None
        account = desk.people.account(undo.account) if undo is not None else None
        if undo is None or account is None or desk.world.clock.now() > undo.until:
            return visit.show("undo.html", 403, account=None, state="over")
        state = self._state(undo, account)
        if visit.method == "POST" and state == "ask":
            request = AccountSet(account=account.id, state=AccountState.ACTIVE, by=f"account:{account.id}")
            done = await desk.ask(request, Account)
            state = "taken" if isinstance(done, Taken) else "back"
            desk.world.journal.emit(ACCOUNT_LEFT, account=account.id, undone=True, taken=state == "taken")
        return visit.show("undo.html", 403 if state == "over" else 200, account=account, state=state)

    def _state(self, undo: Undo, account: Account) -> str:
        """``ask``, ``back`` (it is), ``waits`` (not removed yet), or ``over``: it was removed by another."""
        carried = self._desk.deferred.state(undo.ticket) if undo.ticket else None
        if isinstance(carried, Waiting):
            return "waits"
        if account.state is AccountState.ACTIVE:
            return "back"
        removed_at = carried.at if isinstance(carried, Carried) else undo.removed_at
        same = account.state is AccountState.REMOVED and abs(account.removed_at - removed_at) <= _CARRY_S
        return "ask" if same else "over"
