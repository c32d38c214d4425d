"""What one account asks for at length, and how long the others wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from itertools import groupby
from types import SimpleNamespace
from typing import Any, cast

import pytest

from holdfast.functions.imap.search import Searching, Steps
from holdfast.model.mail import Flag
from holdfast.model.uidset import EMPTY, UidSet
from holdfast.store.reader import CHUNK_ROWS, Column
from holdfast.wire.imap import commands as c
from unit.functions.imap.imap_service import Service, play

CONNECTIONS, PIECES = 8, 100


def test_imapd_11_an_account_works_at_one_piece_at_a_time_however_many_connections_it_has(
    tmp_path, monkeypatch
):
    begun = pieces = 0
    went_on: list[int] = []

    def long(self: Searching, key: c.SearchKey) -> Steps:
        nonlocal begun, pieces
        begun += 1
        mine = begun
        for piece in range(PIECES):
            pieces += 1
            if piece:
                went_on.append(mine)
            yield
        return set()

    monkeypatch.setattr(Searching, "run", long)

    async def scene(service: Service) -> None:
        clients = [await service.client("ada", "INBOX") for _ in range(CONNECTIONS)]
        tags = [client.put("SEARCH TEXT word") for client in clients]
        most = 0
        while begun < CONNECTIONS:
            await asyncio.sleep(0)
        while pieces < CONNECTIONS * PIECES:
            before = pieces
            await asyncio.sleep(0)
            most = max(most, pieces - before)
        assert most == 1
        assert len(list(groupby(went_on))) == CONNECTIONS, "one search after another"
        assert [(await client.until(tag)).status for client, tag in zip(clients, tags)] == [
            "OK"
        ] * CONNECTIONS

    play(tmp_path, scene)


class Kept:
    """An account's mail, of which every third message is seen. ``read``: rows since it was set to 0."""

    read = 0

    def keywords(self) -> list[str]:
        return []

    def rows(self, _: int, uids: UidSet, columns: Sequence[Column]) -> Iterator[list[tuple[Any, ...]]]:
        every = list(uids)
        for first in range(0, len(every), CHUNK_ROWS):
            chunk = every[first : first + CHUNK_ROWS]
            self.read += len(chunk)
            yield [(uid, self.value(columns[1], uid)) for uid in chunk]

    def value(self, column: Column, uid: int) -> Any:
        return b"nobody writes so" if column is Column.ENVELOPE else int(Flag.SEEN) * (uid % 3 == 0)


@pytest.mark.parametrize(
    ("key", "count"),
    [
        (c.SearchFlag(Flag.SEEN, True), 2 * CHUNK_ROWS),
        (c.SearchHeader("SUBJECT", "word"), 0),
        (c.SearchSize(9999, larger=True), 0),
    ],
)
def test_imapd_7_a_search_reads_no_more_than_a_chunk_of_rows_before_others_have_their_turn(key, count):
    kept = Kept()
    view = SimpleNamespace(uids=UidSet(((1, 6 * CHUNK_ROWS),)), gone=EMPTY, mailbox=1, recent=EMPTY)
    steps = Searching(cast(Any, view), cast(Any, kept), lambda ids, uid: EMPTY, 0.0).run(key)
    pieces = 0
    while True:
        kept.read = 0
        try:
            next(steps)
        except StopIteration as end:
            assert len(end.value) == count and pieces >= 6
            return
        finally:
            assert kept.read <= CHUNK_ROWS
        pieces += 1
