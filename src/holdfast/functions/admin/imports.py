"""Many accounts from CSV: a report of what would happen first, and then, with its digest, the import.

The file itself is kept nowhere: it may hold passwords. Who runs it sends it once more, and it is the file of
the report or it is refused (ADMIN-9). An import that was broken off is run again with the same file and goes
on: accounts that are there stay as they are.
"""

from __future__ import annotations

import asyncio
import contextlib
import csv
import hashlib
import io
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

from holdfast.directory.requests import NewAccount
from holdfast.functions.admin import shapes as s
from holdfast.functions.admin.call import Call
from holdfast.functions.admin.desk import Desk
from holdfast.functions.admin.events import IMPORT_BROKEN, IMPORT_ENDED
from holdfast.functions.admin.gate import place_of_domain
from holdfast.functions.admin.kept import Kept
from holdfast.functions.admin.permissions import Missing, Permission
from holdfast.model.address import parse_address
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.limits import IMPORT_FAULTS, IMPORT_LIFE_S, IMPORT_LINES, IMPORTS_MOST, PEOPLE_BATCH
from holdfast.model.people import AccountState, Contact

COLUMNS = (
    "address",
    "name",
    "password",
    "credential",
    "customer",
    "contract",
    "quota_bytes",
    "daily_recipients",
    "phone",
    "second_address",
    "language",
    "external_id",
)
CONTRACTS_AT_ONCE = 200  # requests that share one sync of the people ledger


class Line(NamedTuple):
    """``customer``: '' for one of its own; else lines with the same word share one."""

    number: int
    account: NewAccount
    customer: str
    contract: str


class Plan(NamedTuple):
    """``account``s that may be made, and the lines that can't."""

    lines: list[Line]
    faults: list[s.LineFault]
    there: int

    @property
    def new(self) -> int:
        return len(self.lines) - self.there


def digest_of(content: bytes, by: int) -> str:
    """Of one file as one account sent it."""
    return hashlib.sha256(b"%d\0" % by + content).hexdigest()


def read_lines(content: bytes) -> Iterator[tuple[int, dict[str, str] | s.LineFault]]:
    """Line number and its columns, or what is wrong with it. Raises ``Refused`` for a file that is no CSV."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused(Reason.BAD_SYNTAX, f"the file is not UTF-8: byte {error.start}") from None
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    try:
        header = [each.strip().lower() for each in next(rows, [])]
        _check_header(header)
        for number, row in enumerate(rows, 2):
            if number > IMPORT_LINES + 1:
                raise Refused(Reason.TOO_MANY, f"more than {IMPORT_LINES} lines: split the file")
            if not any(row):
                continue
            if len(row) != len(header):
                text = f"{len(row)} columns, and the header has {len(header)}"
                yield rows.line_num, s.LineFault(rows.line_num, row[0][:320], text)
            else:
                yield rows.line_num, {name: value.strip() for name, value in zip(header, row)}
    except csv.Error as error:
        raise Refused(Reason.BAD_SYNTAX, f"line {rows.line_num}: {error}") from None


def _delimiter(text: str) -> str:
    """Spreadsheets of some languages write semicolons."""
    head = text.partition("\n")[0]
    return ";" if ";" in head and "," not in head else ","


def _check_header(header: list[str]) -> None:
    if "address" not in header:
        raise Refused(Reason.BAD_SYNTAX, "the first line names the columns; one of them is 'address'")
    strange = [each for each in header if each not in COLUMNS]
    if strange:
        text = f"no such column: {', '.join(strange)}; there are {', '.join(COLUMNS)}"
        raise Refused(Reason.BAD_SYNTAX, text)
    if len(set(header)) != len(header):
        raise Refused(Reason.BAD_SYNTAX, "a column is named twice")


def as_line(number: int, row: Mapping[str, str]) -> Line:
    """Raises ``Refused`` that says which column is wrong."""
    address = row["address"]
    parse_address(address)
    if row.get("password") and row.get("credential"):
        raise Refused(Reason.BAD_SYNTAX, "a password and a credential: one of both")
    contact = None
    if row.get("phone") or row.get("second_address") or row.get("language"):
        contact = Contact(
            0,
            phone=row.get("phone", ""),
            address=row.get("second_address", ""),
            language=row.get("language") or "en",
        )
    account = NewAccount(
        address=address,
        name=row.get("name", ""),
        password=row.get("password", ""),
        credential=row.get("credential", ""),
        quota_bytes=_number(row, "quota_bytes"),
        daily_recipients=_number(row, "daily_recipients"),
        external_id=row.get("external_id", ""),
        contact=contact,
    )
    return Line(number, account, row.get("customer", ""), row.get("contract", ""))


def _number(row: Mapping[str, str], column: str) -> int:
    text = row.get(column, "")
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise Refused(Reason.BAD_SYNTAX, f"{column}: '{text[:40]}' is no whole number")
    return int(text)


class Imports:
    """Those of this process. ``kept``: reports, so that one of before a restart may be carried out."""

    def __init__(self, desk: Desk, kept: Kept) -> None:
        self._desk = desk
        self._kept = kept
        self._running: dict[str, asyncio.Task[None]] = {}
        self._reports: dict[str, s.ImportReport] = {}

    def show(self, digest: str) -> s.ImportReport | None:
        found = self._reports.get(digest)
        if found is None:
            found = self._kept.report(digest)
            if found is not None and found.state == "running":
                text = "it was broken off; run it again, and it goes on"
                found = msgspec.structs.replace(found, state="broken", text=text)
        return found

    async def plan(self, call: Call, content: bytes) -> Plan:
        """What would happen, found in pieces, so that others have their turn."""
        lines: list[Line] = []
        faults: list[s.LineFault] = []
        seen: dict[str, int] = {}
        domains: dict[str, bool] = {}
        there = 0
        for count, (number, row) in enumerate(read_lines(content), 1):
            if not count % 500:
                await self._desk.world.clock.sleep(0)
            if isinstance(row, s.LineFault):
                faults.append(row)
                continue
            try:
                line = as_line(number, row)
                there += self._check(call, line, domains, seen)
                lines.append(line)
            except Refused as error:
                faults.append(s.LineFault(number, row["address"][:320], error.text))
        return Plan(lines, faults, there)

    def _check(self, call: Call, line: Line, domains: dict[str, bool], seen: dict[str, int]) -> bool:
        """Whether its account is there already. ``domains``: within rights or not, of those met so far.

        Raises ``Refused``.
        """
        address = line.account.address
        domain = address.rpartition("@")[2]
        within = domains.get(domain)
        if within is None:
            within = domains[domain] = _is_within(call, domain)
        if not within:
            raise Missing(f"domain {domain}")
        key = address.casefold()
        if key in seen:
            raise Refused(Reason.EXISTS, f"this address stands in line {seen[key]} already")
        seen[key] = line.number
        if call.people.is_free(address):
            return False
        known = call.desk.account(address)
        if known is None or known.state is AccountState.REMOVED:
            raise Refused(Reason.EXISTS, "this name is taken, or was, and is never given twice")
        return True

    async def report(self, call: Call, content: bytes) -> s.ImportReport:
        plan = await self.plan(call, content)
        digest = digest_of(content, call.actor.account)
        report = s.ImportReport(
            digest=digest,
            state="reported",
            lines=len(plan.lines) + len(plan.faults),
            new=plan.new,
            there=plan.there,
            wrong=len(plan.faults),
            faults=plan.faults[:IMPORT_FAULTS],
        )
        self._keep(report)
        return report

    async def run(self, call: Call, content: bytes, digest: str) -> s.ImportReport:
        """Begins the import, or says how far it is. Refused for another file than that of the report."""
        if digest_of(content, call.actor.account) != digest:
            raise Refused(Reason.NOT_ALLOWED, "this is not the file of that report: ask for a report of it")
        report = self.show(digest)
        if report is None:
            raise Missing(f"a report {digest}")
        if digest in self._running or report.state == "done":
            return report
        report = msgspec.structs.replace(report, state="running", made=0, kept=0, refused=0, text="")
        self._keep(report)
        loop = asyncio.get_running_loop()
        self._running[digest] = loop.create_task(self._carry_out(call, content, report))
        return report

    async def _carry_out(self, call: Call, content: bytes, report: s.ImportReport) -> None:
        world = self._desk.world
        began = world.clock.monotonic()
        work = _Work(call, report, self._reports)
        try:
            plan = await self.plan(call, content)
            await work.all(plan)
        except Exception as error:
            text = error.text if isinstance(error, Refused | Unavailable) else repr(error)
            self._keep(work.now(state="broken", text=f"{text}: run it again, and it goes on"))
            world.journal.emit(IMPORT_BROKEN, digest=report.digest, reason=text)
        else:
            done = work.now(state="done")
            self._keep(done)
            seconds = round(world.clock.monotonic() - began, 3)
            world.journal.emit(
                IMPORT_ENDED, digest=done.digest, made=done.made, kept=done.kept, refused=done.refused,
                seconds=seconds,
            )  # fmt: skip
        finally:
            del self._running[report.digest]

    def _keep(self, report: s.ImportReport) -> None:
        self._reports[report.digest] = report
        while len(self._reports) > IMPORTS_MOST:
            del self._reports[next(iter(self._reports))]
        self._kept.keep_report(report, IMPORT_LIFE_S)

    async def close(self) -> None:
        """What runs is broken off; run again, it goes on."""
        for task in list(self._running.values()):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


def _is_within(call: Call, domain: str) -> bool:
    """Whether it is a domain of ours where the asker may import."""
    known = call.desk.domain(domain) is not None
    return known and call.actor.may(Permission.BULK, place_of_domain(call, domain))


class _Work:
    """One import on its way: in batches, the first line of each shared customer before the others."""

    def __init__(self, call: Call, report: s.ImportReport, reports: dict[str, s.ImportReport]) -> None:
        self._call = call
        self._report = report
        self._reports = reports
        self._faults = list(report.faults)
        self._made = self._kept = self._refused = 0

    def now(self, state: str = "running", text: str = "") -> s.ImportReport:
        return msgspec.structs.replace(
            self._report, state=state, text=text, made=self._made, kept=self._kept,
            refused=self._refused, faults=self._faults[:IMPORT_FAULTS],
        )  # fmt: skip

    async def all(self, plan: Plan) -> None:
        first: dict[str, Line] = {}
        later: list[Line] = []
        alone: list[Line] = []
        for line in plan.lines:
            if not line.customer:
                alone.append(line)
            elif line.customer in first:
                later.append(line)
            else:
                first[line.customer] = line
        ids = await self._batches([*first.values(), *alone])
        customers: dict[str, int] = {}
        for word, line in first.items():
            if id_ := ids.get(line.number):
                account = await self._call.change.account(id_)
                customers[word] = account.customer
        await self._batches([line for line in later if line.customer in customers], customers)
        for line in later:
            if line.customer not in customers:
                self._fault(line, f"the first line of customer '{line.customer}' was refused")

    async def _batches(self, lines: list[Line], customers: Mapping[str, int] | None = None) -> dict[int, int]:
        """Line → account, of those that are there now."""
        ids: dict[int, int] = {}
        for at in range(0, len(lines), PEOPLE_BATCH):
            batch = lines[at : at + PEOPLE_BATCH]
            new = [
                msgspec.structs.replace(line.account, customer=customers[line.customer] if customers else 0)
                for line in batch
            ]
            made = await self._call.change.account_add_many(new, keep_existing=True)
            contracts: dict[int, str] = {}
            for line, outcome in zip(batch, made):
                if outcome.reason:
                    self._fault(line, outcome.text)
                    continue
                ids[line.number] = outcome.id
                self._made += outcome.new
                self._kept += not outcome.new
                if line.contract and not customers:
                    contracts[outcome.id] = line.contract
            await self._contracts(contracts)
            self._reports[self._report.digest] = self.now()
        return ids

    async def _contracts(self, contracts: Mapping[int, str]) -> None:
        """A contract belongs to the customer, which a first account has made with its own id."""
        waiting = list(contracts.items())
        for at in range(0, len(waiting), CONTRACTS_AT_ONCE):
            some = waiting[at : at + CONTRACTS_AT_ONCE]
            await asyncio.gather(
                *(self._call.change.customer_set(id_, contract=contract) for id_, contract in some)
            )

    def _fault(self, line: Line, text: str) -> None:
        self._refused += 1
        self._faults.append(s.LineFault(line.number, line.account.address, text))


# The operations


class Uploaded(s.ImportAsked, frozen=True, kw_only=True):
    """``content``: the body as it came."""

    content: bytes = b""


def _imports(call: Call) -> Imports:
    if call.desk.imports is None:
        raise Unavailable("admin", "imports are not served here")
    return call.desk.imports


async def import_run(call: Call, asked: Uploaded) -> s.ImportReport:
    if asked.digest:
        return await _imports(call).run(call, asked.content, asked.digest)
    return await _imports(call).report(call, asked.content)


async def import_show(call: Call, asked: s.ImportShow) -> s.ImportReport:
    found = _imports(call).show(asked.digest)
    if found is None:
        raise Missing(f"a report {asked.digest}")
    return found
