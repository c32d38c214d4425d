"""The methods of RFC 8620 and RFC 8621: their names, arguments, filters and orders."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, ClassVar, Final, Literal, NamedTuple

import msgspec
from msgspec import UNSET, Meta, UnsetType

from holdfast.wire.jmap.core import (
    CORE,
    MAIL,
    SUBMISSION,
    VACATION,
    Arguments,
    Date,
    Id,
    IdOrCreation,
    Shape,
    UnsignedInt,
)
from holdfast.wire.jmap.errors import MethodError, MethodFault, SetError
from holdfast.wire.jmap.filters import Comparator, Operator, read_filter
from holdfast.wire.jmap.mail import DEFAULT_BODY_PROPERTIES, SearchSnippet
from holdfast.wire.jmap.server import Method
from holdfast.wire.jmap.standard import (
    Changes,
    ChangesResult,
    Copy,
    Get,
    Query,
    QueryChanges,
    Set,
)

Snippets = list[SearchSnippet]
Ids = list[str]


class MailboxCondition(Shape, kw_only=True):
    """RFC 8621 §2.3. ``parent_id`` and ``role``: None asks for those that have none."""

    parent_id: Id | UnsetType | None = UNSET
    name: str | UnsetType = UNSET
    role: str | UnsetType | None = UNSET
    has_any_role: bool | UnsetType = UNSET
    is_subscribed: bool | UnsetType = UNSET


_MAILBOX_SORTS = frozenset({"sortOrder", "name"})


class MailboxChangesResult(ChangesResult, kw_only=True):
    """``updated_properties``: where only these changed of all that is in ``updated``. RFC 8621 §2.2"""

    updated_properties: list[str] | None = None


class MailboxQuery(Query, kw_only=True):
    CONDITION: ClassVar = MailboxCondition
    SORTS: ClassVar = _MAILBOX_SORTS

    sort_as_tree: bool = False
    filter_as_tree: bool = False


class MailboxQueryChanges(QueryChanges, kw_only=True):
    CONDITION: ClassVar = MailboxCondition
    SORTS: ClassVar = _MAILBOX_SORTS

    sort_as_tree: bool = False
    filter_as_tree: bool = False


class MailboxSet(Set, kw_only=True):
    on_destroy_remove_emails: bool = False


class EmailCondition(Shape, kw_only=True):
    """RFC 8621 §4.4.1. ``header``: a field's name, and words in its value where there is a second item."""

    in_mailbox: Id | UnsetType = UNSET
    in_mailbox_other_than: list[Id] | UnsetType = UNSET
    before: Date | UnsetType = UNSET
    after: Date | UnsetType = UNSET
    min_size: UnsignedInt | UnsetType = UNSET
    max_size: UnsignedInt | UnsetType = UNSET
    all_in_thread_have_keyword: str | UnsetType = UNSET
    some_in_thread_have_keyword: str | UnsetType = UNSET
    none_in_thread_have_keyword: str | UnsetType = UNSET
    has_keyword: str | UnsetType = UNSET
    not_keyword: str | UnsetType = UNSET
    has_attachment: bool | UnsetType = UNSET
    text: str | UnsetType = UNSET
    from_: str | UnsetType = UNSET
    to: str | UnsetType = UNSET
    cc: str | UnsetType = UNSET
    bcc: str | UnsetType = UNSET
    subject: str | UnsetType = UNSET
    body: str | UnsetType = UNSET
    header: Annotated[list[str], Meta(min_length=1, max_length=2)] | UnsetType = UNSET
    # Of the capability https://holdfast.dev/ns/webmail: words in the name of one of its attachments.
    attachment_name: str | UnsetType = UNSET


KEYWORD_SORTS: Final = frozenset({"hasKeyword", "allInThreadHaveKeyword", "someInThreadHaveKeyword"})
_EMAIL_SORTS = KEYWORD_SORTS | {"receivedAt", "size", "from", "to", "subject", "sentAt"}


def _with_keywords(order: list[Comparator]) -> list[Comparator]:
    for each in order:
        if (each.property in KEYWORD_SORTS) != (each.keyword is not None):
            text = f"“{each.property}” needs a keyword, and only orders by keywords have one."
            raise MethodError(MethodFault.INVALID_ARGUMENTS, text)
    return order


class EmailQuery(Query, kw_only=True):
    CONDITION: ClassVar = EmailCondition
    SORTS: ClassVar = _EMAIL_SORTS

    collapse_threads: bool = False

    def order(self) -> list[Comparator]:
        return _with_keywords(super().order())


class EmailQueryChanges(QueryChanges, kw_only=True):
    CONDITION: ClassVar = EmailCondition
    SORTS: ClassVar = _EMAIL_SORTS

    collapse_threads: bool = False

    def order(self) -> list[Comparator]:
        return _with_keywords(super().order())


class BodyWishes(NamedTuple):
    """Which bodies of a message are asked for. ``most_bytes`` 0: whole. ``clean``: makes HTML harmless."""

    properties: tuple[str, ...] = DEFAULT_BODY_PROPERTIES
    text: bool = False
    html: bool = False
    every: bool = False
    most_bytes: int = 0
    clean: Callable[[str], str] | None = None


class EmailGet(Get, kw_only=True):
    """RFC 8621 §4.2"""

    body_properties: list[str] | None = None
    fetch_text_body_values: bool = False
    fetch_html_body_values: bool = msgspec.field(default=False, name="fetchHTMLBodyValues")
    fetch_all_body_values: bool = False
    max_body_value_bytes: UnsignedInt = 0
    # Of the capability https://holdfast.dev/ns/webmail: bodies of type HTML are made harmless.
    sanitize_html_body_values: bool = msgspec.field(default=False, name="sanitizeHTMLBodyValues")

    def bodies(self) -> BodyWishes:
        return _wishes(self)


class EmailParse(Arguments, kw_only=True):
    """RFC 8621 §4.9"""

    account_id: Id
    blob_ids: list[str]
    properties: list[str] | None = None
    body_properties: list[str] | None = None
    fetch_text_body_values: bool = False
    fetch_html_body_values: bool = msgspec.field(default=False, name="fetchHTMLBodyValues")
    fetch_all_body_values: bool = False
    max_body_value_bytes: UnsignedInt = 0
    # Of the capability https://holdfast.dev/ns/webmail: bodies of type HTML are made harmless.
    sanitize_html_body_values: bool = msgspec.field(default=False, name="sanitizeHTMLBodyValues")

    def bodies(self) -> BodyWishes:
        return _wishes(self)

    def objects_read(self) -> int:
        return len(self.blob_ids)


def _wishes(asked: EmailGet | EmailParse) -> BodyWishes:
    properties = asked.body_properties
    return BodyWishes(
        DEFAULT_BODY_PROPERTIES if properties is None else tuple(dict.fromkeys(properties)),
        asked.fetch_text_body_values,
        asked.fetch_html_body_values,
        asked.fetch_all_body_values,
        asked.max_body_value_bytes,
    )


class EmailParseResult(Shape, kw_only=True):
    account_id: str
    parsed: dict[str, object] | None = None
    not_parsable: list[str] | None = None
    not_found: list[str] | None = None


class EmailImportAll(Arguments, kw_only=True):
    """Email/import; each of ``emails`` is an ``EmailImport``, read one by one. RFC 8621 §4.8"""

    account_id: Id
    if_in_state: str | None = None
    emails: dict[Id, dict[str, object]]

    def objects_changed(self) -> int:
        return len(self.emails)


class EmailImportResult(Shape, kw_only=True):
    account_id: str
    old_state: str | None
    new_state: str
    created: dict[str, object] | None = None
    not_created: dict[str, SetError] | None = None


class SnippetGet(Arguments, kw_only=True):
    """RFC 8621 §5.1"""

    account_id: Id
    filter: dict[str, object] | None = None
    email_ids: list[IdOrCreation]

    def objects_read(self) -> int:
        return len(self.email_ids)

    def where(self) -> Operator | Shape | None:
        return None if self.filter is None else read_filter(self.filter, EmailCondition)


class SnippetResult(Shape, kw_only=True):
    account_id: str
    list: Snippets
    not_found: Ids | None


class SubmissionCondition(Shape, kw_only=True):
    """RFC 8621 §7.3"""

    identity_ids: list[Id] | UnsetType = UNSET
    email_ids: list[Id] | UnsetType = UNSET
    thread_ids: list[Id] | UnsetType = UNSET
    undo_status: Literal["pending", "final", "canceled"] | UnsetType = UNSET
    before: Date | UnsetType = UNSET
    after: Date | UnsetType = UNSET


_SUBMISSION_SORTS = frozenset({"emailId", "threadId", "sentAt"})


class SubmissionQuery(Query, kw_only=True):
    CONDITION: ClassVar = SubmissionCondition
    SORTS: ClassVar = _SUBMISSION_SORTS


class SubmissionQueryChanges(QueryChanges, kw_only=True):
    CONDITION: ClassVar = SubmissionCondition
    SORTS: ClassVar = _SUBMISSION_SORTS


class SubmissionSet(Set, kw_only=True):
    """What happens to the message when its submission succeeded is an Email/set of its own, whose response
    follows this one's. RFC 8621 §7.5"""

    on_success_update_email: dict[IdOrCreation, dict[str, object]] | None = None
    on_success_destroy_email: list[IdOrCreation] | None = None


class BlobCopy(Arguments, kw_only=True):
    """RFC 8620 §6.3"""

    from_account_id: Id
    account_id: Id
    blob_ids: list[Id]

    def objects_changed(self) -> int:
        return len(self.blob_ids)


class BlobCopyResult(Shape, kw_only=True):
    from_account_id: str
    account_id: str
    copied: dict[str, str] | None = None
    not_copied: dict[str, SetError] | None = None


class PushGet(Arguments, kw_only=True):
    """PushSubscription/get: of the person who asks, without an account. RFC 8620 §7.2.1"""

    ids: list[str] | None = None
    properties: list[str] | None = None

    def objects_read(self) -> int:
        return len(self.ids or ())


class PushSet(Arguments, kw_only=True):
    """PushSubscription/set. RFC 8620 §7.2.2"""

    create: dict[Id, dict[str, object]] | None = None
    update: dict[IdOrCreation, dict[str, object]] | None = None
    destroy: list[IdOrCreation] | None = None

    def objects_changed(self) -> int:
        return len(self.create or ()) + len(self.update or ()) + len(self.destroy or ())


METHODS: Final[dict[str, Method]] = {
    "Core/echo": Method(CORE, None),
    "Blob/copy": Method(CORE, BlobCopy),
    "PushSubscription/get": Method(CORE, PushGet),
    "PushSubscription/set": Method(CORE, PushSet),
    "Mailbox/get": Method(MAIL, Get),
    "Mailbox/changes": Method(MAIL, Changes),
    "Mailbox/query": Method(MAIL, MailboxQuery),
    "Mailbox/queryChanges": Method(MAIL, MailboxQueryChanges),
    "Mailbox/set": Method(MAIL, MailboxSet),
    "Thread/get": Method(MAIL, Get),
    "Thread/changes": Method(MAIL, Changes),
    "Email/get": Method(MAIL, EmailGet),
    "Email/changes": Method(MAIL, Changes),
    "Email/query": Method(MAIL, EmailQuery),
    "Email/queryChanges": Method(MAIL, EmailQueryChanges),
    "Email/set": Method(MAIL, Set),
    "Email/copy": Method(MAIL, Copy),
    "Email/import": Method(MAIL, EmailImportAll),
    "Email/parse": Method(MAIL, EmailParse),
    "SearchSnippet/get": Method(MAIL, SnippetGet),
    "Identity/get": Method(SUBMISSION, Get),
    "Identity/changes": Method(SUBMISSION, Changes),
    "Identity/set": Method(SUBMISSION, Set),
    "EmailSubmission/get": Method(SUBMISSION, Get),
    "EmailSubmission/changes": Method(SUBMISSION, Changes),
    "EmailSubmission/query": Method(SUBMISSION, SubmissionQuery),
    "EmailSubmission/queryChanges": Method(SUBMISSION, SubmissionQueryChanges),
    "EmailSubmission/set": Method(SUBMISSION, SubmissionSet),
    "VacationResponse/get": Method(VACATION, Get),
    "VacationResponse/set": Method(VACATION, Set),
}
