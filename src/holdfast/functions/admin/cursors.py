"""Pages: where the next one begins, as a word that says nothing and can't be made up into anything else."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec

from holdfast.functions.admin.permissions import Missing
from holdfast.functions.admin.shapes import Page
from holdfast.model.limits import ADMIN_SCAN

T = TypeVar("T")


def cursor(*keys: int | str) -> str:
    """The word for the page behind the row with these keys."""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(keys)).decode().rstrip("=")


def position(text: str, *first: int | str) -> tuple[Any, ...]:
    """What ``cursor`` was made of; ``first`` for the first page. Raises ``Missing`` for another word."""
    if not text:
        return first
    try:
        keys = msgspec.msgpack.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error, msgspec.DecodeError):
        raise Missing("this page") from None
    right = isinstance(keys, list) and [type(each) for each in keys] == [type(each) for each in first]
    if not right or any(isinstance(each, int) and not 0 <= each < 2**53 for each in keys):
        raise Missing("this page")
    return tuple(keys)


def pages_of(
    limit: int,
    read: Callable[[Any, int], Sequence[T]],
    shown: Callable[[T], bool],
    key: Callable[[T], int | str],
    after: int | str,
) -> Page[T]:
    """A page of what is ``shown`` among what is ``read``; at most ``ADMIN_SCAN`` rows are looked at."""
    found: list[T] = []
    seen = 0
    while seen < ADMIN_SCAN:
        rows = read(after, limit)
        for row in rows:
            after = key(row)
            if shown(row):
                found.append(row)
                if len(found) == limit:
                    return Page(found, cursor(after))
        seen += len(rows)
        if len(rows) < limit:
            return Page(found)
    return Page(found, cursor(after))
