"""The tables of a copy: what lookups and lists read. All of it is derived from the ledger.

The file may be deleted at any moment: the fold builds it again.
"""

from __future__ import annotations

import apsw

FOLD_VERSION = 4  # another number: copies of other versions are built anew

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
    made_at REAL NOT NULL,
    tenant INTEGER NOT NULL,
    quota_bytes INTEGER NOT NULL,
    daily_recipients INTEGER NOT NULL,
    accounts_most INTEGER NOT NULL,
    removed_at REAL NOT NULL,    -- 0 unless removed
    accounts INTEGER NOT NULL    -- active and disabled
);
CREATE TABLE customer (          -- those made by themselves, or changed since; see also account.customer
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    made_at REAL NOT NULL,
    contract TEXT NOT NULL,
    tenant INTEGER NOT NULL,
    external_id TEXT NOT NULL
);
CREATE TABLE contact (
    customer INTEGER PRIMARY KEY,
    phone TEXT NOT NULL,
    phone_proven_at REAL NOT NULL,
    address TEXT NOT NULL,
    address_proven_at REAL NOT NULL,
    language TEXT NOT NULL,
    consent_at REAL NOT NULL
);
CREATE TABLE tenant (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    brand BLOB NOT NULL,
    accounts_most INTEGER NOT NULL,
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
    quota_bytes INTEGER NOT NULL,
    daily_recipients INTEGER NOT NULL,
    source TEXT NOT NULL,
    external_id TEXT NOT NULL,
    signed_out_at REAL NOT NULL,
    removed_at REAL NOT NULL,
    two_factor INTEGER NOT NULL, -- how many factors that are no recovery codes
    passkey_only INTEGER NOT NULL,
    held INTEGER NOT NULL,
    left_at REAL NOT NULL,       -- when it left without an announcement; 0 otherwise
    phc TEXT NOT NULL,
    credential_at REAL NOT NULL  -- when it was asked for; when the account was made
);
CREATE INDEX account_domain ON account (domain);
CREATE INDEX account_customer ON account (customer) WHERE customer <> id;
CREATE INDEX account_owner ON account (domain) WHERE role = 'owner';
CREATE INDEX account_state ON account (state) WHERE state <> 'active';
CREATE INDEX account_external ON account (source, external_id) WHERE external_id <> '';
CREATE TABLE address (
    key TEXT PRIMARY KEY,
    domain INTEGER NOT NULL,
    account INTEGER NOT NULL,    -- 0: an alias
    kind INTEGER NOT NULL,       -- 0 an address, 1 the account's first, 2 an alias, 3 masked, 4 given up
    address TEXT NOT NULL,       -- as the person wrote it
    targets TEXT NOT NULL,       -- JSON; '' for an account's address
    cell INTEGER NOT NULL,       -- these three: the account's, so that a route is one row
    state TEXT NOT NULL,
    left_at REAL NOT NULL,
    ends_at REAL NOT NULL        -- takes no mail from then on; 0: no end, -1: takes none
) WITHOUT ROWID;
CREATE INDEX address_account ON address (account, key) WHERE account > 0;
CREATE INDEX alias_domain ON address (domain, key) WHERE account = 0;
CREATE TABLE masked (
    key TEXT PRIMARY KEY,
    account INTEGER NOT NULL,
    made INTEGER NOT NULL,       -- sequence of the frame that made it
    label TEXT NOT NULL,
    expires_at REAL NOT NULL,
    enabled INTEGER NOT NULL,
    made_at REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX masked_account ON masked (account);
CREATE TABLE app_password (
    id INTEGER PRIMARY KEY,
    account INTEGER NOT NULL,
    name TEXT NOT NULL,
    functions TEXT NOT NULL,     -- JSON
    networks TEXT NOT NULL,      -- JSON
    expires_at REAL NOT NULL,
    made_at REAL NOT NULL,
    salt BLOB NOT NULL,
    digest BLOB NOT NULL
);
CREATE INDEX app_password_account ON app_password (account);
CREATE TABLE factor (
    id INTEGER PRIMARY KEY,
    account INTEGER NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    made_at REAL NOT NULL,
    secret BLOB NOT NULL
);
CREATE INDEX factor_account ON factor (account);
CREATE TABLE granted (
    account INTEGER NOT NULL,
    role TEXT NOT NULL,
    tenant INTEGER NOT NULL,
    domain TEXT NOT NULL,
    PRIMARY KEY (account, role, tenant, domain)
) WITHOUT ROWID;
CREATE TABLE token (
    id INTEGER PRIMARY KEY,
    account INTEGER NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    networks TEXT NOT NULL,      -- JSON
    expires_at REAL NOT NULL,
    made_at REAL NOT NULL,
    digest BLOB NOT NULL UNIQUE
);
CREATE INDEX token_account ON token (account);
CREATE TABLE invitation (
    id INTEGER PRIMARY KEY,
    domain TEXT NOT NULL,
    uses INTEGER NOT NULL,
    used INTEGER NOT NULL,
    expires_at REAL NOT NULL,
    note TEXT NOT NULL,
    made_at REAL NOT NULL,
    digest BLOB NOT NULL UNIQUE
);
CREATE TABLE reserved (
    name TEXT NOT NULL,          -- a local part as it is compared
    domain TEXT NOT NULL,        -- '' for all
    PRIMARY KEY (name, domain)
) WITHOUT ROWID;
CREATE TABLE access (
    id INTEGER PRIMARY KEY,
    account INTEGER NOT NULL,
    auditor INTEGER NOT NULL,
    reason TEXT NOT NULL,
    asked_at REAL NOT NULL,
    approved_by INTEGER NOT NULL,
    approved_at REAL NOT NULL,
    until REAL NOT NULL
);
CREATE INDEX access_account ON access (account);
CREATE TABLE once (              -- keys of requests that were carried out in the last ONCE_LIFE_S
    key TEXT PRIMARY KEY,
    sequence INTEGER NOT NULL,   -- of the frame that carries it
    what TEXT NOT NULL,          -- that frame's record
    at REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX once_at ON once (at);
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
        connection.execute("PRAGMA synchronous = NORMAL; PRAGMA journal_mode = WAL")
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
