"""The real service for tests: `holdfast serve`, real processes, free loopback ports, its own folder.

Everything is started by `Service.start` and ended by its process ids; nothing outside the folder is touched.
"""

from __future__ import annotations

import contextlib
import imaplib
import json
import os
import poplib
import re
import shutil
import signal
import smtplib
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from free_ports import free_ports
from holdfast.run import control

DOMAIN = "example.org"
HOST = "127.0.0.1"
PEOPLE = ("anna", "ben", "cleo")
DOORS = ("mx", "submission", "submissions", "imap", "imaps", "pop3", "pop3s")
WEB_DOORS = {  # role → its doors here: without TLS, as browsers see loopback as safe all the same
    "password": ("account_http", "account_https"),
    "signup": ("signup_http", "signup_https"),
    "admin": ("admin_http", "admin_https"),
    "jmap": ("jmap_http", "jmap_https"),
    "webmail": ("webmail_http", "webmail_https"),
    "setup": ("setup_http", "setup_https"),
    "health": ("health_http",),
    "care": ("care_http", "care_https"),
}
PATIENCE_S = 90.0  # a busy machine is no wrong answer

_prepared: dict[str, Path] = {}
_kept: list[tempfile.TemporaryDirectory[str]] = []  # until the tests end


def password(name: str) -> str:
    return f"secret of {name}"


def until(true: Callable[[], Any], seconds: float = PATIENCE_S) -> Any:
    """What `true` returned once it was true; fails after `seconds`, named only where they are a promise."""
    began = time.monotonic()
    while not (found := true()):
        waited = time.monotonic() - began
        assert waited < seconds, f"not within {seconds:g} s"
        time.sleep(min(max(0.005, waited / 20), 0.25))  # asking is work, too: of those who are to get done
    return found


class Service:
    """`config`: more lines of the configuration, whole sections. Ports stay the same over restarts.

    `web`: the roles with pages that run, of `WEB_DOORS`; all others are off, as each costs time to start.
    So are those that watch and care, unless `config` has them in its section `[workers]`.
    """

    def __init__(
        self, folder: Path, *, people: Iterable[str] = PEOPLE, config: str = "", web: Iterable[str] = ()
    ) -> None:
        self.folder = folder
        self.people = tuple(people)
        self.web = tuple(web)
        doors = [*DOORS, *(door for role in self.web for door in WEB_DOORS[role])]
        self.ports = dict(zip(doors, free_ports(len(doors))))
        self.config_path = folder / "holdfast.toml"
        self.journal_path = folder / "journal.jsonl"
        self.data = folder / "data"
        self.process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self._write_config(config)

    def _write_config(self, more: str) -> None:
        doors = "\n".join(f'{door} = ["{HOST}:{port}"]' for door, port in self.ports.items())
        tls = "" if "[tls]" in more else "[tls]\nplain_sign_in = true\n"
        own = [role for role in (*WEB_DOORS, "watch") if f"\n{role} = 1" not in more]
        workers = "".join(f"{role} = {int(role in self.web)}\n" for role in own)
        if "[workers]\n" in more:
            more = more.replace("[workers]\n", f"[workers]\n{workers}", 1)
        else:
            more = f"[workers]\n{workers}{more}"
        if "[canary]" not in more:
            more += "[canary]\nper_cell = false\n"  # it would take the time of those who are tested
        if "[web]" not in more:  # passkeys are bound to a name, which a number isn't
            more += "[web]\n" + "".join(self._web_url(role) for role in self.web)
        self.config_path.write_text(
            f'[service]\nhostname = "mail.{DOMAIN}"\ndata = "data"\njournal = "journal.jsonl"\n'
            f"[listen]\n{doors}\n{tls}{more}"
        )

    def _web_url(self, role: str) -> str:
        keys = {
            "password": "account_url",
            "signup": "signup_url",
            "admin": "admin_url",
            "jmap": "jmap_url",
            "webmail": "webmail_url",
        }
        return f'{keys[role]} = "http://localhost:{self.ports[WEB_DOORS[role][0]]}"\n' if role in keys else ""

    # life

    def prepare(self) -> None:
        """Certificate, domain and accounts, as an administrator makes them.

        Once for each configuration: the next one with the same, but for its ports, gets a copy.
        """
        kind = f"{self.people} {re.sub(f'{HOST}:[0-9]+', HOST, self.config_path.read_text())}"
        fresh = not self.data.exists() and "user =" not in kind  # what is its owner's stays so
        if fresh and kind in _prepared:
            shutil.copytree(_prepared[kind], self.data)
            return
        self._prepare()
        if fresh:
            folder = tempfile.TemporaryDirectory(prefix="prepared-")
            _kept.append(folder)
            _prepared[kind] = shutil.copytree(self.data, Path(folder.name) / "data")

    def _prepare(self) -> None:
        owner = f"{self.people[0]}@{DOMAIN}"
        done = self.holdfast(
            "init", "--domain", DOMAIN, "--account", owner, input=password(self.people[0]) + "\n"
        )
        assert done.returncode == 0, done.stderr
        others = "".join(f"{name}@{DOMAIN},{password(name)},{name.title()}\n" for name in self.people[1:])
        if others:
            done = self.holdfast("account", "add", "-", input="address,password,name\n" + others)
            assert done.returncode == 0, done.stderr

    def start(self) -> None:
        """Starts the supervisor and returns when every process is ready."""
        assert self.process is None or self.process.poll() is not None, "it runs"
        with (self.folder / "stderr").open("ab") as errors:
            command = [sys.executable, "-m", "holdfast.cli", "--config", str(self.config_path), "serve"]
            self.process = subprocess.Popen(command, stderr=errors, env=self._environment(), cwd=self.folder)
        self.wait_ready()

    def wait_ready(self, seconds: float = PATIENCE_S) -> None:
        def ready() -> bool:
            assert self.process is not None
            assert self.process.poll() is None, f"it ended: {(self.folder / 'stderr').read_text()}"
            with contextlib.suppress(Exception):
                status = self.status()
                return status["pid"] == self.process.pid and all(
                    each["ready"] for each in status["processes"]
                )
            return False

        until(ready, seconds)

    def stop(self) -> None:
        """SIGTERM, as systemd does."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            assert self.process.wait(timeout=30) == 0

    def kill(self, name: str) -> None:
        """kill -9 of one process: 'mx-0', 'store-0', … Returns when the supervisor knows: until then it would
        still tell of the old one that it is ready."""
        killed = self.pid(name)
        os.kill(killed, signal.SIGKILL)
        until(lambda: killed not in [each["pid"] for each in self.status()["processes"]])

    def kill_everything(self) -> None:
        """kill -9 of the supervisor and of all its processes."""
        assert self.process is not None
        pids = [each["pid"] for each in self.status()["processes"] if each["pid"]]
        self.process.kill()
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Prepared and started; closed in any case."""
        try:
            self.prepare()
            self.start()
            yield
        finally:
            self.close()

    def close(self) -> None:
        """Whatever state it is in, nothing of it runs afterwards."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    # what it says

    def status(self) -> dict[str, Any]:
        return control.ask(str(self.data / "run" / "ctl.sock"), {"do": "status"})

    def pid(self, name: str) -> int:
        """Of a process that has one, or soon: who died has none until the supervisor starts it again."""

        def known() -> int:
            pids = {each["process"]: each["pid"] for each in self.status()["processes"]}
            return int(pids[name] or 0)

        found: int = until(known)
        return found

    @contextlib.contextmanager
    def stopped(self, *names: str) -> Iterator[list[int]]:
        """They are there, connected and listening, and do nothing: what dies is started again at once."""
        pids = [self.pid(name) for name in names]
        try:
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
            yield pids
        finally:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def events(self, *names: str) -> list[dict[str, Any]]:
        """The journal's events, all or of these names."""
        if not self.journal_path.exists():
            return []
        lines = self.journal_path.read_text(encoding="utf-8").split("\n")
        found = [json.loads(line) for line in lines if line.endswith("}")]
        return [each for each in found if not names or each["event"] in names]

    def on_disk(self) -> bytes:
        """All its files. When one goes meanwhile it begins anew: what was in it may be elsewhere now."""

        def read() -> bytes | None:
            with contextlib.suppress(FileNotFoundError):
                return b"\n".join(each.read_bytes() for each in self.folder.rglob("*") if each.is_file())
            return None

        found: bytes = until(read)
        return found

    def holdfast(self, *words: str, input: str | None = None) -> subprocess.CompletedProcess[str]:
        """One command of the command line; `input` is its standard input."""
        return subprocess.run(
            [sys.executable, "-m", "holdfast.cli", "--config", str(self.config_path), *words],
            input="" if input is None else input,
            capture_output=True,
            text=True,
            timeout=120,
            env=self._environment(),
            cwd=self.folder,
        )

    @staticmethod
    def _environment() -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("HOLDFAST_")}
        return {**clean, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}

    # clients

    def url(self, role: str, *, tls: bool = False) -> str:
        """Where a role's pages are: `http://localhost:…`, or its TLS door."""
        door = WEB_DOORS[role][1 if tls and len(WEB_DOORS[role]) > 1 else 0]
        return f"{'https' if tls else 'http'}://localhost:{self.ports[door]}"

    @property
    def trust(self) -> ssl.SSLContext:
        """A client's context that knows our certificate but not its name."""
        context = ssl.create_default_context(cafile=str(self.data / "tls" / "certificate.pem"))
        context.check_hostname = False
        return context

    def imap(self, name: str = "anna", *, tls: bool = False) -> imaplib.IMAP4:
        """Signed in; as every mail program does, it comes again after a temporary refusal: somebody who was
        just made isn't known to every process yet."""
        end = time.monotonic() + 10
        while True:
            try:
                return self._imap(name, tls)
            except imaplib.IMAP4.error as refused:
                if "[UNAVAILABLE]" not in str(refused) or time.monotonic() > end:
                    raise
            time.sleep(0.1)

    def _imap(self, name: str, tls: bool) -> imaplib.IMAP4:
        client: imaplib.IMAP4
        if tls:
            client = imaplib.IMAP4_SSL(HOST, self.ports["imaps"], ssl_context=self.trust, timeout=60)
        else:
            client = imaplib.IMAP4(HOST, self.ports["imap"], timeout=60)
        client.login(f"{name}@{DOMAIN}", password(name))
        return client

    def pop3(self, name: str = "anna", *, tls: bool = False) -> poplib.POP3:
        """Signed in."""
        client: poplib.POP3
        if tls:
            client = poplib.POP3_SSL(HOST, self.ports["pop3s"], context=self.trust, timeout=60)
        else:
            client = poplib.POP3(HOST, self.ports["pop3"], timeout=60)
        client.user(f"{name}@{DOMAIN}")
        client.pass_(password(name))
        return client

    def smtp(self, door: str = "mx", name: str = "") -> smtplib.SMTP:
        """A connection to `mx`, `submission` or `submissions`; signed in as `name`."""
        client: smtplib.SMTP
        if door == "submissions":
            client = smtplib.SMTP_SSL(HOST, self.ports[door], context=self.trust, timeout=60)
        else:
            client = smtplib.SMTP(HOST, self.ports[door], timeout=60)
        if door == "submission":
            client.starttls(context=self.trust)
        if name:
            client.login(f"{name}@{DOMAIN}", password(name))
        return client

    def send(
        self, subject: str, *, to: str = "anna", body: str = "hello\r\n", sender: str = "you@example.net"
    ) -> None:
        """One message from outside; as every server does, it comes again after a temporary refusal."""
        head = f"From: <{sender}>\r\nTo: <{to}@{DOMAIN}>\r\nSubject: {subject}\r\n"
        message = f"{head}Message-ID: <{subject}@test>\r\n"
        end = time.monotonic() + 10
        while True:
            with self.smtp() as client:
                try:
                    client.sendmail(sender, [f"{to}@{DOMAIN}"], message + "\r\n" + body)
                    return
                except smtplib.SMTPRecipientsRefused as refused:
                    [(code, _)] = refused.recipients.values()
                    if code // 100 != 4 or time.monotonic() > end:
                        raise
            time.sleep(0.1)

    def subjects(self, name: str = "anna", mailbox: str = "INBOX") -> list[str]:
        """Of all messages in a mailbox, in its order."""
        client = self.imap(name)
        try:
            kind, counts = client.select(mailbox, readonly=True)
            assert kind == "OK", counts
            if not int(counts[-1] or 0):  # more than one when mail came in meanwhile
                return []
            _, found = client.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
            lines = [each[1] for each in found if isinstance(each, tuple)]
            return [line.decode().partition(":")[2].strip() for line in lines]
        finally:
            client.logout()
