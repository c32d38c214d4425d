"""Pages for many accounts at once: the import from CSV, and bulk changes with the guard's question."""

from __future__ import annotations

import re

import msgspec
from starlette.responses import Response

from holdfast.functions.admin import shapes as s
from holdfast.functions.admin.imports import COLUMNS, Uploaded
from holdfast.functions.admin.permissions import Forbidden
from holdfast.functions.admin.web.acting import option
from holdfast.functions.admin.web.office import Office
from holdfast.functions.admin.web.showing import Said
from holdfast.model.errors import Refused
from holdfast.model.limits import ADMIN_BULK
from holdfast.model.people import AccountState
from holdfast.pages import Visit, Wrong


class ManyPages:
    def __init__(self, office: Office) -> None:
        self._office = office
        office.page("/import", self.upload, files=True)
        office.page("/import/{digest}", self.report, files=True)
        office.page("/bulk", self.bulk)

    # The import: a report of the file first, then the same file again (ADMIN-9)

    async def upload(self, visit: Visit) -> Response:
        self._check(visit, "import_run")
        if visit.method != "POST":
            return self._office.show(visit, "import.html", columns=COLUMNS, report=None)
        try:
            report = await self._sent(visit, "")
        except Wrong as wrong:
            return self._office.show(visit, "import.html", columns=COLUMNS, report=None, wrong=wrong)
        return visit.go(f"/import/{report.digest}")

    async def report(self, visit: Visit) -> Response:
        digest = visit.parts["digest"]
        wrong = None
        if visit.method == "POST":
            try:
                await self._sent(visit, digest)
                return visit.go(f"/import/{digest}")
            except Wrong as error:
                wrong = error
        try:
            report = await self._office.ask(visit, "import_show", digest=digest)
        except msgspec.ValidationError:
            return visit.go("/import")
        said = Said(visit)
        names = ("lines", "new", "there", "wrong", "made", "kept", "refused")
        facts = [(said("import." + each), said.number(getattr(report, each)).text) for each in names]
        return self._office.show(
            visit, "import.html", columns=COLUMNS, report=report, facts=facts, wrong=wrong
        )

    async def _sent(self, visit: Visit, digest: str) -> s.ImportReport:
        content = visit.form.file("file")
        if not content:
            raise Wrong("import.no_file", "file")
        asked = Uploaded(digest=digest, content=content)
        try:
            report: s.ImportReport = await self._office.carry_out(visit, "import_run", asked)
        except Forbidden:
            raise
        except Refused as refused:
            raise Wrong("import.not_taken", "file", detail=refused.text) from None
        return report

    def _check(self, visit: Visit, operation: str) -> None:
        self._office.check(visit, operation)

    # Bulk changes: the guard asks how many are meant

    async def bulk(self, visit: Visit) -> Response:
        self._check(visit, "bulk_state")
        if visit.method != "POST":
            return self._bulk_form(visit)
        try:
            accounts = _named(visit)
        except Wrong as wrong:
            return self._bulk_form(visit, wrong=wrong)
        state = AccountState(visit.form.get("state"))
        typed = visit.form.get("expected")
        if visit.form.get("step") != "sure":
            return self._bulk_form(visit, ask=len(accounts))
        if typed != str(len(accounts)):
            return self._bulk_form(visit, ask=len(accounts), wrong=Wrong("bulk.count_wrong", "expected"))
        asked = s.BulkState(accounts=accounts, state=state, expected=int(typed), why=visit.form.get("why"))
        try:
            outcome = await self._office.carry_out(visit, "bulk_state", asked, once=visit.form.get("once"))
        except Forbidden:
            raise
        except Refused as refused:
            said = Wrong("bulk.refused", "", detail=refused.text)
            return self._bulk_form(visit, ask=len(accounts), wrong=said)
        return self._office.show(visit, "bulk.html", outcome=outcome, ask=0, options=[], once="")

    def _bulk_form(self, visit: Visit, *, ask: int = 0, wrong: Wrong | None = None) -> Response:
        options = [(str(each), option(visit, each)) for each in AccountState]
        return self._office.show(
            visit, "bulk.html", outcome=None, ask=ask, options=options, wrong=wrong,
            once=visit.world.entropy.token(),
        )  # fmt: skip


def _named(visit: Visit) -> tuple[str, ...]:
    """The accounts that were typed, each once. Raises ``Wrong``."""
    found = tuple(dict.fromkeys(re.split(r"[\s,;]+", visit.form.get("accounts"))))
    found = tuple(each for each in found if each)
    if not found:
        raise Wrong("bulk.none", "accounts")
    if len(found) > ADMIN_BULK:
        raise Wrong("bulk.too_many", "accounts", count=ADMIN_BULK)
    if visit.form.get("state") not in set(AccountState):
        raise Wrong("bulk.no_state", "state")
    return found
