"""Ports for servers under test, from where the system takes none for outgoing connections."""

from __future__ import annotations

import contextlib
import random
import socket

# Below net.ipv4.ip_local_port_range: a port of that range may be a client's before the server has it.
LOWEST, HIGHEST = 12_000, 32_000


def free_ports(count: int) -> list[int]:
    """Ports of loopback nobody listens on; all held until all are known, so that they differ."""
    with contextlib.ExitStack() as held:
        ports: list[int] = []
        while len(ports) < count:
            port = random.randrange(LOWEST, HIGHEST)
            if port in ports:  # with SO_REUSEADDR it could be held twice
                continue
            probe = held.enter_context(socket.socket())
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                ports.append(port)
        return ports
