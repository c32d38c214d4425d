"""The objects of mail as they are read and written. RFC 8621

Both ends use them. A property that wasn't asked for is UNSET and isn't written.
"""

from __future__ import annotations

from typing import Final, Literal

from msgspec import UNSET, UnsetType

from holdfast.wire.jmap.core import Date, Id, IdOrCreation, Shape, UnsignedInt


class MailboxRights(Shape, kw_only=True):
    """RFC 8621 §2, ``myRights``; the names of RFC 4314's rights in brackets there."""

    may_read_items: bool = True
    may_add_items: bool = True
    may_remove_items: bool = True
    may_set_seen: bool = True
    may_set_keywords: bool = True
    may_create_child: bool = True
    may_rename: bool = True
    may_delete: bool = True
    may_submit: bool = True


class Mailbox(Shape, kw_only=True):
    """RFC 8621 §2"""

    id: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    parent_id: str | UnsetType | None = UNSET
    role: str | UnsetType | None = UNSET
    sort_order: UnsignedInt | UnsetType = UNSET
    total_emails: UnsignedInt | UnsetType = UNSET
    unread_emails: UnsignedInt | UnsetType = UNSET
    total_threads: UnsignedInt | UnsetType = UNSET
    unread_threads: UnsignedInt | UnsetType = UNSET
    my_rights: MailboxRights | UnsetType = UNSET
    is_subscribed: bool | UnsetType = UNSET


class MailboxCreate(Shape, kw_only=True, forbid_unknown_fields=True):
    """What a client may set of a new mailbox."""

    name: str
    parent_id: Id | None = None
    role: str | None = None
    sort_order: UnsignedInt = 0
    is_subscribed: bool = True


class Thread(Shape, kw_only=True):
    """RFC 8621 §3; ``email_ids`` by receivedAt, the oldest first."""

    id: str
    email_ids: list[str] | UnsetType = UNSET


class EmailAddress(Shape, kw_only=True):
    """RFC 8621 §4.1.2.3"""

    name: str | None = None
    email: str


class EmailAddressGroup(Shape, kw_only=True):
    """RFC 8621 §4.1.2.4; ``name`` None: addresses that stand in no group."""

    name: str | None
    addresses: list[EmailAddress]


class EmailHeader(Shape, kw_only=True):
    """One field as it stands: the name in its own letters, the value raw."""

    name: str
    value: str


class EmailBodyPart(Shape, kw_only=True):
    """RFC 8621 §4.1.4. ``size``: octets without the transfer encoding. Properties ``header:…`` that a client
    asked for stand beside these."""

    part_id: str | UnsetType | None = UNSET
    blob_id: str | UnsetType | None = UNSET
    size: UnsignedInt | UnsetType = UNSET
    headers: list[EmailHeader] | UnsetType = UNSET
    name: str | UnsetType | None = UNSET
    type: str | UnsetType = UNSET
    charset: str | UnsetType | None = UNSET
    disposition: str | UnsetType | None = UNSET
    cid: str | UnsetType | None = UNSET
    language: list[str] | UnsetType | None = UNSET
    location: str | UnsetType | None = UNSET
    sub_parts: list[EmailBodyPart] | UnsetType | None = UNSET


class EmailBodyValue(Shape, kw_only=True):
    """RFC 8621 §4.1.4; lines end with LF."""

    value: str
    is_encoding_problem: bool = False
    is_truncated: bool = False


Addresses = list[EmailAddress] | None


class Email(Shape, kw_only=True):
    """RFC 8621 §4.1. ``header:…`` properties have any name and stand beside these."""

    id: str | UnsetType = UNSET
    blob_id: str | UnsetType = UNSET
    thread_id: str | UnsetType = UNSET
    mailbox_ids: dict[IdOrCreation, Literal[True]] | UnsetType = UNSET
    keywords: dict[str, Literal[True]] | UnsetType = UNSET
    size: UnsignedInt | UnsetType = UNSET
    received_at: Date | UnsetType = UNSET
    message_id: list[str] | UnsetType | None = UNSET
    in_reply_to: list[str] | UnsetType | None = UNSET
    references: list[str] | UnsetType | None = UNSET
    sender: Addresses | UnsetType = UNSET
    from_: Addresses | UnsetType = UNSET
    to: Addresses | UnsetType = UNSET
    cc: Addresses | UnsetType = UNSET
    bcc: Addresses | UnsetType = UNSET
    reply_to: Addresses | UnsetType = UNSET
    subject: str | UnsetType | None = UNSET
    sent_at: Date | UnsetType | None = UNSET
    headers: list[EmailHeader] | UnsetType = UNSET
    body_structure: EmailBodyPart | UnsetType = UNSET
    body_values: dict[str, EmailBodyValue] | UnsetType = UNSET
    text_body: list[EmailBodyPart] | UnsetType = UNSET
    html_body: list[EmailBodyPart] | UnsetType = UNSET
    attachments: list[EmailBodyPart] | UnsetType = UNSET
    has_attachment: bool | UnsetType = UNSET
    preview: str | UnsetType = UNSET


KEPT_PROPERTIES: Final = frozenset(
    {"id", "blobId", "threadId", "mailboxIds", "keywords", "size", "receivedAt"}
)  # known without the message
EMAIL_PROPERTIES: Final = frozenset(Email.__struct_encode_fields__)
DEFAULT_EMAIL_PROPERTIES: Final = (
    *("id", "blobId", "threadId", "mailboxIds", "keywords", "size", "receivedAt", "messageId", "inReplyTo"),
    *("references", "sender", "from", "to", "cc", "bcc", "replyTo", "subject", "sentAt", "hasAttachment"),
    *("preview", "bodyValues", "textBody", "htmlBody", "attachments"),
)
BODY_PROPERTIES: Final = frozenset(EmailBodyPart.__struct_encode_fields__)
DEFAULT_BODY_PROPERTIES: Final = (
    *("partId", "blobId", "size", "name", "type", "charset", "disposition", "cid", "language", "location"),
)


class SearchSnippet(Shape, kw_only=True):
    """RFC 8621 §5; HTML with ``<mark>`` around what was found."""

    email_id: str
    subject: str | None = None
    preview: str | None = None


class Identity(Shape, kw_only=True):
    """RFC 8621 §6"""

    id: str | UnsetType = UNSET
    name: str = ""
    email: str
    reply_to: Addresses = None
    bcc: Addresses = None
    text_signature: str = ""
    html_signature: str = ""
    may_delete: bool | UnsetType = UNSET


class SubmissionAddress(Shape, kw_only=True):
    """RFC 8621 §7; ``parameters`` of MAIL FROM or RCPT TO, a value of None where there is only the name."""

    email: str
    parameters: dict[str, str | None] | None = None


class SubmissionEnvelope(Shape, kw_only=True):
    mail_from: SubmissionAddress
    rcpt_to: list[SubmissionAddress]


class DeliveryStatus(Shape, kw_only=True):
    smtp_reply: str
    delivered: Literal["queued", "yes", "no", "unknown"]
    displayed: Literal["unknown", "yes"] = "unknown"


class EmailSubmission(Shape, kw_only=True):
    """RFC 8621 §7"""

    id: str | UnsetType = UNSET
    identity_id: IdOrCreation | UnsetType = UNSET
    email_id: IdOrCreation | UnsetType = UNSET
    thread_id: str | UnsetType = UNSET
    envelope: SubmissionEnvelope | UnsetType | None = UNSET
    send_at: Date | UnsetType = UNSET
    undo_status: Literal["pending", "final", "canceled"] | UnsetType = UNSET
    delivery_status: dict[str, DeliveryStatus] | UnsetType | None = UNSET
    dsn_blob_ids: list[str] | UnsetType = UNSET
    mdn_blob_ids: list[str] | UnsetType = UNSET


class VacationResponse(Shape, kw_only=True):
    """RFC 8621 §8; there is one, its id is ``singleton``."""

    id: Literal["singleton"] | UnsetType = UNSET
    is_enabled: bool | UnsetType = UNSET
    from_date: Date | UnsetType | None = UNSET
    to_date: Date | UnsetType | None = UNSET
    subject: str | UnsetType | None = UNSET
    text_body: str | UnsetType | None = UNSET
    html_body: str | UnsetType | None = UNSET


class EmailImport(Shape, kw_only=True, forbid_unknown_fields=True):
    """One message of Email/import. RFC 8621 §4.8"""

    blob_id: IdOrCreation
    mailbox_ids: dict[IdOrCreation, Literal[True]]
    keywords: dict[str, Literal[True]] = {}
    received_at: Date | None = None


class EmailCopy(Shape, kw_only=True, forbid_unknown_fields=True):
    """One message of Email/copy; ``id``: in the account it comes from. RFC 8621 §4.7"""

    id: Id
    mailbox_ids: dict[IdOrCreation, Literal[True]]
    keywords: dict[str, Literal[True]] | UnsetType = UNSET
    received_at: Date | UnsetType = UNSET
