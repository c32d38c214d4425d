"""A self-signed certificate, so that TLS works from the first minute."""

from __future__ import annotations

import datetime
import ipaddress
import os
from typing import TYPE_CHECKING

from holdfast.run.system import give, make_folder

if TYPE_CHECKING:
    from cryptography import x509

DAYS = 825  # what clients accept at most


def make(certificate: str, key: str, names: list[str], now: float, user: str = "") -> None:
    """Writes a P-256 key (0600) and a certificate for ``names`` (DNS names and addresses), as PEM.

    ``user``: whom they belong to, when root makes them. P-256: a handshake costs a tenth of RSA's.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    private = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
    begins = datetime.datetime.fromtimestamp(now, datetime.UTC) - datetime.timedelta(hours=1)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + datetime.timedelta(days=DAYS))
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(private, hashes.SHA256())
    )
    for path in (certificate, key):
        make_folder(os.path.dirname(path), user)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write(key, pem, 0o600, user)
    _write(certificate, built.public_bytes(serialization.Encoding.PEM), 0o644, user)


def _general_name(name: str) -> x509.GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write(path: str, data: bytes, mode: int, user: str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(fd, "wb") as file:
        os.fchmod(fd, mode)
        file.write(data)
    give(path, user)
