"""Every operation × every role × inside and outside of its scope, against a table written by hand."""

from __future__ import annotations

import pytest

from holdfast.functions.admin.catalogue import OPERATIONS
from holdfast.functions.admin.operation import Operation
from holdfast.functions.admin.permissions import ROLES, Permission
from holdfast.model.people import AdminRole
from holdfast.sim.world import SimWorld
from unit.functions.admin.office import Answer, Office, open_office, play

# Where an operation is: at nobody's but one's own things, in what is listed, in a domain, in a tenant,
# in the whole service, or above a tenant that one may see. Then who may: owner, domain admin, support,
# auditor.
EXPECTED = """
me                   own      o d s a
counts               service  o d s a
announce             service  o
domain_list          list     o d s a
domain_add           tenant   o
domain_show          domain   o d s a
domain_set           domain   o d
domain_limits        domain   o
domain_remove        domain   o
domain_restore       domain   o
alias_list           domain   o d s a
alias_set            domain   o d
alias_remove         domain   o d
address_show         domain   o d s a
invitation_list      domain   o d s a
invitation_add       domain   o d
invitation_remove    domain   o d
reserved_list        domain   o d s a
reserved_add         domain   o d
reserved_free        domain   o d
customer_list        list     o d s a
customer_add         tenant   o d
customer_show        domain   o d s a
customer_set         domain   o d
contact_show         domain   o d s a
contact_set          domain   o d
account_list         domain   o d s a
account_add          domain   o d
account_show         domain   o d s a
account_set          domain   o d
account_limits       domain   o
state_set            domain   o d
account_remove       domain   o d
account_restore      domain   o d
bulk_state           list     o d
address_list         domain   o d s a
address_add          domain   o d
address_remove       domain   o d
masked_list          domain   o d s a
masked_set           domain   o d
password_set         domain   o d
sign_out             domain   o d
app_password_list    domain   o d s a
app_password_remove  domain   o d
factor_list          domain   o d s a
factor_remove        domain   o d
sign_in_list         domain   o d s a
hold_set             domain   o
tenant_list          list     o d s a
tenant_add           service  o
tenant_show          tenant   o d s a
tenant_set           tenant   o
tenant_limits        above    o
grant_list           list     o
grant_add            domain   o
grant_remove         domain   o
token_list           own      o d
token_add            own      o d
token_remove         own      o d
audit_list           list     o a
access_list          list     o a
access_add           domain   o a
access_approve       domain   o
sealed_mailboxes     domain   o a
sealed_messages      domain   o a
sealed_message       domain   o a
sealed_export        domain   o a
sealed_removed       domain   o a
import_run           list     o d
import_show          own      o d
hook_list            service  o
"""
LETTERS = {
    "o": AdminRole.OWNER,
    "d": AdminRole.DOMAIN_ADMIN,
    "s": AdminRole.SUPPORT,
    "a": AdminRole.AUDITOR,
}
SCOPES = ("everywhere", "tenant", "domain")
NOBODY = (AdminRole.DOMAIN_ADMIN, "everywhere")  # that is no domain's administrator


def expectations() -> dict[str, tuple[str, set[AdminRole]]]:
    found = {}
    for line in EXPECTED.split("\n"):
        if line:
            name, where, *letters = line.split()
            found[name] = (where, {LETTERS[letter] for letter in letters})
    return found


def request_of(office: Office, operation: Operation, side: str) -> tuple[str, dict[str, object] | None]:
    """Path and body of a request of the operation that is about something of ``side``."""
    ids, domain = office.ids, f"{side}.example"
    account = ids[f"{side}.account"]
    # An account with rights is not for a domain admin to change: that is another test's.
    plain = f"gone@{domain}" if operation.guarded and operation.changes else str(account)
    if operation.id in ("app_password_remove", "factor_remove", "masked_set", "address_remove"):
        plain = str(ids[f"{side}.holder"])
    values: dict[str, object] = {
        "account": plain,
        "domain": domain,
        "address": {
            "alias_set": f"sales@{domain}",
            "alias_remove": f"sales@{domain}",
            "address_remove": f"second@{domain}",
            "masked_set": office.tokens[f"{side}.holder.masked"],
            "address_add": f"new@{domain}",
            "account_add": f"new@{domain}",
        }.get(operation.id, f"ann@{domain}"),
        "invitation": ids[f"{side}.invitation"],
        "name": "info",
        "customer": ids[f"{side}.customer"],
        "app_password": ids[f"{side}.holder.app_password"],
        "factor": ids[f"{side}.holder.factor"],
        "tenant": ids[f"{side}.tenant"],
        "token": 1,
        "access": ids[f"{side}.access"],
        "mailbox": 1,
        "uid": 1,
        "digest": "0" * 64,
    }
    path = operation.path.format(**values)
    query = {
        "reserved_list": f"domain={domain}",
        "account_list": f"domain={domain}",
        "reserved_free": f"domain={domain}",
        "grant_remove": f"account={account}&role=support&domain={domain}",
    }.get(operation.id, "")
    bodies: dict[str, dict[str, object]] = {
        "announce": {"count": 1, "reason": "moving"},
        "domain_add": {"name": "new.example", "tenant": ids[f"{side}.tenant"]},
        "domain_set": {"separator": "-"},
        "alias_set": {"targets": ["ann@north.example"], "replace": True},
        "reserved_add": {"names": ["info"], "domain": domain},
        "customer_add": {"name": "new", "tenant": ids[f"{side}.tenant"]},
        "account_add": {"address": f"new@{domain}"},
        "state_set": {"state": "disabled"},
        "bulk_state": {"accounts": [plain], "state": "disabled", "expected": 1},
        "address_add": {"address": f"new@{domain}"},
        "masked_set": {"enabled": False},
        "password_set": {"password": "a new long password"},
        "hold_set": {"on": True, "why": "the court asks"},
        "tenant_add": {"name": "west"},
        "tenant_limits": {"accounts_most": 7},
        "grant_add": {"account": str(account), "role": "support", "domain": domain},
        "token_add": {"name": "mine", "role": "owner"},
        "access_add": {"account": str(account), "why": "a reason for this"},
    }
    return f"{path}?{query}" if query else path, bodies.get(operation.id, {})


async def ask(office: Office, operation: Operation, who: str, side: str) -> Answer:
    path, body = request_of(office, operation, side)
    if operation.takes:
        headers = {"content-type": operation.takes}
        return await office.ask(operation.method, path, who, raw=b"address\n", headers=headers)
    has_body = operation.has_body
    return await office.ask(operation.method, path, who, body if has_body else None)


async def staffed(world: SimWorld) -> Office:
    """One person for each role and scope; then the people process ends, so that nothing changes any more."""
    office = await open_office(world)
    north = office.ids["north.tenant"]
    for role in AdminRole:
        if (role, "everywhere") != NOBODY:
            await office.person(f"{role}-everywhere", role)
        await office.person(f"{role}-tenant", role, tenant=north)
        await office.person(f"{role}-domain", role, domain="north.example")
    for side in ("north", "south"):
        domain, w = f"{side}.example", office.writer
        holder = await w.account_add(f"holder@{domain}")
        office.ids[f"{side}.holder"] = holder.id
        await w.address_add(holder.id, f"second@{domain}")
        office.tokens[f"{side}.holder.masked"] = (await w.masked_set(holder.id, domain=domain)).address
        password = await w.app_password_add(holder.id, "phone", "k" * 24)
        office.ids[f"{side}.holder.app_password"] = password.id
        factor = await w.factor_add(holder.id, "totp", "phone", b"s" * 32)
        office.ids[f"{side}.holder.factor"] = factor.id
    await office.people.settled(5.0)
    await office.writer.close()
    return office


def outcome(answer: Answer) -> str:
    """Who may, comes as far as the people process, which is gone; or is told why it can't be done."""
    if answer.status in (401, 403):
        return "no right"
    if answer.status == 404 and answer.json["reason"] == "not_found":
        return "not there"
    assert answer.status in (200, 409, 503), answer
    return "may"


def expected(where: str, may: set[AdminRole], role: AdminRole, scope: str, side: str) -> str:
    if role not in may:
        return "no right"
    if where in ("own", "list") or scope == "everywhere":
        return "may"
    if where == "service":
        return "no right"
    if where in ("tenant", "above") and scope == "domain":
        return "not there"
    if where == "above":
        return "no right" if side == "north" else "not there"
    return "may" if side == "north" else "not there"


# Things of one's own, and what is found inside a body, aren't there; who was asked for sealed access
# is another than these; a customer of no domain isn't for who has a domain.
BY_THEMSELVES = {
    "token_remove": "not there",
    "import_show": "not there",
    "sealed_mailboxes": "not there",
    "sealed_messages": "not there",
    "sealed_message": "not there",
    "sealed_export": "not there",
    "sealed_removed": "not there",
    "reserved_free": "may",
}
NOT_MORE_THAN_ONE_HAS = {"token_add"}  # a token as owner, for one who is none


def test_the_table_names_every_operation_and_no_other():
    assert set(expectations()) == {each.id for each in OPERATIONS}


def test_the_table_agrees_with_the_permissions_of_roles():
    for operation in OPERATIONS:
        _, may = expectations()[operation.id]
        assert may == {role for role in AdminRole if operation.permission in ROLES[role]}, operation.id


def test_support_has_no_permission_that_changes_anything():
    changing = {each.permission for each in OPERATIONS if each.changes}
    assert not ROLES[AdminRole.SUPPORT] & changing


def test_an_auditor_changes_nothing_but_his_own_requests_to_see():
    changing = {each.permission for each in OPERATIONS if each.changes}
    assert ROLES[AdminRole.AUDITOR] & changing == {Permission.SEALED}


@pytest.mark.slow
def test_admin_1_and_admin_2_every_operation_for_every_role_inside_and_outside_its_scope(world):
    wrong: list[str] = []

    async def main() -> None:
        office = await staffed(world)
        table = expectations()
        for operation in OPERATIONS:
            where, may = table[operation.id]
            for role in AdminRole:
                for scope in SCOPES:
                    if (role, scope) == NOBODY:
                        continue
                    for side in ("north", "south"):
                        answer = await ask(office, operation, f"{role}-{scope}", side)
                        wanted = expected(where, may, role, scope, side)
                        if wanted == "may":
                            wanted = BY_THEMSELVES.get(operation.id, wanted)
                        if operation.id in NOT_MORE_THAN_ONE_HAS and role is not AdminRole.OWNER:
                            wanted = "no right"
                        found = outcome(answer)
                        if found != wanted:
                            name = f"{operation.id} {role} {scope} {side}"
                            wrong.append(f"{name}: {found}, not {wanted}: {answer.body[:200]!r}")

    play(world, main())
    assert not wrong, "\n".join(wrong[:40])


@pytest.mark.slow
def test_admin_2_nobody_without_a_token_gets_anything_but_the_document(world):
    async def main() -> None:
        office = await open_office(world)
        for operation in OPERATIONS:
            path = operation.path.replace("{", "").replace("}", "")
            answer = await office.ask(operation.method, path, "")
            assert answer.status == 401, operation.id
            assert answer.json["reason"] == "bad_credentials"
            assert answer.headers["www-authenticate"].startswith("Bearer")
        assert (await office.ask("GET", "/v1/openapi.json", "")).status == 200

    play(world, main())
