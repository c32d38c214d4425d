"""Debian's Dovecot as the reference: started alone in a temporary folder, asked over loopback.

``with reference() as server: answers = server.ask([b"message", …])`` gives for each message the
values of ENVELOPE, BODYSTRUCTURE, BODY and RFC822.SIZE as ``sexpr.plain`` shapes them.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from corpus.sexpr import plain, read_value

PROGRAM = "/usr/sbin/dovecot"
ITEMS = ("ENVELOPE", "BODYSTRUCTURE", "BODY", "RFC822.SIZE")
NOBODY = 65534
START_S = 20.0

CONFIG = """
base_dir = {base}/run
state_dir = {base}/state
log_path = {base}/log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain
mail_location = mdbox:{base}/mail
mail_uid = {user}
mail_gid = {user}
first_valid_uid = 1
first_valid_gid = 1
default_internal_user = {name}
default_login_user = {name}
default_internal_group = {group}
mail_fsync = never
passdb {{
  driver = static
  args = nopassword=y
}}
userdb {{
  driver = static
  args = uid={user} gid={user} home={base}/home
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
service imap {{
  vsz_limit = 1G
}}
namespace inbox {{
  inbox = yes
}}
"""


def why_not() -> str:
    """'' when the reference can run here, else why it can't."""
    if not Path(PROGRAM).exists():
        return "dovecot isn't installed"
    if os.geteuid() != 0:
        return "dovecot needs root to start"
    return ""


class Reference:
    """One connection, signed in; ``command`` returns all bytes up to the tagged line."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._file = self._socket.makefile("rb")
        self._tag = 0
        self._file.readline()
        self.command(b"LOGIN u p")

    def command(self, text: bytes) -> bytes:
        self._tag += 1
        tag = b"a%d" % self._tag
        self._socket.sendall(tag + b" " + text + b"\r\n")
        return self._answer(tag)

    def _answer(self, tag: bytes) -> bytes:
        out = []
        while True:
            line = self._file.readline()
            if not line:
                raise ConnectionError("the reference closed the connection")
            if line.startswith(tag + b" "):
                if not line.startswith(tag + b" OK"):
                    raise RuntimeError(f"{line!r} after {b''.join(out)[-500:]!r}")
                return b"".join(out)
            out.append(line)
            while match := re.search(rb"\{(\d+)\}\r\n\Z", line):
                out.append(self._file.read(int(match[1])))
                line = self._file.readline()
                out.append(line)

    def fetch(self, messages: Sequence[bytes], items: str) -> list[list[Any]]:
        """Per message the list of a FETCH response; the messages are appended to a new mailbox first."""
        box = b"box%d" % self._tag
        self.command(b"CREATE " + box)
        for message in messages:
            self.command(b"APPEND " + box + b" {%d+}\r\n" % len(message) + message)
        self.command(b"SELECT " + box)
        answer = self.command(b"FETCH 1:* (" + items.encode() + b")")
        found: list[list[Any]] = []
        at = 0
        while match := re.compile(rb"\* \d+ FETCH ").match(answer, at):
            value, at = read_value(answer, match.end())
            at += 2
            found.append(value)
        self.command(b"CLOSE")
        self.command(b"DELETE " + box)
        if len(found) != len(messages):
            raise RuntimeError(f"{len(found)} answers for {len(messages)} messages: {answer[at:][:300]!r}")
        return found

    def ask(self, messages: Sequence[bytes]) -> list[dict[str, Any]]:
        """Per message: item → value, plain."""
        return [
            {str(key): plain(value) for key, value in zip(answer[::2], answer[1::2])}
            for answer in self.fetch(messages, " ".join(ITEMS))
        ]


@contextlib.contextmanager
def reference() -> Iterator[Reference]:
    """A running Dovecot of our own and a connection to it; both are gone afterwards."""
    base = Path(tempfile.mkdtemp(prefix="corpus-dovecot-"))
    base.chmod(0o755)
    for name in ("home", "mail", "run", "state"):
        (base / name).mkdir()
        os.chown(base / name, NOBODY, NOBODY)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    config = base / "dovecot.conf"
    config.write_text(
        CONFIG.format(base=base, port=port, user=NOBODY, name="nobody", group="nogroup"), encoding="utf-8"
    )
    process = subprocess.Popen([PROGRAM, "-F", "-c", str(config)], stderr=subprocess.PIPE)
    try:
        yield _connected(port, process, base)
    finally:
        process.terminate()
        process.wait(20)
        shutil.rmtree(base, ignore_errors=True)


def _connected(port: int, process: subprocess.Popen[bytes], base: Path) -> Reference:
    deadline = time.monotonic() + START_S
    while True:
        try:
            return Reference(port)
        except (OSError, RuntimeError) as error:
            if process.poll() is not None or time.monotonic() > deadline:
                log = base / "log"
                said = log.read_text(errors="replace")[-2000:] if log.exists() else ""
                raise RuntimeError(f"dovecot didn't start: {error}; {said}") from error
            time.sleep(0.05)
