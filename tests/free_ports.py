"""Ports for servers under test, from where the system takes none for outgoing connections.

A port is its process's until that ends: a service that is stopped for a while gets its own again, also where
several runs of tests go on beside each other.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import socket
import tempfile

# Below net.ipv4.ip_local_port_range: a port of that range may be a client's before the server has it.
LOWEST, HIGHEST = 12_000, 32_000

_given: set[int] = set()
_ours: list[int] = []  # the descriptor of the file whose byte N is locked by whoever has port N


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on, and nobody else will."""
    ports: list[int] = []
    while len(ports) < count:
        port = random.randrange(LOWEST, HIGHEST)
        if port not in _given and _take(port):
            _given.add(port)
            ports.append(port)
    return ports


def _take(port: int) -> bool:
    if not _ours:
        path = os.path.join(tempfile.gettempdir(), "holdfast-test-ports")
        _ours.append(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666))
    with contextlib.suppress(OSError), socket.socket() as probe:
        fcntl.lockf(_ours[0], fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
        return True
    return False
