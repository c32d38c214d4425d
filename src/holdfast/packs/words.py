"""The words of `packs`: what is written, what is read, what was found damaged."""

from __future__ import annotations

from typing import NamedTuple

from holdfast.model.mail import PackRef, Position

Buffer = bytes | bytearray | memoryview


class NewFrame(NamedTuple):
    """A frame to append. ``body``: bytes, or parts that are written without being joined."""

    kind: int
    body: Buffer | tuple[Buffer, ...]
    account: int = 0
    cells: tuple[int, ...] = ()


class Written(NamedTuple):
    """Where an appended frame lies; it is on stable storage."""

    ref: PackRef
    sequence: int


class Frame(NamedTuple):
    """A frame whose checksums were verified (PACK-3).

    ``body`` may be a view into a larger block that was read: whoever keeps it keeps the block.
    """

    kind: int
    sequence: int
    account: int
    cells: tuple[int, ...]
    body: memoryview | bytes
    ref: PackRef


class BadFrame(NamedTuple):
    """A damaged stretch of a pack, where at least one frame should be.

    ``kind``, ``sequence``, ``account`` and ``cells`` are known when the frame's head
    verifies; otherwise ``sequence`` is that of the first frame lost, if its neighbours
    tell, and ``lost`` how many frames the stretch held (0: not known).
    """

    ref: PackRef
    reason: str
    sequence: int | None = None
    kind: int | None = None
    account: int | None = None
    cells: tuple[int, ...] | None = None
    lost: int = 1

    @property
    def temporary(self) -> bool:
        """The disk refused to read: it may do so later, or the disk may be gone."""
        return self.reason.startswith("disk:")


class BadFrameError(Exception):
    """A frame can't be read, neither from the pack nor from any copy of it."""

    def __init__(self, bad: BadFrame) -> None:
        super().__init__(f"pack {bad.ref.pack} at {bad.ref.offset}: {bad.reason}")
        self.bad = bad


class Unsure(NamedTuple):
    """A frame found at opening whose acknowledgement may never have reached its client.

    Whole, or at least with a head that verifies.
    """

    ref: PackRef
    sequence: int
    kind: int
    account: int


class Recovery(NamedTuple):
    """What opening a ledger for writing found and did.

    ``cut_bytes``: torn tail cut off. ``void_bytes``: torn stretches between whole frames.
    ``unsure``: see ``Unsure``. ``bad``: damage behind the last mark that is no torn write.
    ``acknowledged``: the last sequence the disk knows to be acknowledged, ``None`` if never told.
    """

    cut_bytes: int = 0
    void_bytes: int = 0
    unsure: tuple[Unsure, ...] = ()
    bad: tuple[BadFrame, ...] = ()
    acknowledged: int | None = None


class PackInfo(NamedTuple):
    """One pack of a ledger. ``bytes`` is the file's size, ``created`` UTC seconds.

    ``frames`` and ``last_sequence`` are counted; bad frames are not among them.
    """

    number: int
    bytes: int
    frames: int
    sealed: bool
    first_sequence: int
    last_sequence: int
    created: float


class CopyReport(NamedTuple):
    """How a copy compares: ``missing_bytes`` not there yet, ``different`` packs that don't match."""

    folder: str
    missing_bytes: int
    different: tuple[int, ...]


class VerifyReport(NamedTuple):
    """``bad``: every damaged stretch. ``repaired``: those that a repeat in the ledger itself made good.

    ``digests``: sealed packs whose digest or footer is wrong.
    """

    packs: int
    frames: int
    bytes: int
    bad: tuple[BadFrame, ...]
    repaired: int
    digests: tuple[int, ...]
    copies: tuple[CopyReport, ...]

    @property
    def good(self) -> bool:
        return not self.bad and not self.digests and not any(copy.different for copy in self.copies)


class CopyLag(NamedTuple):
    """How far a copy is behind. ``failing``: its last write or sync failed."""

    folder: str
    bytes: int
    seconds: float
    failing: bool


__all__ = [
    "BadFrame",
    "BadFrameError",
    "Buffer",
    "CopyLag",
    "CopyReport",
    "Frame",
    "NewFrame",
    "PackInfo",
    "PackRef",
    "Position",
    "Recovery",
    "Unsure",
    "VerifyReport",
    "Written",
]
