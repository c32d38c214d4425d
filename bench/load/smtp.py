"""SMTP: messages delivered over kept connections, the envelope in one write, then the message."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from bench.load.play import Script, lines, smtp_reply

ENVELOPE = b"MAIL FROM:<sender@example.net>\r\nRCPT TO:<%s>\r\nDATA\r\n"
Accepted = Callable[[int, float], None]  # number of the message, seconds it took


def deliver(
    numbers: Iterator[int], each: int, mail: Callable[[int], tuple[bytes, bytes]], took: Accepted
) -> Script:
    """Sends up to ``each`` messages of ``numbers``; ``mail`` gives a number's recipient and message."""
    clock = time.perf_counter
    reply = yield b"", smtp_reply
    assert reply.startswith(b"220"), reply
    yield b"EHLO client.example.net\r\n", smtp_reply
    for _ in range(each):
        number = next(numbers, None)
        if number is None:
            break
        recipient, message = mail(number)
        started = clock()
        reply = yield ENVELOPE % recipient, lines(3)
        assert b"\r\n354" in reply, reply
        reply = yield message + b".\r\n", smtp_reply
        assert reply.startswith(b"250"), reply
        took(number, clock() - started)
    yield b"QUIT\r\n", smtp_reply
