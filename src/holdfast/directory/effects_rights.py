"""What records of app passwords, factors, grants, tokens, invitations and sealed access do to the tables."""

from __future__ import annotations

from holdfast.directory import records as r
from holdfast.directory.names import fold_domain
from holdfast.directory.tables import Tables, names_text
from holdfast.model.errors import Reason, Refused
from holdfast.model.people import FactorKind

DIGEST_BYTES = 32  # SHA-256


def app_password_made(tables: Tables, sequence: int, at: float, record: r.AppPasswordMade) -> None:
    tables.account_of(record.account)
    tables.db.execute(
        "INSERT INTO app_password VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            sequence,
            record.account,
            record.name,
            names_text(record.functions),
            names_text(record.networks),
            record.expires_at,
            at,
            record.salt,
            record.digest,
        ),
    )


def app_password_removed(tables: Tables, sequence: int, at: float, record: r.AppPasswordRemoved) -> None:
    _remove(tables, "app_password", record.id, f"no app password {record.id}")


def factor_made(tables: Tables, sequence: int, at: float, record: r.FactorMade) -> None:
    tables.account_of(record.account)
    if record.kind == FactorKind.RECOVERY:
        tables.db.execute(
            "DELETE FROM factor WHERE account = ? AND kind = ?", (record.account, str(record.kind))
        )
    tables.db.execute(
        "INSERT INTO factor VALUES (?, ?, ?, ?, ?, ?)",
        (sequence, record.account, str(record.kind), record.name, at, record.secret),
    )
    _count_factors(tables, record.account)


def factor_removed(tables: Tables, sequence: int, at: float, record: r.FactorRemoved) -> None:
    row = tables.db.execute("SELECT account FROM factor WHERE id = ?", (record.id,)).fetchone()
    if row is None:
        raise Refused(Reason.NO_SUCH_USER, f"no second factor {record.id}")
    _remove(tables, "factor", record.id, "")
    _count_factors(tables, int(row[0]))


def _count_factors(tables: Tables, account: int) -> None:
    """Recovery codes are for who lost a factor; they are none."""
    tables.db.execute(
        "UPDATE account SET two_factor ="
        " (SELECT count(*) FROM factor WHERE account = ?1 AND kind <> 'recovery') WHERE id = ?1",
        (account,),
    )


def recovery_used(tables: Tables, sequence: int, at: float, record: r.RecoveryUsed) -> None:
    row = tables.db.execute(
        "SELECT secret FROM factor WHERE id = ? AND kind = 'recovery'", (record.id,)
    ).fetchone()
    digests = [] if row is None else split_digests(bytes(row[0]))
    if record.digest not in digests:
        raise Refused(Reason.BAD_CREDENTIALS, "this recovery code was used already, or never was one")
    digests.remove(record.digest)
    tables.db.execute("UPDATE factor SET secret = ? WHERE id = ?", (b"".join(digests), record.id))


def split_digests(secret: bytes) -> list[bytes]:
    """The digests of a set of recovery codes."""
    return [secret[at : at + DIGEST_BYTES] for at in range(0, len(secret), DIGEST_BYTES)]


def granted(tables: Tables, sequence: int, at: float, record: r.Granted) -> None:
    tables.account_of(record.account)
    domain = fold_domain(record.domain)
    if domain:
        tables.place(domain)
    tables.check_tenant(record.tenant)
    tables.db.execute(
        "INSERT OR IGNORE INTO granted VALUES (?, ?, ?, ?)",
        (record.account, str(record.role), record.tenant, domain),
    )


def grant_taken(tables: Tables, sequence: int, at: float, record: r.GrantTaken) -> None:
    key = (record.account, str(record.role), record.tenant, fold_domain(record.domain))
    tables.db.execute("DELETE FROM granted WHERE account = ? AND role = ? AND tenant = ? AND domain = ?", key)
    if not tables.db.changes():
        raise Refused(Reason.NO_SUCH_USER, f"account {record.account} has no such grant")


def token_made(tables: Tables, sequence: int, at: float, record: r.TokenMade) -> None:
    tables.account_of(record.account)
    if tables.db.execute("SELECT 1 FROM token WHERE digest = ?", (record.digest,)).fetchone():
        raise Refused(Reason.EXISTS, "this secret is another token's: draw a new one")
    tables.db.execute(
        "INSERT INTO token VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            sequence,
            record.account,
            record.name,
            str(record.role),
            names_text(record.networks),
            record.expires_at,
            at,
            record.digest,
        ),
    )


def token_removed(tables: Tables, sequence: int, at: float, record: r.TokenRemoved) -> None:
    _remove(tables, "token", record.id, f"no token {record.id}")


def invitation_made(tables: Tables, sequence: int, at: float, record: r.InvitationMade) -> None:
    domain = fold_domain(record.domain)
    tables.place(domain)
    if tables.db.execute("SELECT 1 FROM invitation WHERE digest = ?", (record.digest,)).fetchone():
        raise Refused(Reason.EXISTS, "this code is another invitation's: draw a new one")
    tables.db.execute(
        "INSERT INTO invitation VALUES (?, ?, ?, 0, ?, ?, ?, ?)",
        (sequence, domain, record.uses, record.expires_at, record.note, at, record.digest),
    )


def invitation_used(tables: Tables, sequence: int, at: float, record: r.InvitationUsed) -> None:
    tables.db.execute("UPDATE invitation SET used = used + 1 WHERE id = ?", (record.id,))
    if not tables.db.changes():
        raise Refused(Reason.NOT_ALLOWED, f"no invitation {record.id}")


def invitation_removed(tables: Tables, sequence: int, at: float, record: r.InvitationRemoved) -> None:
    _remove(tables, "invitation", record.id, f"no invitation {record.id}")


def access_asked(tables: Tables, sequence: int, at: float, record: r.AccessAsked) -> None:
    for account in (record.account, record.auditor):
        if not tables.db.execute("SELECT 1 FROM account WHERE id = ?", (account,)).fetchone():
            raise Refused(Reason.NO_SUCH_USER, f"no account {account}")
    tables.db.execute(
        "INSERT INTO access VALUES (?, ?, ?, ?, ?, 0, 0, 0)",
        (sequence, record.account, record.auditor, record.why, at),
    )


def access_approved(tables: Tables, sequence: int, at: float, record: r.AccessApproved) -> None:
    row = tables.db.execute("SELECT auditor FROM access WHERE id = ?", (record.id,)).fetchone()
    if row is None:
        raise Refused(Reason.NO_SUCH_USER, f"nobody asked for access {record.id}")
    if row[0] == record.approved_by:
        raise Refused(Reason.NOT_ALLOWED, "who asked for access can't approve it: another person must")
    tables.account_of(record.approved_by)
    tables.db.execute(
        "UPDATE access SET approved_by = ?, approved_at = ?, until = ? WHERE id = ?",
        (record.approved_by, at, record.until, record.id),
    )


def access_used(tables: Tables, sequence: int, at: float, record: r.AccessUsed) -> None:
    if not tables.db.execute("SELECT 1 FROM access WHERE id = ?", (record.id,)).fetchone():
        raise Refused(Reason.NO_SUCH_USER, f"nobody asked for access {record.id}")


def _remove(tables: Tables, table: str, id_: int, text: str) -> None:
    tables.db.execute(f"DELETE FROM {table} WHERE id = ?", (id_,))
    if not tables.db.changes():
        raise Refused(Reason.NO_SUCH_USER, text)
