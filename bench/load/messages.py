"""Messages made from a number: the same in every run, for every server."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterator

KIB, MIB = 1024, 1024 * 1024
_WORDS = re.findall(
    r"\w+",
    """
    the of and to in that is was for with as his on be at by had not are but from or have an they which
    one you were her all she there would their we him been has when who will more no if out so said what
    up its about into than them can only other new some could time these two may then do first any my
    now such like our over man me even most made after also did many before must through back years
    where much your way well down should because each just those people how too little state good very
    make world still own see men work long get here between both life being under never day same another
    know while last might us great old year off come since against go came right used take three
    """,
)
_NAMES = (
    "Anna Smith",
    "Ben Miller",
    "Cleo Jones",
    "Dora Weiss",
    "Emil Novak",
    "Frida Berg",
    "Gus Lang",
    "Hanna Roth",
)


def text(size: int, seed: int = 1) -> bytes:
    """Lines of words, CRLF, none of which begins with a dot."""
    chance = random.Random(seed)
    lines: list[bytes] = []
    have = 0
    while have < size:
        line = " ".join(chance.choices(_WORDS, k=12)).encode() + b"\r\n"
        lines.append(line)
        have += len(line)
    return b"".join(lines)


_TEXT = text(6 * MIB)


def message(number: int, size: int, run: str = "") -> bytes:
    """About ``size`` bytes, with the header fields ordinary mail has; every tenth in two parts."""
    who, whom = _NAMES[number % 8], _NAMES[(number * 3 + 1) % 8]
    head = (
        f"Received: from relay{number % 5}.example.net"
        f" (relay{number % 5}.example.net [192.0.2.{number % 200}])\r\n"
        f"\tby mx.example.net with ESMTPS id {number:08X}\r\n"
        f"\tfor <reader@example.org>; Mon, 6 Jan 2025 10:{number // 60 % 60:02d}:{number % 60:02d} +0100\r\n"
        f'From: "{who}" <{who.replace(" ", ".").lower()}@example.net>\r\n'
        f'To: "{whom}" <{whom.replace(" ", ".").lower()}@example.org>, list{number % 7}@example.org\r\n'
        f"Subject: Minutes of meeting {number} and what follows\r\n"
        f"Date: Mon, 6 Jan 2025 10:{number // 60 % 60:02d}:{number % 60:02d} +0100\r\n"
        f"Message-ID: <{run}{number}@bench.example.net>\r\n"
        f"In-Reply-To: <{number - 1}@bench.example.net>\r\n"
        f"References: <{number - 2}@bench.example.net> <{number - 1}@bench.example.net>\r\n"
        "User-Agent: Bench 1.0\r\nMIME-Version: 1.0\r\n"
    ).encode()
    at = number * 7919 % MIB
    at = _TEXT.index(b"\n", at) + 1
    room = max(64, size - len(head))
    if number % 10:
        body = _TEXT[at : at + room]
        return (
            head
            + b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
            + body[: body.rfind(b"\n") + 1]
        )
    half = _TEXT[at : at + max(64, room // 2)]
    half = half[: half.rfind(b"\n") + 1]
    return head + (
        b'Content-Type: multipart/alternative; boundary="=_b1"\r\n\r\n--=_b1\r\n'
        b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + half + b"\r\n--=_b1\r\n"
        b"Content-Type: text/html; charset=utf-8\r\n\r\n<html><body><p>\r\n"
        + half
        + b"</p></body></html>\r\n"
        b"\r\n--=_b1--\r\n"
    )


def sizes(count: int, mean: int, *, least: int = KIB, most: int = 5 * MIB, spread: float = 1.0) -> list[int]:
    """Log-normal, cut at both ends, scaled so that the mean is ``mean``."""
    chance = random.Random(count + mean)
    raw = [math.exp(chance.gauss(0, spread)) for _ in range(count)]
    scale = mean * count / sum(raw)
    for _ in range(20):
        cut = [min(most, max(least, each * scale)) for each in raw]
        scale *= mean * count / sum(cut)
    return [int(each) for each in cut]


def many(count: int, mean: int, run: str = "", **shape: float) -> Iterator[bytes]:
    return (message(n, size, run) for n, size in enumerate(sizes(count, mean, **shape)))  # type: ignore[arg-type]
