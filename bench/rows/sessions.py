"""Whole sessions, 50 at once, over 50 accounts of 100 messages; POP3 download of 1,000."""

from __future__ import annotations

from bench.load import imap, pop3
from bench.load.messages import message
from bench.load.play import Play, client_tls, no_collection
from bench.peers import Peer
from bench.rows import Measures, Program, Stage

FIRST, ACCOUNTS, MESSAGES = 100, 50, 100
DOWNLOAD = 150
AT_ONCE = 50


def fill(peer: Peer, stage: Stage) -> None:
    if not stage.once(peer, "sessions"):
        return
    mails = [message(n, 4096, "visit-") for n in range(MESSAGES)]
    for number in range(FIRST, FIRST + ACCOUNTS):
        client = imap.Imap(peer.at("imap"), peer.user(number))
        client.append(b"INBOX", mails)
        client.do(b"SELECT INBOX")
        client.do(b"FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)")
        client.close()
    client = imap.Imap(peer.at("imap"), peer.user(DOWNLOAD))
    for _ in range(stage.size(10, 4)):
        client.append(b"INBOX", mails)
    client.close()


def _play(peer: Peer, door: str, scripts: list[imap.Script]) -> tuple[float, float]:
    load = Play(peer.at(door), tls=client_tls() if door.endswith("s") else None)
    cpu = peer.cpu_s()
    with no_collection():
        played = load.run(iter(scripts), AT_ONCE)
    cpu = peer.cpu_s() - cpu
    load.close()
    if played.failed:
        raise RuntimeError(f"{peer.name}: {played.failed} of {len(scripts)} sessions failed")
    return len(scripts) / played.seconds, cpu / len(scripts) * 1000


def sessions(peer: Peer, run: int, stage: Stage) -> Measures:
    fill(peer, stage)
    users = [peer.user(FIRST + n) for n in range(ACCOUNTS)]
    count = stage.size(2000, 500)
    found: Measures = {}
    for door, key in (("imap", "session"), ("imaps", "session-tls")):
        _play(peer, door, [imap.visit(user, MESSAGES) for user in users])  # everybody is known by now
        _play(peer, door, [imap.visit(user, MESSAGES) for user in users])
        scripts = [imap.visit(users[n % ACCOUNTS], MESSAGES) for n in range(count)]
        found[f"{key}/s"], found[f"{key} cpu ms"] = _play(peer, door, scripts)
    return found


def pop(peer: Peer, run: int, stage: Stage) -> Measures:
    fill(peer, stage)
    users = [peer.user(FIRST + n) for n in range(ACCOUNTS)]
    _play(peer, "pop3", [pop3.visit(user, MESSAGES) for user in users])
    scripts = [pop3.visit(users[n % ACCOUNTS], MESSAGES) for n in range(stage.size(2000, 500))]
    rate, cpu = _play(peer, "pop3", scripts)
    messages = stage.size(10, 4) * MESSAGES
    pop3.download(peer.at("pop3"), peer.user(DOWNLOAD), messages)
    with no_collection():
        seconds, _ = pop3.download(peer.at("pop3"), peer.user(DOWNLOAD), messages)
    return {"pop3-session/s": rate, "pop3-session cpu ms": cpu, "pop3-download/s": messages / seconds}


PROGRAMS: dict[str, Program] = {"session": sessions, "pop3": pop}
