"""How long a message's summary takes, in microseconds; prints JSON.

    python bench/mime.py [rounds]

Made messages, and the public corpus of HOLDFAST_CORPUS (else ../shared/corpus) when it is there:
each number is the median of the rounds (default 5), each round the mean over its messages, in
microseconds of CPU. ``thousand_additions`` tells how fast the machine was: the rest scales with it.
"""

from __future__ import annotations

import base64
import json
import os
import re
import statistics
import sys
import tarfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from holdfast.mime import bodystructure, envelope, parse, summary

ROUTE = b"".join(
    b"Received: from mx%d.example.net (mx%d.example.net [192.0.2.%d])\r\n"
    b"\tby mail.example.org with ESMTPS id 4ABCDEF%d\r\n"
    b"\tfor <reader@example.org>; Mon, 6 Jan 2025 10:00:0%d +0100\r\n" % (n, n, n, n, n)
    for n in range(4)
)
HEAD = ROUTE + (
    b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.net; s=s1;\r\n"
    b"\th=from:to:subject:date:message-id; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;\r\n"
    b"\tb=" + b"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo" * 6 + b"\r\n"
    b'From: "Smith, Anna" <anna@example.net>\r\n'
    b"To: Reader <reader@example.org>, team@example.org\r\n"
    b"Cc: =?utf-8?q?J=C3=BCrgen?= <juergen@example.org>\r\n"
    b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= and the minutes of Monday\r\n"
    b"Date: Mon, 6 Jan 2025 10:00:00 +0100\r\n"
    b"Message-ID: <20250106100000.12345@example.net>\r\n"
    b"In-Reply-To: <20250105.1@example.org>\r\n"
    b"References: <20250104.1@example.org> <20250105.1@example.org>\r\n"
    b"User-Agent: Mail 1.0\r\n"
    b"MIME-Version: 1.0\r\n"
)
LINE = b"The quick brown fox jumps over the lazy dog, and it does so again.\r\n"


def plain_4k() -> bytes:
    message = HEAD + b'Content-Type: text/plain; charset="utf-8"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n'
    return message + LINE * ((4096 - len(message)) // len(LINE))


def alternative_4k() -> bytes:
    body = LINE * 12
    page = b"<html><head><style>p{}</style></head><body><p>" + LINE * 12 + b"</p></body></html>\r\n"
    return HEAD + (
        b'Content-Type: multipart/alternative; boundary="=_a1b2c3"\r\n\r\n'
        b"--=_a1b2c3\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + body + b"\r\n--=_a1b2c3\r\n"
        b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        + page
        + b"\r\n--=_a1b2c3--\r\n"
    )


def multipart_100k() -> bytes:
    picture = base64.encodebytes(bytes(range(256)) * 140).replace(b"\n", b"\r\n")
    parts = [
        b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + LINE * 20,
        b'Content-Type: application/pdf; name="minutes.pdf"\r\nContent-Transfer-Encoding: base64\r\n'
        b'Content-Disposition: attachment; filename="minutes.pdf"\r\n\r\n' + picture,
        b'Content-Type: image/png; name="a.png"\r\nContent-Transfer-Encoding: base64\r\n'
        b'Content-Disposition: attachment; filename="a.png"\r\n\r\n' + picture,
    ]
    body = b"".join(b"--==b1==\r\n" + part + b"\r\n" for part in parts)
    return HEAD + b'Content-Type: multipart/mixed; boundary="==b1=="\r\n\r\n' + body + b"--==b1==--\r\n"


def corpus() -> list[bytes]:
    """The public corpus's messages with CRLF, [] when it isn't there."""
    path = Path(os.environ.get("HOLDFAST_CORPUS", "../shared/corpus"))
    archive = path if path.is_file() else path / "spamassassin-public.tar.xz"
    if not archive.exists():
        return []
    found = []
    with tarfile.open(archive) as tar:
        for member in tar:
            stream = tar.extractfile(member) if member.isfile() else None
            if stream is not None:
                message = stream.read()
                if message.startswith(b"From "):
                    message = message.partition(b"\n")[2]
                found.append(re.sub(rb"\r*\n", b"\r\n", message))
    return found


def measured(work: Callable[[bytes], object], messages: Sequence[bytes], rounds: int, times: int) -> float:
    """Microseconds a message."""
    means = []
    for _ in range(rounds):
        begin = time.process_time()
        for _ in range(times):
            for message in messages:
                work(message)
        means.append((time.process_time() - begin) / times / len(messages) * 1e6)
    return round(statistics.median(means), 1)


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    result: dict[str, object] = {
        "unit": "microseconds per message",
        "rounds": rounds,
        "thousand_additions": measured(lambda _: sum(n + 1 for n in range(1000)), [b""], rounds, 1000),
    }
    for name, message in (
        ("plain_4k", plain_4k()),
        ("alternative_4k", alternative_4k()),
        ("multipart_100k", multipart_100k()),
    ):
        result[name] = {
            "bytes": len(message),
            "summary": measured(summary, [message], rounds, 1000),
            "parse": measured(parse, [message], rounds, 1000),
            "envelope": measured(envelope, [message], rounds, 1000),
            "bodystructure": measured(lambda m: bodystructure(parse(m)), [message], rounds, 1000),
        }
    messages = corpus()
    if messages:
        result["corpus"] = {
            "messages": len(messages),
            "bytes": sum(map(len, messages)),
            "summary": measured(summary, messages, rounds, 1),
            "parse": measured(parse, messages, rounds, 1),
        }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
