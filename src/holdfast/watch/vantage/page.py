"""What a vantage point tells, and how each side knows the other.

VANTAGE-1 an answer counts only if it was made for this question, by who has the key, and is understood whole.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from holdfast.model.findings import State
from holdfast.model.limits import VANTAGE_DOORS, VANTAGE_KEPT

PATH = "/findings"
PROOF = "x-holdfast-proof"  # a header: of the question, and of the answer
KEY_BYTES = 32  # at least
NONCE_LETTERS = 32
_TEXT = 300

Word = Annotated[str, Meta(max_length=80)]
Kind = Literal["question", "answer"]
Seconds = Annotated[float, Meta(ge=0, le=1e6)]


class Tried(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One try. ``number``: they are counted, in the order in which they ended. ``door``: ``imap/imaps``.

    ``age_s``: how long ago it ended: no clock of ours has to agree with one out there.
    """

    number: Annotated[int, Meta(ge=1)]
    door: Word
    state: State
    step: Word
    said: Annotated[str, Meta(max_length=_TEXT)]
    age_s: Seconds
    took_s: Seconds


class Page(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``life``: drawn when the process begins, as it counts anew. ``tried``: of each door the last few."""

    vantage: Word
    life: Word
    tried: Annotated[list[Tried], Meta(max_length=VANTAGE_DOORS * VANTAGE_KEPT)]


def proof(key: bytes, kind: Kind, nonce: str, body: bytes = b"") -> str:
    """HMAC-SHA256, hexadecimal. That of a question is none of an answer."""
    return hmac.new(key, b"\0".join((kind.encode(), nonce.encode(), body)), hashlib.sha256).hexdigest()


def proves(given: str, key: bytes, kind: Kind, nonce: str, body: bytes = b"") -> bool:
    return hmac.compare_digest(given.encode(), proof(key, kind, nonce, body).encode())


def text(said: str) -> str:
    """As it may be told: without what a terminal might obey."""
    return "".join(each if each.isprintable() else " " for each in said)[:_TEXT]


encode = msgspec.json.encode
decode = msgspec.json.Decoder(Page).decode
"""Raises ``msgspec.MsgspecError``."""
