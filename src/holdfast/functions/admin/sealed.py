"""The archive of a sealed access: each mailbox as mbox, and a list of their SHA-256 digests."""

from __future__ import annotations

import datetime
import hashlib
import zipfile
from collections.abc import AsyncIterator

import msgspec

from holdfast.model.people import SealedAccess
from holdfast.store import AccountMail
from holdfast.world import World

PIECE_BYTES = 256 * 1024


class _Sink:
    """What ``zipfile`` writes to; it can't seek, so sizes stand behind the data."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.held = 0

    def write(self, data: bytes) -> int:
        self.parts.append(bytes(data))
        self.held += len(data)
        return len(data)

    def flush(self) -> None:
        pass

    def take(self) -> bytes:
        found, self.parts, self.held = b"".join(self.parts), [], 0
        return found


async def sealed_archive(world: World, mail: AccountMail, access: SealedAccess) -> AsyncIterator[bytes]:
    """In pieces. ``SHA256SUMS`` is its last file, in the form that ``sha256sum -c`` reads."""
    when = datetime.datetime.fromtimestamp(world.clock.now(), datetime.UTC).timetuple()[:6]
    sink = _Sink()
    sums: list[str] = []
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as out:  # type: ignore[call-overload]
        about = msgspec.json.format(msgspec.json.encode(access), indent=2)
        out.writestr(zipfile.ZipInfo("access.json", when), about)
        sums.append(f"{hashlib.sha256(about).hexdigest()}  access.json")
        for box in mail.mailboxes():
            name = f"mailbox-{box.id}.mbox"
            digest = hashlib.sha256()
            damaged: list[int] = []
            with out.open(zipfile.ZipInfo(name, when), "w", force_zip64=True) as file:
                for piece in mail.export(box, damaged):
                    digest.update(piece)
                    file.write(piece)
                    if sink.held >= PIECE_BYTES:
                        yield sink.take()
                        await world.clock.sleep(0)  # others have their turn
            sums.append(f"{digest.hexdigest()}  {name}")
            note = msgspec.json.encode({"mailbox": box.name, "unreadable_uids": damaged})
            out.writestr(zipfile.ZipInfo(f"mailbox-{box.id}.json", when), note)
            sums.append(f"{hashlib.sha256(note).hexdigest()}  mailbox-{box.id}.json")
        out.writestr(zipfile.ZipInfo("SHA256SUMS", when), "\n".join(sums) + "\n")
    yield sink.take()
