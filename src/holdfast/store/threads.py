"""To which thread a message belongs. RFC 8621 §3

A message names itself and those it answers (Message-ID, In-Reply-To, References). Each of these names,
together with the base subject, is one digest; the thread is the one that any of the digests has led to
before in this account, the message's own first, then from the nearest ancestor back. A message that nothing
is known of begins a thread, which has that message's id as its own. Then all its digests lead there.

STORE-14 so a thread is a function of the ledger, and is never another one for a message that has one.
"""

from __future__ import annotations

import hashlib
import struct

import apsw

from holdfast import mime
from holdfast.model.limits import REFERENCES
from holdfast.model.mail import AccountId, MessageId

_SUBJECT_BITS = ((1 << 20) - 1) << 44
_pack = struct.Struct("<Q").pack
_FIND = "SELECT thread FROM reference WHERE account=? AND digest=?"
_PUT = "INSERT OR REPLACE INTO reference VALUES(?,?,?)"


def digests(found: mime.Summary) -> bytes:
    """Of a message, in the order in which they are looked up; packed, 8 bytes each.

    The first 20 bits are of the subject alone, so that those of one thread lie side by side in the index.
    """
    earlier = found.references
    own = found.message_id
    if not own and not earlier:
        return b""
    subject = mime.base_subject(found.subject).encode("utf-8", "replace") + b"\0"
    near = _number(subject) & _SUBJECT_BITS
    names = dict.fromkeys((own, *reversed(earlier[-REFERENCES:])))
    return b"".join([_pack(near | _number(subject + name) & ~_SUBJECT_BITS) for name in names if name])


def _number(what: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(what, digest_size=8).digest(), "little")


class Threads:
    """The threads of one cell's accounts while a transaction is under way."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._new: dict[tuple[AccountId, int], MessageId] = {}

    def of(self, account: AccountId, message: MessageId, references: bytes) -> MessageId:
        """The thread of a message that is new in the account."""
        if not references:
            return message
        keys = [(account, digest) for digest in struct.unpack(f"<{len(references) // 8}q", references)]
        known = [self._known(key) for key in keys]
        thread = next((each for each in known if each is not None), message)
        for key, there in zip(keys, known):
            if there != thread:
                self._new[key] = thread
        return thread

    def _known(self, key: tuple[AccountId, int]) -> MessageId | None:
        there = self._new.get(key)
        return there if there is not None else self._db.execute(_FIND, key).get

    def flush(self) -> None:
        """What was found out goes to the table."""
        if self._new:
            self._db.executemany(_PUT, [(*key, thread) for key, thread in self._new.items()])
            self._new.clear()

    def forget(self) -> None:
        """After a failed transaction."""
        self._new.clear()
