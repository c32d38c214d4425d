"""Core/echo. RFC 8620 §4"""

from __future__ import annotations

from typing import Final

from holdfast.functions.jmap.asking import Ask, Handler
from holdfast.wire.jmap.core import Json


async def echo(ask: Ask, arguments: Json) -> Json:
    return arguments


HANDLERS: Final[dict[str, Handler]] = {"Core/echo": echo}
