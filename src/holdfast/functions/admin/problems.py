"""Every error of the API as ``application/problem+json`` (RFC 9457): one table from reason to status."""

from __future__ import annotations

from http import HTTPStatus

import msgspec

from holdfast.functions.admin.permissions import Forbidden, Missing
from holdfast.model.errors import Reason, Refused, Unavailable

MEDIA_TYPE = "application/problem+json"

# 422: it doesn't fit the document. 409: it fits, but can't be done, as things are or ever.
STATUS: dict[Reason, int] = {
    Reason.NO_SUCH_USER: 404,
    Reason.NO_SUCH_DOMAIN: 404,
    Reason.USER_DISABLED: 409,
    Reason.BAD_CREDENTIALS: 401,
    Reason.NOT_ALLOWED: 409,
    Reason.NO_SUCH_MAILBOX: 404,
    Reason.MAILBOX_EXISTS: 409,
    Reason.BAD_NAME: 409,
    Reason.HAS_CHILDREN: 409,
    Reason.NO_SUCH_MESSAGE: 404,
    Reason.UNREADABLE: 409,
    Reason.TOO_LARGE: 409,
    Reason.TOO_MANY: 409,
    Reason.OVER_QUOTA: 409,
    Reason.LIMIT: 409,
    Reason.BAD_SYNTAX: 409,
    Reason.EXISTS: 409,
    Reason.CHANGED: 409,
}


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``reason``: for programs; ``detail``: for people, and says what to do.

    ``component``, ``retry_after_s``: what is out of reach, and when to ask again. ``reference``: of an
    error of ours in the journal.
    """

    type: str
    title: str
    status: int
    detail: str
    reason: str
    component: str = ""
    retry_after_s: float = 0.0
    reference: str = ""


def problem(status: int, reason: str, detail: str, **more: object) -> Problem:
    return Problem(
        type=f"urn:holdfast:problem:{reason}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        reason=reason,
        **more,  # type: ignore[arg-type]
    )


def of_error(error: Refused | Unavailable) -> Problem:
    match error:
        case Unavailable():
            return problem(
                503,
                "unavailable",
                f"{error.component} is out of reach: {error.text or 'ask again'}",
                component=error.component,
                retry_after_s=error.retry_after_s,
            )
        case Forbidden():
            return problem(403, "forbidden", error.text)
        case Missing():
            return problem(404, "not_found", error.text)
    return problem(STATUS[error.reason], error.reason.name.lower(), error.text)
