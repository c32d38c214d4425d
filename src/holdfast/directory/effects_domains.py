"""What records of domains, tenants, customers and contacts do to the tables. Checks first, then changes."""

from __future__ import annotations

import msgspec

from holdfast.directory import records as r
from holdfast.directory.names import fold_domain, fold_local
from holdfast.directory.tables import Tables, targets_text
from holdfast.model.errors import Reason, Refused
from holdfast.model.people import Brand, CustomerId

_encode = msgspec.msgpack.Encoder().encode


def domain_made(tables: Tables, sequence: int, at: float, record: r.DomainMade) -> None:
    name = fold_domain(record.name)
    if name in tables.places:
        if tables.places[name].removed:
            raise Refused(Reason.EXISTS, f"{name} is a removed domain, and its names are kept: restore it")
        raise Refused(Reason.EXISTS, f"{name} is a domain of this service already")
    catch_all = targets_text(record.catch_all)
    tables.check_tenant(record.tenant)
    tables.db.execute(
        "INSERT INTO domain VALUES (?, ?, ?, ?, ?, ?, 0, 0, 0, 0, 0)",
        (sequence, name, record.separator, catch_all, at, record.tenant),
    )
    tables.add_place(name, sequence, record.tenant)


def domain_set(tables: Tables, sequence: int, at: float, record: r.DomainSet) -> None:
    place = tables.place(fold_domain(record.name))
    catch_all = None if record.catch_all is None else targets_text(record.catch_all)
    tables.check_tenant(record.tenant or 0)
    tables.limited |= record.quota_bytes is not None
    tables.db.execute(
        "UPDATE domain SET separator = coalesce(?, separator), catch_all = coalesce(?, catch_all),"
        " tenant = coalesce(?, tenant), quota_bytes = coalesce(?, quota_bytes),"
        " daily_recipients = coalesce(?, daily_recipients), accounts_most = coalesce(?, accounts_most)"
        " WHERE id = ?",
        (
            record.separator,
            catch_all,
            record.tenant,
            record.quota_bytes,
            record.daily_recipients,
            record.accounts_most,
            place.id,
        ),
    )
    if record.tenant is not None:
        place.tenant = record.tenant
    if record.accounts_most is not None:
        place.most = record.accounts_most


def domain_removed(tables: Tables, sequence: int, at: float, record: r.DomainRemoved) -> None:
    place = tables.place(fold_domain(record.name))
    tables.db.execute("UPDATE domain SET removed_at = ? WHERE id = ?", (at, place.id))
    place.removed = True


def domain_back(tables: Tables, sequence: int, at: float, record: r.DomainBack) -> None:
    name = fold_domain(record.name)
    place = tables.places.get(name)
    if place is None or not place.removed:
        raise Refused(Reason.NO_SUCH_DOMAIN, f"{name} is no removed domain: there is nothing to restore")
    tables.db.execute("UPDATE domain SET removed_at = 0 WHERE id = ?", (place.id,))
    place.removed = False


def customer_made(tables: Tables, sequence: int, at: float, record: r.CustomerMade) -> None:
    tables.check_tenant(record.tenant)
    tables.db.execute(
        "INSERT INTO customer VALUES (?, ?, ?, ?, ?, ?)",
        (sequence, record.name, at, record.contract, record.tenant, record.external_id),
    )


def customer_set(tables: Tables, sequence: int, at: float, record: r.CustomerSet) -> None:
    tables.check_customer(record.customer)
    tables.check_tenant(record.tenant or 0)
    keep_customer(tables, record.customer)
    tables.db.execute(
        "UPDATE customer SET name = coalesce(?, name), contract = coalesce(?, contract),"
        " tenant = coalesce(?, tenant), external_id = coalesce(?, external_id) WHERE id = ?",
        (record.name, record.contract, record.tenant, record.external_id, record.customer),
    )


def keep_customer(tables: Tables, customer: CustomerId) -> None:
    """Gives a customer that was made with its first account a row of its own."""
    tables.db.execute(
        "INSERT OR IGNORE INTO customer SELECT a.id, a.name, a.made_at, '', d.tenant, ''"
        " FROM account a JOIN domain d ON d.id = a.domain WHERE a.id = ? AND a.customer = a.id",
        (customer,),
    )


def contact_set(tables: Tables, sequence: int, at: float, record: r.ContactSet) -> None:
    tables.check_customer(record.customer)
    tables.db.execute(
        "INSERT OR REPLACE INTO contact VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            record.customer,
            record.phone,
            record.phone_proven_at,
            record.address,
            record.address_proven_at,
            record.language,
            record.consent_at,
        ),
    )


def tenant_made(tables: Tables, sequence: int, at: float, record: r.TenantMade) -> None:
    tables.db.execute(
        "INSERT INTO tenant VALUES (?, ?, ?, ?, ?)",
        (sequence, record.name, _encode(Brand()), record.accounts_most, at),
    )


def tenant_set(tables: Tables, sequence: int, at: float, record: r.TenantSet) -> None:
    if not record.tenant:
        raise Refused(Reason.BAD_SYNTAX, "the provider itself (0) is no tenant: add a tenant first")
    tables.check_tenant(record.tenant)
    tables.db.execute(
        "UPDATE tenant SET name = coalesce(?, name), brand = coalesce(?, brand),"
        " accounts_most = coalesce(?, accounts_most) WHERE id = ?",
        (
            record.name,
            None if record.brand is None else _encode(record.brand),
            record.accounts_most,
            record.tenant,
        ),
    )


def names_reserved(tables: Tables, sequence: int, at: float, record: r.NamesReserved) -> None:
    domain = fold_domain(record.domain)
    if domain:
        tables.place(domain)
    names = [(fold_local(name), domain) for name in record.names]
    if record.free:
        tables.db.executemany("DELETE FROM reserved WHERE name = ? AND domain = ?", names)
    else:
        tables.db.executemany("INSERT OR IGNORE INTO reserved VALUES (?, ?)", names)
