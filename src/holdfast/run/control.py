"""The supervisor's control socket: one line of JSON in, one out. Both ends.

``{"do": "status"}`` → ``{"pid": …, "since": …, "listeners": {…}, "processes": [{"process": …, …}]}``
(of each process its ``silent_s``, as ``lacking`` the number of its descriptors where all are in use, how many
``ends`` nobody asked for it had lately, and the last: ``ended``);
``{"do": "restart"}`` begins a rolling restart, ``{"do": "halt"}`` ends it where it is, ``{"do": "drain"}``
takes it back, and ``{"do": "resume"}`` takes that back;
``{"do": "restart", "process": "imap-0"}`` starts one process anew, or says why not: ``{"refused": …}``.
What isn't known: ``{"error": …}``.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
from typing import Any

from holdfast.model.errors import Unavailable

COMPONENT = "supervisor"
_LINE_BYTES = 65536


def listen(path: str) -> socket.socket:
    """The socket, for its owner alone. One that a killed supervisor left is replaced."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    os.chmod(path, 0o600)
    listener.listen(64)
    listener.setblocking(False)
    return listener


def ask(path: str, request: dict[str, Any], timeout_s: float = 5.0) -> dict[str, Any]:
    """Raises ``Unavailable('supervisor')`` when nothing answers there."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
            link.settimeout(timeout_s)
            link.connect(path)
            link.sendall(json.dumps(request).encode() + b"\n")
            answer = b""
            while not answer.endswith(b"\n"):
                chunk = link.recv(_LINE_BYTES)
                if not chunk:
                    break
                answer += chunk
        found = json.loads(answer)
    except (OSError, ValueError) as error:
        text = f"nothing answers at {path}: is `holdfast serve` running? ({error})"
        raise Unavailable(COMPONENT, text) from None
    assert isinstance(found, dict)
    return found


class Client:
    """One connection to the control socket, on the supervisor's side; never blocks it."""

    __slots__ = ("_held", "link")

    def __init__(self, link: socket.socket) -> None:
        link.setblocking(False)
        self.link = link
        self._held = b""

    def request(self) -> dict[str, Any] | None:
        """The request once it is whole, ``{}`` for one that makes no sense, None while it isn't whole.

        Raises ConnectionError when the other side is gone.
        """
        try:
            chunk = self.link.recv(_LINE_BYTES)
        except BlockingIOError:
            return None
        if not chunk:
            raise ConnectionResetError
        self._held += chunk
        if b"\n" not in self._held:
            return None if len(self._held) < _LINE_BYTES else {}
        try:
            found = json.loads(self._held.partition(b"\n")[0])
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def reply(self, answer: dict[str, Any]) -> None:
        """Answers and hangs up; an answer fits the socket's buffer."""
        with contextlib.suppress(OSError):
            self.link.sendall(json.dumps(answer).encode() + b"\n")
        self.link.close()
