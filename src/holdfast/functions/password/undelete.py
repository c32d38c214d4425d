"""Messages that were removed for good in the last days: listed, searched, brought back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from starlette.responses import Response

from holdfast.functions.password.desk import Desk
from holdfast.mime.envelope_fields import CC, FROM, SUBJECT, TO, field_text
from holdfast.model.errors import Refused, Unavailable
from holdfast.model.limits import UNDELETE_PAGE, UNDELETE_SCAN
from holdfast.model.people import Account
from holdfast.model.uidset import UidSet
from holdfast.pages import Visit, Wrong
from holdfast.store import AccountMail, GoneMessage
from holdfast.store.commands import Restore, Restored

_DAY_S = 86_400.0


class Line(NamedTuple):
    """A removed message as the page shows it."""

    number: int
    folder: str
    sender: str
    subject: str
    preview: str
    removed_at: int
    size: int


class Undelete:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        desk.page("/undelete", self.manage)

    async def manage(self, visit: Visit) -> Response:
        account = self._desk.own(visit)
        wrong = None
        if visit.method == "POST":
            try:
                return await self._restore(visit, account)
            except Wrong as found:
                wrong = found
        return await self._show(visit, account, wrong)

    async def _show(self, visit: Visit, account: Account, wrong: Wrong | None) -> Response:
        desk = self._desk
        days = round(desk.settings.undelete_s / _DAY_S)
        search, folder = visit.query.get("search", "").strip(), visit.query.get("folder", "")
        after = visit.query.get("after", "")
        try:
            mail = await desk.mail_of(account)
            found, next_ = self._find(mail, search, folder, int(after) if after.isdecimal() else 0)
            folders = self._folders(mail)
        except Unavailable:
            return visit.show("undelete_gone.html", 503, days=days)
        return visit.show(
            "undelete.html",
            lines=found,
            next=next_,
            days=days,
            search=search,
            folder=folder,
            folders=folders,
            writable=desk.reach().store,
            wrong=wrong,
        )

    def _since(self) -> float:
        return self._desk.world.clock.now() - self._desk.settings.undelete_s

    def _find(self, mail: AccountMail, search: str, folder: str, after: int) -> tuple[list[Line], int]:
        """One page and where the next begins (0: there is none). At most UNDELETE_SCAN are looked at."""
        found: list[Line] = []
        looked_at = 0
        while looked_at < UNDELETE_SCAN:
            batch = mail.gone(self._since(), UNDELETE_PAGE, after)
            for gone in batch:
                after = gone.number
                line = _line(gone)
                if (not folder or line.folder == folder) and _fits(gone, line, search):
                    found.append(line)
                    if len(found) == UNDELETE_PAGE:
                        return found, after
            looked_at += len(batch)
            if len(batch) < UNDELETE_PAGE:
                return found, 0
        return found, after

    def _folders(self, mail: AccountMail) -> list[str]:
        """Folders that have something to bring back, among those looked at."""
        return sorted({gone.name for gone in mail.gone(self._since(), UNDELETE_SCAN)})

    async def _restore(self, visit: Visit, account: Account) -> Response:
        numbers = [int(each) for each in visit.form.all("message") if each.isdecimal() and len(each) < 16]
        if not numbers:
            raise Wrong("undelete.nothing", "messages")
        command = Restore(account=account.id, cell=account.cell, rows=UidSet.of(numbers).pack())
        [outcome] = await self._desk.mail.commit([command])
        if isinstance(outcome, Refused):
            raise outcome
        assert isinstance(outcome, Restored)
        visit.notice("undelete.done", count=len(UidSet.unpack(outcome.rows)))
        return visit.go("/undelete")


def _line(gone: GoneMessage) -> Line:
    sender = field_text(gone.envelope, FROM) or ""
    subject = field_text(gone.envelope, SUBJECT) or ""
    return Line(gone.number, gone.name, sender, subject, gone.preview, gone.removed_at, gone.size)


def _fits(gone: GoneMessage, line: Line, search: str) -> bool:
    """Every word is somewhere."""
    if not search:
        return True
    to: Iterable[str] = (field_text(gone.envelope, place) or "" for place in (TO, CC))
    text = " ".join([line.sender, line.subject, line.preview, *to]).casefold()
    return all(word in text for word in search.casefold().split())
