"""Pages that watch over others: the audit trail, and sealed access to a mailbox (ADMIN-5)."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import Response, StreamingResponse

from holdfast.functions.admin.oversight import Raw
from holdfast.functions.admin.web.acting import in_words
from holdfast.functions.admin.web.office import Office
from holdfast.functions.admin.web.showing import Act, Cell, Said, Table, way
from holdfast.mime import decode_header, parse
from holdfast.mime.text import decode_text, text_parts
from holdfast.model.people import AuditEntry, SealedAccess
from holdfast.pages import Visit

ROWS = 50
SHOWN_BYTES = 200_000  # of a message's text; the whole is to download
_HEADS = (b"from", b"to", b"cc", b"date", b"subject")


class OversightPages:
    def __init__(self, office: Office) -> None:
        self._office = office
        office.page("/audit", self.audit)
        office.page("/accesses", self.accesses)
        office.page("/accesses/{access:int}", self.access)
        office.page("/accesses/{access:int}/export", self.export)
        office.page("/accesses/{access:int}/removed", self.removed)
        office.page("/accesses/{access:int}/{mailbox:int}", self.mailbox)
        office.page("/accesses/{access:int}/{mailbox:int}/{uid:int}", self.message)
        office.page("/accesses/{access:int}/{mailbox:int}/{uid:int}/file", self.file)

    async def audit(self, visit: Visit) -> Response:
        said, query = Said(visit), visit.query
        asked = {each: query.get(each, "").strip() for each in ("account", "by", "what")}
        page = await self._office.ask(
            visit, "audit_list", **asked, cursor=query.get("cursor", ""), limit=ROWS
        )
        more = way("/audit", **asked, cursor=page.next) if page.next else ""
        table = audit_rows(self._office, visit, page.items, said("nav.audit"), more)
        return self._office.listed(visit, table, lead=said("audit.lead"), search=list(asked.items()))

    async def accesses(self, visit: Visit) -> Response:
        said, office = Said(visit), self._office
        page = await office.ask(visit, "access_list")
        rows = [
            [
                Cell(self._login(each.account)),
                Cell(self._login(each.auditor)),
                Cell(each.reason),
                self._state(visit, each),
                Cell("", acts=tuple(self._ways(visit, each))),
            ]
            for each in page.items
        ]
        columns = said.columns("account auditor why state acts")
        acts = [office.act(visit, "access_add", "/accesses", {})] if office.has(visit, "access_add") else []
        table = Table(said("nav.accesses"), columns, rows, said("word.none"), acts=acts)
        return office.listed(visit, table, lead=said("access.lead"))

    def _login(self, account: int) -> str:
        found = self._office.desk.people.account(account)
        return found.login if found is not None else str(account)

    def _state(self, visit: Visit, access: SealedAccess) -> Cell:
        said = Said(visit)
        if not access.approved_by:
            return Cell(said("access.waits"), tone="warn")
        until = said.moment(access.until).text
        if access.until <= visit.world.clock.now():
            return Cell(said("access.over", when=until))
        return Cell(said("access.open", when=until, by=self._login(access.approved_by)), tone="good")

    def _ways(self, visit: Visit, access: SealedAccess) -> list[Act]:
        said, about = Said(visit), self._login(access.account)
        me = self._office.actor(visit).account
        if access.auditor != me:
            fields: dict[str, object] = {"access": access.id}
            if access.approved_by or not self._office.may(visit, "access_approve", **fields):
                return []
            return [self._office.act(visit, "access_approve", "/accesses", fields, about)]
        is_open = access.approved_by and access.until > visit.world.clock.now()
        return [Act(said("access.look"), f"/accesses/{access.id}", about)] if is_open else []

    async def access(self, visit: Visit) -> Response:
        said, number = Said(visit), int(visit.parts["access"])
        page = await self._office.ask(visit, "sealed_mailboxes", access=number)
        rows = [
            [Cell(each.name, f"/accesses/{number}/{each.id}"), said.number(each.messages)]
            for each in page.items
        ]
        acts = [
            Act(said("access.export"), f"/accesses/{number}/export"),
            Act(said("access.removed"), f"/accesses/{number}/removed"),
        ]
        title = said("access.title", account=self._seen(number))
        table = Table(title, said.columns("mailbox messages"), rows, said("word.none"), acts=acts)
        return self._office.listed(visit, table, lead=said("access.on_record"))

    def _seen(self, number: int) -> str:
        access = self._office.desk.people.access(number)
        return self._login(access.account) if access is not None else ""

    async def mailbox(self, visit: Visit) -> Response:
        said = Said(visit)
        number, box = int(visit.parts["access"]), int(visit.parts["mailbox"])
        cursor = visit.query.get("cursor", "")
        page = await self._office.ask(
            visit, "sealed_messages", access=number, mailbox=box, cursor=cursor, limit=ROWS
        )
        here = f"/accesses/{number}/{box}"
        rows = [
            [Cell(each.subject or said("access.no_subject"), f"{here}/{each.uid}"), Cell(each.sender),
             said.moment(each.received_at), said.size(each.size_bytes), Cell(each.preview)]
            for each in page.items
        ]  # fmt: skip
        columns = said.columns("subject sender received_at size preview")
        more = way(here, cursor=page.next) if page.next else ""
        acts = [Act(said("form.back"), f"/accesses/{number}")]
        table = Table(said("access.messages"), columns, rows, said("access.empty"), more, acts)
        return self._office.listed(visit, table, lead=said("access.on_record"))

    async def message(self, visit: Visit) -> Response:
        """Its heads and its text, never as markup: nothing in it is loaded or run."""
        said, raw = Said(visit), await self._raw(visit)
        assert isinstance(raw.content, bytes)
        root = parse(raw.content)
        heads = [
            (name.decode().title(), decode_header(root.known[name][0]))
            for name in _HEADS
            if root.known.get(name)
        ]
        text = "\n\n".join(decode_text(part, SHOWN_BYTES) for part in text_parts(root))
        here = visit.path
        acts = [Act(said("access.file"), f"{here}/file"), Act(said("form.back"), here.rpartition("/")[0])]
        title = dict(heads).get("Subject") or said("access.no_subject")
        return self._office.show(
            visit, "message.html", title=title, heads=heads, text=text[:SHOWN_BYTES], acts=acts
        )

    async def _raw(self, visit: Visit) -> Raw:
        parts = {name: int(visit.parts[name]) for name in ("access", "mailbox", "uid")}
        raw: Raw = await self._office.ask(visit, "sealed_message", **parts)
        return raw

    async def file(self, visit: Visit) -> Response:
        return _download(await self._raw(visit))

    async def export(self, visit: Visit) -> Response:
        return _download(await self._office.ask(visit, "sealed_export", access=int(visit.parts["access"])))

    async def removed(self, visit: Visit) -> Response:
        return _download(await self._office.ask(visit, "sealed_removed", access=int(visit.parts["access"])))


def _download(raw: Raw) -> Response:
    headers = {"content-disposition": f'attachment; filename="{raw.name}"'}
    if isinstance(raw.content, bytes):
        return Response(raw.content, media_type=raw.media_type, headers=headers)
    return StreamingResponse(raw.content, media_type=raw.media_type, headers=headers)


def audit_rows(
    office: Office, visit: Visit, entries: Sequence[AuditEntry], title: str, more: str = ""
) -> Table:
    said = Said(visit)
    rows = []
    for each in entries:
        account = office.desk.people.account(each.account) if each.account else None
        link = f"/accounts/{each.account}" if account is not None else ""
        detail = ", ".join(f"{name}: {in_words(value)}" for name, value in each.detail.items())
        further = [said("audit.why", why=each.why)] if each.why else []
        further += [detail[:300]] if detail else []
        rows.append(
            [
                said.moment(each.at),
                Cell(_by(office, said, each.by)),
                Cell(account.login if account else "", link),
                Cell(each.what, more=tuple(further)),
            ]
        )
    columns = said.columns("at by account what")
    return Table(title, columns, rows, said("word.none"), more)


def _by(office: Office, said: Said, by: str) -> str:
    """A person by his address."""
    kind, _, number = by.partition(":")
    if kind == "account" and number.isdecimal():
        account = office.desk.people.account(int(number))
        return account.login if account is not None else by
    return by or said("word.unknown")
