"""Email/copy. RFC 8621 §4.7

It copies from one account to another, and a person sees one: there is no account to copy from.
"""

from __future__ import annotations

from typing import Final

from holdfast.functions.jmap.asking import Ask, Handler
from holdfast.wire.jmap.errors import MethodError, MethodFault
from holdfast.wire.jmap.standard import Copy


async def copy(ask: Ask, asked: Copy) -> object:
    ask.check(asked.from_account_id, MethodFault.FROM_ACCOUNT_NOT_FOUND)
    text = "From an account to itself nothing is copied; Email/set puts an Email into further mailboxes."
    raise MethodError(MethodFault.INVALID_ARGUMENTS, text)


HANDLERS: Final[dict[str, Handler]] = {"Email/copy": copy}
