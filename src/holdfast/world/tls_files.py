"""A certificate and its key, taken up anew when their files change: no restart, no connection dropped."""

from __future__ import annotations

import ssl

from holdfast.model.limits import CERTIFICATE_LOOK_S
from holdfast.world.events import CERTIFICATE_NOT_TAKEN, CERTIFICATE_TAKEN
from holdfast.world.tls import TlsContext, server_context
from holdfast.world.world import World


class TlsFiles:
    """``context`` serves what the files held when they were last good (WORLD-19).

    Raises ``OSError`` (also ``SSLError``) when they are no good from the start.
    """

    def __init__(self, world: World, certificate: str, key: str) -> None:
        self._world = world
        self._paths = (certificate, key)
        self._seen = self._read()
        self.context: TlsContext = server_context(certificate, key)

    async def follow(self) -> None:
        """Looks every ``CERTIFICATE_LOOK_S`` until cancelled."""
        while True:
            await self._world.clock.sleep(CERTIFICATE_LOOK_S)
            self.look()

    def look(self) -> bool:
        """Whether a new certificate is served from now on.

        WORLD-19: files that don't fit together, or are gone, change nothing. They are tried in a context
        of their own first: one that is loaded in vain has lost its key. A few milliseconds when they
        changed, else two reads of files that the system has in memory.
        """
        try:
            now = self._read()
        except OSError:
            return False  # on its way, or taken away: what is served stays
        if now == self._seen:
            return False
        self._seen = now
        try:
            server_context(*self._paths)
            if self._read() != now:
                self._seen = (b"", b"")  # somebody writes just now: the next look
                return False
            self.context.load_cert_chain(*self._paths)
        except (OSError, ssl.SSLError) as error:
            self._world.journal.emit(CERTIFICATE_NOT_TAKEN, path=self._paths[0], error=str(error))
            return False
        self._world.journal.emit(CERTIFICATE_TAKEN, path=self._paths[0])
        return True

    def _read(self) -> tuple[bytes, bytes]:
        certificate, key = self._paths
        return self._world.disk.read(certificate), self._world.disk.read(key)
