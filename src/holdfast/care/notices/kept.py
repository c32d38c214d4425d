"""Who was told what: ``care/notices.sqlite``, docs/formats/notices.md. It blocks; ``sending.py`` and the part
use it from one thread. It holds neither phones nor addresses.

TELL-4 a notice is in here, with all whom it is for, before anybody hears of it; what is sent is noted before
the place it took on its channel is given to another. So after a crash those are told twice at most that were
on their way, and nobody is forgotten.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import apsw
import msgspec

from holdfast.care.notices.due import About, Said, Told
from holdfast.care.notices.recipients import Account, Cells
from holdfast.care.notices.together import Along, Beside, Other, Reading, reading
from holdfast.care.notices.words import Words
from holdfast.model.limits import NOTICE_KEPT_S
from holdfast.world import World
from holdfast.world.small_file import SmallFile

COMPONENT = "notices"
LETTER = "letter"  # the channel of who is left to be written to on paper
EVERYBODY = 0  # the customer of what goes to no single one

# due: to be sent; over: a later notice says more; failed: it can't be taken; late: out of reach for too long
State = Literal["due", "sent", "failed", "late", "over"]
_VERSION = 2
_TABLES = """
CREATE TABLE IF NOT EXISTS notice (
    incident INTEGER NOT NULL, number INTEGER NOT NULL, at REAL NOT NULL, about TEXT NOT NULL,
    body BLOB NOT NULL, PRIMARY KEY (incident, number)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS message (
    incident INTEGER NOT NULL, notice INTEGER NOT NULL, customer INTEGER NOT NULL, channel TEXT NOT NULL,
    state TEXT NOT NULL, tries INTEGER NOT NULL, next_at REAL NOT NULL, at REAL NOT NULL,
    answer TEXT NOT NULL,
    PRIMARY KEY (incident, notice, customer, channel)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS message_due ON message (channel, next_at) WHERE state = 'due';
CREATE INDEX IF NOT EXISTS message_sent ON message (channel, at) WHERE state = 'sent';
CREATE TABLE IF NOT EXISTS along (
    incident INTEGER NOT NULL, notice INTEGER NOT NULL, customer INTEGER NOT NULL,
    by_incident INTEGER NOT NULL, by_notice INTEGER NOT NULL,
    PRIMARY KEY (incident, notice, customer)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS along_by ON along (by_incident) WHERE by_notice = 0;
"""
_ROW = "incident, notice, customer, channel, state, tries, next_at, at, answer"


class Body(msgspec.Struct, frozen=True):
    """Of a notice: what it said, to whom it applies, and in which words.

    ``others``, ``left``: what it tells beside, as in ``Beside``. ``readings``: words of those who read it
    otherwise.
    """

    said: Said
    promise: int
    next_at: float
    quiet: bool
    scopes: dict[str, Cells]
    words: dict[str, Words]
    others: tuple[Other, ...] = ()
    left: tuple[Other, ...] = ()
    readings: tuple[tuple[Reading, dict[str, Words]], ...] = ()


class Notice(NamedTuple):
    incident: int
    number: int
    at: float
    about: About
    body: Body

    @property
    def told(self) -> Told:
        body = self.body
        return Told(self.number, self.about, self.at, body.next_at, body.quiet, body.said)

    @property
    def own(self) -> Other:
        """Its incident, as it told of it."""
        body, state = self.body, "over" if self.about == "ended" else "open"
        return Other(self.incident, state, body.said, body.scopes, 0.0)  # type: ignore[arg-type]

    def words(self, accounts: Sequence[Account], tenant: int = 0) -> dict[str, Words]:
        """As a tenant's customer reads it who has these mailboxes."""
        body = self.body
        if not body.readings:
            return body.words
        beside = Beside(body.others, body.left)
        over = self.about == "ended"
        found = reading(accounts, body.said, is_over=over, beside=beside, tenant=tenant)
        return next((words for each, words in body.readings if each == found), body.words)

    @property
    def open_scopes(self) -> list[dict[str, Cells]]:
        """Of all that is open by it."""
        return [self.body.scopes, *(each.scopes for each in self.body.others if each.state == "open")]


class MessageRow(NamedTuple):
    """``at``: when its state was reached; while due, when it was laid down. ``answer``: why, if not sent."""

    incident: int
    notice: int
    customer: int
    channel: str
    state: State
    tries: int
    next_at: float
    at: float
    answer: str


class Counts(NamedTuple):
    """``customers``: it is for; ``reached``: by one channel at least. ``waiting``: messages to be sent."""

    customers: int
    reached: int
    sent: dict[str, int]
    failed: dict[str, int]
    letters: int
    waiting: int


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Body).decode


class KeptNotices:
    def __init__(self, world: World, path: str) -> None:
        self._file = SmallFile(world, path, COMPONENT, _TABLES, _VERSION)

    def close(self) -> None:
        self._file.close()

    # notices

    def add(self, notice: Notice, firsts: Iterable[tuple[int, str]], alongs: Iterable[Along] = ()) -> None:
        """``firsts``: customers, each with a channel by which it is told. What waits of earlier ones of the
        incident needn't be said to them any more, unless this one is told nobody. ``alongs``: who is told by
        another's. Raises ``Unavailable``, as all do here."""

        def write(db: apsw.Connection) -> None:
            head = (notice.incident, notice.number, notice.at, notice.about, _encode(notice.body))
            db.execute("INSERT INTO notice VALUES (?, ?, ?, ?, ?)", head)
            _lay_down(db, notice, firsts, alongs, notice.at)
            if not notice.body.quiet:
                these = "SELECT customer FROM message WHERE incident = ? AND notice = ?"
                db.execute(
                    "UPDATE message SET state = 'over', at = ? WHERE incident = ? AND notice < ?"
                    f" AND state = 'due' AND channel != ? AND customer IN ({these})",
                    (notice.at, *notice[:2], LETTER, *notice[:2]),
                )
            old = notice.at - NOTICE_KEPT_S
            gone = "SELECT incident, number FROM notice WHERE at < ?"
            for table in ("message", "along"):
                db.execute(f"DELETE FROM {table} WHERE (incident, notice) IN ({gone})", (old,))
            db.execute("DELETE FROM notice WHERE at < ?", (old,))

        self._file.write(write)

    def join(
        self, notice: Notice, firsts: Iterable[tuple[int, str]], alongs: Iterable[Along], now: float
    ) -> None:
        """More whom it is for, as it hits them too by now."""

        def write(db: apsw.Connection) -> None:
            of = (_encode(notice.body), notice.incident, notice.number)
            db.execute("UPDATE notice SET body = ? WHERE incident = ? AND number = ?", of)
            _lay_down(db, notice, firsts, alongs, now)

        self._file.write(write)

    def notices(self, incident: int) -> list[Notice]:
        """By number."""
        sql = "SELECT * FROM notice WHERE incident = ? ORDER BY number"

        def read(db: apsw.Connection) -> list[Notice]:
            return [
                Notice(of, number, at, about, _decode(body))
                for of, number, at, about, body in db.execute(sql, (incident,))
            ]

        return self._file.read(read)

    def customers(self, incident: int) -> set[int]:
        """All who were told of it, by its own notices or another's, or are to be."""
        sql = (
            "SELECT customer FROM message WHERE incident = ?1 AND customer != ?2"
            " UNION SELECT customer FROM along WHERE incident = ?1"
            " UNION SELECT customer FROM along WHERE by_incident = ?1 AND by_notice = 0"
        )
        return self._file.read(lambda db: {row[0] for row in db.execute(sql, (incident, EVERYBODY))})

    def left_to(self, incident: int) -> list[int]:
        """Incidents that are over, and whose end is told to some customers by the end of this one."""
        sql = "SELECT DISTINCT incident FROM along WHERE by_incident = ? AND by_notice = 0 ORDER BY 1"
        return self._file.read(lambda db: [row[0] for row in db.execute(sql, (incident,))])

    def last(self, incidents: Iterable[int]) -> dict[int, tuple[int, int]]:
        """The newest notice of these that each customer was told by: of which incident, and its number."""
        listed = ", ".join(str(int(each)) for each in incidents)
        sql = (
            "SELECT m.customer, m.incident, m.notice, max(n.at) FROM message m"
            " JOIN notice n ON n.incident = m.incident AND n.number = m.notice"
            f" WHERE m.incident IN ({listed}) AND m.customer != ? GROUP BY m.customer"
        )
        return self._file.read(lambda db: {row[0]: row[1:3] for row in db.execute(sql, (EVERYBODY,))})

    # messages

    def due(self, channel: str, now: float, limit: int, urgent: bool) -> list[MessageRow]:
        """Those whose time has come, longest first. ``urgent``: only of what begins or was told wrong."""
        only = "AND n.about IN ('opened', 'correction')" if urgent else ""
        sql = (
            f"SELECT {', '.join(f'm.{each}' for each in _ROW.split(', '))} FROM message m"
            " JOIN notice n ON n.incident = m.incident AND n.number = m.notice"
            f" WHERE state = 'due' AND channel = ? AND next_at <= ? {only} ORDER BY next_at LIMIT ?"
        )
        return self._file.read(
            lambda db: [MessageRow(*row) for row in db.execute(sql, (channel, now, limit))]
        )

    def next_at(self, channel: str) -> float:
        """When the next is due; infinity when there is none."""
        sql = "SELECT min(next_at) FROM message WHERE state = 'due' AND channel = ?"

        def read(db: apsw.Connection) -> float:
            [(at,)] = db.execute(sql, (channel,))
            return math.inf if at is None else float(at)

        return self._file.read(read)

    def sent_since(self, channel: str, at: float) -> int:
        sql = "SELECT count(*) FROM message WHERE state = 'sent' AND channel = ? AND at > ?"
        return self._file.read(lambda db: int(next(db.execute(sql, (channel, at)))[0]))

    def note(self, rows: Sequence[tuple[MessageRow, str]]) -> None:
        """Rows as they are now, each with the channel that comes next for its customer, '' for none. What is
        over by now and was sent all the same is sent; it isn't tried any further."""

        def write(db: apsw.Connection) -> None:
            for row, then in rows:
                db.execute(
                    "UPDATE message SET state = ?, tries = ?, next_at = ?, at = ?, answer = ?"
                    " WHERE incident = ? AND notice = ? AND customer = ? AND channel = ?"
                    " AND state IN ('due', ?)",
                    (*row[4:], *row[:4], "over" if row.state == "sent" else "due"),
                )
                if then and db.changes():
                    new = (*row[:3], then, "due", 0, row.at, row.at, "")
                    db.execute(f"INSERT OR IGNORE INTO message ({_ROW}) VALUES ({_MARKS})", new)

        self._file.write(write)

    def hand_on(self, channel: str, then: str, now: float, answer: str) -> None:
        """All that waits for a channel waits for another from now on."""

        def write(db: apsw.Connection) -> None:
            db.execute(
                f"INSERT OR IGNORE INTO message ({_ROW})"
                " SELECT incident, notice, customer, ?, 'due', 0, ?, ?, ''"
                " FROM message WHERE channel = ? AND state = 'due'",
                (then, now, now, channel),
            )
            db.execute(
                "UPDATE message SET state = 'late', at = ?, answer = ? WHERE channel = ? AND state = 'due'",
                (now, answer, channel),
            )

        self._file.write(write)

    # what became of it

    def counts(self, incident: int, notice: int) -> Counts:
        def read(db: apsw.Connection) -> Counts:
            of = (incident, notice)
            where = f"FROM message WHERE incident = ? AND notice = ? AND customer != {EVERYBODY}"
            [(customers,)] = db.execute(f"SELECT count(DISTINCT customer) {where}", of)
            [(reached,)] = db.execute(f"SELECT count(DISTINCT customer) {where} AND state = 'sent'", of)
            beside, heard = _along(db, incident, notice)
            found: dict[str, Counter[str]] = {each: Counter() for each in ("due", "sent", "failed", "over")}
            every = "SELECT channel, state, count(*) FROM message WHERE incident = ? AND notice = ?"
            for channel, state, count in db.execute(f"{every} GROUP BY channel, state", of):
                found["failed" if state == "late" else state][channel] += count
            letters = found["due"].pop(LETTER, 0)
            waiting = found["due"].total()
            customers, reached = customers + beside, reached + heard
            return Counts(customers, reached, dict(found["sent"]), dict(found["failed"]), letters, waiting)

        return self._file.read(read)

    def messages(self, incident: int, notice: int = 0) -> list[MessageRow]:
        """All of an incident, or of one notice."""
        sql = f"SELECT {_ROW} FROM message WHERE incident = ? AND (? = 0 OR notice = ?)"
        return self._file.read(
            lambda db: [MessageRow(*row) for row in db.execute(sql, (incident, notice, notice))]
        )

    def unreached(self, incident: int) -> list[int]:
        """Customers whom no channel has reached with any notice of it, and none is being tried for."""
        sql = (
            "SELECT customer FROM message WHERE incident = ? AND customer != ? EXCEPT"
            " SELECT customer FROM message WHERE incident = ?"
            " AND (state = 'sent' OR (state = 'due' AND channel != ?)) ORDER BY customer"
        )
        of = (incident, EVERYBODY, incident, LETTER)
        return self._file.read(lambda db: [row[0] for row in db.execute(sql, of)])


_MARKS = ", ".join("?" * len(MessageRow._fields))


def _lay_down(
    db: apsw.Connection,
    notice: Notice,
    firsts: Iterable[tuple[int, str]],
    alongs: Iterable[Along],
    now: float,
) -> None:
    db.executemany(
        f"INSERT OR IGNORE INTO message ({_ROW}) VALUES ({_MARKS})",
        (
            (notice.incident, notice.number, customer, channel, "due", 0, now, now, "")
            for customer, channel in firsts
        ),
    )
    db.executemany(
        "INSERT OR IGNORE INTO along VALUES (?, ?, ?, ?, ?)", ((*notice[:2], *each) for each in alongs)
    )


def _along(db: apsw.Connection, incident: int, notice: int) -> tuple[int, int]:
    """How many are told by another's notice, and how many have heard that one or a later one of that
    incident."""
    count = reached = 0
    of = "FROM along WHERE incident = ? AND notice = ? AND by_notice > 0"
    sql = (
        f"SELECT count(*), coalesce(sum(customer IN (SELECT customer FROM message WHERE incident = ?"
        f" AND notice >= ? AND state = 'sent')), 0) {of} AND by_incident = ? AND by_notice = ?"
    )
    carriers = db.execute(f"SELECT DISTINCT by_incident, by_notice {of}", (incident, notice)).fetchall()
    for by in carriers:
        [(those, heard)] = db.execute(sql, (*by, incident, notice, *by))
        count, reached = count + those, reached + heard
    return count, reached
