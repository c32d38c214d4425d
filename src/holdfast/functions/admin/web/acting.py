"""The page of each operation that changes something: what it is about, a form made from its shape, a button.

``/do/{operation}?account=7&back=/accounts/7``: what the query names is settled, the form asks for the rest.
Looking at it changes nothing; sent twice it has one effect.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET
from starlette.responses import Response

from holdfast.functions.admin import shapes as s
from holdfast.functions.admin.catalogue import BY_ID
from holdfast.functions.admin.operation import Operation
from holdfast.functions.admin.permissions import Forbidden, Missing
from holdfast.functions.admin.web.fields import Field, Kind, as_typed, fields_of, read
from holdfast.functions.admin.web.office import Office
from holdfast.functions.admin.web.showing import Fact, Said, named
from holdfast.model.errors import Refused
from holdfast.model.people import Account, Customer, Domain, Tenant
from holdfast.pages import Visit, Wrong, local_path

# What a form shows as it is now: the operation that tells it, and where a field has another name there.
CURRENT = {
    "account_set": "account_show",
    "account_limits": "account_show",
    "domain_set": "domain_show",
    "domain_limits": "domain_show",
    "customer_set": "customer_show",
    "contact_set": "contact_show",
    "tenant_set": "tenant_show",
    "tenant_limits": "tenant_show",
    "alias_set": "address_show",
}
_ELSEWHERE = {"second_address": "address", "consent": "consent_at"}
DANGEROUS = {
    "account_remove", "domain_remove", "alias_remove", "address_remove", "app_password_remove", "announce",
    "factor_remove", "invitation_remove", "grant_remove", "token_remove", "reserved_free", "sign_out",
}  # fmt: skip
# They have pages of their own.
ELSEWHERE = {"import_run", "bulk_state"}
HINTS = {
    "quota_bytes", "daily_recipients", "accounts_most", "accounts", "targets", "catch_all", "separator",
    "credential", "customer", "expires_at", "names", "networks", "hours", "role", "sign_out", "phone",
    "second_address", "why", "count", "password", "tenant", "domain",
}  # fmt: skip


class Ask(NamedTuple):
    """One field as the form has it. ``was``: its value when the form was made."""

    field: Field
    label: str
    hint: str
    value: str
    was: str
    options: list[tuple[str, str]]


class Acting:
    def __init__(self, office: Office) -> None:
        self._office = office
        office.page("/do/{operation}", self.do)

    async def do(self, visit: Visit) -> Response:
        operation = BY_ID.get(visit.parts["operation"])
        if operation is None or not operation.changes or operation.id in ELSEWHERE:
            raise Missing("this page")
        fixed = {
            name: value for name, value in visit.query.items() if name in operation.asks.__struct_fields__
        }
        self._office.check(visit, operation.id, **_plain(operation, fixed))
        if visit.method != "POST":
            return await self._form(visit, operation, fixed)
        try:
            asked = read(operation.asks, visit.form, fixed)
            given = await self._office.carry_out(
                visit,
                operation.id,
                asked,
                once=visit.form.get("once"),
                why="" if "why" in operation.asks.__struct_fields__ else visit.form.get("reason"),
            )
        except Wrong as wrong:
            return await self._form(visit, operation, fixed, wrong=wrong)
        except (Forbidden, Missing):
            raise
        except Refused as refused:
            return await self._form(visit, operation, fixed, refused=refused)
        return self._done(visit, operation, given)

    async def _form(
        self,
        visit: Visit,
        operation: Operation,
        fixed: dict[str, str],
        wrong: Wrong | None = None,
        refused: Refused | None = None,
    ) -> Response:
        said = Said(visit)
        current = await self._current(visit, operation, fixed)
        asks = [
            await self._ask(visit, each, current)
            for each in fields_of(operation.asks)
            if each.name not in fixed and (each.required or operation.method != "DELETE")
        ]
        about = [self._about(said, name, value) for name, value in fixed.items()]
        key = "do." + operation.id
        return self._office.show(
            visit,
            "do.html",
            422 if wrong or refused else 200,
            title=said(key),
            hint=said(key + ".hint") if visit.site.texts.has(key + ".hint") else "",
            about=about,
            asks=asks,
            has_reason="why" not in operation.asks.__struct_fields__,
            danger=operation.id in DANGEROUS or fixed.get("state") in ("disabled", "removed"),
            action=f"{visit.path}?{visit.request.url.query}",
            back=_back(visit),
            once=visit.world.entropy.token(),
            wrong=wrong and Wrong(wrong.key, wrong.field, label=_label(said, wrong.field)),
            detail=refused.text if refused else str(wrong.values["detail"]) if wrong else "",
            refused=refused and said("refused." + refused.reason.name.lower()),
        )

    async def _current(self, visit: Visit, operation: Operation, fixed: dict[str, str]) -> object:
        shower = CURRENT.get(operation.id)
        names = BY_ID[shower].path_fields if shower else ()
        if shower is None or any(name not in fixed for name in names):
            return None
        return await self._office.ask(
            visit, shower, **_plain(operation, {each: fixed[each] for each in names})
        )

    async def _ask(self, visit: Visit, field: Field, current: object) -> Ask:
        said = Said(visit)
        now = getattr(current, _ELSEWHERE.get(field.name, field.name), field.default)
        if field.kind is Kind.CHECK:
            now = bool(now) and now is not UNSET
        was = as_typed(field, now)
        value = was if visit.method != "POST" else visit.form.get(field.name)
        if field.kind is Kind.SECRET:
            value = was = ""
        return Ask(
            field,
            said("field." + field.name),
            said("hint." + field.name) if field.name in HINTS else "",
            value,
            was,
            await self._options(visit, field),
        )

    async def _options(self, visit: Visit, field: Field) -> list[tuple[str, str]]:
        if field.name == "tenant":
            page = await self._office.ask(visit, "tenant_list", limit=1000)
            return [("0", visit.say("word.provider")), *((str(each.id), each.name) for each in page.items)]
        return [(each, option(visit, each)) for each in field.options]

    def _about(self, said: Said, name: str, value: str) -> Fact:
        if name in ("on", "enabled", "replace"):
            cell = said.truth(value == "yes")
        elif name in ("state", "role"):
            cell = said.items([option(said, value)])
        else:
            cell = said.items([self._spelled(name, value)])
        return Fact(said("field." + name), cell)

    def _spelled(self, name: str, value: str) -> str:
        """An account by its address: a number is easily taken for another."""
        account = self._office.desk.account(value) if name == "account" else None
        return f"{account.login} ({account.id})" if account is not None else value

    def _done(self, visit: Visit, operation: Operation, given: Any) -> Response:
        if isinstance(given, s.TokenMade | s.InvitationMade):
            secret = given.token if isinstance(given, s.TokenMade) else given.code
            return self._office.show(
                visit, "secret.html", title=visit.say("do." + operation.id), secret=secret, back=_back(visit)
            )
        visit.notice("do.done", what=visit.say("do." + operation.id))
        return visit.go(_place(given) if operation.status == 201 and _place(given) else _back(visit))


def _back(visit: Visit) -> str:
    return local_path(visit.query.get("back", "/"))


def _place(given: Any) -> str:
    """The page of what was made."""
    match given:
        case Account():
            return f"/accounts/{given.id}"
        case Domain():
            return f"/domains/{named(given.name)}"
        case Customer():
            return f"/customers/{given.id}"
        case Tenant():
            return f"/tenants/{given.id}"
    return ""


def _plain(operation: Operation, fixed: dict[str, str]) -> dict[str, object]:
    """Values of a query for the gate, numbers as numbers. Raises ``Missing`` for what makes no sense."""
    kinds = {each.name: each.kind for each in fields_of(operation.asks)}
    try:
        return {
            name: int(value) if kinds.get(name) is Kind.NUMBER else value for name, value in fixed.items()
        }
    except ValueError:
        raise Missing("this page") from None


def _label(said: Said, name: str) -> str:
    return said("field." + name) if name else ""


def option(say: Any, value: str) -> str:
    """A choice in words."""
    speak = say.say if isinstance(say, Visit) else say
    return str(speak("option." + value)) if value else str(speak("word.none"))


def in_words(value: object) -> str:
    """A change's field for the audit trail's page."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
