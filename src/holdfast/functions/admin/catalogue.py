"""The table of all operations (ADMIN-7): the API's routes and document, the role matrix, pages and commands
are made from it, and there is no other way to a handler.
"""

from __future__ import annotations

from typing import get_type_hints

from holdfast.functions.admin import accounts as a
from holdfast.functions.admin import customers as c
from holdfast.functions.admin import domains as d
from holdfast.functions.admin import hooks as h
from holdfast.functions.admin import imports as i
from holdfast.functions.admin import oversight as o
from holdfast.functions.admin import rights as r
from holdfast.functions.admin.operation import Handler, Operation, Reach
from holdfast.functions.admin.permissions import Permission as P


def _operation(
    line: str,
    handler: Handler,
    permission: P,
    doc: str,
    *,
    reach: Reach = Reach.NAMED,
    status: int = 0,
    changes: bool | None = None,
    guarded: bool = True,
    takes: str = "",
) -> Operation:
    """Its shapes are those of its handler."""
    method, path = line.split()
    hints = get_type_hints(handler)
    gives = hints["return"]
    if gives is type(None):
        gives = None
    return Operation(
        id=handler.__name__,
        method=method,
        path=path,
        doc=doc,
        asks=hints["asked"],
        gives=gives,
        permission=permission,
        reach=reach,
        handler=handler,
        status=status or (204 if gives is None else 200),
        changes=method != "GET" if changes is None else changes,
        guarded=guarded,
        takes=takes,
    )


_OWN, _LIST = Reach.OWN, Reach.LIST

OPERATIONS: tuple[Operation, ...] = (
    _operation("GET /v1/me", r.me, P.ME, "Who you are here, and what you may do.", reach=_OWN),
    _operation("GET /v1/counts", r.counts, P.READ, "How many there are of everything."),
    _operation(
        "POST /v1/announcements",
        r.announce,
        P.PROVIDER,
        "Announces that many accounts leave, so that every process believes it.",
    ),
    # domains
    _operation("GET /v1/domains", d.domain_list, P.READ, "The domains within your rights.", reach=_LIST),
    _operation("POST /v1/domains", d.domain_add, P.MAKE_DOMAINS, "Takes mail for a domain.", status=201),
    _operation("GET /v1/domains/{domain}", d.domain_show, P.READ, "One domain."),
    _operation("PATCH /v1/domains/{domain}", d.domain_set, P.DOMAINS, "Changes a domain's settings."),
    _operation(
        "PATCH /v1/domains/{domain}/limits", d.domain_limits, P.LIMITS, "What a domain's accounts may have."
    ),
    _operation(
        "POST /v1/domains/{domain}/remove",
        d.domain_remove,
        P.MAKE_DOMAINS,
        "Removes a domain softly: mail for it is refused, its names are kept. "
        "Refused when it has more active accounts than you say.",
    ),
    _operation(
        "POST /v1/domains/{domain}/restore", d.domain_restore, P.MAKE_DOMAINS, "Undoes a domain's removal."
    ),
    _operation("GET /v1/domains/{domain}/aliases", d.alias_list, P.READ, "A domain's aliases, by address."),
    _operation(
        "PUT /v1/aliases/{address}", d.alias_set, P.PEOPLE, "Makes an alias, or gives it other targets."
    ),
    _operation("DELETE /v1/aliases/{address}", d.alias_remove, P.PEOPLE, "Removes an alias."),
    _operation("GET /v1/addresses/{address}", d.address_show, P.READ, "What an address is, and whose."),
    _operation(
        "GET /v1/domains/{domain}/invitations", d.invitation_list, P.READ, "Who may sign up by invitation."
    ),
    _operation(
        "POST /v1/domains/{domain}/invitations",
        d.invitation_add,
        P.DOMAINS,
        "Makes an invitation; its code is shown this once.",
        status=201,
    ),
    _operation(
        "DELETE /v1/domains/{domain}/invitations/{invitation}",
        d.invitation_remove,
        P.DOMAINS,
        "Ends an invitation.",
    ),
    _operation(
        "GET /v1/reserved-names", d.reserved_list, P.READ, "Names nobody may sign up with.", reach=_LIST
    ),
    _operation("POST /v1/reserved-names", d.reserved_add, P.DOMAINS, "Reserves names."),
    _operation("DELETE /v1/reserved-names/{name}", d.reserved_free, P.DOMAINS, "Gives a reserved name free."),
    # customers
    _operation(
        "GET /v1/customers", c.customer_list, P.READ, "The customers within your rights.", reach=_LIST
    ),
    _operation("POST /v1/customers", c.customer_add, P.PEOPLE, "Makes a customer.", status=201),
    _operation("GET /v1/customers/{customer}", c.customer_show, P.READ, "One customer."),
    _operation("PATCH /v1/customers/{customer}", c.customer_set, P.PEOPLE, "Changes a customer."),
    _operation(
        "GET /v1/customers/{customer}/contact",
        c.contact_show,
        P.READ,
        "How a customer is reached when mail is what fails.",
    ),
    _operation(
        "PATCH /v1/customers/{customer}/contact",
        c.contact_set,
        P.PEOPLE,
        "Changes how a customer is reached; what is new counts as unproven.",
    ),
    # accounts
    _operation("GET /v1/accounts", a.account_list, P.READ, "The accounts within your rights.", reach=_LIST),
    _operation("POST /v1/accounts", a.account_add, P.PEOPLE, "Makes an account.", status=201),
    _operation("GET /v1/accounts/{account}", a.account_show, P.READ, "One account."),
    _operation("PATCH /v1/accounts/{account}", a.account_set, P.PEOPLE, "Changes an account."),
    _operation(
        "PATCH /v1/accounts/{account}/limits", a.account_limits, P.LIMITS, "What an account may have."
    ),
    _operation(
        "PUT /v1/accounts/{account}/state",
        a.state_set,
        P.PEOPLE,
        "Disables an account, removes it, or neither.",
    ),
    _operation(
        "POST /v1/accounts/{account}/remove",
        a.account_remove,
        P.PEOPLE,
        "Removes an account softly: nothing is lost. Refused under legal hold.",
    ),
    _operation(
        "POST /v1/accounts/{account}/restore", a.account_restore, P.PEOPLE, "Undoes an account's removal."
    ),
    _operation(
        "POST /v1/bulk/account-state",
        a.bulk_state,
        P.BULK,
        "Changes the state of many accounts; refused when that hits far more than you expect.",
        reach=_LIST,
    ),
    _operation("GET /v1/accounts/{account}/addresses", a.address_list, P.READ, "An account's addresses."),
    _operation(
        "POST /v1/accounts/{account}/addresses", a.address_add, P.PEOPLE, "Adds an address to an account."
    ),
    _operation(
        "DELETE /v1/accounts/{account}/addresses/{address}",
        a.address_remove,
        P.PEOPLE,
        "Takes an address from an account; not its first.",
    ),
    _operation("GET /v1/accounts/{account}/masked", a.masked_list, P.READ, "An account's masked addresses."),
    _operation(
        "PUT /v1/accounts/{account}/masked/{address}",
        a.masked_set,
        P.PEOPLE,
        "Switches a masked address off or on.",
    ),
    _operation("PUT /v1/accounts/{account}/password", a.password_set, P.SIGN_IN, "Sets a password."),
    _operation(
        "POST /v1/accounts/{account}/sign-out", a.sign_out, P.SIGN_IN, "Ends all sessions of an account."
    ),
    _operation(
        "GET /v1/accounts/{account}/app-passwords",
        a.app_password_list,
        P.READ,
        "What an account's mail programs sign in with; never the secrets.",
    ),
    _operation(
        "DELETE /v1/accounts/{account}/app-passwords/{app_password}",
        a.app_password_remove,
        P.SIGN_IN,
        "Ends an app password.",
    ),
    _operation("GET /v1/accounts/{account}/factors", a.factor_list, P.READ, "An account's second factors."),
    _operation(
        "DELETE /v1/accounts/{account}/factors/{factor}",
        a.factor_remove,
        P.SIGN_IN,
        "Removes a second factor: a lost phone.",
    ),
    _operation(
        "GET /v1/accounts/{account}/sign-ins",
        a.sign_in_list,
        P.READ,
        "Who signed in to an account or tried to, the newest first.",
    ),
    _operation(
        "PUT /v1/accounts/{account}/hold",
        o.hold_set,
        P.HOLD,
        "Begins or ends legal hold: while it lasts nothing of the account is erased.",
        guarded=False,
    ),
    # rights
    _operation("GET /v1/tenants", r.tenant_list, P.READ, "The tenants within your rights.", reach=_LIST),
    _operation("POST /v1/tenants", r.tenant_add, P.TENANTS, "Makes a tenant.", status=201),
    _operation("GET /v1/tenants/{tenant}", r.tenant_show, P.READ, "One tenant."),
    _operation("PATCH /v1/tenants/{tenant}", r.tenant_set, P.TENANTS, "Changes a tenant and how it looks."),
    _operation(
        "PUT /v1/tenants/{tenant}/limits", r.tenant_limits, P.LIMITS, "How many accounts a tenant may have."
    ),
    _operation("GET /v1/grants", r.grant_list, P.GRANTS, "Who may do what.", reach=_LIST),
    _operation("POST /v1/grants", r.grant_add, P.GRANTS, "Gives a role.", status=201, guarded=False),
    _operation("DELETE /v1/grants", r.grant_remove, P.GRANTS, "Takes a role away.", guarded=False),
    _operation("GET /v1/tokens", r.token_list, P.TOKENS, "Your keys for programs.", reach=_OWN),
    _operation(
        "POST /v1/tokens",
        r.token_add,
        P.TOKENS,
        "Makes a key for a program; it is shown this once.",
        reach=_OWN,
        status=201,
    ),
    _operation("DELETE /v1/tokens/{token}", r.token_remove, P.TOKENS, "Ends a key.", reach=_OWN),
    # oversight
    _operation("GET /v1/audit", o.audit_list, P.AUDIT, "Who did what, the newest first.", reach=_LIST),
    _operation(
        "GET /v1/accesses",
        o.access_list,
        P.SEALED,
        "Sealed accesses: your own, and those that you may approve.",
        reach=_LIST,
    ),
    _operation(
        "POST /v1/accesses", o.access_add, P.SEALED, "Asks to see a mailbox.", status=201, guarded=False
    ),
    _operation(
        "POST /v1/accesses/{access}/approval",
        o.access_approve,
        P.APPROVE,
        "Approves what another person asked to see.",
    ),
    _operation(
        "GET /v1/accesses/{access}/mailboxes", o.sealed_mailboxes, P.SEALED, "The mailboxes; on record."
    ),
    _operation(
        "GET /v1/accesses/{access}/mailboxes/{mailbox}/messages",
        o.sealed_messages,
        P.SEALED,
        "The messages of a mailbox; on record.",
    ),
    _operation(
        "GET /v1/accesses/{access}/mailboxes/{mailbox}/messages/{uid}",
        o.sealed_message,
        P.SEALED,
        "One message as it came; on record.",
    ),
    _operation(
        "GET /v1/accesses/{access}/export",
        o.sealed_export,
        P.SEALED,
        "Everything as an archive with a list of digests; on record.",
    ),
    _operation(
        "GET /v1/accesses/{access}/removed",
        o.sealed_removed,
        P.SEALED,
        "What was removed and is still there, under legal hold or for its time, as one mbox; on record.",
    ),
    # many at once, and others' programs
    _operation(
        "POST /v1/imports",
        i.import_run,
        P.BULK,
        "Many accounts from CSV: first the report of what would happen, then, with its digest, the import.",
        reach=_LIST,
        takes="text/csv",
    ),
    _operation("GET /v1/imports/{digest}", i.import_show, P.BULK, "How far an import is.", reach=_OWN),
    _operation("GET /v1/hooks", h.hook_list, P.PROVIDER, "How the hooks do."),
)

BY_ID: dict[str, Operation] = {each.id: each for each in OPERATIONS}
