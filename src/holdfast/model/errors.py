"""The two errors that cross package borders.

``Refused``: the request is wrong or not allowed; trying again without a change
never helps. ``Unavailable``: the request may be fine; a component is out of
reach, and the error names it. Each protocol has one table from reason to reply.
"""

from __future__ import annotations

import enum

ComponentId = str  # 'cell-07/index', 'volume-v1', 'people', 'auth', 'dns', 'partner/sms'

HASTE = ("auth/limit", "pace")  # out of reach by the client's own doing: it asked too often


class Reason(enum.Enum):
    """Why a request was refused; the one argument of every protocol's reply table."""

    # people
    NO_SUCH_USER = "no such user"
    NO_SUCH_DOMAIN = "not a domain of ours"
    USER_DISABLED = "account disabled"
    BAD_CREDENTIALS = "wrong name or password"
    NOT_ALLOWED = "not allowed"
    # mailboxes
    NO_SUCH_MAILBOX = "no such mailbox"
    MAILBOX_EXISTS = "mailbox exists"
    BAD_NAME = "name not possible"
    HAS_CHILDREN = "mailbox has children"
    NO_SUCH_MESSAGE = "no such message"
    UNREADABLE = "message is damaged and can't be read"
    # sizes and counts
    TOO_LARGE = "too large"
    TOO_MANY = "too many"
    OVER_QUOTA = "over quota"
    LIMIT = "limit reached"
    # form
    BAD_SYNTAX = "malformed"
    EXISTS = "exists already"
    CHANGED = "changed meanwhile"


class Refused(Exception):
    """The request is wrong or not allowed; never retried.

    ``text`` is for the person who asked: what is wrong and what to do.
    """

    def __init__(self, reason: Reason, text: str = "") -> None:
        super().__init__(text or reason.value)
        self.reason = reason
        self.text = text or reason.value


class Unavailable(Exception):
    """Try later: ``component`` is out of reach. Never shown as a refusal."""

    def __init__(self, component: ComponentId, text: str = "", retry_after_s: float = 30.0) -> None:
        super().__init__(f"{component}: {text}" if text else component)
        self.component = component
        self.text = text
        self.retry_after_s = retry_after_s
