"""The index of one cell: tables and how a connection is opened. Derived; may be deleted at any moment."""

from __future__ import annotations

from typing import Any

import apsw

# Raised with any change of tables or of what the fold writes: an index of another version is rebuilt.
VERSION = 7

UNREADABLE = (apsw.Error, UnicodeDecodeError)  # what a damaged index raises: text that is none any more, too
# Of these, what only damage raises: we write no text that is none.
DAMAGED = (apsw.CorruptError, apsw.NotADBError, UnicodeDecodeError)

TABLES = """
CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;

CREATE TABLE account(
    id INTEGER PRIMARY KEY,
    modseq INTEGER NOT NULL,            -- of the account's last change
    uidvalidity INTEGER NOT NULL,       -- the last one given out
    made INTEGER NOT NULL,              -- mailboxes ever made
    keywords TEXT NOT NULL,             -- names, one a line; place = bit - 5
    total INTEGER NOT NULL,             -- entries in all its mailboxes
    bytes INTEGER NOT NULL,             -- their RFC822.SIZE summed up
    removed INTEGER NOT NULL            -- messages ever removed: the last number in ``gone``
);

CREATE TABLE mailbox(
    id INTEGER PRIMARY KEY,
    account INTEGER NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    uidvalidity INTEGER NOT NULL,
    uidnext INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    total INTEGER NOT NULL,
    unseen INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    first_recent INTEGER NOT NULL,
    sort_order INTEGER NOT NULL,        -- JMAP's, RFC 8621 §2
    made INTEGER NOT NULL,              -- modseq at which it came into being
    UNIQUE(account, name)
);

CREATE TABLE subscription(account INTEGER, name TEXT, PRIMARY KEY(account, name)) WITHOUT ROWID;

-- Narrow: what changes. One row per message per mailbox.
CREATE TABLE entry(
    mailbox INTEGER,
    uid INTEGER,
    modseq INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    message INTEGER NOT NULL,
    born INTEGER NOT NULL,              -- sequence of the mail frame that put it here; 0: delivered here
    size INTEGER NOT NULL,              -- the message's …
    received INTEGER NOT NULL,          -- … so that lists and sums need no look at the heap
    thread INTEGER NOT NULL,            -- id of the first message of its thread
    made INTEGER NOT NULL,              -- modseq at which the account got the message: the Email's beginning
    PRIMARY KEY(mailbox, uid)
) WITHOUT ROWID;

CREATE INDEX entry_listed ON entry(mailbox, received, message, thread);
CREATE INDEX entry_of ON entry(message, mailbox);
CREATE INDEX entry_answer ON entry(thread, mailbox) WHERE thread != message;

-- Earlier lives of objects that were gone and are there again.
CREATE TABLE life(
    account INTEGER,
    kind TEXT,
    id TEXT,
    made INTEGER,
    gone INTEGER NOT NULL,
    PRIMARY KEY(account, kind, id, made)
) WITHOUT ROWID;

CREATE INDEX life_gone ON life(account, kind, gone);

-- Which thread a message belongs to that names this message id under this subject. See threads.py.
CREATE TABLE reference(
    account INTEGER,
    digest INTEGER,
    thread INTEGER NOT NULL,
    PRIMARY KEY(account, digest)
) WITHOUT ROWID;

-- The heap: what never changes. One row per message per cell.
CREATE TABLE message(
    id INTEGER PRIMARY KEY,             -- ledger number << 48 | sequence
    ledger INTEGER NOT NULL,
    pack INTEGER NOT NULL,
    "offset" INTEGER NOT NULL,
    frame INTEGER NOT NULL,             -- bytes of the whole frame
    head INTEGER NOT NULL,              -- where in the frame's body the message begins
    size INTEGER NOT NULL,              -- RFC822.SIZE
    received INTEGER NOT NULL,          -- INTERNALDATE, UTC seconds
    envelope BLOB NOT NULL,
    structure BLOB NOT NULL,
    preview TEXT NOT NULL,
    "references" BLOB NOT NULL          -- its digests for ``reference``, 8 bytes each
);

-- What was removed, in the order of removal: to be brought back, and to tell when Emails were there.
CREATE TABLE gone(
    account INTEGER,
    number INTEGER,                     -- of this removal, counted per account
    mailbox INTEGER NOT NULL,
    name TEXT NOT NULL,                 -- of the mailbox, as of then
    uid INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    message INTEGER NOT NULL,
    thread INTEGER NOT NULL,
    made INTEGER NOT NULL,              -- as the entry had it
    modseq INTEGER NOT NULL,            -- of the removal
    last INTEGER NOT NULL,              -- 1: the account had no other entry of the message, its Email is gone
    back INTEGER NOT NULL,              -- 1: it was brought back
    removed_at INTEGER NOT NULL,        -- UTC seconds: the time in the command's frame
    PRIMARY KEY(account, number)
) WITHOUT ROWID;

CREATE INDEX gone_email ON gone(account, thread, message) WHERE last=1;

CREATE TABLE change(
    account INTEGER,
    modseq INTEGER,
    mailbox INTEGER,
    kind INTEGER,
    uids BLOB,
    message INTEGER NOT NULL,           -- the one whose Email came into being by this; 0: none
    thread INTEGER NOT NULL,            -- its thread
    first INTEGER NOT NULL,             -- of removals for good: the numbers in ``gone``; 0: none
    last INTEGER NOT NULL,
    PRIMARY KEY(account, modseq, mailbox, kind)
) WITHOUT ROWID;

-- What JMAP keeps beside mail: identities, contacts, settings … What is gone keeps a row without data.
CREATE TABLE object(
    account INTEGER NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    made INTEGER NOT NULL,
    modseq INTEGER NOT NULL,            -- of its last change
    gone INTEGER NOT NULL,
    due INTEGER NOT NULL,               -- UTC seconds; 0: never
    data BLOB NOT NULL,
    UNIQUE(account, kind, id)
);

CREATE INDEX object_made ON object(account, kind, made);
CREATE INDEX object_moved ON object(account, kind, modseq);
CREATE INDEX object_due ON object(due) WHERE due > 0;

-- How many there are of a kind.
CREATE TABLE kept(
    account INTEGER,
    kind TEXT,
    total INTEGER NOT NULL,
    PRIMARY KEY(account, kind)
) WITHOUT ROWID;

-- Messages whose sender may never have seen our 250: the same again is not delivered again.
CREATE TABLE unsure(
    digest BLOB PRIMARY KEY,
    message INTEGER NOT NULL,
    until INTEGER NOT NULL              -- UTC seconds: senders give up, and the same may be meant
) WITHOUT ROWID;
"""


def row(db: apsw.Connection, sql: str, *values: object) -> Any:
    """The first row as a tuple, or None."""
    return db.execute(sql, values).fetchone()


def rows(db: apsw.Connection, sql: str, *values: object) -> list[Any]:
    return db.execute(sql, values).fetchall()


def create(db: apsw.Connection) -> None:
    """Make the tables in an empty database."""
    db.execute(TABLES)
    db.execute("INSERT INTO meta VALUES('version', ?)", (VERSION,))


def tune_writer(db: apsw.Connection) -> None:
    """WAL without a sync per commit: the ledger is the truth, the index only must not be torn."""
    db.set_busy_timeout(5000)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=NORMAL")
    db.execute("PRAGMA wal_autocheckpoint=16000")
    db.execute("PRAGMA cache_size=-16384")
    db.execute("PRAGMA temp_store=MEMORY")


def tune_reader(db: apsw.Connection) -> None:
    """Patience first: setting the cache already reads, and where the writer was killed, whoever came before
    is repairing the file's WAL and lets nobody else in."""
    db.set_busy_timeout(1000)
    db.execute("PRAGMA query_only=1")
    db.execute("PRAGMA cache_size=-8192")
    db.execute("PRAGMA mmap_size=1073741824")
    db.execute("PRAGMA temp_store=MEMORY")
