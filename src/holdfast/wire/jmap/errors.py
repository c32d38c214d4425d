"""What is answered when something can't be done. RFC 8620 §3.6 (requests, methods) and §5.3 (objects)."""

from __future__ import annotations

import enum

import msgspec

from holdfast.model.errors import Reason, Refused, Unavailable

PROBLEM_TYPE = "application/problem+json"
_URN = "urn:ietf:params:jmap:error:"


class RequestFault(enum.StrEnum):
    """Why a whole request was refused."""

    NOT_JSON = _URN + "notJSON"
    NOT_REQUEST = _URN + "notRequest"
    UNKNOWN_CAPABILITY = _URN + "unknownCapability"
    LIMIT = _URN + "limit"


class Problem(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A refused request as problem details (RFC 7807). ``limit``: the name of the limit that was passed."""

    type: str
    status: int = msgspec.field(default=0)
    detail: str = ""
    limit: str = ""


class RequestError(Refused):
    """The request as a whole is refused; none of its calls is carried out."""

    def __init__(self, fault: RequestFault, text: str, limit: str = "") -> None:
        reason = Reason.TOO_LARGE if fault is RequestFault.LIMIT else Reason.BAD_SYNTAX
        super().__init__(reason, text)
        self.fault = fault
        self.limit = limit

    def problem(self) -> Problem:
        return Problem(type=self.fault.value, status=400, detail=self.text, limit=self.limit)


class MethodFault(enum.StrEnum):
    """Why one call failed."""

    SERVER_UNAVAILABLE = "serverUnavailable"
    SERVER_FAIL = "serverFail"
    SERVER_PARTIAL_FAIL = "serverPartialFail"
    UNKNOWN_METHOD = "unknownMethod"
    INVALID_ARGUMENTS = "invalidArguments"
    INVALID_RESULT_REFERENCE = "invalidResultReference"
    FORBIDDEN = "forbidden"
    ACCOUNT_NOT_FOUND = "accountNotFound"
    ACCOUNT_NOT_SUPPORTED = "accountNotSupportedByMethod"
    ACCOUNT_READ_ONLY = "accountReadOnly"
    REQUEST_TOO_LARGE = "requestTooLarge"
    STATE_MISMATCH = "stateMismatch"
    CANNOT_CALCULATE_CHANGES = "cannotCalculateChanges"
    ANCHOR_NOT_FOUND = "anchorNotFound"
    UNSUPPORTED_SORT = "unsupportedSort"
    UNSUPPORTED_FILTER = "unsupportedFilter"
    TOO_MANY_CHANGES = "tooManyChanges"
    FROM_ACCOUNT_NOT_FOUND = "fromAccountNotFound"
    FROM_ACCOUNT_NOT_SUPPORTED = "fromAccountNotSupportedByMethod"


class MethodError(Refused):
    """One call fails, those after it go on."""

    def __init__(self, fault: MethodFault, text: str = "", reason: Reason = Reason.BAD_SYNTAX) -> None:
        super().__init__(reason, text or fault.value)
        self.fault = fault


class SetFault(enum.StrEnum):
    """Why one object of a /set, /copy or import was left as it is. RFC 8620 §5.3, §5.4, RFC 8621."""

    FORBIDDEN = "forbidden"
    OVER_QUOTA = "overQuota"
    TOO_LARGE = "tooLarge"
    RATE_LIMIT = "rateLimit"
    NOT_FOUND = "notFound"
    INVALID_PATCH = "invalidPatch"
    WILL_DESTROY = "willDestroy"
    INVALID_PROPERTIES = "invalidProperties"
    SINGLETON = "singleton"
    ALREADY_EXISTS = "alreadyExists"
    SERVER_UNAVAILABLE = "serverUnavailable"
    SERVER_FAIL = "serverFail"
    MAILBOX_HAS_CHILD = "mailboxHasChild"
    MAILBOX_HAS_EMAIL = "mailboxHasEmail"
    BLOB_NOT_FOUND = "blobNotFound"
    TOO_MANY_KEYWORDS = "tooManyKeywords"
    TOO_MANY_MAILBOXES = "tooManyMailboxes"
    INVALID_EMAIL = "invalidEmail"
    TOO_MANY_RECIPIENTS = "tooManyRecipients"
    NO_RECIPIENTS = "noRecipients"
    INVALID_RECIPIENTS = "invalidRecipients"
    FORBIDDEN_MAIL_FROM = "forbiddenMailFrom"
    FORBIDDEN_FROM = "forbiddenFrom"
    FORBIDDEN_TO_SEND = "forbiddenToSend"
    CANNOT_UNSEND = "cannotUnsend"
    ADDRESS_BOOK_HAS_CONTENTS = "addressBookHasContents"  # RFC 9610 §2.3
    MDN_ALREADY_SENT = "mdnAlreadySent"  # RFC 9007 §2.1


class SetError(msgspec.Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """One object's error as it is answered. Of the lists only that which goes with the type is set."""

    type: str
    description: str | None = None
    properties: list[str] | None = None  # invalidProperties
    existing_id: str | None = None  # alreadyExists
    not_found: list[str] | None = None  # blobNotFound
    max_recipients: int | None = None  # tooManyRecipients
    invalid_recipients: list[str] | None = None
    max_size: int | None = None  # tooLarge of a submission


class SetRefused(Refused):
    """Raised where one object can't be changed; ``error`` is what the client is told."""

    def __init__(self, fault: SetFault, text: str = "", *, properties: list[str] | None = None) -> None:
        super().__init__(Reason.BAD_SYNTAX, text or fault.value)
        self.error = SetError(type=fault.value, description=text or None, properties=properties)


_METHOD_FAULTS = {
    Reason.NO_SUCH_USER: MethodFault.ACCOUNT_NOT_FOUND,
    Reason.NO_SUCH_DOMAIN: MethodFault.ACCOUNT_NOT_FOUND,
    Reason.USER_DISABLED: MethodFault.FORBIDDEN,
    Reason.BAD_CREDENTIALS: MethodFault.FORBIDDEN,
    Reason.NOT_ALLOWED: MethodFault.FORBIDDEN,
    Reason.OVER_QUOTA: MethodFault.FORBIDDEN,
    Reason.UNREADABLE: MethodFault.SERVER_FAIL,
    Reason.TOO_LARGE: MethodFault.REQUEST_TOO_LARGE,
    Reason.TOO_MANY: MethodFault.REQUEST_TOO_LARGE,
    Reason.LIMIT: MethodFault.REQUEST_TOO_LARGE,
    Reason.CHANGED: MethodFault.STATE_MISMATCH,
}

_SET_FAULTS = {
    Reason.USER_DISABLED: SetFault.FORBIDDEN,
    Reason.BAD_CREDENTIALS: SetFault.FORBIDDEN,
    Reason.NOT_ALLOWED: SetFault.FORBIDDEN,
    Reason.OVER_QUOTA: SetFault.OVER_QUOTA,
    Reason.TOO_MANY: SetFault.OVER_QUOTA,
    Reason.TOO_LARGE: SetFault.TOO_LARGE,
    Reason.LIMIT: SetFault.RATE_LIMIT,
    Reason.NO_SUCH_USER: SetFault.NOT_FOUND,
    Reason.NO_SUCH_MAILBOX: SetFault.NOT_FOUND,
    Reason.NO_SUCH_MESSAGE: SetFault.NOT_FOUND,
    Reason.UNREADABLE: SetFault.SERVER_FAIL,
    Reason.HAS_CHILDREN: SetFault.MAILBOX_HAS_CHILD,
}


def method_error(error: Refused | Unavailable) -> dict[str, str]:
    """The arguments of an ``error`` response. What is out of reach is never told as a refusal (JMAP-5)."""
    if isinstance(error, Unavailable):
        return {"type": MethodFault.SERVER_UNAVAILABLE.value, "description": str(error)}
    if isinstance(error, MethodError):
        fault = error.fault
    else:
        fault = _METHOD_FAULTS.get(error.reason, MethodFault.INVALID_ARGUMENTS)
    return {"type": fault.value, "description": error.text}


def set_error(error: Refused | Unavailable) -> SetError:
    """What is told of one object (JMAP-5)."""
    if isinstance(error, Unavailable):
        return SetError(type=SetFault.SERVER_UNAVAILABLE.value, description=str(error))
    if isinstance(error, SetRefused):
        return error.error
    fault = _SET_FAULTS.get(error.reason, SetFault.INVALID_PROPERTIES)
    return SetError(type=fault.value, description=error.text)
