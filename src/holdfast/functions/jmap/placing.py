"""What a client says of where an Email is and what marks it. RFC 8621 §4.1.1"""

from __future__ import annotations

import datetime
import re

import msgspec

from holdfast.functions.jmap.ids import MAILBOX, number_of
from holdfast.model.limits import KEYWORDS_PER_ACCOUNT
from holdfast.model.mail import MailboxId
from holdfast.wire.jmap.core import Date
from holdfast.wire.jmap.errors import SetFault, SetRefused

_KEYWORD = re.compile(r"[!#$&'+-Z^_`a-z|}~\[]{1,200}").fullmatch  # … no ( ) { ] % * " \


def _wrong(name: str, why: str) -> SetRefused:
    return SetRefused(SetFault.INVALID_PROPERTIES, why, properties=[name])


def _names(name: str, value: object) -> list[str]:
    if not isinstance(value, dict) or any(held is not True for held in value.values()):
        raise _wrong(name, f"{name} is an object whose values are all true.")
    return list(value)


def mailboxes_of(value: object) -> frozenset[MailboxId]:
    """At least one. Whether they exist is the store's to say."""
    names = _names("mailboxIds", value)
    if not names:
        raise _wrong("mailboxIds", "An Email is in one mailbox at least.")
    numbers = [number_of(MAILBOX, each) for each in names]
    if None in numbers:
        raise _wrong("mailboxIds", f"There is no mailbox “{names[numbers.index(None)]}”.")
    return frozenset(each for each in numbers if each is not None)


def keywords_of(value: object) -> frozenset[str]:
    """In lower case."""
    names = _names("keywords", value)
    if len(names) > KEYWORDS_PER_ACCOUNT:
        raise SetRefused(SetFault.TOO_MANY_KEYWORDS, f"At most {KEYWORDS_PER_ACCOUNT}.")
    if strange := [each for each in names if not _KEYWORD(each)]:
        raise _wrong("keywords", f"“{strange[0][:200]}” can't be a keyword.")
    return frozenset(each.lower() for each in names)


def received_of(value: object) -> datetime.datetime | None:
    """A UTCDate; None: now."""
    try:
        return msgspec.convert(value, Date | None)
    except msgspec.ValidationError as error:
        raise _wrong("receivedAt", str(error)) from None
