"""Everything an account has, as one zip that is made while it is sent.

PASSWORD-6: reading outlives writing: neither the people process nor the store's need to run for it; and what
can't be read is named in the zip, it stops nothing.
"""

from __future__ import annotations

import datetime
import io
import zipfile
from collections.abc import AsyncIterator, Callable, Iterator

import msgspec
from starlette.responses import Response, StreamingResponse

from holdfast.functions.password.desk import Desk
from holdfast.functions.password.events import EXPORTED
from holdfast.functions.password.overview import trouble
from holdfast.model.errors import Unavailable
from holdfast.model.limits import EXPORTS_MOST
from holdfast.model.people import Account
from holdfast.pages import Visit
from holdfast.store import MailStore
from holdfast.store.export import Unreadable, archive


class Exporting:
    def __init__(self, desk: Desk, reading: Callable[[], MailStore]) -> None:
        """``reading``: a handle of its own for each download, which is read in threads."""
        self._desk = desk
        self._reading = reading
        self._running = 0
        desk.page("/export", self.export, fresh=True)

    async def export(self, visit: Visit) -> Response:
        """A page that says what is in it; a POST is the download."""
        desk, account = self._desk, self._desk.own(visit)
        if visit.method == "POST":
            return await self._download(visit, account)
        try:
            usage = (await desk.mail_of(account)).usage()
        except Unavailable:
            usage = None
        reach = desk.reach()
        return visit.show("export.html", usage=usage, trouble=trouble(reach.people, True, ""))

    async def _download(self, visit: Visit, account: Account) -> Response:
        desk = self._desk
        if self._running >= EXPORTS_MOST:
            raise Unavailable("export", f"{EXPORTS_MOST} downloads run: wait for one to end", 60.0)
        now = desk.world.clock.now()
        files = {"account.json": await self._described(account), "README.txt": self._said(visit, now)}
        unread: list[Unreadable] = []
        try:
            mail = self._reading().account(account.id, account.cell)
            pieces = archive(mail, files, unreadable=unread)
        except Unavailable as unavailable:
            pieces = iter([without_mail(files, str(unavailable))])
        day = datetime.datetime.fromtimestamp(now, datetime.UTC).date()
        headers = {
            "content-disposition": f'attachment; filename="{_file_name(account.login)}-{day}.zip"',
            "x-accel-buffering": "no",
        }
        stream = self._stream(pieces, account, unread)
        return StreamingResponse(stream, media_type="application/zip", headers=headers)

    async def _stream(
        self, pieces: Iterator[bytes], account: Account, unread: list[Unreadable]
    ) -> AsyncIterator[bytes]:
        """Each piece is made in a thread when the one before was taken: a slow download holds one piece."""
        world, sent = self._desk.world, 0
        began = world.clock.monotonic()
        self._running += 1
        try:
            while (piece := await world.offload(next, pieces, None)) is not None:
                sent += len(piece)
                yield piece
        finally:
            self._running -= 1
            seconds = round(world.clock.monotonic() - began, 1)
            world.journal.emit(EXPORTED, account=account.id, bytes=sent, seconds=seconds, unread=len(unread))

    async def _described(self, account: Account) -> bytes:
        """All but mail, and no secrets: those aren't known here."""
        people = self._desk.people
        customer = people.customer(account.customer)
        told = {
            "account": account,
            "customer": customer,
            "addresses": people.addresses(account.id),
            "aliases": people.aliases_to(account.id),
            "masked": people.masked(account.id),
            "contact": self._desk.contact(account) if self._desk.is_first(account) else None,
            "app_passwords": people.app_passwords(account.id),
            "second_factors": people.factors(account.id),
            "sign_ins": await self._desk.history.read_all(account.id),
        }
        return msgspec.json.format(msgspec.json.encode(told), indent=2)

    def _said(self, visit: Visit, now: float) -> bytes:
        when = self._desk.site.texts.moment(visit.language, now)
        return (visit.say("export.readme", when=when) + "\n").encode()


def without_mail(files: dict[str, bytes], why: str) -> bytes:
    """The zip while the mailbox can't be read; it says so itself."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in files.items():
            out.writestr(name, content)
        out.writestr("mail.json", msgspec.json.encode({"folders": None, "unreadable": why}))
    return whole.getvalue()


def _file_name(login: str) -> str:
    return "".join(each if each.isascii() and (each.isalnum() or each in "@.-_") else "_" for each in login)
