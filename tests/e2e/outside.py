"""Directories outside for tests: Debian's slapd and PostgreSQL, each with a folder and a port of its own."""

from __future__ import annotations

import contextlib
import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ldap3
import trustme

from e2e.service import until
from free_ports import free_ports

HOST = "127.0.0.1"
SLAPD = shutil.which("slapd", path=os.environ.get("PATH", "") + ":/usr/sbin") or ""
SUFFIX = "dc=example"
ADMIN = f"cn=admin,{SUFFIX}"
SECRET = "directory secret"
_INITDB = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))
POSTGRES = os.path.dirname(_INITDB[-1]) if _INITDB else ""


def answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), 1):
        return True
    return False


class Slapd:
    """Speaks TLS after StartTLS, by a certificate that ``trust`` vouches for, and lets ``ADMIN`` write."""

    def __init__(self, folder: Path, *, most: int = 0) -> None:
        """``most``: entries that who isn't ``ADMIN`` gets in one search; 0 for all."""
        self.folder = folder
        (self.port,) = free_ports(1)
        self.url = f"ldap://localhost:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        (folder / "db").mkdir(parents=True)
        authority = trustme.CA()
        made = authority.issue_cert("localhost", HOST)
        self.trust = folder / "trust.pem"
        authority.cert_pem.write_to_path(str(self.trust))
        made.private_key_pem.write_to_path(str(folder / "key.pem"))
        for pem in made.cert_chain_pems:
            pem.write_to_path(str(folder / "certificate.pem"), append=True)
        (folder / "secret").write_text(SECRET + "\n")
        schemas = "".join(
            f"include /etc/ldap/schema/{name}.schema\n" for name in ("core", "cosine", "inetorgperson")
        )
        limit = f"limits users size.prtotal={most}\n" if most else ""
        (folder / "slapd.conf").write_text(
            f"{schemas}pidfile {folder}/slapd.pid\nmodulepath /usr/lib/ldap\nmoduleload back_mdb\n"
            f"TLSCACertificateFile {self.trust}\nTLSCertificateFile {folder}/certificate.pem\n"
            f"TLSCertificateKeyFile {folder}/key.pem\n"
            f"database mdb\nsuffix {SUFFIX}\nrootdn {ADMIN}\nrootpw {SECRET!r}\n".replace("'", '"')
            + f"directory {folder}/db\ndbnosync\n{limit}"
        )

    def start(self) -> None:
        command = [
            SLAPD,
            "-f",
            str(self.folder / "slapd.conf"),
            "-h",
            f"ldap://{HOST}:{self.port}",
            "-d",
            "0",
        ]
        self.process = subprocess.Popen(command, stderr=(self.folder / "errors").open("ab"))
        until(lambda: answers(self.port))

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def freeze(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.thaw()
            self.kill()

    @contextlib.contextmanager
    def writing(self) -> Iterator[ldap3.Connection]:
        connection = ldap3.Connection(
            ldap3.Server(f"ldap://{HOST}:{self.port}"), ADMIN, SECRET, auto_bind=True, raise_exceptions=True
        )
        try:
            yield connection
        finally:
            connection.unbind()

    def fill(self, *names: str) -> None:
        with self.writing() as writing:
            writing.add(SUFFIX, ["dcObject", "organization"], {"o": "Example"})
            for name in names:
                self.add(name, writing)

    def add(self, name: str, writing: ldap3.Connection) -> None:
        writing.add(
            dn(name),
            ["inetOrgPerson"],
            {
                "cn": name.title(),
                "sn": name,
                "mail": f"{name}@example.org",
                "userPassword": password(name),
                "employeeType": "active",
            },
        )

    def set(self, name: str, **attributes: str | list[str]) -> None:
        changes: dict[str, Any] = {
            each: [(ldap3.MODIFY_REPLACE, [value] if isinstance(value, str) else value)]
            for each, value in attributes.items()
        }
        with self.writing() as writing:
            writing.modify(dn(name), changes)

    def remove(self, name: str) -> None:
        with self.writing() as writing:
            writing.delete(dn(name))

    def section(self, **more: object) -> str:
        """Of the configuration."""
        keys = {
            "kind": "ldap",
            "url": self.url,
            "trust": str(self.trust),
            "user": ADMIN,
            "password": f"file:{self.folder}/secret",
            "base": SUFFIX,
            "aliases": "carLicense",
            "disabled": "employeeType",
            "disabled_values": ["gone"],
            "interval_s": 1,
            "full_s": 2,
            **more,
        }
        return "[directories.staff]\n" + "".join(f"{name} = {toml(value)}\n" for name, value in keys.items())


def toml(value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) else f"'{value}'"


def dn(name: str) -> str:
    return f"cn={name},{SUFFIX}"


def password(name: str) -> str:
    """There; others than those of ``service.password``."""
    return f"{name} at the directory"


class Postgres:
    """A cluster of its own, run by whoever may: PostgreSQL refuses root."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="holdfast-postgres-"))
        (self.port,) = free_ports(1)
        self.url = f"postgresql://people@{HOST}:{self.port}/postgres"
        self.secret = self.folder / "secret"
        self.secret.write_text(SECRET)
        self._as: dict[str, Any] = {}
        if os.getuid() == 0:
            person = pwd.getpwnam("postgres")
            self._as = {"user": person.pw_uid, "group": person.pw_gid, "extra_groups": []}
            for path in (self.folder, self.secret):
                os.chown(path, person.pw_uid, person.pw_gid)
        data = str(self.folder / "data")
        command = [f"{POSTGRES}/initdb", "-D", data, "-U", "people", "-A", "scram-sha-256", "--no-sync"]
        subprocess.run(
            [*command, f"--pwfile={self.secret}"],
            check=True,
            capture_output=True,
            cwd=self.folder,
            **self._as,
        )
        settings = {
            "listen_addresses": HOST,
            "port": str(self.port),
            "unix_socket_directories": "",
            "fsync": "off",
        }
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        self.process = subprocess.Popen(
            [f"{POSTGRES}/postgres", "-D", data, *words],
            cwd=self.folder,
            stderr=subprocess.DEVNULL,
            **self._as,
        )
        until(lambda: answers(self.port))

    def do(self, *statements: str) -> None:
        import psycopg

        def connected() -> psycopg.Connection[Any] | None:
            with contextlib.suppress(psycopg.OperationalError):  # it is starting up
                return psycopg.connect(self.url, password=SECRET)
            return None

        with until(connected) as connection:
            for statement in statements:
                connection.execute(statement)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
