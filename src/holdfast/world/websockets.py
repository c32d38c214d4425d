"""Frames of websockets (RFC 6455) for ``world.http``; apart, so that only who serves them loads it."""

from __future__ import annotations

from collections.abc import Callable

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol


def counted(lost: Callable[[str], object]) -> type[WebSocketsSansIOProtocol]:
    """uvicorn's, of which ``lost`` hears with the address when one has ended."""

    class Counted(WebSocketsSansIOProtocol):
        def connection_lost(self, exc: Exception | None) -> None:
            lost(self.client[0] if self.client else "")
            super().connection_lost(exc)

    return Counted
