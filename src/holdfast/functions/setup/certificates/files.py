"""A certificate and its key as files, and the state of their renewal."""

from __future__ import annotations

import os.path
from collections.abc import Iterable

import msgspec

from holdfast.model.errors import Unavailable
from holdfast.world import Lock, World

COMPONENT = "acme"


class Facts(msgspec.Struct, frozen=True):
    """What a certificate says. ``names``: of its DNS names; times: UTC seconds; ``serial``: its number, hex;
    ``key_digest``: SHA-256 of its public key (SubjectPublicKeyInfo), hex; ``info_id``: its name for renewal
    information (RFC 9773 §4.1), '' where it has none.
    """

    names: tuple[str, ...]
    begins_at: float
    ends_at: float
    issuer: str
    self_signed: bool
    serial: str
    key_digest: str
    info_id: str

    def covers(self, name: str) -> bool:
        """RFC 9525 §6.3: a wildcard stands for the whole leftmost label."""
        label, _, parent = name.lower().partition(".")
        spellings = (name.lower(), f"*.{parent}" if label else name.lower())
        return any(each.lower() in spellings for each in self.names)

    @property
    def third_left_at(self) -> float:
        """When a third of its life is left: time to renew."""
        return self.ends_at - (self.ends_at - self.begins_at) / 3


class Target(msgspec.Struct, frozen=True):
    """One certificate to have. ``id``: its name in commands and in the state, the main name it is for.

    ``names``: it must have all of them. ``optional``: those that it should have as soon as they lead
    here; a name whose DNS isn't ready must not keep the others from theirs (CERT-3).
    """

    id: str
    names: tuple[str, ...]
    optional: tuple[str, ...]
    certificate: str
    key: str


class State(msgspec.Struct):
    """How the renewal of one certificate stands. All times UTC seconds; 0 for never.

    ``next_at``: not to be tried before. ``look_at``: when to look again which optional names lead here.
    ``window``: the authority's own suggestion when to renew the certificate ``window_of``, ``renew_at`` the
    moment drawn from it, ``ask_at`` when to ask again. ``warned``: of the ``CERTIFICATE_WARN_DAYS`` the
    last one told, for the certificate that ends at ``warned_for``.
    """

    tried_at: float = 0.0
    got_at: float = 0.0
    failures: int = 0
    error: str = ""
    next_at: float = 0.0
    look_at: float = 0.0
    window: tuple[float, float] = (0.0, 0.0)
    window_of: str = ""
    renew_at: float = 0.0
    ask_at: float = 0.0
    warned: int = 0
    warned_for: float = 0.0


class States:
    """All of them in one small file. A file that can't be read counts as none: everything is tried anew."""

    def __init__(self, world: World, path: str) -> None:
        self._world = world
        self._path = path
        self.by_id: dict[str, State] = {}
        self.load()

    def load(self) -> None:
        try:
            self.by_id = msgspec.json.decode(self._world.disk.read(self._path), type=dict[str, State])
        except FileNotFoundError:
            pass
        except (OSError, msgspec.DecodeError):
            self.by_id = {}

    def lock(self) -> Lock:
        """Raises ``Unavailable`` while another process renews."""
        self._world.disk.make_folder(os.path.dirname(self._path))
        return self._world.disk.lock(self._path + ".lock")

    def of(self, id: str) -> State:
        return self.by_id.setdefault(id, State())

    def keep(self) -> None:
        self._world.disk.make_folder(os.path.dirname(self._path))
        self._world.disk.write_atomic(self._path, msgspec.json.format(msgspec.json.encode(self.by_id)))


Parsed = dict[str, tuple[int, "Facts | None"]]
"""Path → hash of what was in it, and what that says: most certificates are the same at the next look."""


class CertificateFiles:
    """The PEM files of one target. ``parsed``: what is known from the last look, kept by the caller."""

    def __init__(self, world: World, certificate: str, key: str, parsed: Parsed | None = None) -> None:
        self._parsed: Parsed = {} if parsed is None else parsed
        self._disk = world.disk
        self.certificate = certificate
        self.key = key

    def facts(self) -> Facts | None:
        """Of the certificate that is there; None for none, or none that can be read."""
        try:
            pem = self._disk.read(self.certificate)
        except OSError:
            return None
        known, facts = self._parsed.get(self.certificate, (0, None))
        if known != hash(pem):
            try:
                facts = facts_of(pem)
            except ValueError:
                facts = None
            self._parsed[self.certificate] = hash(pem), facts
        return facts

    def private_key(self) -> bytes:
        """The key, PEM; made (P-256) when there is none.

        It stays the same over renewals: then only one file changes, which can be done whole or not at all,
        and who has written our key's digest into the DNS (TLSA) need not write it again.
        """
        if not self._disk.exists(self.key):
            self._disk.make_folder(os.path.dirname(self.key))
            self._disk.write_atomic(self.key, new_key())
        return self._disk.read(self.key)

    def install(self, chain: bytes, names: Iterable[str], now: float) -> Facts:
        """CERT-1: puts a certificate into the old one's place, and keeps that beside it as ``….previous``.

        Raises ``Unavailable`` and changes nothing when the new one isn't good.
        """
        facts = self._examined(chain, names, now)
        if self._disk.exists(self.certificate):
            self._disk.write_atomic(self.certificate + ".previous", self._disk.read(self.certificate))
        self._disk.make_folder(os.path.dirname(self.certificate))
        self._disk.write_atomic(self.certificate, chain)
        return facts

    def _examined(self, chain: bytes, names: Iterable[str], now: float) -> Facts:
        try:
            facts = facts_of(chain)
        except ValueError as error:
            raise Unavailable(COMPONENT, f"what came is no certificate: {error}") from None
        missing = [name for name in names if not facts.covers(name)]
        if missing:
            raise Unavailable(COMPONENT, f"the certificate that came is not for {missing[0]}")
        if facts.ends_at <= now:
            raise Unavailable(COMPONENT, "the certificate that came has ended already: is the clock right?")
        if facts.key_digest != key_digest_of(self._disk.read(self.key)):
            raise Unavailable(COMPONENT, "the certificate that came is for another key")
        return facts


def facts_of(pem: bytes) -> Facts:
    """Of the first certificate in it. Raises ``ValueError``."""
    import base64

    from cryptography import x509
    from cryptography.x509 import ExtensionNotFound

    found = x509.load_pem_x509_certificate(pem)
    try:
        alternative = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = alternative.get_values_for_type(x509.DNSName)
    except ExtensionNotFound:
        names = []
    info_id = ""
    try:
        authority = found.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
        if authority.key_identifier:
            serial = found.serial_number
            number = serial.to_bytes(serial.bit_length() // 8 + 1, "big")  # DER's INTEGER: room for the sign
            parts = (base64.urlsafe_b64encode(each) for each in (authority.key_identifier, number))
            info_id = b".".join(part.rstrip(b"=") for part in parts).decode()
    except ExtensionNotFound:
        pass
    return Facts(
        names=tuple(names),
        begins_at=found.not_valid_before_utc.timestamp(),
        ends_at=found.not_valid_after_utc.timestamp(),
        issuer=found.issuer.rfc4514_string(),
        self_signed=found.issuer == found.subject,
        serial=f"{found.serial_number:x}",
        key_digest=_digest(found.public_key()),
        info_id=info_id,
    )


def key_digest_of(pem: bytes) -> str:
    """SHA-256 of the public half of a private key, hex. Raises ``ValueError``."""
    from cryptography.hazmat.primitives import serialization

    return _digest(serialization.load_pem_private_key(pem, None).public_key())


def _digest(public: object) -> str:
    import hashlib

    from cryptography.hazmat.primitives import serialization

    form = serialization.PublicFormat.SubjectPublicKeyInfo
    der: bytes = public.public_bytes(serialization.Encoding.DER, form)  # type: ignore[attr-defined]
    return hashlib.sha256(der).hexdigest()


def new_key() -> bytes:
    """A P-256 key: a handshake costs a tenth of RSA's."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
