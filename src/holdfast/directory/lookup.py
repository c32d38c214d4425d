"""What a copy answers: where an address leads, who an account is, who may send as whom.

Synchronous and in microseconds: one or two prepared statements, on one cursor (two of them take
half as long as a join), and a memory of answers that the fold's generation empties. Errors of
the database are ``Unavailable("people")`` (PEOPLE-2).
"""

from __future__ import annotations

from typing import NamedTuple, NoReturn, TypeVar

import apsw

from holdfast.directory.fold import Fold
from holdfast.directory.names import fold_domain, fold_local, name_key, sub_address
from holdfast.directory.rows import ACCOUNT, DOMAIN, as_account, as_domain, as_names
from holdfast.directory.tables import FIRST, FURTHER
from holdfast.model.address import Address, parse_address
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.limits import ALIAS_DEPTH, ALIAS_TARGETS, BULK_LEAST, BULK_SHARE, PEOPLE_CACHE
from holdfast.model.mail import AccountId
from holdfast.model.people import Account, AccountState, Domain, Forward, Local, Many, Remote, Route
from holdfast.world.clock import Clock

K = TypeVar("K")
T = TypeVar("T")

PEOPLE = "people"
CONVENTIONAL = frozenset({"postmaster", "abuse"})  # RFC 5321 §4.5.1, RFC 2142 §4

Entry = tuple[int, str, int, str, float, int, float]
"""Account (0: alias), targets, the account's cell and state, when it left, what the name is, its end."""

_ENTRY = "SELECT account, targets, cell, state, left_at, kind, ends_at FROM address WHERE key = ?"
_ACCOUNT_BY_ID = ACCOUNT + "WHERE id = ?"
_COUNT = "SELECT (SELECT count(*) FROM account WHERE state = ?), (SELECT count(*) FROM address)"
_CREDENTIAL = "SELECT credential, phc FROM account WHERE id = ?"
_ACTIVE = str(AccountState.ACTIVE)


class Credential(NamedTuple):
    """``sequence``: of the frame that set it, 0 for none; ``phc``: the hash."""

    sequence: int
    phc: str


class Census(NamedTuple):
    """Active accounts, as the copy was told. ``left``: of the past hour's most active, unannounced; who isn't
    believed to be gone (PEOPLE-4), however long ago. ``missing``: that aren't in the copy, where they are so
    many that it is in doubt (PEOPLE-15).
    """

    active: int
    left: int
    missing: int


class Lookup:
    """Answers from one copy. ``doubt``: why unknown names are not believed to be unknown, '' if they are."""

    def __init__(self, connection: apsw.Connection, fold: Fold, clock: Clock) -> None:
        self._db = connection
        self._clock = clock
        self._one = connection.cursor().execute  # for what has one row and is read at once by ``get``
        self._fold = fold
        self._generation = -1
        self._routes: dict[Address, Route] = {}
        self._accounts: dict[AccountId, Account] = {}
        self._logins: dict[str, Account] = {}
        self._domains: dict[str, Domain] = {}
        self._doubt = ""
        self._counted = -1  # the generation
        self._gone = 0

    @property
    def doubt(self) -> str:
        """PEOPLE-3, PEOPLE-4, PEOPLE-5: the first reason there is."""
        if not self._doubt and self._fold.shrinking.doubted_mark:
            return f"{self._fold.shrinking.unexplained} accounts left within an hour, unannounced"
        return self.lacking

    @doubt.setter
    def doubt(self, reason: str) -> None:
        self._doubt = reason

    @property
    def lacking(self) -> str:
        """PEOPLE-3, PEOPLE-5, PEOPLE-15: why there may be names that the copy hasn't, '' where it has all."""
        if self._doubt:
            return self._doubt
        if self._fold.holes:
            return f"{self._fold.holes} frames of the people ledger can't be read"
        if not self._domains and not self._first_domain():
            return "no domain is known"
        return self._missing()

    @property
    def behind(self) -> str:
        """Why the copy isn't what the ledger is, as far as that was found; '' where it is."""
        return self._doubt

    def census(self) -> Census:
        self._missing()
        shrinking = self._fold.shrinking
        left = shrinking.unexplained or shrinking.fallen(self._clock.now())
        return Census(shrinking.active, left, self._gone)

    def _missing(self) -> str:
        """PEOPLE-15: what the copy was told, beside what is in it. Only a new generation shows what others
        did to it."""
        try:
            if self._counted != self._fold.generation:
                active = self._fold.shrinking.active
                gone = active - min(self._db.execute(_COUNT, (_ACTIVE,)).get)
                doubtful = gone >= BULK_LEAST and active - gone < BULK_SHARE * active
                self._counted, self._gone = self._fold.generation, gone if doubtful else 0
        except apsw.Error as error:
            return str(error)
        return f"{self._gone} accounts that this copy was told of aren't in it" if self._gone else ""

    def expand(self, address: Address) -> Route:
        """``route``, from the tables as they are now and not from memory."""
        self._forget()
        return self._route(address, True)

    def route(self, address: Address, *, sending: bool = False) -> Route:
        """Where mail for ``address`` goes; aliases are expanded, nobody is named twice.

        Raises ``Refused(NO_SUCH_USER | USER_DISABLED)``, ``Unavailable("people")``. In doubt, a domain
        that isn't known is ``Unavailable`` too, but for ``sending`` (a customer writes to the world,
        where that a domain isn't ours is no refusal) it is ``Remote``.
        """
        if self._generation != self._fold.generation:
            self._forget()
        found = self._routes.get(address)
        if found is not None:
            return found
        try:
            return self._route(address, sending)
        except apsw.Error as error:
            raise unreadable(error) from error

    def _route(self, address: Address, sending: bool) -> Route:
        local, domain_name = fold_local(address.local), address.domain
        if not domain_name and local == "postmaster":  # RFC 5321 §4.1.1.3
            domain_name = self._first_domain()
        domain = self.domain(domain_name)
        if domain is None:
            if self.doubt and not sending:
                raise Unavailable(PEOPLE, self.doubt)
            return Remote(address)
        row = self.entry(f"{local}@{domain.name}")
        route: Route
        if row is not None and row[0] and row[3] == _ACTIVE and not row[6]:
            route = Local(row[0], row[2])
        else:
            expansion = _Expansion(self)
            expansion.add_local(address, local, domain, row, "", 0)
            route = expansion.result(address)
            if expansion.ends:  # PEOPLE-13: the clock ends it, and no frame says so
                return route
        return _remember(self._routes, address, route)

    def domain(self, name: str) -> Domain | None:
        """The domain if it is ours and not removed, whichever way it is spelled."""
        if self._generation != self._fold.generation:
            self._forget()
        found = self._domains.get(name)
        if found is None:
            try:
                key = fold_domain(name)
            except Refused:
                return None
            row = self._db.execute(f"{DOMAIN} WHERE name = ? AND removed_at = 0", (key,)).fetchone()
            if row is not None:
                found = _remember(self._domains, name, as_domain(row))
        return found

    def is_local_domain(self, name: str) -> bool:
        """Whether the domain is ours. Raises ``Unavailable("people")`` in doubt."""
        try:
            found = self.domain(name)
        except apsw.Error as error:
            raise unreadable(error) from error
        if found is None and self.doubt:
            raise Unavailable(PEOPLE, self.doubt)
        return found is not None

    def account(self, account: AccountId) -> Account | None:
        """By id, in whatever state it is. Raises ``Unavailable("people")``."""
        if self._generation != self._fold.generation:
            self._forget()
        found = self._accounts.get(account)
        if found is not None:
            return found
        try:
            row = self._one(_ACCOUNT_BY_ID, (account,)).get
        except apsw.Error as error:
            raise unreadable(error) from error
        if row is not None:
            return _remember(self._accounts, account, as_account(row))
        if self.doubt:
            raise Unavailable(PEOPLE, self.doubt)
        return None

    def by_login(self, name: str) -> Account | None:
        """Who signs in with ``name``: any of the account's addresses. None: nobody, or removed.

        Raises ``Unavailable("people")``.
        """
        if self._generation != self._fold.generation:
            self._forget()
        found = self._logins.get(name)
        if found is not None:
            return found
        try:
            row = self.entry(name_key(name))
        except Refused:
            return None
        except apsw.Error as error:
            raise unreadable(error) from error
        if row is None or row[5] not in (FIRST, FURTHER):  # PEOPLE-13: a masked address hides its account
            if self.doubt and row is None:
                raise Unavailable(PEOPLE, self.doubt)
            return None
        if row[3] != _ACTIVE:
            self.check_departure(row[4])
            return self.account(row[0]) if row[3] == AccountState.DISABLED else None
        found = self.account(row[0])
        return None if found is None else _remember(self._logins, name, found)

    def credential(self, account: AccountId) -> Credential:
        """Raises ``Unavailable("people")``."""
        try:
            row = self._one(_CREDENTIAL, (account,)).get
        except apsw.Error as error:
            raise unreadable(error) from error
        return Credential(*row) if row else Credential(0, "")

    def may_send_as(self, account: AccountId, address: Address) -> bool:
        """Whether mail to ``address`` reaches the account: then it may write under that name.

        So an account may use its addresses with any detail, aliases that lead to it and,
        as its catch-all, names nobody has. Raises ``Unavailable("people")``.
        """
        who = self.account(account)
        if who is None or who.state != AccountState.ACTIVE:
            return False
        try:
            route = self.route(address)
        except Refused:
            return False
        members = route.routes if isinstance(route, Many) else (route,)
        return any(isinstance(member, Local) and member.account == account for member in members)

    def is_over(self, ends_at: float) -> bool:
        """PEOPLE-13: whether a name's time is over, now."""
        return bool(ends_at) and ends_at <= self._clock.now()

    def check_departure(self, left_at: float) -> None:
        """PEOPLE-4: raises ``Unavailable`` for one of a batch that isn't believed to have left."""
        if self.doubts(left_at):
            raise Unavailable(PEOPLE, self.doubt)

    def doubts(self, left_at: float) -> bool:
        """PEOPLE-4: whether who left then is of a batch that isn't believed to have left."""
        shrinking = self._fold.shrinking
        return bool(shrinking.doubted_mark) and left_at > shrinking.doubted_since

    def entry(self, key: str) -> Entry | None:
        """Raises ``apsw.Error``."""
        row: Entry | None = self._one(_ENTRY, (key,)).get
        return row

    def owner(self, domain: Domain) -> Local | None:
        """Who gets postmaster@ and abuse@ of a domain that names nobody: its first active owner."""
        row = self._db.execute(
            "SELECT id, cell FROM account WHERE domain = ? AND role = 'owner' AND state = 'active' LIMIT 1",
            (domain.id,),
        ).fetchone()
        return Local(row[0], row[1]) if row else None

    def refuse(self, address: Address) -> NoReturn:
        """PEOPLE-2: a name is unknown only to a copy that isn't in doubt."""
        if self.doubt:
            raise Unavailable(PEOPLE, self.doubt)
        raise Refused(Reason.NO_SUCH_USER, f"{address} is not an address here")

    def _first_domain(self) -> str:
        row = self._db.execute("SELECT name FROM domain WHERE removed_at = 0 ORDER BY id LIMIT 1").fetchone()
        return str(row[0]) if row else ""

    def _forget(self) -> None:
        self._routes.clear()
        self._accounts.clear()
        self._logins.clear()
        self._domains.clear()
        self._generation = self._fold.generation


class _Expansion:
    """One address followed through aliases until accounts and outside addresses are left.

    Loops end because no name is visited twice; depth and number of targets have limits, and what
    is beyond them is ``Unavailable``: mail waits until an operator mends the alias.
    """

    __slots__ = ("_found", "_lookup", "_refusal", "_seen", "ends")

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self.ends = False  # a name it went through has an end: it holds for this moment only
        self._found: dict[int | Address, Local | Forward] = {}
        self._seen: set[str] = set()
        self._refusal: Refused | None = None

    def result(self, address: Address) -> Route:
        routes = tuple(self._found.values())
        if not routes:
            raise self._refusal or Refused(Reason.NO_SUCH_USER, f"{address} leads to nobody")
        return routes[0] if len(routes) == 1 else Many(routes)

    def add_local(
        self, address: Address, local: str, domain: Domain, row: Entry | None, detail: str, depth: int
    ) -> None:
        """``row``: the whole name's entry."""
        lookup = self._lookup
        if row is None and domain.separator:
            whole, (local, own) = local, sub_address(local, domain.separator)
            if local != whole:
                # the detail as the sender wrote it: it may name a folder, whose case counts
                detail = sub_address(address.local, domain.separator)[1] or own or detail
                row = lookup.entry(f"{local}@{domain.name}")
        if row is not None:
            self._add_entry(address, f"{local}@{domain.name}", row, detail, depth)
        elif domain.catch_all:
            self._add_targets(f"@{domain.name}", domain.catch_all, "", depth)
        else:
            owner = lookup.owner(domain) if local in CONVENTIONAL else None
            if owner is None:
                lookup.refuse(address)
            self._found.setdefault(owner.account, owner)

    def _add_entry(self, address: Address, key: str, row: Entry, detail: str, depth: int) -> None:
        account, targets, cell, state, left_at, _, ends_at = row
        if ends_at:
            self.ends = True
            if self._lookup.is_over(ends_at):
                self._lookup.refuse(address)
        if account == 0:
            self._add_targets(key, as_names(targets), detail, depth)
        elif state == AccountState.ACTIVE:
            self._found.setdefault(account, Local(account, cell, detail))
        elif state == AccountState.DISABLED and self._lookup.doubts(left_at):
            self._found.setdefault(account, Local(account, cell, detail))  # its mailbox is there
        else:
            self._lookup.check_departure(left_at)
            if state == AccountState.DISABLED:
                raise Refused(Reason.USER_DISABLED, f"{address} takes no mail at present")
            raise Refused(Reason.NO_SUCH_USER, f"{address} is not an address here")

    def _add_targets(self, key: str, targets: tuple[str, ...], detail: str, depth: int) -> None:
        if key in self._seen:
            return
        self._seen.add(key)
        if depth >= ALIAS_DEPTH:
            raise Unavailable(PEOPLE, f"aliases lead to aliases more than {ALIAS_DEPTH} deep at {key}")
        for target in targets:
            address = parse_address(target)
            domain = self._lookup.domain(address.domain)
            if domain is None:
                outside = Address(address.local, fold_domain(address.domain))
                self._found.setdefault(outside, Forward(outside))
            else:
                self._add_local_target(address, domain, detail, depth)
            if len(self._found) > ALIAS_TARGETS:
                raise Unavailable(PEOPLE, f"{key} leads to more than {ALIAS_TARGETS} addresses")

    def _add_local_target(self, address: Address, domain: Domain, detail: str, depth: int) -> None:
        """One target that is gone doesn't keep mail from the others; if none is left, it is the answer."""
        local = fold_local(address.local)
        row = self._lookup.entry(f"{local}@{domain.name}")
        try:
            self.add_local(address, local, domain, row, detail, depth + 1)
        except Refused as error:
            self._refusal = error


def unreadable(error: apsw.Error) -> Unavailable:
    """PEOPLE-2: an error of the copy is no answer."""
    return Unavailable(PEOPLE, f"the copy can't be read: {error}")


def _remember(memory: dict[K, T], key: K, answer: T) -> T:
    if len(memory) >= PEOPLE_CACHE:
        memory.clear()
    memory[key] = answer
    return answer
