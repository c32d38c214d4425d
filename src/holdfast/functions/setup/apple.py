"""A profile for iPhone, iPad and Mac: the Mail payload of Apple's "Configuration Profile Reference"."""

from __future__ import annotations

import plistlib
import uuid

from holdfast.functions.setup.servers import Security, Server, Servers

MEDIA_TYPE = "application/x-apple-aspen-config"


def profile(address: str, domain: str, title: str, servers: Servers) -> bytes | None:
    """The same profile for the same address, so that a second one takes the first one's place.

    None where there is no IMAP or POP3, or nothing to send with. No password is in it: the device asks.
    """
    incoming = servers.best("imap") or servers.best("pop3")
    outgoing = servers.best("smtp")
    if incoming is None or outgoing is None:
        return None
    name = ".".join(reversed(domain.split("."))) + ".mail"
    unique = uuid.uuid5(uuid.NAMESPACE_URL, f"mailto:{address.lower()}")
    mail = {
        "PayloadType": "com.apple.mail.managed",
        "PayloadVersion": 1,
        "PayloadIdentifier": f"{name}.account.{unique}",
        "PayloadUUID": str(uuid.uuid5(unique, "account")).upper(),
        "PayloadDisplayName": title,
        "EmailAccountDescription": title,
        "EmailAccountType": "EmailTypeIMAP" if incoming.kind == "imap" else "EmailTypePOP",
        "EmailAddress": address,
        **_server("IncomingMailServer", address, incoming),
        **_server("OutgoingMailServer", address, outgoing),
        "OutgoingPasswordSameAsIncomingPassword": True,
        "SMIMEEnabled": False,
    }
    whole = {
        "PayloadType": "Configuration",
        "PayloadVersion": 1,
        "PayloadIdentifier": f"{name}.{unique}",
        "PayloadUUID": str(unique).upper(),
        "PayloadDisplayName": title,
        "PayloadDescription": address,
        "PayloadOrganization": title,
        "PayloadRemovalDisallowed": False,
        "PayloadContent": [mail],
    }
    return plistlib.dumps(whole)


def _server(prefix: str, address: str, server: Server) -> dict[str, object]:
    # UseSSL means TLS in either way; the port tells Apple's programs which.
    return {
        f"{prefix}Authentication": "EmailAuthPassword",
        f"{prefix}HostName": server.hostname,
        f"{prefix}PortNumber": server.port,
        f"{prefix}UseSSL": server.security in (Security.TLS, Security.STARTTLS),
        f"{prefix}Username": address,
    }


def signed(content: bytes, certificate: bytes, key: bytes) -> bytes:
    """CMS SignedData (RFC 5652) around a profile, with the whole chain; devices then name the sender.

    Raises ``ValueError`` when key and certificate are of a kind that can't sign.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import pkcs7

    first, *others = x509.load_pem_x509_certificates(certificate)
    private = serialization.load_pem_private_key(key, None)
    if not isinstance(private, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise ValueError("neither RSA nor EC")
    builder = pkcs7.PKCS7SignatureBuilder().set_data(content)
    builder = builder.add_signer(first, private, hashes.SHA256())
    for other in others:
        builder = builder.add_certificate(other)
    return builder.sign(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary])
