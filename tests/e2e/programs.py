"""Mail programs of the distribution, run as their users run them: each with a home of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from e2e.service import DOMAIN, HOST, Service, password


def needs(*programs: str) -> None:
    """Skips the module, saying why, when a program isn't here. In CI that is a failure."""
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    missing = [program for program in programs if shutil.which(program, path=path) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}", allow_module_level=True)


def run(
    *words: object, home: Path, input: bytes = b"", check: bool = True
) -> subprocess.CompletedProcess[bytes]:
    """One command, at most 60 s. Fails with what it said."""
    clean = {**os.environ, "HOME": str(home), "LC_ALL": "C.UTF-8", "TERM": "dumb"}
    done = subprocess.run(
        [str(word) for word in words], input=input, capture_output=True, timeout=60, env=clean, cwd=home
    )
    said = (done.stdout + done.stderr).decode(errors="replace")
    assert not check or done.returncode == 0, f"{words[0]} ended with {done.returncode}: {said}"
    return done


def curl(service: Service, home: Path, name: str, url: str, *words: object) -> bytes:
    """What curl wrote for ``door/path``, such as ``imap/INBOX;UID=1``; signed in as ``name``."""
    door, slash, path = url.partition("/")
    scheme = {"mx": "smtp", "submission": "smtp", "submissions": "smtps"}.get(door, door)
    address = f"{scheme}://{HOST}:{service.ports[door]}{slash}{path}"
    certificate = service.data / "tls" / "certificate.pem"
    who = () if door == "mx" else ("--user", f"{name}@{DOMAIN}:{password(name)}")
    command = ("curl", "-sS", "--max-time", "30", "--cacert", certificate, "-k", *who, *words, address)
    return run(*command, home=home).stdout


def letter(subject: str, body: str = "hello\r\n", *, head: str = "") -> bytes:
    """A message from you@example.net; its Message-ID is its subject."""
    return (
        f"From: <you@example.net>\r\nTo: <anna@{DOMAIN}>\r\nSubject: {subject}\r\n"
        f"Message-ID: <{subject.replace(' ', '-')}@test>\r\nDate: Fri, 3 Mar 2023 03:03:03 +0000\r\n"
        f"{head}\r\n{body}"
    ).encode()


def whole(raw: bytes) -> bytes:
    """A message as it was handed in: what our trace headers were put before it is taken off."""
    assert raw.startswith(b"Return-Path: <"), raw[:80]
    at = raw.index(b"\r\n") + 2
    assert raw[at:].startswith(b"Received: "), raw[at : at + 80]
    at = raw.index(b"\r\n", at) + 2
    while raw[at : at + 1] in b"\t ":
        at = raw.index(b"\r\n", at) + 2
    return raw[at:]


def bodies(service: Service, name: str, mailbox: str = "INBOX") -> list[bytes]:
    """Every message of a mailbox, in order of UID, without our trace headers where it has them."""
    client = service.imap(name)
    try:
        assert client.select(mailbox, readonly=True)[0] == "OK"
        _, found = client.uid("FETCH", "1:*", "(BODY.PEEK[])")
        raws = [each[1] for each in found if isinstance(each, tuple)]
        return [whole(raw) if raw.startswith(b"Return-Path: <") else raw for raw in raws]
    finally:
        client.logout()
