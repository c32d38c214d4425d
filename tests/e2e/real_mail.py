"""The corpus of real mail, as an MTA would put it on the wire; and a quick sender of many messages.

A file of the corpus has LF at its line ends and often an mbox "From " line before it. What is sent:

- the "From " line is taken off: it is not part of the message;
- every LF, and every CR that stands alone (SMTP has neither), becomes CR LF;
- a last line without an end gets one.
"""

from __future__ import annotations

import os
import re
import socket
import tarfile
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from e2e.service import DOMAIN, HOST, Service

_NAMED = os.environ.get("HOLDFAST_CORPUS")
PATH = Path(_NAMED or Path(__file__).parents[3] / "shared/corpus/spamassassin-public.tar.xz")
COUNT = 6046


def messages() -> list[bytes]:
    """All of them, in the order of the archive."""
    with tarfile.open(PATH) as archive:
        names = [entry for entry in archive if entry.isfile() and entry.name.endswith(".txt")]
        return [normal(archive.extractfile(entry).read()) for entry in names]  # type: ignore[union-attr]


def normal(raw: bytes) -> bytes:
    """One message as it is sent."""
    if raw.startswith(b"From "):
        raw = raw[raw.index(b"\n") + 1 :]
    raw = re.sub(rb"\r\n|\r|\n", b"\r\n", raw)
    return raw if raw.endswith(b"\r\n") else raw + b"\r\n"


def send_all(service: Service, mail: Iterable[tuple[str, bytes]], connections: int) -> None:
    """Each (person, message) over one of several connections at a time. Fails if one isn't taken."""
    waiting = iter(mail)
    lock = threading.Lock()
    errors: list[BaseException] = []

    def take() -> Iterator[tuple[str, bytes]]:
        while not errors:
            with lock:
                found = next(waiting, None)
            if found is None:
                return
            yield found

    def work() -> None:
        try:
            _send_over_one(service, take())
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def _send_over_one(service: Service, mail: Iterator[tuple[str, bytes]]) -> None:
    with (
        socket.create_connection((HOST, service.ports["mx"]), timeout=30) as link,
        link.makefile("rb") as said,
    ):

        def expect(*codes: bytes) -> None:
            for code in codes:
                line = said.readline()
                while line[3:4] == b"-":
                    line = said.readline()
                assert line.startswith(code), line

        expect(b"220")
        link.sendall(b"EHLO corpus.example.net\r\n")
        expect(b"250")
        for person, message in mail:
            envelope = f"MAIL FROM:<you@example.net> BODY=8BITMIME\r\nRCPT TO:<{person}@{DOMAIN}>\r\nDATA\r\n"
            link.sendall(envelope.encode())
            expect(b"250", b"250", b"354")
            link.sendall(re.sub(rb"(?m)^\.", b"..", message) + b".\r\n")
            expect(b"250")
        link.sendall(b"QUIT\r\n")
        expect(b"221")
