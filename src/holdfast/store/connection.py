"""One cell's index, open for reading. Every error of it is ``Unavailable`` with the cell's name (STORE-8)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import apsw

from holdfast.model.errors import Unavailable
from holdfast.store import schema
from holdfast.store.index import component


class CellReader:
    """``on_damage``: told of the cell whenever its index is met damaged."""

    __slots__ = ("_on_damage", "cell", "db", "identity")

    def __init__(
        self,
        db: apsw.Connection,
        cell: int,
        identity: tuple[int, int] | None,
        on_damage: Callable[[int], object] | None = None,
    ) -> None:
        self.db = db
        self.cell = cell
        self.identity = identity
        self._on_damage = on_damage

    def rows(self, sql: str, *values: object) -> list[Any]:
        try:
            return schema.rows(self.db, sql, *values)
        except schema.UNREADABLE as error:
            raise self._unavailable(error) from error

    def many(self, sql: str, bindings: Iterable[tuple[Any, ...]]) -> list[Any]:
        """The rows that one question finds with each of many bindings."""
        try:
            return list(self.db.executemany(sql, bindings))
        except schema.UNREADABLE as error:
            raise self._unavailable(error) from error

    @contextlib.contextmanager
    def moment(self) -> Iterator[None]:
        """All that is read within is of one moment; there is to be no await within. May be nested."""
        if self.db.in_transaction:
            yield
            return
        self.rows("BEGIN")
        try:
            yield
        finally:
            self.rows("COMMIT")

    def _unavailable(self, error: Exception) -> Unavailable:
        if isinstance(error, schema.DAMAGED) and self._on_damage is not None:
            self._on_damage(self.cell)
        return Unavailable(component(self.cell), f"{type(error).__name__}: {error}")
