"""Whether an account may take more: bytes by its quota, mailboxes by their number."""

from __future__ import annotations

from holdfast.functions.jmap.asking import Ask
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.store import AccountMail


def check_bytes(ask: Ask, mail: AccountMail, more: int) -> None:
    """Raises ``Refused(OVER_QUOTA)``. A quota that can't be looked up holds nobody back."""
    try:
        quota = ask.parts.people.quota_of(ask.account.id)
    except Unavailable:
        return
    if quota and mail.usage().bytes + more > quota:
        raise Refused(Reason.OVER_QUOTA, "There is no room for it: delete something, or ask for more room.")


def check_mailboxes(ask: Ask, mail: AccountMail) -> None:
    """Raises ``Refused(TOO_MANY)``."""
    most = ask.parts.mail_limits.mailboxes
    if len(mail.mailboxes()) >= most:
        raise Refused(Reason.TOO_MANY, f"An account has at most {most} mailboxes.")
