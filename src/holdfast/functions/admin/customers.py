"""Operations on customers and on how they are reached."""

from __future__ import annotations

import msgspec
from msgspec import UNSET

from holdfast.functions.admin import shapes as s
from holdfast.functions.admin.call import Call
from holdfast.functions.admin.cursors import pages_of, position
from holdfast.functions.admin.domains import given
from holdfast.functions.admin.gate import place_of_address
from holdfast.functions.admin.permissions import EVERYWHERE, Missing, Permission, Place
from holdfast.model.people import Contact, Customer


async def customer_list(call: Call, asked: s.CustomerListAsked) -> s.Page[Customer]:
    [after] = position(asked.cursor, 0)
    return pages_of(
        asked.limit,
        lambda at, limit: call.people.lists.customers(after=at, limit=limit),
        lambda customer: _is_within(call, customer),
        lambda customer: customer.id,
        after,
    )


def _is_within(call: Call, customer: Customer) -> bool:
    """As the gate has it for one of them: all its accounts are within the asker's rights."""
    if call.actor.may(Permission.READ, Place(customer.tenant)):
        return True
    accounts = call.people.customer_accounts(customer.id)
    return bool(accounts) and all(
        call.actor.may(Permission.READ, place_of_address(call, each.login)) for each in accounts
    )


async def customer_add(call: Call, asked: s.CustomerAdd) -> Customer:
    return await call.change.customer_add(
        asked.name,
        contract=asked.contract,
        tenant=asked.tenant,
        external_id=asked.external_id,
        once=call.once,
        why=call.why,
    )


async def customer_show(call: Call, asked: s.CustomerAsked) -> Customer:
    customer: Customer = call.found["customer"]
    return customer


async def customer_set(call: Call, asked: s.CustomerSet) -> Customer:
    tenant = given(asked.tenant, 0)
    if tenant == 0 and not call.actor.may(Permission.PEOPLE, EVERYWHERE):
        raise Missing("tenant 0")  # the provider itself
    return await call.change.customer_set(
        asked.customer,
        name=given(asked.name, ""),
        contract=given(asked.contract, ""),
        tenant=tenant,
        external_id=given(asked.external_id, ""),
        once=call.once,
        why=call.why,
    )


async def contact_show(call: Call, asked: s.CustomerAsked) -> Contact:
    return call.people.contact(asked.customer)


async def contact_set(call: Call, asked: s.ContactSet) -> Contact:
    """What is changed counts as unproven, unless who changes it says that somebody has seen to that."""
    now = call.desk.world.clock.now()
    contact = call.people.contact(asked.customer)
    phone, address = given(asked.phone, ""), given(asked.second_address, "")
    if phone is not None and (phone != contact.phone or asked.phone_proven):
        proven = now if asked.phone_proven and phone else 0.0
        contact = msgspec.structs.replace(contact, phone=phone, phone_proven_at=proven)
    if address is not None and (address != contact.address or asked.address_proven):
        proven = now if asked.address_proven and address else 0.0
        contact = msgspec.structs.replace(contact, address=address, address_proven_at=proven)
    if asked.language is not UNSET:
        contact = msgspec.structs.replace(contact, language=asked.language or "en")
    if asked.consent is not UNSET and asked.consent != bool(contact.consent_at):
        contact = msgspec.structs.replace(contact, consent_at=now if asked.consent else 0.0)
    return await call.change.contact_set(contact, once=call.once, why=call.why)
