"""A real certificate authority for tests: Debian's pebble, which proves names over http-01."""

from __future__ import annotations

import json
import os
import shutil
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import trustme

from free_ports import free_ports
from holdfast.world.tls import client_context

PEBBLE = shutil.which("pebble") or ""
HOST = "127.0.0.1"


class Authority:
    """``names``: the name server it asks, host:port; ``http_port``: where it looks for proofs.

    ``contracts``: key → secret (base64url) of those that it takes accounts from; None: from everybody.
    """

    def __init__(
        self, folder: Path, *, names: str, http_port: int, contracts: dict[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.names = names
        self.port, self.management_port = free_ports(2)
        self.process: subprocess.Popen[bytes] | None = None
        folder.mkdir()
        vouches = trustme.CA()
        server = vouches.issue_cert(HOST)
        vouches.cert_pem.write_to_path(folder / "trust.pem")
        server.private_key_pem.write_to_path(folder / "key.pem")
        server.cert_chain_pems[0].write_to_path(folder / "certificate.pem")
        settings = {
            "listenAddress": f"{HOST}:{self.port}",
            "managementListenAddress": f"{HOST}:{self.management_port}",
            "certificate": str(folder / "certificate.pem"),
            "privateKey": str(folder / "key.pem"),
            "httpPort": http_port,
            "tlsPort": 1,
            "certificateValidityPeriod": 90 * 86_400,
            "externalAccountBindingRequired": contracts is not None,
            "externalAccountMACKeys": contracts or {},
        }
        (folder / "pebble.json").write_text(json.dumps({"pebble": settings}))

    @property
    def directory(self) -> str:
        return f"https://{HOST}:{self.port}/dir"

    @property
    def trust(self) -> str:
        """PEM file of who vouches for the authority's own server."""
        return str(self.folder / "trust.pem")

    def start(self) -> None:
        environment = {
            **os.environ,
            "PEBBLE_VA_NOSLEEP": "1",
            "PEBBLE_WFE_NONCEREJECT": "0",
            "PEBBLE_AUTHZREUSE": "0",
        }
        with (self.folder / "pebble.log").open("ab") as log:
            self.process = subprocess.Popen(
                [PEBBLE, "-config", str(self.folder / "pebble.json"), "-dnsserver", self.names],
                stdout=log,
                stderr=log,
                env=environment,
                cwd=self.folder,
            )
        give_up = time.monotonic() + 60
        while not self._answers():
            assert time.monotonic() < give_up, (self.folder / "pebble.log").read_text()
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            self._ask(self.port, "/dir")
        except OSError:
            return False
        return True

    def _ask(self, port: int, path: str) -> bytes:
        context = ssl.create_default_context(cafile=self.trust)
        url = f"https://{HOST}:{port}{path}"
        with urllib.request.urlopen(url, context=context, timeout=10) as answer:
            return bytes(answer.read())

    def client(self) -> ssl.SSLContext:
        """A client that trusts this authority alone, and checks names. It has another root at each start."""
        root = self.folder / "root.pem"
        root.write_bytes(self._ask(self.management_port, "/roots/0"))
        return client_context(authority_path=str(root))

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=30)
            self.process = None
