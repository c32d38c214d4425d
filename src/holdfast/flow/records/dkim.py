"""DKIM keys of our domains: made here, kept in files, published by hand. RFC 6376 §3.6.1, RFC 8463.

They sign nothing yet; the record may be in the DNS before (a key without signatures harms nobody).
"""

from __future__ import annotations

import base64
import datetime
import os.path
import re

import msgspec

from holdfast.model.errors import Reason, Refused
from holdfast.world import World

RSA_BITS = 2048  # RFC 8301 §3.2: at least 1024, better 2048; 4096 fits no UDP answer everywhere
_SELECTOR = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z")
_DOMAIN = re.compile(r"[a-z0-9_.-]+\Z")


class DkimKey(msgspec.Struct, frozen=True):
    """``algorithm``: rsa or ed25519. ``public``: base64 as the record has it. ``path``: its private half."""

    domain: str
    selector: str
    algorithm: str
    public: str
    path: str

    @property
    def record(self) -> str:
        return f"v=DKIM1; k={self.algorithm}; p={self.public}"


class DkimKeys:
    """The keys below one folder: ``<folder>/<domain>/<selector>.pem``, PKCS 8.

    DNS-3: for the service's eyes alone, and a key that was made is never written over.
    """

    def __init__(self, world: World, folder: str) -> None:
        self._world = world
        self._folder = folder

    def of(self, domain: str) -> list[DkimKey]:
        """All keys of a domain, by selector. Raises ``Refused(UNREADABLE)`` for a file that is no key."""
        folder = self._of(domain)
        if not self._world.disk.exists(folder):
            return []
        names = [name for name in self._world.disk.list(folder) if name.endswith(".pem")]
        return [self._read(domain, os.path.join(folder, name)) for name in names]

    def make(self, domain: str) -> list[DkimKey]:
        """A new pair of keys, RSA and Ed25519: who can't check the one checks the other (RFC 8463 §3).

        Selectors carry the day, so that old keys stay while mail signed with them is on its way.
        Raises ``Refused(EXISTS)`` when today's are there.
        """
        now = datetime.datetime.fromtimestamp(self._world.clock.now(), datetime.UTC)
        folder, day = self._of(domain), f"{now:%Y%m%d}"
        self._world.disk.make_folder(folder)
        paths = [os.path.join(folder, f"{letter}{day}.pem") for letter in ("e", "r")]
        for path in paths:
            if self._world.disk.exists(path):
                raise Refused(Reason.EXISTS, f"{path} is there: one pair of keys a day and domain")
        for path, private in zip(paths, (_new_ed25519(), _new_rsa())):
            self._world.disk.write_atomic(path, private)
        return [self._read(domain, path) for path in paths]

    def _of(self, domain: str) -> str:
        if not _DOMAIN.match(domain) or domain.startswith("."):
            raise Refused(Reason.BAD_SYNTAX, f"not a domain: {domain!r}")
        return os.path.join(self._folder, domain)

    def _read(self, domain: str, path: str) -> DkimKey:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

        selector = os.path.basename(path).removesuffix(".pem")
        try:
            private = serialization.load_pem_private_key(self._world.disk.read(path), None)
        except (ValueError, TypeError) as error:
            raise Refused(Reason.UNREADABLE, f"{path}: no private key: {error}") from None
        public = private.public_key()
        if not _SELECTOR.match(selector):
            raise Refused(Reason.BAD_NAME, f"{path}: its name can't be a selector")
        if isinstance(public, ed25519.Ed25519PublicKey):  # RFC 8463 §4.2: the key itself
            raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
            algorithm = "ed25519"
        elif isinstance(public, rsa.RSAPublicKey):
            raw = public.public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            algorithm = "rsa"
        else:
            raise Refused(Reason.UNREADABLE, f"{path}: neither RSA nor Ed25519")
        return DkimKey(domain, selector, algorithm, base64.b64encode(raw).decode(), path)


def _new_ed25519() -> bytes:
    from cryptography.hazmat.primitives.asymmetric import ed25519

    return _pem(ed25519.Ed25519PrivateKey.generate())


def _new_rsa() -> bytes:
    from cryptography.hazmat.primitives.asymmetric import rsa

    return _pem(rsa.generate_private_key(65537, RSA_BITS))


def _pem(private: object) -> bytes:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

    assert isinstance(private, ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey)
    return private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
