"""Every transcript, played in memory, over TCP, and against the reference servers that speak the same."""

from __future__ import annotations

import asyncio
import imaplib
import itertools
import time
from collections.abc import Iterator

import pytest

import references
from holdfast.run import certificate
from transcripts.installation import installation, over_tcp, server_tls, uses_tls, words
from transcripts.player import TcpWire, Transcript, Wrong, play, read, transcripts

PROTOCOLS = ("imap", "pop3", "smtp", "submission")
ALL = [read(path) for protocol in PROTOCOLS for path in transcripts(protocol)]
_names = {str(t.path): f"{t.protocol}-{t.path.stem}" for t in ALL}


def ids(transcript: Transcript) -> str:
    return _names[str(transcript.path)]


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("tls")
    paths = str(folder / "cert.pem"), str(folder / "key.pem")
    certificate.make(*paths, ["localhost"], time.time())
    return server_tls(*paths)


def test_there_are_transcripts_of_every_protocol():
    counts = {protocol: sum(t.protocol == protocol for t in ALL) for protocol in ("imap", "pop3", "smtp")}
    assert counts["imap"] >= 60 and counts["pop3"] >= 15 and counts["smtp"] >= 15, counts


@pytest.mark.parametrize("transcript", [t for t in ALL if not uses_tls(t)], ids=ids)
def test_in_memory(transcript, tls, tmp_path):
    async def body():
        async with installation(tmp_path, tls) as installed:
            await installed.prepare(transcript.given)
            await play(transcript, lambda: installed.in_memory(transcript.protocol), words())

    asyncio.run(body())


@pytest.mark.parametrize("transcript", ALL, ids=ids)
def test_over_tcp(transcript, tls, tmp_path):
    async def body():
        async with installation(tmp_path, tls) as installed:
            await installed.prepare(transcript.given)
            connect, listener = await over_tcp(installed, transcript.protocol)
            try:
                await play(transcript, connect, words())
            finally:
                listener.close()

    asyncio.run(body())


# -- the references -------------------------------------------------------------------

_users = itertools.count(1)


@pytest.fixture(scope="module")
def dovecot() -> Iterator[references.DovecotPorts]:
    if why := references.missing(references.DOVECOT):
        pytest.skip(why)
    # Where inotify has no watch left for it, Dovecot looks again after this time; 30 s by default.
    with references.dovecot(more="mailbox_idle_check_interval = 1 s\n") as ports:
        yield ports


@pytest.fixture(scope="module")
def postfix() -> Iterator[int]:
    if why := references.missing(references.POSTFIX):
        pytest.skip(why)
    with references.postfix() as (port, _):
        yield port


def _prepare_dovecot(ports: references.DovecotPorts, user: str, transcript: Transcript) -> None:
    with imaplib.IMAP4("127.0.0.1", ports.imap) as client:
        client.login(user, references.PASSWORD)
        for name in ("Drafts", "Sent", "Junk", "Trash", "Archive"):
            client.create(name)
            client.subscribe(name)
        client.subscribe("INBOX")
        for given in transcript.given:
            if given.kind == "mailbox":
                client.create(f'"{given.name}"')
            else:
                client.append(f'"{given.name}"', given.flags, None, given.message)


@pytest.mark.parametrize(
    "transcript", [t for t in ALL if t.protocol in ("imap", "pop3") and t.peer == "dovecot"], ids=ids
)
def test_dovecot_says_the_same(transcript, dovecot):
    user = f"u{next(_users)}"
    _prepare_dovecot(dovecot, user, transcript)
    port = dovecot.imap if transcript.protocol == "imap" else dovecot.pop3
    asyncio.run(play(transcript, lambda: TcpWire.open(port), words(user, f"{user}-2")))


@pytest.mark.parametrize(
    "transcript", [t for t in ALL if t.protocol == "smtp" and t.peer == "postfix"], ids=ids
)
def test_postfix_says_the_same(transcript, postfix):
    asyncio.run(play(transcript, lambda: TcpWire.open(postfix), words()))


# -- the player itself ----------------------------------------------------------------


def test_a_transcript_that_does_not_happen_fails(tls, tmp_path):
    path = tmp_path / "pop3" / "wrong.txt"
    path.parent.mkdir()
    path.write_text(
        "# wrong\n# standard: none\n# peer: no, because it is wrong\nS: +OK*\nC: QUIT\nS: -ERR*\n"
    )

    async def body():
        async with installation(tmp_path, tls) as installed:
            await play(read(path), lambda: installed.in_memory("pop3"), words())

    with pytest.raises(Wrong, match="line 6"):
        asyncio.run(body())


def test_a_must_not_line_that_comes_fails(tls, tmp_path):
    path = tmp_path / "pop3" / "wrong.txt"
    path.parent.mkdir()
    path.write_text(
        "# wrong\n# standard: none\n# peer: no\nS: +OK*\nC: CAPA\n!S: TOP\nS: .\nC: QUIT\nS: +OK*\n"
    )

    async def body():
        async with installation(tmp_path, tls) as installed:
            await play(read(path), lambda: installed.in_memory("pop3"), words())

    with pytest.raises(Wrong, match="must not"):
        asyncio.run(body())
