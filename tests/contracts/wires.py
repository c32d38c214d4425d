"""Sessions and certificates for the tests of connections."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from holdfast.world import Session


class Client(Session):
    """Collects what comes."""

    __slots__ = ("_news", "data", "end", "gone")

    def __init__(self) -> None:
        self.data = bytearray()
        self.gone = False
        self.end: Exception | None = None
        self._news = asyncio.Event()

    def received(self, data: bytes) -> None:
        self.data += data
        self._news.set()

    def lost(self, error: Exception | None) -> None:
        self.gone, self.end = True, error
        self._news.set()

    async def until(self, wanted: bytes) -> bytes:
        """Everything up to and with `wanted`."""
        while wanted not in self.data:
            assert not self.gone, f"connection lost before {wanted!r}: {bytes(self.data)!r}"
            self._news.clear()
            await self._news.wait()
        end = self.data.index(wanted) + len(wanted)
        head = bytes(self.data[:end])
        del self.data[:end]
        return head

    async def until_lost(self) -> bytes:
        while not self.gone:
            self._news.clear()
            await self._news.wait()
        return bytes(self.data)


class Lines(Session):
    """A server that reads lines; tests say in `line` what it does with them."""

    __slots__ = ("buffer", "log")

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.log: list[Any] = []

    def received(self, data: bytes) -> None:
        self.buffer += data
        while b"\n" in self.buffer:
            line, _, rest = bytes(self.buffer).partition(b"\n")
            self.buffer[:] = rest
            self.line(line)

    def line(self, line: bytes) -> None:
        self.connection.write(line + b"\n")

    def lost(self, error: Exception | None) -> None:
        self.log.append(("lost", error))


def make_certificate(folder: Path) -> tuple[str, str]:
    """Paths of a self-signed certificate for localhost and 127.0.0.1, and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    begin = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(days=36_500))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate_path, key_path = folder / "certificate.pem", folder / "key.pem"
    certificate_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return str(certificate_path), str(key_path)
