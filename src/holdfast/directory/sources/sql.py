"""People from a database: PostgreSQL by psycopg (optional: ``pip install holdfast[postgres]``), or SQLite.

One SELECT gives a row for each; it is read in a transaction that can write nothing.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import apsw

from holdfast.directory.credentials import check_credential, verify_password
from holdfast.directory.sources.person import Found, NotThere, Person, component, is_disabled, plain_addresses
from holdfast.model.errors import Refused, Unavailable
from holdfast.model.limits import SOURCE_ANSWER_S, SOURCE_CONNECT_S, SOURCE_READ_S

SQLITE = "sqlite:"
_BUSY_MS = 2000


class SqlSettings(NamedTuple):
    """Names of columns, '' where there is none. ``password_hash``: argon2id, as a PHC string."""

    name: str
    url: str
    query: str
    password: Callable[[], str] = str
    id: str = "id"
    address: str = "address"
    aliases: str = ""
    person_name: str = ""
    disabled: str = ""
    disabled_values: tuple[str, ...] = ()
    password_hash: str = ""


class _Rows(NamedTuple):
    columns: list[str]
    rows: Sequence[Sequence[Any]]


class _Of(NamedTuple):
    """The row of one person: ``before``, the query, ``after``, the id."""

    before: str
    after: str
    id: str


class SqlSource:
    def __init__(self, settings: SqlSettings) -> None:
        self.name = settings.name
        self.checks_passwords = bool(settings.password_hash)
        self._settings = settings
        self._query = settings.query.strip().rstrip(";")

    def read_all(self) -> Found:
        answer = self._ask(None)
        places = self._places(answer.columns)
        found: list[Person] = []
        nameless = 0
        for row in answer.rows:
            person = self._person(row, places)
            if person is None:
                nameless += 1
            else:
                found.append(person)
        return Found(found, "", nameless)

    def read_changed(self, mark: str) -> Found | None:
        return None

    def password_right(self, id: str, password: str) -> bool:
        wanted, column = _quoted(self._settings.id), _quoted(self._settings.password_hash)
        after = f") AS people WHERE CAST({wanted} AS TEXT) = "
        rows = self._ask(_Of(f"SELECT {column} FROM (", after, id)).rows
        if len(rows) != 1:
            raise NotThere(component(self.name), f"has {len(rows)} rows for this person")
        phc = _text(rows[0][0])
        if not phc:
            return False  # it says that there is no password
        try:
            check_credential(phc)
            return verify_password(password, phc)
        except (Refused, ValueError) as error:
            text = "has a hash for this person that is not argon2id"
            raise NotThere(component(self.name), text) from error

    # Within

    def _ask(self, of: _Of | None) -> _Rows:
        """SOURCE-1: whatever goes wrong is trouble of the directory's, and says nothing of its people."""
        ask = _sqlite if self._settings.url.startswith(SQLITE) else _postgres
        try:
            return ask(self._settings, self._query, of)
        except ImportError as error:
            text = "needs the package psycopg: pip install 'holdfast[postgres]'"
            raise self._unavailable(text) from error
        except Exception as error:  # whatever the driver calls it
            raise self._unavailable(f"{type(error).__name__}: {error}") from error

    def _places(self, columns: list[str]) -> dict[str, int]:
        """Key of the settings → place of its column in a row."""
        settings = self._settings
        wanted = {
            "id": settings.id,
            "address": settings.address,
            "aliases": settings.aliases,
            "name": settings.person_name,
            "disabled": settings.disabled,
        }
        missing = [name for name in wanted.values() if name and name not in columns]
        if missing:
            raise self._unavailable(
                f"the query gives no column {', '.join(missing)}; it gives {', '.join(columns)}"
            )
        return {key: columns.index(name) for key, name in wanted.items() if name}

    def _person(self, row: Sequence[Any], places: dict[str, int]) -> Person | None:
        texts = {key: _text(row[place]) for key, place in places.items()}
        if not texts["id"]:
            return None
        address = next(iter(plain_addresses([texts["address"]])), "")
        more = plain_addresses(re.split(r"[\s,;]+", texts.get("aliases", "")))
        return Person(
            id=texts["id"],
            address=address,
            aliases=tuple(each for each in more if each != address),
            name=texts.get("name", ""),
            disabled="disabled" in texts and is_disabled(texts["disabled"], self._settings.disabled_values),
        )

    def _unavailable(self, text: str) -> Unavailable:
        return Unavailable(component(self.name), text)


def _text(value: object) -> str:
    """NULL is nothing; PostgreSQL's arrays are their words."""
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return " ".join(_text(each) for each in value)
    return str(value)


def _quoted(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _sqlite(settings: SqlSettings, query: str, of: _Of | None) -> _Rows:
    path = "/" + settings.url.removeprefix(SQLITE).lstrip("/")  # sqlite:/path, sqlite:///path
    with contextlib.closing(apsw.Connection(path, flags=apsw.SQLITE_OPEN_READONLY)) as db:
        db.set_busy_timeout(_BUSY_MS)
        columns: list[str] = []

        def trace(cursor: apsw.Cursor, statement: str, bindings: object) -> bool:
            columns[:] = [str(each[0]) for each in cursor.get_description()]
            return True

        cursor = db.cursor()
        cursor.exec_trace = trace
        if of is None:
            return _Rows(columns, cursor.execute(query).fetchall())
        return _Rows(columns, cursor.execute(f"{of.before}{query}{of.after}?", (of.id,)).fetchall())


def _postgres(settings: SqlSettings, query: str, of: _Of | None) -> _Rows:
    with _postgres_cursor(settings, SOURCE_READ_S if of is None else SOURCE_ANSWER_S) as cursor:
        if of is None:
            cursor.execute(query)
        else:
            whole = f"{of.before}{query}{of.after}".replace("%", "%%")
            cursor.execute(f"{whole}%s", (of.id,))
        columns = [str(each.name) for each in cursor.description or ()]
        return _Rows(columns, cursor.fetchall())


@contextlib.contextmanager
def _postgres_cursor(settings: SqlSettings, most_s: float) -> Iterator[Any]:
    """``tcp_user_timeout`` and keepalives: a server that is gone is noticed in the middle of a query too."""
    import psycopg

    more: dict[str, Any] = {
        "connect_timeout": max(2, int(SOURCE_CONNECT_S)),
        "options": f"-c statement_timeout={int(most_s * 1000)} -c default_transaction_read_only=on",
        "tcp_user_timeout": int(SOURCE_ANSWER_S * 1000),
        "keepalives_idle": 2,
        "keepalives_interval": 1,
        "keepalives_count": 3,
        "application_name": "holdfast",
    }
    password = settings.password()
    if password:
        more["password"] = password
    with psycopg.connect(settings.url, **more) as connection, connection.cursor() as cursor:
        yield cursor
