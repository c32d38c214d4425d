"""TLS as a layer between a connection and its bytes, without a socket.

A layer of our own, and not the event loop's: it runs over the simulated network
as well, starts in mid-connection, and its buffers stay small for ten thousand
idle sessions (WORLD-10).
"""

from __future__ import annotations

import ssl
from collections.abc import Sequence

from holdfast.world.disk import Buffer

SLICE_BYTES = 16 * 1024  # one TLS record, RFC 8446 §5.1; OpenSSL's memory BIOs never shrink again

TlsContext = ssl.SSLContext
TlsError = ssl.SSLError


def server_context(certificate_path: str, key_path: str) -> ssl.SSLContext:
    """TLS 1.2 or newer (RFC 8314 §4.1, RFC 9325 §3.1.1); `OSError` (also `SSLError`) for bad files.

    Loading a new certificate into the same context (`load_cert_chain`) serves
    it to later connections without a restart.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.num_tickets = 1
    context.load_cert_chain(certificate_path, key_path)
    return context


def client_context(*, authority_path: str | None = None, verify: bool = True) -> ssl.SSLContext:
    """TLS 1.2 or newer. `verify=False` is opportunistic TLS between servers (RFC 7435)."""
    context = ssl.create_default_context(cafile=authority_path)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class TlsLayer:
    """Ciphertext in, plaintext out, and the other way round."""

    __slots__ = ("_in", "_out", "ended", "object", "ready")

    def __init__(self, context: ssl.SSLContext, *, server_side: bool, server_name: str | None = None) -> None:
        self._in = ssl.MemoryBIO()
        self._out = ssl.MemoryBIO()
        self.object = context.wrap_bio(self._in, self._out, server_side, server_name)
        self.ready = False  # the handshake is done
        self.ended = False  # the peer has said that it sends no more

    def begin(self) -> None:
        """The client's first flight; a server has nothing to say yet."""
        self._shake()

    def receive(self, data: bytes, scratch: bytearray) -> bytes:
        """Plaintext of what came; may be empty. `ssl.SSLError` if the peer is no good."""
        if len(data) <= SLICE_BYTES:
            self._in.write(data)
            return self._read(scratch) if self.ready or self._shake() else b""
        view = memoryview(data)
        plain = []
        for start in range(0, len(data), SLICE_BYTES):
            self._in.write(view[start : start + SLICE_BYTES])
            if self.ready or self._shake():
                plain.append(self._read(scratch))
        return b"".join(plain)

    def pending(self) -> bytes:
        """Ciphertext that must go out: handshake and alerts."""
        return self._out.read() if self._out.pending else b""

    def send(self, parts: Sequence[Buffer]) -> list[bytes]:
        """Ciphertext of the parts, joined, in pieces of one record."""
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        if len(data) <= SLICE_BYTES:
            self.object.write(data)
            return [self._out.read()]
        view = memoryview(data)
        sealed = []
        for start in range(0, len(data), SLICE_BYTES):
            self.object.write(view[start : start + SLICE_BYTES])
            sealed.append(self._out.read())
        return sealed

    def finish(self) -> bytes:
        """Our close_notify (RFC 8446 §6.1), if there is any use in it."""
        if self.ready:
            try:
                self.object.unwrap()
            except (ssl.SSLError, OSError, ValueError):
                pass  # the peer's own is not waited for
        return self.pending()

    def _shake(self) -> bool:
        try:
            self.object.do_handshake()
        except ssl.SSLWantReadError:
            return False
        self.ready = True
        return True

    def _read(self, scratch: bytearray) -> bytes:
        read, waiting, size = self.object.read, self.object.pending, len(scratch)
        pieces = []
        try:
            while True:
                got: int = read(size, scratch)  # type: ignore[assignment]  # typeshed: bytes
                if got == 0:
                    self.ended = True
                    break
                pieces.append(bytes(memoryview(scratch)[:got]))
                if not self._in.pending and not waiting():
                    break
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.ended = True
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)
