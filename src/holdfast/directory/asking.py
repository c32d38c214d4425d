"""What all operations share: a way to ask, and what every change may say about itself."""

from __future__ import annotations

from typing import TypedDict, TypeVar

from holdfast.directory import requests as q

T = TypeVar("T")


class Said(TypedDict, total=False):
    """What every change may say: see ``requests.Request``."""

    by: str
    why: str
    once: str


class Asking:
    """``ask`` brings a request to the people process and its answer back."""

    async def ask(self, request: q.AnyRequest, answer: type[T]) -> T:
        raise NotImplementedError
