"""Thread/get. RFC 8621 §3.1"""

from __future__ import annotations

from typing import Final

from holdfast.functions.jmap.asking import Ask, Handler
from holdfast.functions.jmap.ids import EMAIL, THREAD, id_of, number_of
from holdfast.model.errors import Reason
from holdfast.model.mail import MessageId
from holdfast.store import AccountMail
from holdfast.wire.jmap.errors import MethodError, MethodFault
from holdfast.wire.jmap.standard import Get, GetResult, select

PROPERTIES: Final = frozenset(("id", "emailIds"))


async def get(ask: Ask, asked: Get) -> GetResult:
    mail = ask.mail()
    with mail.moment() as modseq:
        ids = _all(ask, mail) if asked.ids is None else asked.ids
        numbers = {each: number for each in ids if (number := number_of(THREAD, each)) is not None}
        threads = mail.threads(numbers.values())

    def find(thread: str) -> dict[str, object] | None:
        emails = threads.get(numbers.get(thread, -1))
        return None if not emails else {"id": thread, "emailIds": [id_of(EMAIL, each) for each in emails]}

    found, missing = select(ids, asked.properties, PROPERTIES, find)
    return GetResult(account_id=ask.account_id, state=str(modseq), list=found, not_found=missing)


def _all(ask: Ask, mail: AccountMail) -> list[str]:
    most = ask.parts.limits.max_objects_in_get
    found: dict[MessageId, None] = {}
    for chunk in mail.listing(None):
        found.update((each.thread, None) for each in chunk)
        if len(found) > most:
            text = f"There are more than {most}; ask by id."
            raise MethodError(MethodFault.REQUEST_TOO_LARGE, text, Reason.TOO_LARGE)
    return [id_of(THREAD, each) for each in found]


HANDLERS: Final[dict[str, Handler]] = {"Thread/get": get}
