"""The fold: people records in, tables out. The same frames give the same tables, always.

A record that can't be carried out (its name is taken, its account unknown) changes nothing
and raises ``Refused``: the writer asks the fold itself before it writes, and a replay of a
ledger that holds such a record refuses it in the same way. Every check stands before the
first change, so that a refusal leaves no trace.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import apsw
import msgspec

from holdfast.directory import records as r
from holdfast.directory.names import fold_domain, name_key
from holdfast.directory.shrinking import Shrinking
from holdfast.model.address import parse_address
from holdfast.model.errors import Reason, Refused
from holdfast.model.mail import AccountId, Position
from holdfast.model.people import AccountState

_json = msgspec.json.Encoder().encode


class State(NamedTuple):
    """How far a copy is, and of which ledger."""

    identity: bytes
    position: Position
    sequence: int
    holes: int
    refused: int


class Fold:
    """Writes one copy. Between two writes a read transaction stays open: lookups need no locks.

    ``begin``, any number of ``apply``, then ``commit(position)`` or ``roll_back``."""

    identity: bytes  # the ledger's, b'' while unknown
    position: Position
    sequence: int
    holes: int
    refused: int
    whole: bool  # it has been at an end of the ledger that was durable (PEOPLE-11)

    def __init__(self, connection: apsw.Connection) -> None:
        self._db = connection
        self._db.execute("BEGIN")
        self.generation = 0  # moves with every commit and roll-back: caches of lookups look at it
        self._load()

    def _load(self) -> None:
        identity, pack, offset, self.sequence, self.holes, self.refused, shrinking, whole = self._db.execute(
            "SELECT identity, pack, offset, sequence, holes, refused, shrinking, whole FROM fold"
        ).get
        self.whole = bool(whole)
        self.identity = bytes(identity)
        self.position = Position(pack, offset)
        self.shrinking = msgspec.msgpack.decode(shrinking, type=Shrinking) if shrinking else Shrinking()
        self._cells: list[int] = []
        for cell, accounts in self._db.execute("SELECT cell, accounts FROM cell"):
            self._cell(int(cell))
            self._cells[int(cell)] = int(accounts)
        self._dirty_cells: set[int] = set()
        self._domains: dict[str, int] = {
            str(name): int(id_) for name, id_ in self._db.execute("SELECT name, id FROM domain")
        }

    def state(self) -> State:
        return State(self.identity, self.position, self.sequence, self.holes, self.refused)

    def begin(self) -> None:
        self._db.execute("COMMIT")
        self._db.execute("BEGIN IMMEDIATE")

    def commit(self, position: Position, identity: bytes = b"", *, whole: bool = False) -> None:
        """PEOPLE-1: effects and position in one transaction. ``whole``: the ledger ended there."""
        self.whole = self.whole or whole
        self.position = position
        self.identity = identity or self.identity
        for cell in self._dirty_cells:
            self._db.execute(
                "INSERT INTO cell VALUES (?1, ?2) ON CONFLICT (cell) DO UPDATE SET accounts = ?2",
                (cell, self._cells[cell]),
            )
        self._dirty_cells.clear()
        self._db.execute(
            "UPDATE fold SET identity = ?, pack = ?, offset = ?, sequence = ?, holes = ?, refused = ?,"
            " shrinking = ?, whole = ?",
            (
                self.identity,
                position.pack,
                position.offset,
                self.sequence,
                self.holes,
                self.refused,
                msgspec.msgpack.encode(self.shrinking),
                self.whole,
            ),
        )
        self._db.execute("COMMIT")
        self._db.execute("BEGIN")
        self.generation += 1

    def abandon(self) -> None:
        """Ends a transaction in which nothing was applied."""
        self._db.execute("ROLLBACK")
        self._db.execute("BEGIN")

    def roll_back(self) -> None:
        if self._db.in_transaction:  # some errors have ended it already
            self._db.execute("ROLLBACK")
        self._db.execute("BEGIN")
        self._load()
        self.generation += 1

    def least_filled(self, cells: int) -> int:
        """The cell of 0 .. ``cells`` − 1 with fewest accounts, the lowest of equals."""
        self._cell(cells - 1)
        fill = self._cells[:cells] if len(self._cells) > cells else self._cells
        return fill.index(min(fill))

    def apply(self, sequence: int, record: r.AnyRecord) -> None:
        """Carries out one record within the transaction. Raises ``Refused``, then nothing is changed."""
        _APPLY[type(record)](self, sequence, max(self.shrinking.at, record.at), record)
        self.sequence = sequence

    def refuse(self, sequence: int) -> None:
        """A frame of the ledger whose record ``apply`` refused: passed over, and counted."""
        self.sequence = sequence
        self.refused += 1

    def hole(self, sequence: int | None, count: int = 1) -> None:
        """Frames that can't be read: what they said is unknown (PEOPLE-5)."""
        count = max(count, 1)
        if sequence:
            self.sequence = max(self.sequence, sequence + count - 1)
        self.holes += count

    # One method per record: checks, then changes.

    def _domain_made(self, sequence: int, at: float, record: r.DomainMade) -> None:
        name = fold_domain(record.name)
        if name in self._domains:
            raise Refused(Reason.EXISTS, f"{name} is a domain of this service already")
        catch_all = _targets(record.catch_all)
        self._db.execute(
            "INSERT INTO domain VALUES (?, ?, ?, ?, ?)", (sequence, name, record.separator, catch_all, at)
        )
        self._domains[name] = sequence

    def _domain_set(self, sequence: int, at: float, record: r.DomainSet) -> None:
        domain = self._domain(fold_domain(record.name))
        catch_all = None if record.catch_all is None else _targets(record.catch_all)
        self._db.execute(
            "UPDATE domain SET separator = coalesce(?, separator), catch_all = coalesce(?, catch_all)"
            " WHERE id = ?",
            (record.separator, catch_all, domain),
        )

    def _customer_made(self, sequence: int, at: float, record: r.CustomerMade) -> None:
        self._db.execute("INSERT INTO customer VALUES (?, ?, ?)", (sequence, record.name, at))

    def _account_made(self, sequence: int, at: float, record: r.AccountMade) -> None:
        customer = record.customer
        if customer and not self._is_customer(customer):
            raise Refused(Reason.NO_SUCH_USER, f"no customer {customer}; leave it out to make a new one")
        domain = self._take_name(record.address, sequence, login=True, cell=record.cell)
        self._db.execute(
            "INSERT INTO account VALUES (?, ?, ?, ?, ?, ?, 'active', ?, ?, ?, 0, ?)",
            (
                sequence,
                customer or sequence,
                domain,
                record.address,
                record.name,
                record.cell,
                str(record.role),
                sequence if record.credential else 0,
                at,
                record.credential,
            ),
        )
        self._fill(record.cell, 1)
        self.shrinking.joined(at)

    def _account_set(self, sequence: int, at: float, record: r.AccountSet) -> None:
        self._account(record.account)
        self._db.execute(
            "UPDATE account SET name = coalesce(?, name), role = coalesce(?, role) WHERE id = ?",
            (record.name, None if record.role is None else str(record.role), record.account),
        )

    def _account_state(self, sequence: int, at: float, record: r.AccountStateSet) -> None:
        row = self._db.execute(
            "SELECT state, cell, left_at, login FROM account WHERE id = ?", (record.account,)
        ).fetchone()
        if row is None:
            raise Refused(Reason.NO_SUCH_USER, f"no account {record.account}")
        old, cell, left_at, login = row
        new = str(record.state)
        if old == new:
            return
        if new == AccountState.ACTIVE:
            left_at = 0.0
            self.shrinking.joined(at)
        elif old == AccountState.ACTIVE:
            left_at = 0.0 if self.shrinking.left(at) else at
        values = (new, left_at, record.account)
        self._db.execute("UPDATE account SET state = ?, left_at = ? WHERE id = ?", values)
        self._db.execute(
            "UPDATE address SET state = ?, left_at = ? WHERE key = ?", (*values[:2], name_key(login))
        )
        self._db.execute(
            "UPDATE address SET state = ?, left_at = ? WHERE account = ? AND account > 0 AND login = 0",
            values,
        )
        self._fill(cell, (old == AccountState.REMOVED) - (new == AccountState.REMOVED))

    def _credential(self, sequence: int, at: float, record: r.CredentialSet) -> None:
        self._account(record.account)
        self._db.execute(
            "UPDATE account SET credential = ?, phc = ? WHERE id = ?",
            (sequence if record.credential else 0, record.credential, record.account),
        )

    def _address_added(self, sequence: int, at: float, record: r.AddressAdded) -> None:
        state, cell = self._account(record.account)
        self._take_name(record.address, record.account, cell=cell, state=state)

    def _address_removed(self, sequence: int, at: float, record: r.AddressRemoved) -> None:
        key = name_key(record.address)
        row = self._db.execute("SELECT account, login FROM address WHERE key = ?", (key,)).fetchone()
        if row is None or row[0] == 0:
            raise Refused(Reason.NO_SUCH_USER, f"{record.address} is no account's address")
        self._account(row[0])
        if row[1]:
            raise Refused(Reason.NOT_ALLOWED, f"{record.address} is the account's login: remove the account")
        self._db.execute("DELETE FROM address WHERE key = ?", (key,))

    def _alias_set(self, sequence: int, at: float, record: r.AliasSet) -> None:
        targets = _targets(record.targets)
        key = name_key(record.address)
        row = self._db.execute("SELECT account FROM address WHERE key = ?", (key,)).fetchone()
        if row is not None and row[0] == 0:
            self._db.execute(
                "UPDATE address SET address = ?, targets = ? WHERE key = ?", (record.address, targets, key)
            )
            return
        self._take_name(record.address, 0, targets=targets)

    def _alias_removed(self, sequence: int, at: float, record: r.AliasRemoved) -> None:
        key = name_key(record.address)
        if not self._db.execute("SELECT 1 FROM address WHERE key = ? AND account = 0", (key,)).fetchone():
            raise Refused(Reason.NO_SUCH_USER, f"{record.address} is no alias")
        self._db.execute("DELETE FROM address WHERE key = ?", (key,))

    def _bulk_announced(self, sequence: int, at: float, record: r.BulkAnnounced) -> None:
        self.shrinking.announced(record.count, at)

    def _holes_accepted(self, sequence: int, at: float, record: r.HolesAccepted) -> None:
        self.holes = 0

    def _domain(self, name: str) -> int:
        domain = self._domains.get(name)
        if domain is None:
            raise Refused(Reason.NO_SUCH_DOMAIN, f"{name} is no domain of this service: add the domain first")
        return domain

    def _is_customer(self, customer: int) -> bool:
        return bool(
            self._db.execute(
                "SELECT 1 FROM customer WHERE id = ?1"
                " UNION ALL SELECT 1 FROM account WHERE id = ?1 AND customer = id",
                (customer,),
            ).fetchone()
        )

    def _account(self, account: AccountId) -> tuple[str, int]:
        """State and cell. Refuses unless there is such an account that isn't removed."""
        row = self._db.execute("SELECT login, state, cell FROM account WHERE id = ?", (account,)).fetchone()
        if row is None:
            raise Refused(Reason.NO_SUCH_USER, f"no account {account}")
        if row[1] == AccountState.REMOVED:
            raise Refused(Reason.NO_SUCH_USER, f"{row[0]} is removed: make it active first")
        return row[1], row[2]

    def _take_name(
        self,
        address: str,
        account: AccountId,
        *,
        login: bool = False,
        targets: str = "",
        cell: int = 0,
        state: str = "active",
    ) -> int:
        """Gives a name that nobody has (PEOPLE-6: nor had) to an account or an alias; its domain's id.

        The first change of its record: when it is refused, nothing has happened.
        """
        key = name_key(address)
        domain = self._domain(key.rpartition("@")[2])
        try:
            self._db.execute(
                "INSERT INTO address VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)",
                (key, domain, account, login, address, targets, cell, state),
            )
        except apsw.ConstraintError:
            raise self._taken(key, address) from None
        return domain

    def _taken(self, key: str, address: str) -> Refused:
        row = self._db.execute("SELECT account, state FROM address WHERE key = ?", (key,)).fetchone()
        if row is not None and row[0] == 0:
            return Refused(Reason.EXISTS, f"{address} is an alias: remove it first")
        if row is not None and row[1] == AccountState.REMOVED:
            return Refused(Reason.EXISTS, f"{address} was a removed account's; names are not given twice")
        return Refused(Reason.EXISTS, f"{address} is taken")

    def _cell(self, cell: int) -> None:
        """Makes room to count the accounts of ``cell``."""
        while len(self._cells) <= cell:
            self._cells.append(0)

    def _fill(self, cell: int, by: int) -> None:
        self._cell(cell)
        self._cells[cell] += by
        self._dirty_cells.add(cell)


def _targets(targets: tuple[str, ...]) -> str:
    for target in targets:
        parse_address(target)
    return _json(targets).decode()


_APPLY: dict[type, Callable[[Fold, int, float, Any], None]] = {
    r.DomainMade: Fold._domain_made,
    r.DomainSet: Fold._domain_set,
    r.CustomerMade: Fold._customer_made,
    r.AccountMade: Fold._account_made,
    r.AccountSet: Fold._account_set,
    r.AccountStateSet: Fold._account_state,
    r.CredentialSet: Fold._credential,
    r.AddressAdded: Fold._address_added,
    r.AddressRemoved: Fold._address_removed,
    r.AliasSet: Fold._alias_set,
    r.AliasRemoved: Fold._alias_removed,
    r.BulkAnnounced: Fold._bulk_announced,
    r.HolesAccepted: Fold._holes_accepted,
}
