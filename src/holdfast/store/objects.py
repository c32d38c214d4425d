"""What is kept beside mail: identities, contacts, settings … Small, by kind and id, never looked into.

STORE-17 an object is changed only where it stands as the one who changes it has seen it, if that one says
so; each change has a modseq of the account's, and what is due is found without knowing whose it is.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import apsw

from holdfast.model.errors import Reason
from holdfast.model.limits import OBJECT_BYTES, OBJECT_ID_BYTES, OBJECT_KIND_CHARACTERS, OBJECTS_PER_KIND
from holdfast.model.mail import AccountId
from holdfast.store import commands as c
from holdfast.store import schema
from holdfast.store.accounts import AccountState
from holdfast.store.refusal import Refusal


class Object(NamedTuple):
    """``made``, ``modseq``: the account's when it came into being and was last changed; ``due``: UTC seconds,
    0: never."""

    id: str
    data: bytes
    made: int
    modseq: int
    due: int


class Due(NamedTuple):
    """An object whose time has come."""

    account: AccountId
    cell: int
    kind: str
    id: str
    due: int


def put(db: apsw.Connection, account: AccountState, command: c.PutObject) -> None:
    """Carry it out, or ``Refusal``."""
    _check(command)
    found = _standing(db, account, command)
    alive = found is not None and not found[2]
    if not alive:
        total = db.execute(
            "SELECT total FROM kept WHERE account=? AND kind=?", (account.id, command.kind)
        ).get
        if (total or 0) >= OBJECTS_PER_KIND:
            raise Refusal(Reason.LIMIT, f"an account has at most {OBJECTS_PER_KIND} of a kind")
        _count(db, account, command.kind, 1)
    account.modseq += 1
    if found is None:
        db.execute(
            "INSERT INTO object VALUES(?,?,?,?,?,0,?,?)",
            (account.id, command.kind, command.id, account.modseq, account.modseq, command.due, command.data),
        )
        return
    made, _, gone = found
    if gone:
        life = (account.id, command.kind, command.id, made, gone)
        db.execute("INSERT INTO life VALUES(?,?,?,?,?)", life)
        made = account.modseq
    db.execute(
        "UPDATE object SET made=?, modseq=?, gone=0, due=?, data=? WHERE account=? AND kind=? AND id=?",
        (made, account.modseq, command.due, command.data, account.id, command.kind, command.id),
    )


def remove(db: apsw.Connection, account: AccountState, command: c.RemoveObject) -> None:
    """Carry it out, or ``Refusal``. What remains is a row that says that it is gone, for those who ask
    what has changed."""
    found = _standing(db, account, command)
    if found is None or found[2]:
        return
    _count(db, account, command.kind, -1)
    account.modseq += 1
    db.execute(
        "UPDATE object SET modseq=?1, gone=?1, due=0, data=x'' WHERE account=?2 AND kind=?3 AND id=?4",
        (account.modseq, account.id, command.kind, command.id),
    )


def _check(command: c.PutObject) -> None:
    if len(command.data) > OBJECT_BYTES:
        raise Refusal(Reason.TOO_LARGE, f"an object has at most {OBJECT_BYTES} bytes")
    if not 0 < len(command.kind) <= OBJECT_KIND_CHARACTERS:
        raise Refusal(Reason.BAD_NAME, f"a kind's name has 1 to {OBJECT_KIND_CHARACTERS} characters")
    if not 0 < len(command.id.encode("utf-8", "surrogatepass")) <= OBJECT_ID_BYTES:
        raise Refusal(Reason.BAD_NAME, f"an object's id has 1 to {OBJECT_ID_BYTES} bytes")


def _standing(db: apsw.Connection, account: AccountState, command: c.PutObject | c.RemoveObject) -> Any:
    """(made, modseq, gone) of the object that is or was there; ``Refusal`` if it isn't as expected."""
    found = schema.row(
        db,
        "SELECT made, modseq, gone FROM object WHERE account=? AND kind=? AND id=?",
        account.id,
        command.kind,
        command.id,
    )
    stands = found[1] if found is not None and not found[2] else 0
    if command.if_modseq is not None and command.if_modseq != stands:
        raise Refusal(Reason.CHANGED, "it was changed meanwhile: look at it again")
    return found


def _count(db: apsw.Connection, account: AccountState, kind: str, more: int) -> None:
    db.execute(
        "INSERT INTO kept VALUES(?,?,?) ON CONFLICT DO UPDATE SET total=total+excluded.total",
        (account.id, kind, more),
    )
