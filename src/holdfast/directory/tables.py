"""The tables of one copy while frames are folded into them: transactions, positions, counts, names."""

from __future__ import annotations

from typing import NamedTuple

import apsw
import msgspec

from holdfast.directory.names import name_key
from holdfast.directory.shrinking import Shrinking
from holdfast.model.address import parse_address
from holdfast.model.errors import Reason, Refused
from holdfast.model.mail import AccountId, Position
from holdfast.model.people import AccountState, CustomerId, DomainId, TenantId

_json = msgspec.json.Encoder().encode

FURTHER, FIRST, ALIAS, MASKED, GIVEN_UP = range(5)
"""What a name is, ``address.kind``. GIVEN_UP: its account gave it up, and nobody else gets it (PEOPLE-6)."""

OVER = -1.0  # ``address.ends_at`` of a name that takes no mail


class State(NamedTuple):
    """How far a copy is, and of which ledger."""

    identity: bytes
    position: Position
    sequence: int
    holes: int
    refused: int


class Place(msgspec.Struct):
    """A domain as the fold looks at it. ``accounts``: active and disabled; ``most``: 0 for no limit."""

    id: DomainId
    tenant: TenantId
    removed: bool
    accounts: int
    most: int = 0


class Tables:
    """Writes one copy. Between two writes a read transaction stays open: lookups need no locks.

    ``begin``, any number of effects, then ``commit(position)`` or ``roll_back``."""

    identity: bytes  # the ledger's, b'' while unknown
    position: Position
    sequence: int
    holes: int
    refused: int
    whole: bool  # it has been at an end of the ledger that was durable (PEOPLE-11)
    shrinking: Shrinking
    places: dict[str, Place]  # every domain there ever was, by its folded name
    ended: dict[AccountId, int]  # whose sessions ended since ``begin``, and by which frame
    limited: bool  # whether a quota was set since ``begin``

    def __init__(self, connection: apsw.Connection) -> None:
        self.db = connection
        self.db.execute("BEGIN")
        self.generation = 0  # moves with every commit and roll-back: caches of lookups look at it
        self._load()

    def _load(self) -> None:
        identity, pack, offset, self.sequence, self.holes, self.refused, shrinking, whole = self.db.execute(
            "SELECT identity, pack, offset, sequence, holes, refused, shrinking, whole FROM fold"
        ).get
        self.whole = bool(whole)
        self.identity = bytes(identity)
        self.position = Position(pack, offset)
        self.shrinking = msgspec.msgpack.decode(shrinking, type=Shrinking) if shrinking else Shrinking()
        self._cells: list[int] = []
        for cell, accounts in self.db.execute("SELECT cell, accounts FROM cell"):
            self._cell(int(cell))
            self._cells[int(cell)] = int(accounts)
        self._dirty_cells: set[int] = set()
        self.places = {
            str(name): Place(id_, tenant, bool(removed_at), accounts, most)
            for name, id_, tenant, removed_at, accounts, most in self.db.execute(
                "SELECT name, id, tenant, removed_at, accounts, accounts_most FROM domain"
            )
        }
        self._by_id = {place.id: place for place in self.places.values()}
        self._dirty_places: set[DomainId] = set()
        self.ended = {}
        self.limited = False

    def state(self) -> State:
        return State(self.identity, self.position, self.sequence, self.holes, self.refused)

    def begin(self) -> None:
        """Raises ``apsw.BusyError`` while somebody else writes to it; then all is as before."""
        self.db.execute("COMMIT")
        try:
            self.db.execute("BEGIN IMMEDIATE")
        except apsw.Error:
            self.db.execute("BEGIN")
            raise
        self.ended = {}
        self.limited = False

    def commit(self, position: Position, identity: bytes = b"", *, whole: bool = False) -> None:
        """PEOPLE-1: effects and position in one transaction. ``whole``: the ledger ended there."""
        self.whole = self.whole or whole
        self.position = position
        self.identity = identity or self.identity
        for cell in self._dirty_cells:
            self.db.execute(
                "INSERT INTO cell VALUES (?1, ?2) ON CONFLICT (cell) DO UPDATE SET accounts = ?2",
                (cell, self._cells[cell]),
            )
        for domain in self._dirty_places:
            accounts = self._by_id[domain].accounts
            self.db.execute("UPDATE domain SET accounts = ? WHERE id = ?", (accounts, domain))
        self._dirty_cells.clear()
        self._dirty_places.clear()
        self.db.execute(
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
        self.db.execute("COMMIT")
        self.db.execute("BEGIN")
        self.generation += 1

    def abandon(self) -> None:
        """Ends a transaction in which nothing was applied."""
        self.db.execute("ROLLBACK")
        self.db.execute("BEGIN")

    def roll_back(self) -> None:
        if self.db.in_transaction:  # some errors have ended it already
            self.db.execute("ROLLBACK")
        self.db.execute("BEGIN")
        self._load()
        self.generation += 1

    def least_filled(self, cells: int) -> int:
        """The cell of 0 .. ``cells`` − 1 with fewest accounts, the lowest of equals."""
        self._cell(cells - 1)
        fill = self._cells[:cells] if len(self._cells) > cells else self._cells
        return fill.index(min(fill))

    def accounts_of_tenant(self, tenant: TenantId) -> int:
        """Active and disabled accounts in all its domains."""
        return sum(place.accounts for place in self.places.values() if place.tenant == tenant)

    # What effects share

    def add_place(self, name: str, domain: DomainId, tenant: TenantId) -> None:
        self.places[name] = self._by_id[domain] = Place(domain, tenant, False, 0)

    def place(self, name: str) -> Place:
        """By its folded name. Refuses unless it is a domain of ours that isn't removed."""
        place = self.places.get(name)
        if place is None:
            raise Refused(Reason.NO_SUCH_DOMAIN, f"{name} is no domain of this service: add the domain first")
        if place.removed:
            raise Refused(Reason.NO_SUCH_DOMAIN, f"{name} is a removed domain: restore it first")
        return place

    def check_tenant(self, tenant: TenantId) -> None:
        if tenant and not self.db.execute("SELECT 1 FROM tenant WHERE id = ?", (tenant,)).fetchone():
            raise Refused(Reason.BAD_SYNTAX, f"no tenant {tenant}: add the tenant first")

    def check_customer(self, customer: CustomerId) -> None:
        if not self.db.execute(
            "SELECT 1 FROM customer WHERE id = ?1"
            " UNION ALL SELECT 1 FROM account WHERE id = ?1 AND customer = id",
            (customer,),
        ).fetchone():
            raise Refused(Reason.NO_SUCH_USER, f"no customer {customer}; leave it out to make a new one")

    def account_of(self, account: AccountId) -> tuple[str, int]:
        """State and cell. Refuses unless there is such an account that isn't removed."""
        row = self.db.execute("SELECT login, state, cell FROM account WHERE id = ?", (account,)).fetchone()
        if row is None:
            raise Refused(Reason.NO_SUCH_USER, f"no account {account}")
        if row[1] == AccountState.REMOVED:
            raise Refused(Reason.NO_SUCH_USER, f"{row[0]} is removed: make it active first")
        return row[1], row[2]

    def take_name(
        self,
        address: str,
        account: AccountId,
        kind: int,
        *,
        targets: str = "",
        cell: int = 0,
        state: str = "active",
        ends_at: float = 0.0,
    ) -> DomainId:
        """Gives a name that nobody has (PEOPLE-6: nor had) to an account or an alias; its domain's id.

        The first change of its record: when it is refused, nothing has happened.
        """
        key = name_key(address)
        domain = self.place(key.rpartition("@")[2]).id
        try:
            self.db.execute(
                "INSERT INTO address VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?)",
                (key, domain, account, kind, address, targets, cell, state, ends_at),
            )
        except apsw.ConstraintError:
            raise self._taken(key, address) from None
        return domain

    def _taken(self, key: str, address: str) -> Refused:
        account, state, kind = self.db.execute(
            "SELECT account, state, kind FROM address WHERE key = ?", (key,)
        ).get
        if account == 0:
            return Refused(Reason.EXISTS, f"{address} is an alias: remove it first")
        if state == AccountState.REMOVED:
            return Refused(Reason.EXISTS, f"{address} was a removed account's; names are not given twice")
        if kind == GIVEN_UP:
            return Refused(Reason.EXISTS, f"{address} was another account's; names are not given twice")
        return Refused(Reason.EXISTS, f"{address} is taken")

    def fill(self, cell: int, domain: DomainId, by: int) -> None:
        """So many more accounts in the cell and the domain."""
        self._cell(cell)
        self._cells[cell] += by
        self._dirty_cells.add(cell)
        self._by_id[domain].accounts += by
        self._dirty_places.add(domain)

    def _cell(self, cell: int) -> None:
        """Makes room to count the accounts of ``cell``."""
        while len(self._cells) <= cell:
            self._cells.append(0)


def targets_text(targets: tuple[str, ...]) -> str:
    """As the tables keep it. Raises ``Refused`` for what is no address."""
    for target in targets:
        parse_address(target)
    return names_text(targets)


def names_text(names: tuple[str, ...]) -> str:
    return _json(names).decode()
