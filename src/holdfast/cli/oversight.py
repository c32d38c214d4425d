"""`holdfast customer`, `contact`, `hold`, `access`, `audit`: whose it is, and who watches over it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from holdfast.cli import terminal
from holdfast.cli.people import Who, with_people
from holdfast.cli.rights import Id, Why, rows
from holdfast.model.errors import Reason, Refused, Unavailable

if TYPE_CHECKING:
    from holdfast.directory.operations import Operations
    from holdfast.model.people import Contact, Customer

PAGE = 1000
HOUR_S = 3600.0

CustomerId = Annotated[int, typer.Argument(metavar="CUSTOMER", help="As `customer list` shows it.")]
Name = Annotated[str | None, typer.Option(help="The customer's name.")]
Contract = Annotated[str | None, typer.Option(help="The number of the contract.")]
OfTenant = Annotated[int | None, typer.Option("--tenant", help="The tenant's number.")]
ExternalId = Annotated[str | None, typer.Option(help="The customer's number in your CRM.")]


def add_to(app: typer.Typer) -> None:
    customers = typer.Typer(help="Who has a contract, with one account or several.", no_args_is_help=True)
    customers.command("add")(customer_add)
    customers.command("list")(customer_list)
    customers.command("set")(customer_set)
    app.add_typer(customers, name="customer")
    contacts = typer.Typer(help="How customers are reached when mail is what fails.", no_args_is_help=True)
    contacts.command("show")(contact_show)
    contacts.command("set")(contact_set)
    app.add_typer(contacts, name="contact")
    holds = typer.Typer(help="Legal hold: nothing of an account is erased.", no_args_is_help=True)
    holds.command("begin")(hold_begin)
    holds.command("end")(hold_end)
    app.add_typer(holds, name="hold")
    accesses = typer.Typer(help="Sealed access to one mailbox, approved by another.", no_args_is_help=True)
    accesses.command("list")(access_list)
    accesses.command("ask")(access_ask)
    accesses.command("approve")(access_approve)
    app.add_typer(accesses, name="access")
    app.command()(audit)


# Customers


def customer_add(
    name: Annotated[str, typer.Argument(help="The customer's name.")],
    contract: Contract = None,
    tenant: OfTenant = None,
    external_id: ExternalId = None,
) -> None:
    """Makes a customer and prints its number."""
    made = with_people(
        lambda people: people.customer_add(
            name, contract=contract or "", tenant=tenant or 0, external_id=external_id or ""
        )
    )
    print(made.id)


def customer_list(as_json: terminal.Json = False) -> None:
    """Lists the customers."""

    async def work(people: Operations) -> list[Customer]:
        found: list[Customer] = []
        while page := await people.customers(after=found[-1].id if found else 0, limit=PAGE):
            found += page
        return found

    terminal.show(rows(with_people(work)), ["id", "name", "contract", "tenant", "external_id"], as_json)


def customer_set(
    customer: CustomerId,
    name: Name = None,
    contract: Contract = None,
    tenant: OfTenant = None,
    external_id: ExternalId = None,
) -> None:
    """Changes a customer; what isn't named stays."""
    with_people(
        lambda people: people.customer_set(
            customer, name=name, contract=contract, tenant=tenant, external_id=external_id
        )
    )


def contact_show(customer: CustomerId, as_json: terminal.Json = False) -> None:
    """How a customer is reached."""
    found = rows([with_people(lambda people: people.contact(customer))])
    terminal.show(found, ["customer", "phone", "address", "language", "consent_at"], as_json)


def contact_set(
    customer: CustomerId,
    phone: Annotated[str | None, typer.Option(help="With the country: +4930…; '' for none.")] = None,
    address: Annotated[str | None, typer.Option(help="Elsewhere, not here; '' for none.")] = None,
    language: Annotated[str | None, typer.Option(help="de or en.")] = None,
    proven: Annotated[bool, typer.Option("--proven", help="You have seen that they are theirs.")] = False,
    consent: Annotated[
        bool | None, typer.Option("--consent/--no-consent", help="They agreed to be told of outages, or not.")
    ] = None,
) -> None:
    """Changes how a customer is reached; what is new counts as unproven unless you say --proven."""
    import msgspec

    from holdfast.world import real_world

    now = real_world(level="warn").clock.now()
    at = now if proven else 0.0

    async def work(people: Operations) -> Contact:
        contact = await people.contact(customer)
        if phone is not None and (phone != contact.phone or proven):
            contact = msgspec.structs.replace(contact, phone=phone, phone_proven_at=at if phone else 0.0)
        if address is not None and (address != contact.address or proven):
            contact = msgspec.structs.replace(
                contact, address=address, address_proven_at=at if address else 0.0
            )
        if language is not None:
            contact = msgspec.structs.replace(contact, language=language)
        if consent is not None and consent != bool(contact.consent_at):
            contact = msgspec.structs.replace(contact, consent_at=now if consent else 0.0)
        return await people.contact_set(contact)

    with_people(work)


# Legal hold and sealed access


def hold_begin(account: Who, why: Why = "") -> None:
    """From now on nothing of the account is erased; --why is needed."""
    _hold(account, True, why)


def hold_end(account: Who, why: Why = "") -> None:
    """What was kept for the hold alone may go; --why is needed."""
    _hold(account, False, why)


def _hold(account: str, on: bool, why: str) -> None:
    if not why:
        raise Refused(Reason.BAD_SYNTAX, "--why is needed: legal hold has a reason, and it is on record")
    with_people(lambda people: people.hold_set(account, on, why=why))


def access_list(as_json: terminal.Json = False) -> None:
    """Lists who asked to see whose mailbox, and who approved it."""
    found = rows(with_people(lambda people: people.accesses()))
    terminal.show(found, ["id", "account", "auditor", "reason", "approved_by", "until"], as_json)


def access_ask(
    account: Who,
    auditor: Annotated[str, typer.Option(help="Who will look: any address of the account.")],
    why: Why = "",
) -> None:
    """Asks to see a mailbox and prints the number of the access; --why is needed."""
    if not why:
        raise Refused(Reason.BAD_SYNTAX, "--why is needed: it is the reason that is on record")
    print(with_people(lambda people: people.access_ask(account, auditor, why=why)).id)


def access_approve(
    access: Id,
    approver: Annotated[str, typer.Option("--by", help="Who approves: another than who asked.")],
    hours: Annotated[float, typer.Option(help="For so long.", min=0.1, max=24 * 31)] = 24.0,
    why: Why = "",
) -> None:
    """Approves what another person asked to see."""
    from holdfast.world import real_world

    until = real_world(level="warn").clock.now() + hours * HOUR_S
    with_people(lambda people: people.access_approve(access, approver, until, why=why))


# The audit trail


def audit(
    account: Annotated[str, typer.Argument(help="Of this account only: any of its addresses.")] = "",
    by: Annotated[str, typer.Option(help="By this one only: cli:root, account:7, token:91 …")] = "",
    what: Annotated[str, typer.Option(help="This kind of change only, such as account_made.")] = "",
    limit: Annotated[int, typer.Option(help="So many entries.", min=1, max=100_000)] = 50,
    as_json: terminal.Json = False,
) -> None:
    """Who did what, the newest first; made from the people ledger, which nobody edits."""

    async def work(people: Operations) -> list[dict[str, Any]]:
        number = (await people.account(account)).id if account else 0
        return await _trail(number, by, what, limit)

    found = with_people(work)
    if not as_json:
        found = [{**row, "at": _moment(row["at"])} for row in found]
    terminal.show(found, ["at", "by", "what", "account", "why"], as_json)


async def _trail(account: int, by: str, what: str, limit: int) -> list[dict[str, Any]]:
    """Folded anew, in memory: some 20,000 entries a second."""
    from holdfast.directory.audit import AuditTrail
    from holdfast.directory.copy import Source
    from holdfast.model.ledgers import PEOPLE
    from holdfast.run import layout
    from holdfast.world import real_world

    world, config = real_world(level="warn"), terminal.load_config()
    source = Source(world, layout.people_folder(config), PEOPLE, layout.people_copies(config))
    trail = AuditTrail(world, ":memory:", source)
    try:
        if not await trail.catch_up():
            raise Unavailable("people", "the people ledger can't be read whole; the journal says why")
        return rows(trail.page(account=account, by=by, what=what, limit=limit))
    finally:
        trail.close()


def _moment(seconds: float) -> str:
    import datetime

    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S")
