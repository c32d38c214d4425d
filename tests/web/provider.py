"""A provider of sign-ins for tests: panva's oidc-provider, a certified implementation of OpenID Connect.

It is npm's; see ``npm.py``.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from e2e.outside import answers
from e2e.service import until
from free_ports import free_ports
from npm import NODE, installed

VERSION = "9.13.3"
SCRIPT = Path(__file__).with_name("provider.mjs")
SECRET = "a secret of ours & theirs"  # with what has to be quoted
CLAIMS = {
    "anna": {"email": "anna@example.org", "email_verified": True},
    "liar": {"email": "anna@example.org", "email_verified": False},
    "stranger": {"email": "stranger@example.com", "email_verified": True},
}


class RealProvider:
    """Every start makes new keys, and forgets who was signed in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._module = installed("oidc-provider", VERSION) / "lib" / "index.js"
        (self.port,) = free_ports(1)
        self.issuer = f"http://localhost:{self.port}"
        self.secret = folder / "client-secret"
        self.secret.write_text(SECRET + "\n")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, back: str, algorithm: str = "RS256") -> None:
        """``back``: the URL that it may send people back to."""
        said = {
            "MODULE": str(self._module),
            "PORT": str(self.port),
            "ALGORITHM": algorithm,
            "BACK": back,
            "SECRET": SECRET,
            "CLAIMS": json.dumps(CLAIMS),
        }
        log = (self.folder / "provider.log").open("ab")
        environment = {**os.environ, **said}
        self.process = subprocess.Popen([NODE, str(SCRIPT)], env=environment, stdout=log, stderr=log)
        until(lambda: answers(self.port))

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def section(self, **more: str) -> str:
        """Of the configuration."""
        keys = {
            "kind": '"oidc"',
            "issuer": f'"{self.issuer}"',
            "client_id": '"holdfast"',
            "client_secret": f'"file:{self.secret}"',
            "title": '"Example Works"',
            **more,
        }
        return "[directories.works]\n" + "".join(f"{name} = {value}\n" for name, value in keys.items())
