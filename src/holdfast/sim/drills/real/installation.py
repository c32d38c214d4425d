"""A service for drills: `holdfast serve` with real processes, in a folder and on loopback ports of its own.

Everything is started here and ended by its process ids; nothing outside the folder is touched. Where root
starts it, the packs and indexes have a disk of their own in memory, that can be full or read-only.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from holdfast.directory.credentials import hash_password
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.people import Contact
from holdfast.run import certificate, control, doors, layout, reading
from holdfast.run.config import Config
from holdfast.sim.drills.real import vantages
from holdfast.sim.drills.real.elsewhere import Partners
from holdfast.watch.clients import Smtp
from holdfast.watch.talking import talking
from holdfast.wire.smtp.transaction import Recipient, Transaction
from holdfast.world import World

HOST, DOMAIN = "127.0.0.1", "example.org"
PEOPLE, CELLS = 240, 8
PASSWORD, OTHER = "drill: a right password", "drill: another right one"
DOORS = (
    *("mx", "submissions", "imaps", "pop3s", "account_https", "signup_https"),
    *("jmap_https", "webmail_https", "care_http"),
)
FROM_AFAR = ("mx", "imaps")  # what vantage points try
_SHUT = (
    *("submission", "imap", "pop3", "account_http", "signup_http", "jmap_http", "webmail_http"),
    *("care_https", "health_http"),
)
READY_S, STOP_S, COMMAND_S = 120.0, 40.0, 180.0
_LOWEST, _HIGHEST = 9_000, 11_800  # below what the system takes for outgoing connections
_DISK = "size=6g,mode=755"  # at most: it takes what is in it, and as much again is warned of


class Person(NamedTuple):
    """A customer's mailbox."""

    login: str
    cell: int


class Installation:
    """``partners``: who it asks beyond itself. Use it as a context manager; ``prepare``, then ``start``."""

    def __init__(self, world: World, folder: str, partners: Partners) -> None:
        self.world = world
        self.folder = folder
        self.path = os.path.join(folder, "holdfast.toml")
        self.volume = os.path.join(folder, "volume")
        self.ports = dict(zip(DOORS, free_ports(world, len(DOORS))))
        self.people: list[Person] = []
        self.own_disk = False
        self._process: subprocess.Popen[bytes] | None = None
        self.partners = partners
        self.vantages = vantages.Vantages(
            world,
            folder,
            free_ports(world, 2 * len(vantages.NAMES)),
            {door: self.ports[door] for door in FROM_AFAR},
        )
        os.makedirs(folder, exist_ok=True)
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(self._toml())
        self.config: Config = reading.load(self.path, {})

    def _toml(self) -> str:
        lines = ["[service]", f'hostname = "mail.{DOMAIN}"', 'data = "data"', 'journal = "journal.jsonl"']
        lines += [f"cells = {CELLS}", "[volumes.v1]", f'folder = "{self.volume}"', "[listen]"]
        lines += [f'{door} = ["{HOST}:{port}"]' for door, port in self.ports.items()]
        lines += [f"{door} = []" for door in _SHUT]
        lines += ["[workers]", "mx = 2", "submission = 2", "imap = 1", "admin = 0", "setup = 0", "health = 0"]
        lines += ["[web]", f'trusted_proxies = ["{HOST}"]']
        for key in ("account", "signup", "jmap", "webmail"):
            lines.append(f'{key}_url = "https://localhost:{self.ports[f"{key}_https"]}"')
        lines.append(f'care_url = "http://localhost:{self.ports["care_http"]}"')
        lines += ["[signup]", f'open = ["{DOMAIN}"]', 'proof = "none"', "minimum_s = 0"]
        lines += ["per_network_day = 100000"]
        return "\n".join([*lines, self.partners.toml(), self.vantages.toml(), ""])

    # life

    async def prepare(self) -> None:
        """Certificate, people, canaries. Raises ``Refused`` with what a command said."""
        self.own_disk = await self.world.offload(self._mount)
        names = ["localhost", HOST, self.config.service.hostname]
        certificate.make(self.config.certificate, self.config.key, names, self.world.clock.now())
        await self.holdfast("init", "--domain", DOMAIN, "--account", f"postmaster@{DOMAIN}", "--generate")
        await self.holdfast("account", "import", "-", "--run", typed=self._people())
        await self.holdfast("canary", "setup")
        rows = (await self.holdfast("account", "list", "--json")).splitlines()
        found = [json.loads(row) for row in rows]
        ours = [each for each in found if each["login"].startswith("customer-")]
        self.people = [Person(each["login"], each["cell"]) for each in ours]
        await self._reachable({each["customer"] for each in ours})

    def _mount(self) -> bool:
        os.makedirs(self.volume, exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", _DISK, "holdfast-drill", self.volume]
        return os.geteuid() == 0 and subprocess.run(command, capture_output=True).returncode == 0

    def _people(self) -> str:
        """Every third household has two mailboxes."""
        credential = hash_password(PASSWORD, self.world.entropy.bytes(16))
        file = io.StringIO()
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(("address", "name", "credential", "customer", "contract"))
        for number in range(PEOPLE):
            household = number - 1 if number % 3 == 1 else number
            row = (f"customer-{number:03d}@{DOMAIN}", f"Customer {number}", credential)
            rows.writerow((*row, f"h{household}", f"c{household}"))
        return file.getvalue()

    async def _reachable(self, customers: Collection[int]) -> None:
        """Nearly all have agreed to be told, by telephone or at another address."""
        now = self.world.clock.now()
        async with doors.people(self.world, self.config) as people:
            for number in sorted(customers):
                phone = f"+4915550{number:05d}" if number % 2 else ""
                address = f"customer-{number:03d}@elsewhere.example" if number % 10 else ""
                contact = Contact(number, phone, now, address, now, "de" if number % 4 else "en", now)
                await people.contact_set(contact)

    async def start(self) -> None:
        """Every process runs. Raises ``Unavailable`` when that takes too long."""
        with open(os.path.join(self.folder, "stderr"), "ab") as errors:
            self._process = subprocess.Popen(
                [*self._command(), "serve"], stderr=errors, env=_environment(), cwd=self.folder
            )
        until = self.world.clock.monotonic() + READY_S
        while not all(each["ready"] for each in self.processes().values()) or not self.processes():
            if self.world.clock.monotonic() > until or self._process.poll() is not None:
                raise Unavailable("supervisor", f"it doesn't start: see {self.folder}/stderr")
            await self.world.clock.sleep(0.25)
        resolvers = f'["{HOST}:{self.partners.ports.names}"]'
        own = {"resolvers": resolvers, "authority": f'"{self.config.certificate}"'}
        own |= {"recipient": f'"canary-1@{DOMAIN}"'}
        await self.vantages.start(self._command(), _environment(), own, self.config.service.hostname)

    async def stop(self) -> None:
        """Whatever state it is in, nothing of it runs afterwards."""
        await self.vantages.stop()
        if self._process is not None and self._process.poll() is None:
            for each in self.processes().values():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(each["pid"] or 0, signal.SIGCONT) if each["pid"] else None
            self._process.send_signal(signal.SIGTERM)
            try:
                await self.world.offload(self._process.wait, STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                await self.world.offload(self._process.wait)

    def close(self) -> None:
        """Its disk is given back."""
        if self.own_disk:
            subprocess.run(["umount", "-l", self.volume], capture_output=True)
            self.own_disk = False

    async def hand_in(self, message: bytes) -> None:
        """As a server elsewhere sends the first canary what was for it. Raises ``Refused``, ``OSError``."""
        address = (HOST, self.ports["mx"])
        async with talking(self.world, address) as talk:
            smtp = Smtp(talk, "elsewhere.example", secure=False)
            await smtp.event()
            to = Recipient(f"canary-1@{DOMAIN}")
            reply = await smtp.reply_to(Transaction("forwarder@elsewhere.example", (to,), message))
            if reply.code // 100 != 2:
                raise Refused(Reason.NOT_ALLOWED, str(reply))

    # what it is

    def processes(self) -> Mapping[str, dict[str, Any]]:
        """By name, as the supervisor has them; {} while it doesn't answer."""
        try:
            status = control.ask(self.config.control_socket, {"do": "status"}, 2.0)
        except Unavailable:
            return {}
        return {each["process"]: each for each in status["processes"]}

    def pid(self, process: str) -> int | None:
        return (self.processes().get(process) or {}).get("pid") or None

    async def holdfast(self, *words: str, typed: str = "") -> str:
        """One command of the command line, and what it printed. Raises ``Refused``."""

        def go() -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [*self._command(), *words],
                input=typed,
                capture_output=True,
                text=True,
                timeout=COMMAND_S,
                env=_environment(),
                cwd=self.folder,
            )

        done = await self.world.offload(go)
        if done.returncode:
            raise Refused(Reason.NOT_ALLOWED, f"holdfast {' '.join(words)}: {done.stderr.strip()}")
        return done.stdout

    def _command(self) -> list[str]:
        return [sys.executable, "-m", "holdfast.cli", "--config", self.path]

    def trust(self) -> ssl.SSLContext:
        """A strict client's: it believes the certificate that is there now, while it holds, and no other."""
        return ssl.create_default_context(cafile=self.config.certificate)

    def index(self, cell: int) -> str:
        return layout.index_files(self.config, layout.main_volume(self.config), cell)[0]


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HOLDFAST_")}
    return {**kept, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def free_ports(world: World, count: int) -> list[int]:
    """Of loopback, that nobody listens on; all held until all are known, so that they differ."""
    found: list[int] = []
    with contextlib.ExitStack() as held:
        while len(found) < count:
            port = int(world.entropy.uniform(_LOWEST, _HIGHEST))
            with contextlib.suppress(OSError):
                held.enter_context(socket.create_server((HOST, port)))
                found.append(port)
    return found
