"""The tables of a copy: what lookups and lists read. All of it is derived from the ledger.

The file may be deleted at any moment: the fold builds it again.
"""

from __future__ import annotations

import apsw

FOLD_VERSION = 2  # another number: copies of other versions are built anew

TABLES = """
CREATE TABLE fold (
    only INTEGER PRIMARY KEY CHECK (only = 0),
    version INTEGER NOT NULL,
    identity BLOB NOT NULL,      -- the ledger's, empty while unknown
    pack INTEGER NOT NULL,       -- position behind the last frame that is folded
    offset INTEGER NOT NULL,
    sequence INTEGER NOT NULL,   -- of that frame
    holes INTEGER NOT NULL,      -- unreadable frames that nobody accepted yet
    refused INTEGER NOT NULL,    -- frames whose record could not be carried out
    shrinking BLOB NOT NULL,
    whole INTEGER NOT NULL       -- 1: it has been at an end of the ledger (PEOPLE-11)
);
CREATE TABLE domain (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    separator TEXT NOT NULL,
    catch_all TEXT NOT NULL,     -- JSON
    made_at REAL NOT NULL
);
CREATE TABLE customer (          -- those made by themselves; see also account.customer
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    made_at REAL NOT NULL
);
CREATE TABLE account (
    id INTEGER PRIMARY KEY,
    customer INTEGER NOT NULL,   -- the account's own id: a customer that was made with it
    domain INTEGER NOT NULL,
    login TEXT NOT NULL,
    name TEXT NOT NULL,
    cell INTEGER NOT NULL,
    state TEXT NOT NULL,
    role TEXT NOT NULL,
    credential INTEGER NOT NULL, -- sequence of the frame that set it, 0 for none
    made_at REAL NOT NULL,
    left_at REAL NOT NULL,       -- when it left without an announcement; 0 otherwise
    phc TEXT NOT NULL
);
CREATE INDEX account_domain ON account (domain);
CREATE INDEX account_customer ON account (customer) WHERE customer <> id;
CREATE INDEX account_owner ON account (domain) WHERE role = 'owner';
CREATE TABLE address (
    key TEXT PRIMARY KEY,
    domain INTEGER NOT NULL,
    account INTEGER NOT NULL,    -- 0: an alias
    login INTEGER NOT NULL,      -- 1: the account's first address
    address TEXT NOT NULL,       -- as the person wrote it
    targets TEXT NOT NULL,       -- JSON; '' for an account's address
    cell INTEGER NOT NULL,       -- these three: the account's, so that a route is one row
    state TEXT NOT NULL,
    left_at REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX address_further ON address (account) WHERE account > 0 AND login = 0;
CREATE INDEX alias_domain ON address (domain, key) WHERE account = 0;
CREATE TABLE cell (
    cell INTEGER PRIMARY KEY,
    accounts INTEGER NOT NULL    -- active and disabled
);
"""


def open_copy(path: str) -> apsw.Connection:
    """Opens or makes the file (``:memory:`` for none). One of another version is emptied.

    Raises ``apsw.Error``. No commit waits for the disk, since the ledger is the truth, but what
    is on disk is always whole: WAL with synchronous=NORMAL.
    """
    connection = apsw.Connection(path, statementcachesize=200)
    try:
        connection.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA temp_store = MEMORY; PRAGMA cache_size = -32768")
        connection.execute("PRAGMA wal_autocheckpoint = 4000")
        if _version(connection) != FOLD_VERSION:
            _make(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _version(connection: apsw.Connection) -> int:
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'fold'").fetchone():
        return 0
    row = connection.execute("SELECT version FROM fold").fetchone()
    return int(row[0]) if row else 0


def _make(connection: apsw.Connection) -> None:
    with connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (name,) in names:
            connection.execute(f'DROP TABLE "{name}"')
        connection.execute(TABLES)
        connection.execute("INSERT INTO fold VALUES (0, ?, x'', 0, 0, 0, 0, 0, x'', 0)", (FOLD_VERSION,))
