"""Pages on customers and on how they are reached."""

from __future__ import annotations

from starlette.responses import Response

from holdfast.functions.admin.web.accounts import ROWS, accounts_table
from holdfast.functions.admin.web.office import Office
from holdfast.functions.admin.web.showing import Cell, Fact, Said, Table, way
from holdfast.model.people import Contact, Customer
from holdfast.pages import Visit


class CustomerPages:
    def __init__(self, office: Office) -> None:
        self._office = office
        office.page("/customers", self.customers)
        office.page("/customers/{customer:int}", self.customer)

    async def customers(self, visit: Visit) -> Response:
        said, office = Said(visit), self._office
        page = await office.ask(visit, "customer_list", cursor=visit.query.get("cursor", ""), limit=ROWS)
        rows = [
            [Cell(each.name or str(each.id), f"/customers/{each.id}"), Cell(each.contract),
             self.tenant(visit, each.tenant), said.moment(each.made_at)]
            for each in page.items
        ]  # fmt: skip
        columns = said.columns("name contract tenant made_at")
        more = way("/customers", cursor=page.next) if page.next else ""
        acts = office.acts(visit, "/customers", ("customer_add", {}))
        return office.listed(
            visit, Table(said("nav.customers"), columns, rows, said("word.none"), more, acts)
        )

    async def customer(self, visit: Visit) -> Response:
        said, office = Said(visit), self._office
        number = int(visit.parts["customer"])
        customer: Customer = await office.ask(visit, "customer_show", customer=number)
        contact: Contact = await office.ask(visit, "contact_show", customer=number)
        page = await office.ask(visit, "account_list", customer=number, limit=ROWS)
        fields: dict[str, object] = {"customer": number}
        facts = said.facts(
            number=Cell(str(customer.id)),
            contract=said.items([customer.contract] if customer.contract else []),
            tenant=self.tenant(visit, customer.tenant),
            external_id=said.items([customer.external_id] if customer.external_id else []),
            made_at=said.moment(customer.made_at),
        )
        return office.thing(
            visit,
            customer.name or said("customer.nameless", number=number),
            facts=facts + self._contact(said, contact),
            acts=office.acts(
                visit, f"/customers/{number}", ("customer_set", fields), ("contact_set", fields)
            ),
            tables=[accounts_table(said, said("nav.accounts"), page.items)],
        )

    def _contact(self, said: Said, contact: Contact) -> list[Fact]:
        phone, address = contact.phone, contact.address
        return said.facts(
            phone=_proven(said, phone, contact.phone_proven_at),
            second_address=_proven(said, address, contact.address_proven_at),
            language=Cell(said("option." + contact.language)),
            consent=said.moment(contact.consent_at, "word.no"),
        )

    def tenant(self, visit: Visit, tenant: int) -> Cell:
        """By its name, for who may see it."""
        if not tenant:
            return Cell(visit.say("word.provider"))
        if not self._office.may(visit, "tenant_show", tenant=tenant):
            return Cell(str(tenant))
        return Cell(self._office.desk.people.tenant(tenant).name, f"/tenants/{tenant}")


def _proven(said: Said, way_there: str, proven_at: float) -> Cell:
    if not way_there:
        return Cell(said("word.none"))
    if not proven_at:
        return Cell(said("customer.unproven", way=way_there), tone="warn")
    return Cell(said("customer.proven", way=way_there, when=said.moment(proven_at).text))
