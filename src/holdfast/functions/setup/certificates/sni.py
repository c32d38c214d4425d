"""The certificate by the name that a client asks for. RFC 6066 §3."""

from __future__ import annotations

import ssl
from collections.abc import Callable

from holdfast.model.limits import CERTIFICATE_LOOK_S, CERTIFICATES_OPEN
from holdfast.world import World
from holdfast.world.tls import TlsContext
from holdfast.world.tls_files import TlsFiles

Paths = Callable[[str], tuple[str, str] | None]


class ByName:
    """Chooses among certificates; names without one of their own get the machine's.

    ``paths``: certificate and key for a name, None for none.
    """

    def __init__(self, world: World, paths: Paths) -> None:
        self._world = world
        self._paths = paths
        self._open: dict[tuple[str, str], tuple[TlsFiles, float]] = {}

    def choose_in(self, context: TlsContext) -> None:
        """From now on, for each handshake in this context."""
        context.sni_callback = self._chosen

    def _chosen(self, handshake: ssl.SSLObject, name: str | None, context: TlsContext) -> None:
        if name and (found := self.context_for(name.lower().rstrip("."))) is not None:
            handshake.context = found

    def context_for(self, name: str) -> TlsContext | None:
        """A few milliseconds when the files are new, else next to nothing."""
        paths = self._paths(name)
        if paths is None:
            return None
        now = self._world.clock.monotonic()
        files, looked_at = self._open.pop(paths, (None, 0.0))
        try:
            if files is None:
                files, looked_at = TlsFiles(self._world, *paths), now
        except OSError:
            return None  # not there yet, or no good
        if now - looked_at > CERTIFICATE_LOOK_S:
            files.look()
            looked_at = now
        self._open[paths] = files, looked_at  # the last in use stands last
        while len(self._open) > CERTIFICATES_OPEN:
            del self._open[next(iter(self._open))]
        return files.context
