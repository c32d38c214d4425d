"""Requests, responses and the session object. RFC 8620 §1, §2, §3."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from holdfast.model import limits

CORE: Final = "urn:ietf:params:jmap:core"
MAIL: Final = "urn:ietf:params:jmap:mail"
SUBMISSION: Final = "urn:ietf:params:jmap:submission"
VACATION: Final = "urn:ietf:params:jmap:vacationresponse"
WEBSOCKET: Final = "urn:ietf:params:jmap:websocket"

_ID = "[A-Za-z0-9_-]{1,255}"
Id = Annotated[str, Meta(pattern=rf"\A{_ID}\Z")]
IdOrCreation = Annotated[str, Meta(pattern=rf"\A#?{_ID}\Z")]  # '#k1': what creation k1 made
UnsignedInt = Annotated[int, Meta(ge=0, le=2**53 - 1)]
PositiveInt = Annotated[int, Meta(ge=1, le=2**53 - 1)]
Int = Annotated[int, Meta(ge=-(2**53) + 1, le=2**53 - 1)]
Date = Annotated[datetime.datetime, Meta(tz=True)]  # RFC 3339 with an offset; a UTCDate is one at Z
Json = dict[str, object]

is_id = re.compile(_ID).fullmatch


class Shape(msgspec.Struct, rename="camel", kw_only=True):
    """What is read and written as a JSON object with names in camelCase. Unknown names are passed over."""


class Arguments(Shape, kw_only=True, forbid_unknown_fields=True):
    """Arguments of a method. An unknown name is refused: ``ifInstate`` must not lose somebody's mail."""

    def objects_read(self) -> int:
        """How many objects are asked for by name, for ``max_objects_in_get``."""
        return 0

    def objects_changed(self) -> int:
        """How many objects are to be changed, for ``max_objects_in_set``."""
        return 0


Calls = list[tuple[str, msgspec.Raw, str]]


class Request(msgspec.Struct, rename="camel"):
    """The body of one request; arguments are read when their call's turn has come."""

    using: list[str]
    method_calls: Calls
    created_ids: dict[Id, Id] | None = None


class Response(msgspec.Struct, rename="camel", omit_defaults=True):
    """The body of the answer, as a client reads it."""

    method_responses: Calls
    session_state: str
    created_ids: dict[str, str] | UnsetType = UNSET


class CoreLimits(msgspec.Struct, rename="camel", kw_only=True, frozen=True):
    """The core capability as the session object announces it, and as the machine keeps it (JMAP-2)."""

    max_size_upload: int = limits.JMAP_UPLOAD_BYTES
    max_concurrent_upload: int = limits.JMAP_UPLOADS
    max_size_request: int = limits.JMAP_REQUEST_BYTES
    max_concurrent_requests: int = limits.JMAP_REQUESTS
    max_calls_in_request: int = limits.JMAP_CALLS
    max_objects_in_get: int = limits.JMAP_OBJECTS_GET
    max_objects_in_set: int = limits.JMAP_OBJECTS_SET
    collation_algorithms: tuple[str, ...] = ("i;ascii-casemap", "i;unicode-casemap", "i;octet")


class MailCapability(msgspec.Struct, rename="camel", kw_only=True, frozen=True):
    """The mail capability of one account. RFC 8621 §1.3.1"""

    max_mailboxes_per_email: int | None = None
    max_mailbox_depth: int | None = limits.MAILBOX_DEPTH
    max_size_mailbox_name: int = limits.MAILBOX_NAME_BYTES
    max_size_attachments_per_email: int = limits.JMAP_UPLOAD_BYTES
    email_query_sort_options: tuple[str, ...] = ()
    may_create_top_level_mailbox: bool = True


class SubmissionCapability(msgspec.Struct, rename="camel", kw_only=True, frozen=True):
    """The submission capability of one account. RFC 8621 §1.3.2"""

    max_delayed_send: int = 0  # seconds
    submission_extensions: Mapping[str, list[str]] = {}


class WebSocketCapability(msgspec.Struct, rename="camel", kw_only=True, frozen=True):
    """RFC 8887 §3.1"""

    url: str
    supports_push: bool = True


class Account(Shape, kw_only=True):
    """One account of the session object. RFC 8620 §2"""

    name: str
    is_personal: bool = True
    is_read_only: bool = False
    account_capabilities: dict[str, object] = {}


class Session(Shape, kw_only=True):
    """The session object. The URLs of blobs and events are templates with the names RFC 8620 §2 asks for."""

    capabilities: dict[str, object]
    accounts: dict[Id, Account]
    primary_accounts: dict[str, Id]
    username: str
    api_url: str
    download_url: str
    upload_url: str
    event_source_url: str
    state: str


URL_NAMES: Final = {
    "download_url": ("accountId", "blobId", "type", "name"),
    "upload_url": ("accountId",),
    "event_source_url": ("types", "closeafter", "ping"),
}
_NAME = re.compile(r"\{([A-Za-z]+)\}")
_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def missing_url_names(session: Session) -> list[str]:
    """Which names the session's templates lack, for a check at the start of a service."""
    return [
        f"{field}: {name}"
        for field, names in URL_NAMES.items()
        for name in names
        if name not in _NAME.findall(getattr(session, field))
    ]


def expand(template: str, **values: str) -> str:
    """A URL from a level 1 template (RFC 6570 §1.2). A name without a value becomes ''."""

    def encoded(match: re.Match[str]) -> str:
        value = values.get(match[1], "").encode()
        return "".join(chr(byte) if byte in _SAFE else f"%{byte:02X}" for byte in value)

    return _NAME.sub(encoded, template)
