"""The records of what was asked while the people process was out of reach: docs/formats/asked.md."""

from __future__ import annotations

import msgspec

from holdfast.directory import requests as q
from holdfast.model.errors import Reason, Refused


class AskedRecord(msgspec.Struct, frozen=True, kw_only=True, tag_field="is", omit_defaults=True):
    """``at``: UTC seconds. ``ticket``: names one request in all its records."""

    at: float
    ticket: str


class Asked(AskedRecord, frozen=True, tag="asked"):
    """``request``: as the people process takes it, with ``once``. ``note``: the asker's own."""

    request: bytes
    note: str = ""


class CarriedOut(AskedRecord, frozen=True, tag="carried"):
    pass


class TurnedDown(AskedRecord, frozen=True, tag="refused"):
    reason: str
    text: str = ""


AnyAskedRecord = Asked | CarriedOut | TurnedDown

_encoder = msgspec.msgpack.Encoder()
_decode_record = msgspec.msgpack.Decoder(AnyAskedRecord).decode
_decode_request = msgspec.msgpack.Decoder(q.AnyRequest).decode


def encode_asked(record: AnyAskedRecord) -> bytes:
    """The body of a frame."""
    return _encoder.encode(record)


def decode_asked(body: bytes | memoryview) -> AnyAskedRecord:
    """Raises ``msgspec.DecodeError``."""
    record: AnyAskedRecord = _decode_record(body)
    return record


def encode_request(request: q.AnyRequest) -> bytes:
    return _encoder.encode(request)


def decode_request(body: bytes) -> q.AnyRequest:
    """Raises ``msgspec.DecodeError``: of a later version, say."""
    request: q.AnyRequest = _decode_request(body)
    return request


def check_keepable(request: q.AnyRequest) -> None:
    """DEFER-4: no password in plain is ever kept. Raises ``Refused`` to who gives one."""
    plain = isinstance(request, q.PasswordSet) and bool(request.password)
    if isinstance(request, q.AccountAddMany):
        plain = any(account.password for account in request.accounts)
    if plain:
        raise Refused(Reason.BAD_SYNTAX, "what may be kept has a ready hash, not a password")


def subject_of(request: q.AnyRequest) -> str:
    """Whom it concerns: what concerns the same is carried out in the order it was asked."""
    if isinstance(request, q.AccountAddMany):
        return f"address {request.accounts[0].address.lower()}" if request.accounts else ""
    if isinstance(request, q.ContactSet):
        return f"customer {request.contact.customer}"
    for name in ("account", "customer", "address", "id"):
        if value := getattr(request, name, None):
            return f"{name} {value}"
    return type(request).__name__
