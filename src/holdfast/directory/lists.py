"""Pages of what a copy knows, for operators. Keyset paging: a page costs its rows, wherever it begins."""

from __future__ import annotations

import heapq
from itertools import islice
from typing import Any, NamedTuple

import apsw

from holdfast.directory.names import fold_domain, fold_local, name_key, parse_domain
from holdfast.directory.rows import (
    ACCOUNT,
    CUSTOMER,
    CUSTOMER_OF_ACCOUNT,
    DOMAIN,
    as_account,
    as_customer,
    as_domain,
    as_names,
)
from holdfast.directory.tables import FIRST, FURTHER, MASKED
from holdfast.model.errors import Reason, Refused
from holdfast.model.limits import PEOPLE_PAGE
from holdfast.model.mail import AccountId
from holdfast.model.people import (
    Account,
    Alias,
    Counts,
    Customer,
    CustomerId,
    Domain,
    DomainId,
    Found,
    TenantId,
)

FEW = 10_000  # accounts that a search may look at one by one
_SHOWN = f"({FURTHER}, {FIRST}, {MASKED})"


class _Scope(NamedTuple):
    """Where is searched: ids of domains, as SQL lists them, and how many accounts they have."""

    domains: str
    accounts: int


class Lists:
    """Reads one copy. Every page has at most ``PEOPLE_PAGE`` rows; the next begins after its last key."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._db = connection

    def accounts(
        self,
        *,
        domain: str = "",
        customer: CustomerId = 0,
        tenant: TenantId = 0,
        state: str = "",
        after: AccountId = 0,
        limit: int = PEOPLE_PAGE,
    ) -> list[Account]:
        """Accounts in the order they were made, those after id ``after``; ``state`` '': in all states."""
        if tenant:
            return self._accounts_of_tenant(tenant, state, after, _page(limit))
        values: list[int | str] = [after, _page(limit)]
        where = "id > ?1"
        if domain:
            where, values = where + " AND domain = ?3", [*values, self._domain(domain)]
        if state:
            where, values = f"{where} AND {_in_state(state, len(values) + 1)}", [*values, state]
        select = f"{ACCOUNT} WHERE {where}"
        if customer:
            values, number = [*values, customer], len(values) + 1
            select = (
                f"{select} AND customer = ?{number} AND customer <> id"
                f" UNION ALL {select} AND id = ?{number} AND customer = id"
            )
        return [as_account(row) for row in self._db.execute(f"{select} ORDER BY id LIMIT ?2", values)]

    def _accounts_of_tenant(
        self, tenant: TenantId, state: str, after: AccountId, limit: int
    ) -> list[Account]:
        """Each domain's accounts stand in order in one index; they are merged."""
        of_state = f" AND {_in_state(state, 4)}" if state else ""
        domains = self._db.execute("SELECT id FROM domain WHERE tenant = ?", (tenant,)).fetchall()
        in_order: list[list[tuple[Any, ...]]] = [
            self._db.execute(
                f"SELECT id FROM account WHERE domain = ?1 AND id > ?2{of_state} ORDER BY id LIMIT ?3",
                (domain, after, limit, *((state,) if state else ())),
            ).fetchall()
            for (domain,) in domains
        ]
        return [self.account(id_) for (id_,) in islice(heapq.merge(*in_order), limit)]

    def find_accounts(
        self, text: str, *, tenant: TenantId = 0, domain: str = "", after: str = "", limit: int = PEOPLE_PAGE
    ) -> list[Found]:
        """Accounts with an address that begins so, in the order of the addresses; each at its first one.

        ``tenant``, ``domain``: of the accounts' first addresses.
        """
        begin = _prefix(text)
        first = max(begin, f"{name_key(after)}\0") if after else begin
        scope = self._scope(tenant, domain)
        # few accounts: each one's addresses are looked at; many: the addresses in order, up to a page
        few = scope is not None and scope.accounts < FEW
        join = "account c CROSS JOIN address a" if few else "address a CROSS JOIN account c"
        where = "" if scope is None else f" AND c.domain IN ({scope.domains})"
        rows: list[tuple[Any, ...]] = self._db.execute(
            f"SELECT a.address, a.account FROM {join} ON c.id = a.account"
            f" WHERE a.key >= ?1 AND a.key < ?2 AND a.account > 0 AND a.kind IN {_SHOWN}{where}"
            " AND NOT EXISTS (SELECT 1 FROM address b WHERE b.account = a.account AND b.account > 0"
            f" AND b.key >= ?3 AND b.key < a.key AND b.kind IN {_SHOWN}) ORDER BY a.key LIMIT ?4",
            (first, begin + "\U0010ffff", begin, _page(limit)),
        ).fetchall()
        return [Found(str(address), self.account(account)) for address, account in rows]

    def _scope(self, tenant: TenantId, domain: str) -> _Scope | None:
        if domain:
            where, value = "id = ?", self._domain(domain)
        elif tenant:
            where, value = "tenant = ?", tenant
        else:
            return None
        rows: list[tuple[Any, ...]] = self._db.execute(
            f"SELECT id, accounts FROM domain WHERE {where}", (value,)
        ).fetchall()
        return _Scope(",".join(str(id_) for id_, _ in rows), sum(accounts for _, accounts in rows))

    def account(self, account: AccountId) -> Account:
        """Raises ``Refused(NO_SUCH_USER)``."""
        row = self._db.execute(f"{ACCOUNT} WHERE id = ?", (account,)).fetchone()
        if row is None:
            raise Refused(Reason.NO_SUCH_USER, f"no account {account}")
        return as_account(row)

    def by_external(self, source: str, external_id: str) -> Account | None:
        """The account of a directory outside that has this name there; removed or not, the newest."""
        row = self._db.execute(
            f"{ACCOUNT} WHERE source = ? AND external_id = ? AND external_id <> '' ORDER BY id DESC LIMIT 1",
            (source, external_id),
        ).fetchone()
        return as_account(row) if row else None

    def of_source(self, source: str, *, after: str = "", limit: int = PEOPLE_PAGE) -> list[Account]:
        """Accounts of a directory outside in the order of their names there, those after ``after``."""
        rows = self._db.execute(
            f"{ACCOUNT} WHERE source = ? AND external_id > ? AND external_id <> ''"
            " ORDER BY external_id, id LIMIT ?",
            (source, after, _page(limit)),
        )
        return [as_account(row) for row in rows]

    def active_in(self, domain: DomainId) -> int:
        """How many accounts of the domain are active. A scan of them."""
        return int(
            self._db.execute(
                "SELECT count(*) FROM account WHERE domain = ? AND state = 'active'", (domain,)
            ).get
        )

    def alias(self, key: str) -> Alias | None:
        """By its folded address."""
        row = self._db.execute(
            "SELECT address, targets FROM address WHERE key = ? AND account = 0", (key,)
        ).fetchone()
        return Alias(str(row[0]), as_names(str(row[1]))) if row else None

    def domain(self, name: str) -> Domain | None:
        """By its folded name."""
        row = self._db.execute(f"{DOMAIN} WHERE name = ?", (name,)).fetchone()
        return as_domain(row) if row else None

    def addresses(self, account: AccountId) -> list[str]:
        """All addresses of one account."""
        rows = self._db.execute(
            "SELECT address FROM address WHERE account = ?1 AND account > 0 AND kind IN (?2, ?3)",
            (account, FURTHER, FIRST),
        )
        return sorted(str(row[0]) for row in rows)

    def aliases_to(self, account: AccountId) -> list[str]:
        """Aliases that name one of the account's addresses. A scan of all aliases."""
        keys = {name_key(address) for address in self.addresses(account)}
        rows = self._db.execute("SELECT address, targets FROM address WHERE account = 0 ORDER BY key")
        return [
            str(address)
            for address, targets in rows
            if not keys.isdisjoint(map(name_key, as_names(str(targets))))
        ]

    def aliases(self, *, domain: str = "", after: str = "", limit: int = PEOPLE_PAGE) -> list[Alias]:
        """Aliases of a domain, or all, in the order of their folded addresses, those after ``after``'s."""
        where, values = "", [name_key(after) if after else "", _page(limit)]
        if domain:
            where, values = " AND domain = ?3", [*values, self._domain(domain)]
        rows = self._db.execute(
            f"SELECT address, targets FROM address WHERE account = 0{where} AND key > ?1"
            " ORDER BY key LIMIT ?2",
            values,
        )
        return [Alias(str(address), as_names(str(targets))) for address, targets in rows]

    def domains(self, *, after: int = 0, limit: int = PEOPLE_PAGE) -> list[Domain]:
        """Removed ones too."""
        rows = self._db.execute(f"{DOMAIN} WHERE id > ? ORDER BY id LIMIT ?", (after, _page(limit)))
        return [as_domain(row) for row in rows]

    def customers(self, *, after: CustomerId = 0, limit: int = PEOPLE_PAGE) -> list[Customer]:
        rows = self._db.execute(
            f"{CUSTOMER} WHERE id > ?1 UNION ALL {CUSTOMER_OF_ACCOUNT} AND id > ?1 ORDER BY id LIMIT ?2",
            (after, _page(limit)),
        )
        return [as_customer(row) for row in rows]

    def counts(self) -> Counts:
        """Counts indexes, not rows: a few milliseconds at 100,000 accounts."""
        one = self._db.execute
        gone = {
            str(state): int(n)
            for state, n in one("SELECT state, count(*) FROM account WHERE state <> 'active' GROUP BY state")
        }
        disabled, removed = gone.get("disabled", 0), gone.get("removed", 0)
        accounts: int = one("SELECT count(*) FROM account").get
        in_others: int = one("SELECT count(*) FROM account WHERE customer <> id").get
        changed: int = one(
            "SELECT count(*) FROM customer c JOIN account a ON a.id = c.id WHERE a.customer = a.id"
        ).get
        return Counts(
            domains=one("SELECT count(*) FROM domain WHERE removed_at = 0").get,
            customers=one("SELECT count(*) FROM customer").get + accounts - in_others - changed,
            active=accounts - disabled - removed,
            disabled=disabled,
            removed=removed,
            aliases=one("SELECT count(*) FROM address WHERE account = 0").get,
        )

    def cells(self) -> dict[int, int]:
        """Cell → accounts that aren't removed."""
        return {int(cell): int(n) for cell, n in self._db.execute("SELECT cell, accounts FROM cell")}

    def _domain(self, name: str) -> int:
        key = parse_domain(name)
        row = self._db.execute("SELECT id FROM domain WHERE name = ?", (key,)).fetchone()
        if row is None:
            raise Refused(Reason.NO_SUCH_DOMAIN, f"{key} is no domain of this service")
        return int(row[0])


def _in_state(state: str, number: int) -> str:
    """A condition with the parameter ``number``. The index has those that aren't active, and says so."""
    return f"state = ?{number}" if state == "active" else f"state <> 'active' AND state = ?{number}"


def _page(limit: int) -> int:
    return max(1, min(limit, PEOPLE_PAGE))


def _prefix(text: str) -> str:
    """The beginning of an address as it is compared."""
    local, at, domain = text.strip().rpartition("@")
    return f"{fold_local(local)}@{fold_domain(domain)}" if at else fold_local(domain)
