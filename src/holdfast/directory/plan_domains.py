"""How requests about domains, tenants, customers and contacts become records."""

from __future__ import annotations

import re

from holdfast.directory import records as r
from holdfast.directory import requests as q
from holdfast.directory.draft import Draft, check_count, check_name
from holdfast.directory.names import name_key, parse_domain
from holdfast.model.address import parse_address
from holdfast.model.errors import Reason, Refused
from holdfast.model.limits import (
    ALIAS_TARGETS,
    BRAND_LOGO_BYTES,
    NAMES_RESERVED_MOST,
    SEPARATOR_CHARACTERS,
)
from holdfast.model.people import Brand, Contact, Customer, Domain, Tenant

LANGUAGES = ("de", "en")
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}\Z")  # E.164 §6
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}\Z")
_LOGO = re.compile(r"data:image/(png|svg\+xml|webp);base64,[A-Za-z0-9+/]+={0,2}\Z")
_URL = re.compile(r"https://[^\s\"'<>]+\Z")


def domain_add(draft: Draft, request: q.DomainAdd) -> Domain:
    name = parse_domain(request.name)
    _check_separator(request.separator)
    catch_all = tuple(clean_targets(request.catch_all))
    existing = draft.copy.lists.domain(name)
    wanted = (request.separator, catch_all, request.tenant, 0.0)
    if existing is not None and wanted == (
        existing.separator,
        existing.catch_all,
        existing.tenant,
        existing.removed_at,
    ):
        return existing
    draft.add(
        r.DomainMade(
            at=draft.at,
            name=name,
            separator=request.separator,
            catch_all=catch_all,
            tenant=request.tenant,
        )
    )
    return draft.domain(name)


def domain_set(draft: Draft, request: q.DomainSet) -> Domain:
    name = parse_domain(request.name)
    if request.separator is not None:
        _check_separator(request.separator)
    check_count(request.quota_bytes, "a quota")
    check_count(request.daily_recipients, "a limit of recipients")
    check_count(request.accounts_most, "a limit of accounts")
    catch_all = None if request.catch_all is None else tuple(clean_targets(request.catch_all))
    draft.add(
        r.DomainSet(
            at=draft.at,
            name=name,
            separator=request.separator,
            catch_all=catch_all,
            tenant=request.tenant,
            quota_bytes=request.quota_bytes,
            daily_recipients=request.daily_recipients,
            accounts_most=request.accounts_most,
        )
    )
    return draft.domain(name)


def domain_remove(draft: Draft, request: q.DomainRemove) -> None:
    """The guard: who removes a domain knows how many people it hits."""
    name = parse_domain(request.name)
    domain = draft.domain(name)
    if domain.removed_at:
        return
    active = draft.copy.lists.active_in(domain.id)
    if active > request.accounts:
        raise Refused(
            Reason.NOT_ALLOWED,
            f"{name} has {active} active accounts, not {request.accounts}: name that number to remove it",
        )
    draft.add(r.DomainRemoved(at=draft.at, name=name))


def domain_restore(draft: Draft, request: q.DomainRestore) -> Domain:
    name = parse_domain(request.name)
    if draft.domain(name).removed_at:
        draft.add(r.DomainBack(at=draft.at, name=name))
    return draft.domain(name)


def customer_add(draft: Draft, request: q.CustomerAdd) -> Customer:
    check_name(request.name)
    check_name(request.contract)
    check_name(request.external_id)
    sequence = draft.add(
        r.CustomerMade(
            at=draft.at,
            name=request.name,
            contract=request.contract,
            tenant=request.tenant,
            external_id=request.external_id,
        )
    )
    return draft.copy.belongings.customer(sequence)


def customer_set(draft: Draft, request: q.CustomerSet) -> Customer:
    for text in (request.name, request.contract, request.external_id):
        check_name(text or "")
    draft.add(
        r.CustomerSet(
            at=draft.at,
            customer=request.customer,
            name=request.name,
            contract=request.contract,
            tenant=request.tenant,
            external_id=request.external_id,
        )
    )
    return draft.copy.belongings.customer(request.customer)


def contact_set(draft: Draft, request: q.ContactSet) -> Contact:
    contact = clean_contact(draft, request.contact)
    draft.copy.belongings.customer(contact.customer)
    if draft.copy.belongings.contact(contact.customer) != contact:
        draft.add(contact_record(draft, contact))
    return contact


def clean_contact(draft: Draft, contact: Contact) -> Contact:
    """With a phone number and an address that can be reached when our mail is what fails."""
    phone = re.sub(r"[\s()/.-]", "", contact.phone)
    if phone and not _PHONE.match(phone):
        raise Refused(
            Reason.BAD_SYNTAX, f"{contact.phone} is no phone number: write it as +49 30 1234567 (E.164)"
        )
    if contact.address:
        address = parse_address(contact.address)
        if draft.copy.lookup.domain(address.domain) is not None:
            raise Refused(
                Reason.NOT_ALLOWED,
                f"{contact.address} is a mailbox here: give one at another provider",
            )
    if contact.language not in LANGUAGES:
        raise Refused(Reason.BAD_SYNTAX, f"no texts in {contact.language!r}: one of {', '.join(LANGUAGES)}")
    return Contact(
        contact.customer,
        phone,
        contact.phone_proven_at if phone else 0.0,
        contact.address,
        contact.address_proven_at if contact.address else 0.0,
        contact.language,
        contact.consent_at,
    )


def contact_record(draft: Draft, contact: Contact) -> r.ContactSet:
    return r.ContactSet(
        at=draft.at,
        customer=contact.customer,
        phone=contact.phone,
        phone_proven_at=contact.phone_proven_at,
        address=contact.address,
        address_proven_at=contact.address_proven_at,
        language=contact.language,
        consent_at=contact.consent_at,
    )


def tenant_add(draft: Draft, request: q.TenantAdd) -> Tenant:
    _check_tenant_name(draft, request.name, 0)
    check_count(request.accounts_most, "a limit of accounts")
    sequence = draft.add(r.TenantMade(at=draft.at, name=request.name, accounts_most=request.accounts_most))
    return draft.copy.belongings.tenant(sequence)


def tenant_set(draft: Draft, request: q.TenantSet) -> Tenant:
    if request.name is not None:
        _check_tenant_name(draft, request.name, request.tenant)
    check_count(request.accounts_most, "a limit of accounts")
    if request.brand is not None:
        _check_brand(request.brand)
    draft.add(
        r.TenantSet(
            at=draft.at,
            tenant=request.tenant,
            name=request.name,
            brand=request.brand,
            accounts_most=request.accounts_most,
        )
    )
    return draft.copy.belongings.tenant(request.tenant)


def _check_tenant_name(draft: Draft, name: str, tenant: int) -> None:
    check_name(name, needed="tenant")
    other = draft.copy.belongings.tenant_named(name)
    if other not in (0, tenant):
        raise Refused(Reason.EXISTS, f"{name} is tenant {other} already: choose another name")


def _check_brand(brand: Brand) -> None:
    for text in (brand.title, brand.support_url, brand.support_phone):
        check_name(text)
    if brand.colour and not _COLOUR.match(brand.colour):
        raise Refused(Reason.BAD_SYNTAX, f"{brand.colour!r} is no colour: write it as #0a5cc2")
    if len(brand.logo) > BRAND_LOGO_BYTES:
        raise Refused(Reason.TOO_LARGE, f"logo larger than {BRAND_LOGO_BYTES} bytes: make it smaller")
    if brand.logo and not _LOGO.match(brand.logo):
        raise Refused(Reason.BAD_SYNTAX, "not a logo: a data: URL of a PNG, SVG or WebP picture, in base64")
    if brand.support_url and not _URL.match(brand.support_url):
        raise Refused(Reason.BAD_SYNTAX, f"{brand.support_url!r} is no page: a URL that begins with https://")


def names_reserve(draft: Draft, request: q.NamesReserve) -> None:
    if len(request.names) > NAMES_RESERVED_MOST:
        raise Refused(Reason.TOO_MANY, f"more than {NAMES_RESERVED_MOST} names in one request: split it")
    domain = parse_domain(request.domain) if request.domain else ""
    there = set(draft.copy.belongings.reserved_names(domain))
    keys = [name_key(f"{name}@example.org").rpartition("@")[0] for name in request.names]
    names = tuple(dict.fromkeys(key for key in keys if (key in there) == request.free))
    if names:
        draft.add(r.NamesReserved(at=draft.at, names=names, domain=domain, free=request.free))


def clean_targets(targets: tuple[str, ...]) -> list[str]:
    """Valid addresses, each once."""
    if len(targets) > ALIAS_TARGETS:
        raise Refused(Reason.TOO_MANY, f"more than {ALIAS_TARGETS} targets: use several aliases")
    return list({name_key(target): target for target in targets}.values())


def _check_separator(separator: str) -> None:
    if len(separator) > SEPARATOR_CHARACTERS or any(c.isalnum() or c in '@".' or c <= " " for c in separator):
        raise Refused(
            Reason.BAD_SYNTAX, f"{separator!r} can't separate name and detail: one of + - = or '' for none"
        )
