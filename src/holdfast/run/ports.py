"""The listening sockets: bound once by the supervisor, before it drops its privileges, and kept (RUN-1)."""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Callable, Mapping, Sequence

from holdfast.model.errors import Reason, Refused
from holdfast.run.config import Config
from holdfast.run.reading import split_address

BACKLOG = 4096
PATIENCE_S = 3.0  # the processes of a killed supervisor may hold a port for a moment longer
WEB_PATIENCE_S = 0.5  # the same for web doors, all together: mail waits for none of them
_AGAIN_S = 0.02

# Which doors each role opens.
DOORS: dict[str, tuple[str, ...]] = {
    "mx": ("mx",),
    "submission": ("submission", "submissions"),
    "imap": ("imap", "imaps"),
    "pop3": ("pop3", "pop3s"),
    "password": ("account_http", "account_https"),
    "signup": ("signup_http", "signup_https"),
    "admin": ("admin_http", "admin_https"),
    "jmap": ("jmap_http", "jmap_https"),
    "webmail": ("webmail_http", "webmail_https"),
    "setup": ("setup_http", "setup_https"),
    "health": ("health_http",),
    "care": ("care_http", "care_https"),
}

WEB = ("password", "signup", "admin", "jmap", "webmail", "setup", "health", "care")

Sockets = Mapping[str, Sequence[socket.socket]]


def bind_all(
    config: Config, taken: Callable[[str], object], shut: Callable[[str], object]
) -> dict[str, list[socket.socket]]:
    """Door → its sockets, listening. ``taken`` hears of each port that had to be waited for.

    Raises ``Refused`` that says which address could not be had, and why. A web door that can't be
    had stays shut, ``shut`` hears why, and all others open (RUN-8).
    """
    until = time.monotonic() + PATIENCE_S
    found = {
        door: _open_door(config, role, door, taken, until)
        for role, doors in DOORS.items()
        if role not in WEB
        for door in doors
    }
    until = time.monotonic() + WEB_PATIENCE_S
    for role in WEB:
        for door in DOORS[role]:
            try:
                found[door] = _open_door(config, role, door, taken, until)
            except Refused as refused:
                found[door] = []
                shut(refused.text)
    return found


def _open_door(
    config: Config, role: str, door: str, taken: Callable[[str], object], until: float
) -> list[socket.socket]:
    """None where the role has no workers."""
    found: list[socket.socket] = []
    try:
        for text in getattr(config.listen, door) if getattr(config.workers, role) else ():
            found += _bind_everywhere(door, text, taken, until)
    except Refused:
        for each in found:
            each.close()
        raise
    return found


def open_at(listener: str) -> list[socket.socket]:
    """Of a process by itself. Raises ``Refused``."""
    return _bind_everywhere("", listener, lambda taken: None, time.monotonic() + WEB_PATIENCE_S)


def _bind_everywhere(
    door: str, text: str, taken: Callable[[str], object], until: float
) -> list[socket.socket]:
    """One socket, or with no host one for each of IPv4 and IPv6, as far as the machine has them."""
    host, port = split_address(text)
    if host:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        host = host if ":" in host else _resolve(door, host)
        return [_bind(door, text, family, host, port, taken, until)]
    found = [_bind(door, text, socket.AF_INET, "0.0.0.0", port, taken, until)]
    if _has_ipv6():
        try:
            found.append(_bind(door, text, socket.AF_INET6, "::", port, taken, until))
        except Refused:
            found[0].close()
            raise
    return found


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def _bind(
    door: str, text: str, family: int, host: str, port: int, taken: Callable[[str], object], until: float
) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    while True:
        try:
            listener.bind((host, port))
            listener.listen(BACKLOG)
            listener.setblocking(False)
            return listener
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > until:
                listener.close()
                key = f"listen.{door}" if door else "listen"
                raise Refused(Reason.NOT_ALLOWED, f"{key}: {text}: {_advice(error, port)}") from None
        taken(text)
        time.sleep(_AGAIN_S)


def _resolve(door: str, host: str) -> str:
    try:
        return str(socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_STREAM)[0][4][0])
    except OSError as error:
        raise Refused(Reason.BAD_NAME, f"listen.{door}: '{host}': {error}") from None


def _advice(error: OSError, port: int) -> str:
    text = error.strerror or str(error)
    if error.errno == errno.EADDRINUSE:
        return f"{text}. Another program listens there; `ss -ltnp 'sport = :{port}'` names it."
    if error.errno in (errno.EACCES, errno.EPERM) and port < 1024:
        return f"{text}. Ports below 1024 need root or CAP_NET_BIND_SERVICE (see deploy/)."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{text}. This machine has no such address."
    return text


def address_of(listener: socket.socket) -> str:
    """The address as it is, the port chosen by the kernel included: ``127.0.0.1:2525``."""
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def addresses(sockets: Sockets) -> dict[str, list[str]]:
    return {door: [address_of(each) for each in listeners] for door, listeners in sockets.items()}
