"""Ledgers kept in packs: append-only files of checksummed frames with group commit; see README.md."""

from holdfast.packs.reader import LedgerReader
from holdfast.packs.scrub import Scrub
from holdfast.packs.words import (
    BadFrame,
    BadFrameError,
    CopyLag,
    Frame,
    NewFrame,
    PackInfo,
    Recovery,
    Unsure,
    VerifyReport,
    Written,
)
from holdfast.packs.writer import LedgerWriter

__all__ = [
    "BadFrame",
    "BadFrameError",
    "CopyLag",
    "Frame",
    "LedgerReader",
    "LedgerWriter",
    "NewFrame",
    "PackInfo",
    "Recovery",
    "Scrub",
    "Unsure",
    "VerifyReport",
    "Written",
]
