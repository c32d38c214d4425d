"""Notifications that a message was displayed, deleted … RFC 9007, and RFC 8098 for what is sent."""

from __future__ import annotations

from typing import Final, Literal

from msgspec import field

from holdfast.wire.jmap.core import Arguments, Id, IdOrCreation, Shape
from holdfast.wire.jmap.errors import SetError
from holdfast.wire.jmap.server import Method

MDN: Final = "urn:ietf:params:jmap:mdn"


class Disposition(Shape, kw_only=True):
    """RFC 9007 §2"""

    action_mode: Literal["manual-action", "automatic-action"]
    sending_mode: Literal["mdn-sent-manually", "mdn-sent-automatically"]
    type: Literal["deleted", "dispatched", "displayed", "processed"]


class Notification(Shape, kw_only=True):
    """An MDN as it was parsed. RFC 9007 §2"""

    for_email_id: str | None = None
    subject: str | None = None
    text_body: str | None = None
    include_original_message: bool = False
    reporting_ua: str | None = field(default=None, name="reportingUA")
    disposition: Disposition
    mdn_gateway: str | None = None
    original_recipient: str | None = None
    final_recipient: str | None = None
    original_message_id: str | None = None
    error: list[str] | None = None
    extension_fields: dict[str, str] | None = None


class NotificationSend(Shape, kw_only=True, forbid_unknown_fields=True):
    """What a client may set; ``finalRecipient``, where it isn't, is the identity's address."""

    for_email_id: IdOrCreation
    subject: str | None = None
    text_body: str | None = None
    include_original_message: bool = False
    reporting_ua: str | None = field(default=None, name="reportingUA")
    disposition: Disposition
    final_recipient: str | None = None
    extension_fields: dict[str, str] | None = None


class NotificationSendAll(Arguments, kw_only=True):
    """MDN/send; each of ``send`` is a ``NotificationSend``, read one by one. RFC 9007 §2.1"""

    account_id: Id
    identity_id: IdOrCreation
    send: dict[Id, dict[str, object]]
    on_success_update_email: dict[IdOrCreation, dict[str, object]] | None = None

    def objects_changed(self) -> int:
        return len(self.send)


class NotificationSendResult(Shape, kw_only=True):
    account_id: str
    sent: dict[str, object] | None = None
    not_sent: dict[str, SetError] | None = None


class NotificationParse(Arguments, kw_only=True):
    """MDN/parse. RFC 9007 §2.2"""

    account_id: Id
    blob_ids: list[str]

    def objects_read(self) -> int:
        return len(self.blob_ids)


class NotificationParseResult(Shape, kw_only=True):
    account_id: str
    parsed: dict[str, Notification] | None = None
    not_parsable: list[str] | None = None
    not_found: list[str] | None = None


METHODS: Final[dict[str, Method]] = {
    "MDN/send": Method(MDN, NotificationSendAll),
    "MDN/parse": Method(MDN, NotificationParse),
}
