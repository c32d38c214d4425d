"""One mailbox of 10,000 messages, 14 KB mean, over one connection; and APPEND."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from bench.load.imap import Imap
from bench.load.messages import many, message
from bench.load.play import no_collection
from bench.peers import Peer
from bench.rows import Measures, Program, Stage

BIG, APPENDER = 151, 152  # numbers of accounts
MEAN = 14_000
LIST = b"FETCH 1:* (FLAGS UID RFC822.SIZE ENVELOPE)"


def _messages(stage: Stage) -> int:
    return stage.size(10_000, 2_000)


def opened(peer: Peer, stage: Stage) -> Imap:
    """Signed in, the big mailbox selected and whole; made the first time."""
    count = _messages(stage)
    imap = Imap(peer.at("imap"), peer.user(BIG))
    if stage.once(peer, "big"):
        rest = list(many(count, MEAN, "big-", most=1 << 20))
        for first in range(0, count, 100):
            imap.append(b"INBOX", rest[first : first + 100])
        imap.do(b"SELECT INBOX")
        imap.do(LIST)  # Dovecot fills its cache now
    imap.do(b"SELECT INBOX")
    return imap


def _fetch(imap: Imap, command: bytes, count: int) -> float:
    with no_collection():
        reply = imap.do(command, count=True)
    if reply.fetches != count:
        raise RuntimeError(f"{reply.fetches} of {count} answers")
    return count / reply.seconds


def fetch(peer: Peer, run: int, stage: Stage) -> Measures:
    imap, count = opened(peer, stage), _messages(stage)
    _fetch(imap, LIST, count)
    rate = _fetch(imap, LIST, count)
    with no_collection():
        reply = imap.do(b"FETCH 1:* BODY.PEEK[]")
        reply = imap.do(b"FETCH 1:* BODY.PEEK[]")
    if reply.size < count * MEAN * 0.9:
        raise RuntimeError(f"only {reply.size} bytes")
    imap.close()
    return {
        "fetch-warm/s": rate,
        "fetch-body/s": count / reply.seconds,
        "fetch-body MB/s": reply.size / reply.seconds / 1e6,
    }


def drop_caches() -> bool:
    os.sync()
    with contextlib.suppress(OSError):
        Path("/proc/sys/vm/drop_caches").write_text("3\n")
        return True
    return False


def cold(peer: Peer, run: int, stage: Stage) -> Measures:
    count = _messages(stage)
    opened(peer, stage).close()
    peer.new_readers()
    dropped = drop_caches()
    imap = Imap(peer.at("imap"), peer.user(BIG))
    select = imap.do(b"SELECT INBOX").seconds
    rate = _fetch(imap, LIST, count)
    imap.close()
    return {"fetch-cold/s": rate, "select-cold ms": select * 1000, "caches dropped": float(dropped)}


def change(peer: Peer, run: int, stage: Stage) -> Measures:
    imap, count = opened(peer, stage), _messages(stage)
    copy, moved = b"copy-%d" % run, b"moved-%d" % run
    imap.do(b"CREATE " + copy)
    imap.do(b"CREATE " + moved)

    def rate(command: bytes) -> float:
        with no_collection():
            return count / imap.do(command).seconds

    found = {
        "store/s": rate(b"STORE 1:* +FLAGS (\\Flagged)"),
        "store-silent/s": rate(b"STORE 1:* +FLAGS.SILENT (\\Answered)"),
        "copy/s": rate(b"COPY 1:* " + copy),
    }
    imap.do(b"STORE 1:* -FLAGS.SILENT (\\Flagged \\Answered)")
    imap.do(b"SELECT " + copy)
    found["move/s"] = rate(b"MOVE 1:* " + moved)
    imap.do(b"SELECT " + moved)
    imap.do(b"STORE 1:* +FLAGS.SILENT (\\Deleted)")
    found["expunge/s"] = rate(b"EXPUNGE")
    imap.do(b"UNSELECT")
    imap.do(b"DELETE " + copy)
    imap.do(b"DELETE " + moved)
    imap.close()
    return found


def append(peer: Peer, run: int, stage: Stage) -> Measures:
    singly, hundreds = stage.size(1000, 300), stage.size(5000, 1000)
    stamp = f"append-{run}-{int(time.time())}-"
    imap = Imap(peer.at("imap"), peer.user(APPENDER))
    mails = [message(n, 4096, stamp) for n in range(singly + hundreds)]
    with no_collection():
        started = time.perf_counter()
        for each in mails[:singly]:
            imap.append(b"INBOX", [each])
        one = singly / (time.perf_counter() - started)
        started = time.perf_counter()
        for first in range(singly, len(mails), 100):
            imap.append(b"INBOX", mails[first : first + 100])
        multi = hundreds / (time.perf_counter() - started)
    imap.close()
    return {"append/s": one, "multiappend/s": multi}


PROGRAMS: dict[str, Program] = {"fetch": fetch, "cold": cold, "change": change, "append": append}
