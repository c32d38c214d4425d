"""A reader's connection, opened at an unlucky moment."""

from __future__ import annotations

import threading
from pathlib import Path

import apsw

from holdfast.store import schema


def test_store_8_who_opens_an_index_that_somebody_else_repairs_waits_for_it(tmp_path: Path) -> None:
    """Who comes first after a writer was killed holds all locks until the WAL is read: to others it is as
    with a connection that shares nothing."""
    path = str(tmp_path / "cell.sqlite")
    alone = apsw.Connection(path)
    alone.execute("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL").fetchall()
    schema.create(alone)
    opened = threading.Event()
    ended = threading.Thread(target=lambda: (opened.wait(10), alone.close()))
    ended.start()
    threading.Timer(0.1, opened.set).start()
    reader = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READWRITE)
    schema.tune_reader(reader)
    assert reader.execute("SELECT value FROM meta WHERE key='version'").get == schema.VERSION
    reader.close()
    ended.join()
