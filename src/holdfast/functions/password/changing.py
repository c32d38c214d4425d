"""A new password: set by its owner, or by the customer's first account for the others."""

from __future__ import annotations

from starlette.responses import Response

from holdfast.directory.credentials import SALT_BYTES, hash_password
from holdfast.directory.deferred import Denied, Done, Taken, Waiting
from holdfast.directory.requests import PasswordSet
from holdfast.functions.password.desk import Desk
from holdfast.functions.password.events import PASSWORD_CHANGED
from holdfast.functions.password.strength import weakness
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.limits import PASSWORD_BYTES, PASSWORD_LEAST
from holdfast.model.people import Account
from holdfast.pages import Visit, Wrong


class Changing:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        desk.page("/password", self.change)
        desk.site.page("/asked/{ticket}", methods=("GET",))(self.asked)

    async def change(self, visit: Visit) -> Response:
        desk = self._desk
        own = desk.own(visit)
        account = desk.concerned(visit, visit.query.get("account", ""))
        asks = not desk.is_fresh(visit)
        if asks and not own.credential:  # no password to ask for: a passkey, or a directory outside
            return visit.go("/sign-in?again=1&next=/password")
        wrong = None
        if visit.method == "POST":
            try:
                return await self._changed(visit, own, account, asks)
            except Wrong as found:
                wrong = found
        return visit.show(
            "change.html",
            account=account,
            other=account.id != own.id,
            asks=asks,
            sign_out=visit.method != "POST" or "sign_out" in visit.form,
            least=PASSWORD_LEAST,
            outside=desk.sign_in.kept_outside(account),
            elsewhere=desk.sign_in.password_url(account),
            wrong=wrong,
        )

    async def _changed(self, visit: Visit, own: Account, account: Account, asks: bool) -> Response:
        """Everything that costs nothing is looked at before what costs a processor 20 ms."""
        desk = self._desk
        if desk.sign_in.kept_outside(account):
            raise Wrong("change.outside", address=account.login)
        new = new_password(visit, desk, account)
        how = "session"
        if asks:
            current = visit.form.exact("current")
            await check_current(desk, visit, own, current)
            how = "password"
            if current == new and own.id == account.id:
                raise Wrong("change.same", "new")
        if own.id != account.id:
            how = "first"
        sign_out = "sign_out" in visit.form
        done = await set_password(desk, account, new, by=desk.by(visit), how=how, sign_out=sign_out)
        if sign_out and own.id == account.id and isinstance(done, Done):
            visit.sign_in(own.id, "full")  # a sign-in of its own, begun after all others were ended
        return visit.show(
            "changed.html",
            account=account,
            ticket=done.ticket if isinstance(done, Taken) else "",
            signed_out=sign_out,
            forgotten=False,
        )

    async def asked(self, visit: Visit) -> Response:
        """What became of a request that was taken durably; its ticket is all that is needed to know."""
        state = self._desk.deferred.state(visit.parts["ticket"])
        kind = type(state).__name__.lower() if state is not None else "unknown"
        at = state.since if isinstance(state, Waiting) else state.at if state is not None else 0.0
        text = state.text if isinstance(state, Denied) else ""
        return visit.show("asked.html", kind=kind, at=at, text=text)


async def set_password(
    desk: Desk, account: Account, password: str, *, by: str, how: str, sign_out: bool
) -> Done[Account] | Taken:
    """PASSWORD-1: in effect, or durably taken. The password itself is never written, only its hash.

    PASSWORD-2: hashed in a thread, so that other visitors don't wait for it.
    """
    world = desk.world
    asked_at = world.clock.now()
    credential = await world.offload(hash_password, password, world.entropy.bytes(SALT_BYTES))
    request = PasswordSet(
        account=account.id, credential=credential, asked_at=asked_at, sign_out=sign_out, by=by
    )
    done = await desk.ask(request, Account)
    world.journal.emit(PASSWORD_CHANGED, account=account.id, by=by, how=how, taken=isinstance(done, Taken))
    return done


def new_password(visit: Visit, desk: Desk, account: Account) -> str:
    """The new password from the form. Raises ``Wrong`` for one that is no good (PASSWORD-4)."""
    new, again = visit.form.exact("new"), visit.form.exact("again")
    own = [account.name, account.login]
    weak = weakness(new, own)
    if weak is not None:
        raise Wrong(weak.value, "new", least=PASSWORD_LEAST, most=PASSWORD_BYTES)
    if new != again:
        raise Wrong("change.unequal", "again")
    return new


async def check_current(desk: Desk, visit: Visit, own: Account, password: str) -> None:
    """That who is signed in knows the password. Raises ``Wrong``, ``Unavailable``."""
    try:
        found = await desk.sign_in.check(own.login, password, peer=visit.peer, function="web")
    except Refused as refused:
        if refused.reason is not Reason.BAD_CREDENTIALS:
            raise
        raise Wrong("change.wrong", "current") from None
    except Unavailable as unavailable:
        if unavailable.component != "auth/limit":
            raise
        wait = visit.site.texts.duration(visit.language, unavailable.retry_after_s)
        raise Wrong("change.limited", "current", wait=wait) from None
    if found.id != own.id:
        raise Wrong("change.wrong", "current")
