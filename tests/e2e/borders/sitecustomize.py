"""Notes what processes of a service under test reach: files, sockets, the DNS, partners.

Python loads this by its name at its start, from a folder in PYTHONPATH. With BORDERS in the environment
each new ``process TAB kind TAB target`` becomes a line of that file; the program itself knows nothing of it.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import Any

_seen: set[tuple[str, str, str]] = set()


def process() -> str:
    """``mx-0``; '' for what is no process of the service."""
    comm = os.open("/proc/self/comm", os.O_RDONLY)  # within what hears of every ``open``: nothing grander
    name = os.read(comm, 64).decode().strip()
    os.close(comm)
    return name.removeprefix("hf ") if name.startswith("hf ") else ""


def install(path: str) -> None:
    out = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)

    def note(kind: str, target: object) -> None:
        if isinstance(target, bytes):
            target = os.fsdecode(target)
        if not isinstance(target, str) or target.startswith("/proc/"):
            return
        line = process(), kind, target
        if line[0] and line not in _seen:
            _seen.add(line)
            os.write(out, ("\t".join(line) + "\n").encode())

    def heard(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            note("path", arguments[0])
        elif event == "socket.connect" and isinstance(arguments[1], str):
            note("path", arguments[1])

    sys.addaudithook(heard)
    _outside_python(note)


def _outside_python(note: Callable[[str, object], None]) -> None:
    """What the interpreter doesn't tell of: SQLite, and uvloop's sockets."""
    import apsw

    from holdfast.world.dns import RealResolver
    from holdfast.world.http import HttpClient
    from holdfast.world.net import RealNet

    class Connection(apsw.Connection):
        def __init__(self, path: str, *arguments: Any, **keys: Any) -> None:
            note("path", path)
            super().__init__(path, *arguments, **keys)

    apsw.Connection = Connection  # type: ignore[misc]

    def told(kind: str, what: Callable[[tuple[Any, ...], dict[str, Any]], object], do: Any) -> Any:
        @functools.wraps(do)
        def noted(*arguments: Any, **keys: Any) -> Any:
            target = what(arguments, keys)
            note("path" if isinstance(target, str) and target.startswith("/") else kind, target)
            return do(*arguments, **keys)

        return noted

    def address(arguments: tuple[Any, ...], keys: dict[str, Any]) -> object:
        where = arguments[2]
        return where if isinstance(where, str) else f"{where[0]}:{where[1]}"

    RealNet.connect = told("address", address, RealNet.connect)  # type: ignore[method-assign]
    RealResolver._answer = told("word", lambda *_: "dns", RealResolver._answer)  # type: ignore[method-assign]
    HttpClient.ask = told("word", lambda _, keys: keys["component"], HttpClient.ask)  # type: ignore[method-assign]


if os.environ.get("BORDERS"):
    install(os.environ["BORDERS"])
