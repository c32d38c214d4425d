"""The servers that are measured: Holdfast as it is shipped, and Debian's Postfix with Dovecot.

Each runs from a folder of its own on the same disk, on loopback, with its own sync settings on; what it
costs is read from /proc for the whole tree of its processes.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import references
from bench.load.imap import Imap
from e2e.service import Service
from holdfast.directory.credentials import hash_password

ROOT = Path(__file__).resolve().parents[1]
DOMAIN = "example.org"
HOST = "127.0.0.1"
PASSWORD = "pw"
TICKS = os.sysconf("SC_CLK_TCK")


class Doors(NamedTuple):
    smtp: int
    imap: int
    imaps: int
    pop3: int
    pop3s: int


def tree(*roots: int) -> list[int]:
    """These processes and all below them."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                stat = Path(f"/proc/{name}/stat").read_text()
                children.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(name))
    found, rest = [], list(roots)
    while rest:
        pid = rest.pop()
        found.append(pid)
        rest += children.get(pid, [])
    return found


class Peer:
    """What all of them offer. ``roots()``: the processes at the top of its trees."""

    name = ""
    doors: Doors

    def roots(self) -> list[int]:
        raise NotImplementedError

    def user(self, number: int) -> str:
        """A login and an address. Any number below the count of accounts."""
        return f"u{number}@{DOMAIN}"

    def at(self, door: str) -> tuple[str, int]:
        return HOST, getattr(self.doors, door)

    def processes(self) -> list[int]:
        return tree(*self.roots())

    def cpu_s(self) -> float:
        """Processor time of the whole tree so far, ended children included, seconds."""
        ticks = 0
        for pid in self.processes():
            with contextlib.suppress(OSError):
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                ticks += sum(int(field) for field in fields[11:15])
        return ticks / TICKS

    def memory_kb(self) -> tuple[int, int]:
        """(proportional set, private) of the whole tree, KiB."""
        pss = private = 0
        for pid in self.processes():
            with contextlib.suppress(OSError):
                for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                    if line.startswith("Pss:"):
                        pss += int(line.split()[1])
                    elif line.startswith("Private_"):
                        private += int(line.split()[1])
        return pss, private

    def new_readers(self) -> None:
        """The processes that read mail begin anew."""
        raise NotImplementedError

    def stop(self) -> None:
        """In order, as an administrator would."""
        raise NotImplementedError

    def kill_everything(self) -> None:
        """kill -9 of every process of it, all at once."""
        pids = self.processes()
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for root in pids:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(root, 0)  # a child of ours would look alive to its successor
        until = time.monotonic() + 10
        while any(_runs(pid) for pid in pids) and time.monotonic() < until:
            time.sleep(0.002)

    def launch(self) -> None:
        """Starts what was stopped or killed, and returns at once."""
        raise NotImplementedError

    def settled(self) -> None:
        """Returns when all of it runs, after `launch`."""
        raise NotImplementedError

    def flush(self) -> None:
        """What waits in a queue is tried now."""

    def close(self) -> None:
        raise NotImplementedError


def _runs(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


class Holdfast(Peer):
    """`holdfast serve` with the default configuration, ports and plain sign-in apart."""

    name = "holdfast"
    rebuilt = 0  # events of rebuilt indexes seen before

    def __init__(self, folder: Path, accounts: int) -> None:
        folder = Path(tempfile.mkdtemp(prefix="bench-holdfast-", dir=folder))
        self.folder = folder
        self.service = Service(folder / "service", people=["owner"])
        self.service.prepare()
        self._credential = hash_password(PASSWORD, secrets.token_bytes(16))
        self.add(f"u{n}" for n in range(accounts))
        self.service.start()
        ports = self.service.ports
        self.doors = Doors(ports["mx"], ports["imap"], ports["imaps"], ports["pop3"], ports["pop3s"])
        self.whole()

    def whole(self, seconds: float = 120.0) -> None:
        """Returns when every cell has its index: a fresh service says ready a moment earlier."""
        until = time.monotonic() + seconds
        while True:
            try:
                for number in range(64):
                    Imap(self.at("imap"), self.user(number)).count()
                return
            except ValueError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-m", "holdfast.cli", "--config", str(self.service.config_path)]

    def add(self, names: Iterable[str]) -> None:
        """Many accounts at once, all with one password."""
        rows = "".join(f'{name}@{DOMAIN},"{self._credential}"\n' for name in names)
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "holdfast.cli",
                "--config",
                str(self.service.config_path),
                "account",
                "add",
                "-",
            ],
            input="address,credential\n" + rows,
            capture_output=True,
            text=True,
            env=self.service._environment(),
        )
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])

    def new_readers(self) -> None:
        before = {each["process"]: each["pid"] for each in self.service.status()["processes"]}
        readers = [name for name in before if name.startswith(("imap", "pop3"))]
        for name in readers:
            os.kill(before[name], signal.SIGTERM)
        until = time.monotonic() + 20
        while time.monotonic() < until:
            now = {each["process"]: each for each in self.service.status()["processes"]}
            if all(now[name]["ready"] and now[name]["pid"] != before[name] for name in readers):
                return
            time.sleep(0.02)
        raise TimeoutError("readers don't come back")

    def roots(self) -> list[int]:
        assert self.service.process is not None
        return [self.service.process.pid]

    def index_files(self, cell: int) -> list[Path]:
        """A cell's index with what SQLite keeps beside it."""
        return sorted(self.service.data.glob(f"**/cell-{cell:02d}.sqlite*"))

    def cell_of(self, number: int) -> int:
        done = self.service.holdfast("account", "show", self.user(number), "--json")
        found = json.loads(done.stdout)
        return int((found[0] if isinstance(found, list) else found)["cell"])

    def messages_in(self, cells: Iterable[int]) -> int:
        """Entries of all mailboxes in these cells."""
        count = 0
        for cell in cells:
            for path in self.index_files(cell):
                if path.suffix == ".sqlite":
                    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as index:
                        count += index.execute("SELECT count(*) FROM entry").fetchone()[0]
        return count

    def stop(self) -> None:
        self.service.stop()

    def launch(self) -> None:
        service = self.service
        if service.process is not None:
            service.process.poll()
        with (service.folder / "stderr").open("ab") as errors:
            service.process = subprocess.Popen(
                [*self.command, "serve"], stderr=errors, env=service._environment(), cwd=service.folder
            )

    def settled(self) -> None:
        self.service.wait_ready(60)

    def close(self) -> None:
        self.service.close()
        shutil.rmtree(self.folder, ignore_errors=True)


_DOVECOT_MORE = """
protocols = imap pop3 lmtp
mail_max_userip_connections = 0
auth_cache_size = 10M
service imap-login {{
  service_count = 0
  process_min_avail = 2
  client_limit = 12000
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service pop3-login {{
  service_count = 0
  process_min_avail = 2
  client_limit = 12000
  inet_listener pop3s {{
    port = {pop3s}
    ssl = yes
  }}
}}
service auth {{
  client_limit = 20000
}}
service anvil {{
  client_limit = 20000
}}
service imap {{
  service_count = 200
  process_limit = 6000
}}
service pop3 {{
  service_count = 200
  process_limit = 6000
}}
service lmtp {{
  process_limit = 200
  process_min_avail = 4
  unix_listener lmtp {{
    mode = 0666
  }}
}}
{hibernate}
protocol lmtp {{
  mail_fsync = optimized
}}
"""

# As Dovecot's manual has it; with plain IDLE every client keeps a process of its own.
_HIBERNATE = """
imap_hibernate_timeout = 2s
service imap {{
  unix_listener imap-master {{
    mode = 0666
  }}
}}
service imap-hibernate {{
  unix_listener imap-hibernate {{
    mode = 0666
  }}
}}
mailbox_idle_check_interval = 30s
""".replace("{{", "{").replace("}}", "}")

_POSTFIX_MORE = """
virtual_mailbox_maps = static:all
virtual_transport = lmtp:unix:{base}/run/lmtp
message_size_limit = 52428800
mailbox_size_limit = 0
smtpd_client_connection_count_limit = 0
default_process_limit = 200
in_flow_delay = 0s
"""


class PostfixDovecot(Peer):
    """Postfix handing to Dovecot over LMTP; Dovecot for reading. Any user exists."""

    def __init__(self, folder: Path, store: str, *, hibernate: bool = False) -> None:
        self.name = f"postfix+dovecot {store}" + (" hibernated" if hibernate else "")
        self._held = contextlib.ExitStack()
        self._again: subprocess.Popen[bytes] | None = None  # the ones started after a stop
        self._postfix_again: subprocess.Popen[bytes] | None = None
        imaps, pop3s = references.free_ports(2)
        more = _DOVECOT_MORE.format(imaps=imaps, pop3s=pop3s, hibernate=_HIBERNATE if hibernate else "")
        dovecot = self._held.enter_context(references.dovecot(store=store, fsync="optimized", more=more))
        self._dovecot = dovecot.base
        smtp, self._postfix = self._held.enter_context(
            references.postfix(more=_POSTFIX_MORE.format(base=dovecot.base))
        )
        self.doors = Doors(smtp, dovecot.imap, imaps, dovecot.pop3, pop3s)

    def new_readers(self) -> None:
        os.kill(self.roots()[0], signal.SIGHUP)
        time.sleep(0.5)

    def roots(self) -> list[int]:
        return [
            int((self._dovecot / "run/master.pid").read_text()),
            int((self._postfix / "queue/pid/master.pid").read_text()),
        ]

    def stop(self) -> None:
        dovecot, postfix = self.roots()
        for pid in (postfix, dovecot):
            os.kill(pid, signal.SIGTERM)
        until = time.monotonic() + 20
        while (_runs(dovecot) or _runs(postfix)) and time.monotonic() < until:
            time.sleep(0.002)

    def launch(self) -> None:
        if self._again is not None:
            self._again.wait(20)
        config = str(self._dovecot / "dovecot.conf")
        self._again = subprocess.Popen([references.DOVECOT, "-F", "-c", config], stderr=subprocess.DEVNULL)
        # What `postfix start` does once it has looked at every file of its own: that look takes seconds.
        self._postfix_again = subprocess.Popen(
            ["/usr/lib/postfix/sbin/master", "-c", str(self._postfix), "-d"], stderr=subprocess.DEVNULL
        )

    def settled(self) -> None:
        for door in ("imap", "pop3", "smtp"):
            references.answers(self.at(door)[1], None, self._dovecot / "log")

    def flush(self) -> None:
        subprocess.run(["/usr/sbin/postqueue", "-c", str(self._postfix), "-f"], capture_output=True)

    def close(self) -> None:
        if self._postfix_again is not None:
            (self._postfix / "queue/pid/master.pid").write_text(f"{self._postfix_again.pid}\n")
        if self._again is not None and self._again.poll() is None:
            self._again.terminate()
            self._again.wait(20)
        if self._postfix_again is not None:
            self._postfix_again.terminate()
            self._postfix_again.wait(20)
            (self._postfix / "queue/pid/master.pid").write_text("999999999\n")
        with contextlib.suppress(ProcessLookupError, ValueError):
            self._held.close()


def versions() -> dict[str, str]:
    def said(*command: str) -> str:
        with contextlib.suppress(OSError):
            return subprocess.run(command, capture_output=True, text=True).stdout.strip()
        return ""

    return {
        "postfix": said("/usr/sbin/postconf", "-dh", "mail_version"),
        "dovecot": said("/usr/sbin/dovecot", "--version").split(" ")[0],
        "python": sys.version.split()[0],
        "holdfast": said("git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"),
    }


def machine() -> dict[str, Any]:
    cpu = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    memory = Path("/proc/meminfo").read_text().split()[1]
    return {
        "processor": cpu[0].partition(":")[2].strip() if cpu else "",
        "cores": os.cpu_count(),
        "memory_gib": round(int(memory) / 2**20, 1),
        "kernel": os.uname().release,
        "load_before": os.getloadavg()[0],
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
