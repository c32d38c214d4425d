"""How long the IMAP machines take for typical commands and responses, in microseconds; prints JSON.

    python bench/imap_wire.py [rounds]

Each number is processor time, the median of the rounds (default 5). ``server``: from bytes to the
event, the whole machine. ``append_mb_s``: a 10 MB literal in 64 KiB pieces.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable

from holdfast.model.limits import Limits
from holdfast.wire.imap import responses
from holdfast.wire.imap.client import Client
from holdfast.wire.imap.dates import internaldate
from holdfast.wire.imap.events import LiteralWanted, State
from holdfast.wire.imap.server import Server

COMMANDS = {
    "noop": b"a1 NOOP\r\n",
    "select": b'a2 SELECT "INBOX"\r\n',
    "list": b'a3 LIST "" "*"\r\n',
    "fetch_list": b"a4 FETCH 1:* (FLAGS UID RFC822.SIZE ENVELOPE)\r\n",
    "uid_fetch_body": b"a5 UID FETCH 123456 BODY.PEEK[]\r\n",
    "uid_fetch_header": b"a6 UID FETCH 17:44 (UID FLAGS BODY.PEEK[HEADER.FIELDS (DATE FROM TO SUBJECT)])\r\n",
    "uid_store": b"a7 UID STORE 12:15 +FLAGS.SILENT (\\Seen \\Deleted)\r\n",
    "uid_search": b"a8 UID SEARCH UNSEEN SINCE 1-Jan-2024\r\n",
    "uid_copy": b"a9 UID COPY 1,5,9:12 Archive\r\n",
    "login": b'a10 LOGIN someone@example.org "a password"\r\n',
}
ANSWERS = {
    "fetch_flags": b"* 12 FETCH (UID 4827313 FLAGS (\\Seen))\r\n",
    "fetch_envelope": (
        b'* 12 FETCH (UID 17 FLAGS (\\Seen) RFC822.SIZE 4286 ENVELOPE ("Wed, 17 Jul 1996 02:23:25 -0700" '
        b'"A subject" (("A" NIL "a" "example.org")) NIL NIL (("B" NIL "b" "example.org")) '
        b'NIL NIL NIL "<x@example.org>"))\r\n'
    ),
    "tagged": b"a1 OK [READ-WRITE] Done.\r\n",
}


def microseconds(work: Callable[[], object], rounds: int, times: int) -> float:
    work()
    means = []
    for _ in range(rounds):
        begin = time.process_time()
        for _ in range(times):
            work()
        means.append((time.process_time() - begin) / times * 1e6)
    return round(statistics.median(means), 2)


def read_command(line: bytes, state: State) -> Callable[[], object]:
    server = Server(Limits())
    server.state = state

    def work() -> None:
        server.receive(line)
        assert server.next_event() is not None
        assert server.next_event() is None

    return work


def read_answer(line: bytes) -> Callable[[], object]:
    client = Client()

    def work() -> None:
        client.receive(line)
        assert client.next_event() is not None

    return work


def append(size: int) -> None:
    server = Server(Limits())
    server.state = State.AUTHENTICATED
    server.receive(b"a APPEND INBOX {%d+}\r\n" % size)
    assert isinstance(server.next_event(), LiteralWanted)
    server.accept_literal()
    piece = bytes(65536)
    for _ in range(size // len(piece)):
        server.receive(piece)
        assert server.next_event() is None
    server.receive(b"\r\n")
    assert server.next_event() is not None


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    names = responses.FlagNames(["work", "$Forwarded"])
    size = 160 * 65536
    result = {
        "unit": "microseconds",
        "rounds": rounds,
        "server": {
            name: microseconds(
                read_command(line, State.NOT_AUTHENTICATED if name == "login" else State.SELECTED),
                rounds,
                10_000,
            )
            for name, line in COMMANDS.items()
        },
        "client": {name: microseconds(read_answer(line), rounds, 10_000) for name, line in ANSWERS.items()},
        "responses": {
            "flags_of": microseconds(lambda: names.of(9), rounds, 50_000),
            "fetch_flags": microseconds(lambda: responses.fetch_flags(7, b"(\\Seen)", uid=9), rounds, 50_000),
            "internaldate": microseconds(lambda: internaldate(1_700_000_000), rounds, 50_000),
            "list_line": microseconds(lambda: responses.list_line("Archive/2024"), rounds, 50_000),
        },
        "append_mb_s": round(size / microseconds(lambda: append(size), rounds, 3)),
    }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
