"""Pages of what a copy knows, for operators. Keyset paging: a page costs its rows, wherever it begins."""

from __future__ import annotations

import apsw
import msgspec

from holdfast.directory.lookup import ACCOUNT, as_account
from holdfast.directory.names import name_key, parse_domain
from holdfast.model.errors import Reason, Refused
from holdfast.model.limits import PEOPLE_PAGE
from holdfast.model.mail import AccountId
from holdfast.model.people import Account, Alias, Counts, Customer, CustomerId, Domain

_names = msgspec.json.Decoder(tuple[str, ...]).decode


class Lists:
    """Reads one copy. Every page has at most ``PEOPLE_PAGE`` rows; the next begins after its last key."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._db = connection

    def accounts(
        self, *, domain: str = "", customer: CustomerId = 0, after: AccountId = 0, limit: int = PEOPLE_PAGE
    ) -> list[Account]:
        """Accounts in the order they were made, those after id ``after``; removed ones too."""
        where, values = "id > ?1", [after, _page(limit)]
        if domain:
            where, values = where + " AND domain = ?3", [*values, self._domain(domain)]
        select = f"{ACCOUNT} WHERE {where}"
        if customer:
            values, number = [*values, customer], len(values) + 1
            select = (
                f"{select} AND customer = ?{number} AND customer <> id"
                f" UNION ALL {select} AND id = ?{number} AND customer = id"
            )
        return [as_account(row) for row in self._db.execute(f"{select} ORDER BY id LIMIT ?2", values)]

    def account(self, account: AccountId) -> Account:
        """Raises ``Refused(NO_SUCH_USER)``."""
        row = self._db.execute(f"{ACCOUNT} WHERE id = ?", (account,)).fetchone()
        if row is None:
            raise Refused(Reason.NO_SUCH_USER, f"no account {account}")
        return as_account(row)

    def alias(self, key: str) -> Alias | None:
        """By its folded address."""
        row = self._db.execute(
            "SELECT address, targets FROM address WHERE key = ? AND account = 0", (key,)
        ).fetchone()
        return Alias(str(row[0]), _names(str(row[1]))) if row else None

    def domain(self, name: str) -> Domain | None:
        """By its folded name."""
        row = self._db.execute(
            "SELECT id, name, separator, catch_all, made_at FROM domain WHERE name = ?", (name,)
        ).fetchone()
        return Domain(row[0], row[1], row[2], _names(row[3]), row[4]) if row else None

    def addresses(self, account: AccountId) -> list[str]:
        """All addresses of one account."""
        rows = self._db.execute(
            "SELECT login FROM account WHERE id = ?1 UNION ALL"
            " SELECT address FROM address WHERE account = ?1 AND account > 0 AND login = 0",
            (account,),
        )
        return sorted(str(row[0]) for row in rows)

    def aliases(self, *, domain: str, after: str = "", limit: int = PEOPLE_PAGE) -> list[Alias]:
        """Aliases of a domain in the order of their folded addresses, those after ``after``'s."""
        rows = self._db.execute(
            "SELECT address, targets FROM address WHERE account = 0 AND domain = ? AND key > ?"
            " ORDER BY key LIMIT ?",
            (self._domain(domain), name_key(after) if after else "", _page(limit)),
        )
        return [Alias(str(address), _names(str(targets))) for address, targets in rows]

    def domains(self, *, after: int = 0, limit: int = PEOPLE_PAGE) -> list[Domain]:
        rows = self._db.execute(
            "SELECT id, name, separator, catch_all, made_at FROM domain WHERE id > ? ORDER BY id LIMIT ?",
            (after, _page(limit)),
        )
        return [Domain(i, name, separator, _names(catch), at) for i, name, separator, catch, at in rows]

    def customers(self, *, after: CustomerId = 0, limit: int = PEOPLE_PAGE) -> list[Customer]:
        rows = self._db.execute(
            "SELECT id, name, made_at FROM customer WHERE id > ?1 UNION ALL"
            " SELECT id, name, made_at FROM account WHERE id > ?1 AND customer = id ORDER BY id LIMIT ?2",
            (after, _page(limit)),
        )
        return [Customer(*row) for row in rows]

    def counts(self) -> Counts:
        """A scan of the accounts: some 10 ms at 100,000."""
        one = self._db.execute
        states = {
            str(state): int(n) for state, n in one("SELECT state, count(*) FROM account GROUP BY state")
        }
        return Counts(
            domains=one("SELECT count(*) FROM domain").get,
            customers=one(
                "SELECT (SELECT count(*) FROM customer) + (SELECT count(*) FROM account WHERE customer = id)"
            ).get,
            active=states.get("active", 0),
            disabled=states.get("disabled", 0),
            removed=states.get("removed", 0),
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


def _page(limit: int) -> int:
    return max(1, min(limit, PEOPLE_PAGE))
