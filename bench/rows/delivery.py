"""Delivered: sent by SMTP, durable, and seen in the mailboxes by IMAP; spread over a hundred accounts."""

from __future__ import annotations

import time

from bench.load.imap import Imap
from bench.load.messages import message, sizes
from bench.load.play import Play, no_collection
from bench.load.smtp import deliver
from bench.peers import Peer
from bench.rows import Measures, Program, Stage, percentile

ACCOUNTS = 100
LOOK_S = 0.004


def program(key: str, connections: int, each: int, total: int, mean: int = 0) -> Program:
    """``each``: messages per connection; ``mean`` 0: all of 4 KiB, else mixed, 1 KiB to 5 MiB."""

    def play(peer: Peer, run: int, stage: Stage) -> Measures:
        count = stage.size(total, total // 4)
        wanted = sizes(count, mean, spread=1.7) if mean else [4096] * count
        stamp = f"{key}-{run}-{int(time.time())}-"
        mails = [message(n, size, stamp) for n, size in enumerate(wanted)]
        to = [peer.user(n % ACCOUNTS).encode() for n in range(count)]
        looks = [Imap(peer.at("imap"), peer.user(n)) for n in range(ACCOUNTS)]
        expected = [look.count() + len(range(n, count, ACCOUNTS)) for n, look in enumerate(looks)]
        took: list[float] = []
        numbers = iter(range(count))
        scripts = (
            deliver(numbers, each, lambda n: (to[n], mails[n]), lambda n, s: took.append(s))
            for _ in range(-(-count // each))
        )
        cpu, started = peer.cpu_s(), time.perf_counter()
        load = Play(peer.at("smtp"))
        with no_collection():
            played = load.run(scripts, connections)
            for look, full in zip(looks, expected):
                while (have := look.count()) < full:
                    time.sleep(LOOK_S)
                    if time.perf_counter() - started > 180:
                        raise TimeoutError(f"{peer.name}: {have} of {full} there")
        seconds = time.perf_counter() - started
        cpu = peer.cpu_s() - cpu
        load.close()
        for look in looks:
            look.close()
        if played.failed or len(took) != count:
            raise RuntimeError(f"{peer.name}: {played.failed} connections failed, {len(took)} accepted")
        return {
            f"{key}/s": count / seconds,
            f"{key} cpu ms": cpu / count * 1000,
            f"{key} p99 ms": percentile(took, 0.99) * 1000,
            f"{key} accepted/s": count / played.seconds,
        }

    return play


PROGRAMS: dict[str, Program] = {
    "deliver-20x20": program("deliver-20x20", 20, 20, 2000),
    "deliver-100x20": program("deliver-100x20", 100, 20, 2000),
    "deliver-20x1": program("deliver-20x1", 20, 1, 2000),
    "deliver-mixed": program("deliver-mixed", 20, 20, 1000, 56 * 1024),
}
