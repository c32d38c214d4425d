"""What a protocol's session is to the connection driver."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holdfast.world.connection import Connection


class Session:
    """Base class of a protocol's session; every callback runs in the event loop and returns at once.

    An exception out of any of them, or out of the spawned coroutine, is
    journalled, `failed` is called, and the connection closed (WORLD-11).
    """

    __slots__ = ("connection",)

    connection: Connection

    def connected(self) -> None:
        """The connection stands (with TLS: the handshake is done); greet here."""

    def received(self, data: bytes) -> None:
        """Bytes came, also while a spawned coroutine runs: feed them to the machine in any case."""

    def ready(self) -> None:
        """The spawned coroutine has ended; go on with what the machine has queued."""

    def writable(self) -> None:
        """The peer has taken enough of what was written that more may follow."""

    def ended(self) -> None:
        """The peer sends no more, and no coroutine runs; it may still be reading. Closes by default."""
        self.connection.close()

    def timed_out(self) -> None:
        """Nothing came or went for as long as `set_timeout` said. Closes by default."""
        self.connection.close()

    def failed(self, error: Exception) -> None:
        """The session's own code raised; write the protocol's temporary error here. Closing follows."""

    def lost(self, error: Exception | None) -> None:
        """The connection is gone; the last callback. `error` is None after an orderly end."""
