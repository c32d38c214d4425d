"""The entries of the ledger ``incidents``: docs/formats/incidents.md."""

from __future__ import annotations

from typing import Literal

import msgspec

from holdfast.model.errors import ComponentId
from holdfast.model.findings import State
from holdfast.watch.diagnosis.report import Report
from holdfast.watch.ratios import By

Moments = dict[str, float]  # function → UTC seconds
PromiseKind = Literal["next_update", "estimate", "credit"]


class Failing(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A trial that doesn't go well."""

    trial: str
    function: str
    state: State
    step: str = ""
    said: str = ""
    since: float = 0.0
    cell: int | None = None
    vantage: str = ""


class Hit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``count`` of ``of`` there are; ``what``: customers, contracts, mailboxes, active (mailboxes)."""

    what: str
    count: int
    of: int


class Entry(msgspec.Struct, frozen=True, kw_only=True, tag_field="is", omit_defaults=True):
    """``at``: UTC seconds, when it was written."""

    at: float
    incident: int


class Opened(Entry, frozen=True, tag="opened"):
    """``since``: the functions that fail, and since when; ``trials``: that showed it."""

    since: Moments
    trials: tuple[str, ...] = ()


class Joined(Entry, frozen=True, tag="joined"):
    """Further functions that fail by the same cause."""

    since: Moments
    trials: tuple[str, ...] = ()


class Parted(Entry, frozen=True, tag="parted"):
    """These functions turned out to fail by another cause: incident ``to`` is theirs."""

    functions: tuple[str, ...]
    to: int


class Reopened(Entry, frozen=True, tag="reopened"):
    """Not long after its end its functions fail again."""

    since: Moments
    trials: tuple[str, ...] = ()


class Found(Entry, frozen=True, tag="found"):
    """How its functions are; of ``count`` trials that don't go well, the first."""

    states: dict[str, State]
    failing: tuple[Failing, ...] = ()
    count: int = 0


class Diagnosed(Entry, frozen=True, tag="diagnosed"):
    """``before``: what this makes of the diagnosis before."""

    report: Report
    before: Literal["", "mended", "corrected", "extended", "withdrawn"] = ""


class Affected(Entry, frozen=True, tag="affected"):
    """``file``: the list itself, its name in the folder ``watch``; ``digest``: SHA-256, in hex.

    ``bounded``: functions of which these are at most. ``accounts``: of which it hits single ones: their
    numbers.
    """

    counts: dict[str, tuple[Hit, ...]]
    file: str = ""
    digest: str = ""
    bounded: tuple[str, ...] = ()
    accounts: dict[str, tuple[int, ...]] = {}


class Estimated(Entry, frozen=True, tag="estimated"):
    """``high`` 0: no estimate is possible; ``reason`` says why, as the key of a sentence."""

    estimate: int
    low: float = 0.0
    likely: float = 0.0
    high: float = 0.0
    basis: str = ""
    among: int = 0
    reason: str = ""
    known: int = 0
    needed: int = 0


class Noticed(Entry, frozen=True, tag="noticed"):
    """``promise``: the next update that it tells; earlier such promises are settled by it."""

    notice: int
    about: Literal["opened", "update", "correction", "ended"]
    promise: int = 0
    sent: dict[str, int] = {}
    failed: dict[str, int] = {}
    texts: dict[str, str] = {}


class Reached(Entry, frozen=True, tag="reached"):
    """How far a notice has come. ``customers`` of ``of`` have it by one channel at least.

    ``sent``, ``failed``: by channel. ``letters``: customers that are left to be written to on paper.
    """

    notice: int
    customers: int
    of: int
    sent: dict[str, int] = {}
    failed: dict[str, int] = {}
    letters: int = 0


class Promised(Entry, frozen=True, tag="promised"):
    """``about``: which estimate."""

    promise: int
    what: PromiseKind
    due: float
    about: int = 0
    text: str = ""


class Kept(Entry, frozen=True, tag="kept"):
    promise: int


class Missed(Entry, frozen=True, tag="missed"):
    promise: int


class Credited(Entry, frozen=True, tag="credited"):
    """What is owed by the policy: so far, or in all (``final``). ``total``: cents by currency.

    ``contracts``: how many get something. ``unknown``: whose fee nobody told. ``file``: for billing, its name
    in the folder ``care``; ``digest``: SHA-256, in hex.
    """

    policy: str
    total: dict[str, int] = {}
    contracts: int = 0
    unknown: int = 0
    final: bool = False
    file: str = ""
    digest: str = ""


class Remedied(Entry, frozen=True, tag="remedied"):
    """``would``: a dry run."""

    rule: str
    component: ComponentId
    action: str
    outcome: Literal["done", "failed", "refused", "would"]
    said: str = ""


class Reported(Entry, frozen=True, tag="reported"):
    """What customers themselves reported of it so far, by function; ``first_at``: the first of them."""

    counts: dict[str, int]
    first_at: float


class Filed(Entry, frozen=True, tag="filed"):
    """People handed a report in. ``report``: which, as care names them; ``number``: what it got there."""

    report: str
    number: str = ""
    by: str = ""


class Closed(Entry, frozen=True, tag="closed"):
    """``until``: since when each function works again."""

    until: Moments


class Linked(Entry, frozen=True, tag="linked"):
    earlier: int
    why: Literal["fingerprint", "cause"]


class Singled(Entry, frozen=True, tag="singled"):
    """Of the ``of`` times that real use missed a function nearly all were in one place: a hint (RATIO-3)."""

    function: str
    by: By
    where: str
    missed: int
    of: int


class Planned(Entry, frozen=True, tag="planned"):
    """Something to do so that it doesn't come again."""

    action: int
    text: str
    due: float = 0.0
    by: str = ""


class Done(Entry, frozen=True, tag="done"):
    action: int
    by: str = ""


class Note(Entry, frozen=True, tag="note"):
    text: str
    by: str = ""


AnyEntry = (
    Opened
    | Joined
    | Parted
    | Reopened
    | Found
    | Diagnosed
    | Affected
    | Estimated
    | Noticed
    | Reached
    | Promised
    | Kept
    | Missed
    | Credited
    | Remedied
    | Reported
    | Filed
    | Closed
    | Linked
    | Singled
    | Planned
    | Done
    | Note
)

_encoder = msgspec.msgpack.Encoder()
_decode = msgspec.msgpack.Decoder(AnyEntry).decode


def encode_entry(entry: AnyEntry) -> bytes:
    """The body of a frame."""
    return _encoder.encode(entry)


def decode_entry(body: bytes | memoryview) -> AnyEntry:
    """Raises ``msgspec.DecodeError``."""
    entry: AnyEntry = _decode(body)
    return entry


def name_of(entry: AnyEntry) -> str:
    """The word for it: ``opened`` …"""
    return str(entry.__struct_config__.tag)
