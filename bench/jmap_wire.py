"""How long the JMAP machines take, in microseconds; prints JSON.

    python bench/jmap_wire.py [rounds]

Each number is processor time, the median of the rounds (default 5).
``query_and_get``: one request of Email/query and Email/get of 50 by reference, from its bytes to the
answer's, results at hand. ``email``: to the properties a list or a reader shows, from a message's bytes;
``indexed``: from its ENVELOPE. ``query_changes``: of two lists of 100,000 ids.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable

from holdfast.mime.envelope import envelope
from holdfast.mime.structure import parse
from holdfast.wire.jmap.client import Client
from holdfast.wire.jmap.core import CORE, MAIL, CoreLimits, Json
from holdfast.wire.jmap.email import EmailReader
from holdfast.wire.jmap.indexed import envelope_properties
from holdfast.wire.jmap.methods import METHODS, BodyWishes, EmailQuery
from holdfast.wire.jmap.patch import apply_patch
from holdfast.wire.jmap.server import Server
from holdfast.wire.jmap.standard import GetResult, QueryResult
from holdfast.wire.jmap.windows import query_changes

LIST_PROPERTIES = [
    "threadId",
    "mailboxIds",
    "keywords",
    "from",
    "to",
    "subject",
    "receivedAt",
    "size",
    "preview",
]
MESSAGE = (
    b"From: =?utf-8?q?J=C3=B6?= <jo@example.org>\r\nTo: a@example.org, Bea <b@example.org>\r\n"
    b"Subject: Minutes of the meeting\r\nMessage-ID: <1@x>\r\nDate: Tue, 10 Jul 2018 01:03:11 +1000\r\n"
    b'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="b"\r\n\r\n'
    b"--b\r\nContent-Type: text/plain\r\n\r\n" + b"Some words of text.\r\n" * 40 + b"--b\r\n"
    b"Content-Type: text/html; charset=utf-8\r\n\r\n" + b"<p>Some <b>words</b>.</p>\r\n" * 40 + b"--b--\r\n"
)


def microseconds(work: Callable[[], object], rounds: int, times: int) -> float:
    work()
    means = []
    for _ in range(rounds):
        begin = time.process_time()
        for _ in range(times):
            work()
        means.append((time.process_time() - begin) / times * 1e6)
    return round(statistics.median(means), 1)


def query_and_get() -> Callable[[], object]:
    client = Client(CORE, MAIL)
    query = client.call("Email/query", EmailQuery(account_id="A1", filter={"inMailbox": "M1"}, limit=50))
    client.call("Email/get", {"accountId": "A1", "ids": query.result("/ids"), "properties": LIST_PROPERTIES})
    body = client.body()
    ids = [f"M{281474976710656 + each}" for each in range(50)]
    reader = EmailReader(LIST_PROPERTIES, BodyWishes())
    kept = {
        "id": "M1",
        "threadId": "T1",
        "mailboxIds": {"M1": True},
        "keywords": {"$seen": True},
        "size": 4286,
    }
    email = reader.read(
        parse(MESSAGE), {**kept, "receivedAt": "2018-07-10T01:03:11Z"}, lambda part: part.number
    )
    emails: list[object] = [{**email, "id": each} for each in ids]
    limits = CoreLimits()

    def work() -> None:
        server = Server(METHODS, limits, "s1")
        server.receive(body)
        server.end()
        call = server.next_event()
        assert call is not None and isinstance(call.arguments, EmailQuery)
        call.arguments.where()
        server.answer(
            QueryResult(account_id="A1", query_state="q", can_calculate_changes=True, position=0, ids=ids)
        )
        assert server.next_event() is not None
        server.answer(GetResult(account_id="A1", state="1", list=emails, not_found=[]))
        assert server.next_event() is None
        server.take()

    return work


def email(properties: list[str], wishes: BodyWishes) -> Callable[[], object]:
    reader = EmailReader(properties, wishes)
    return lambda: reader.read(parse(MESSAGE), {"id": "M1"}, lambda part: part.number)


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    old = [f"M{each}" for each in range(100_000)]
    new = ["new", *old[:50_000], *old[50_001:], old[50_000]]
    index = envelope(MESSAGE)
    keywords: Json = {"keywords": {"$seen": True}, "mailboxIds": {"M1": True}}
    result = {
        "unit": "microseconds",
        "rounds": rounds,
        "query_and_get": microseconds(query_and_get(), rounds, 500),
        "email": {
            "list": microseconds(email(["from", "to", "subject", "preview"], BodyWishes()), rounds, 1000),
            "indexed": microseconds(lambda: envelope_properties(index), rounds, 1000),
            "reader": microseconds(
                email(
                    ["from", "to", "subject", "sentAt", "textBody", "htmlBody", "attachments", "bodyValues"],
                    BodyWishes(html=True),
                ),
                rounds,
                1000,
            ),
        },
        "apply_patch": microseconds(lambda: apply_patch(keywords, {"keywords/$flagged": True}), rounds, 5000),
        "query_changes": microseconds(lambda: query_changes(old, new), rounds, 3),
    }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
