"""To which thread a message belongs. RFC 8621 §3

A message names itself and those it answers (Message-ID, In-Reply-To, References). Each of these names,
together with the base subject, is one digest; the thread is the one that any of the digests has led to
before in this account, the message's own first, then from the nearest ancestor back. A message that nothing
is known of begins a thread, which has that message's id as its own. Then all its digests lead there.

STORE-14 so a thread is a function of the ledger, and is never another one for a message that has one.
"""

from __future__ import annotations

import struct
from binascii import crc32, crc_hqx

import apsw

from holdfast import mime
from holdfast.model.limits import REFERENCES
from holdfast.model.mail import AccountId, MessageId

_pack = struct.Struct("<Q").pack
# One look-up per digest, as one question; it takes two thirds of the time that IN does.
_FIND = "SELECT digest, thread FROM reference WHERE account=?1 AND digest=?"
_FIND_OF = [" UNION ALL ".join(f"{_FIND}{2 + each}" for each in range(n)) for n in range(REFERENCES + 3)]
_PUT = "INSERT OR REPLACE INTO reference VALUES(?,?,?)"


def digests(found: mime.Summary) -> bytes:
    """Of a message, in the order in which they are looked up; packed, 8 bytes each.

    The highest 16 bits are of the subject alone, so that those of one thread lie side by side in the index.
    Two checksums with different polynomials are enough: who wants to be in a thread has only to name it.
    """
    names = found.ancestry
    if not names:
        return b""
    subject = mime.base_subject(found.subject).encode("utf-8", "replace") + b"\0"
    long, short = crc32(subject), crc_hqx(subject, 0)
    near = short << 48
    return b"".join([_pack(near | crc32(name, long) << 16 | crc_hqx(name, short)) for name in names])


class Threads:
    """The threads of one cell's accounts while a transaction is under way."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._new: dict[tuple[AccountId, int], MessageId] = {}

    def of(self, account: AccountId, message: MessageId, references: bytes) -> MessageId:
        """The thread of a message that is new in the account."""
        if not references:
            return message
        count = len(references) // 8
        digests = struct.unpack(f"<{count}q", references)
        found = self._db.execute(_FIND_OF[count], (account, *digests))
        known = dict(found)
        if self._new:
            known |= {each: of for each in digests if (of := self._new.get((account, each))) is not None}
        thread = next((known[each] for each in digests if each in known), message)
        for each in digests:
            if known.get(each) != thread:
                self._new[account, each] = thread
        return thread

    def flush(self) -> None:
        """What was found out goes to the table."""
        if self._new:
            self._db.executemany(_PUT, [(*key, thread) for key, thread in self._new.items()])
            self._new.clear()

    def forget(self) -> None:
        """After a failed transaction."""
        self._new.clear()
