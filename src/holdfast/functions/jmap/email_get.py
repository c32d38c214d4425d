"""Email/get. RFC 8621 §4.2

List properties come from the index alone; where the message is needed, neighbours are read at once, a batch
at a time, and taken apart beside the loop.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from holdfast import mime
from holdfast.functions.jmap.asking import Ask, Handler
from holdfast.functions.jmap.ids import EMAIL, id_of, number_of, part_blob
from holdfast.functions.jmap.rows import INDEXED, Keywords, kept
from holdfast.functions.jmap.sanitising import sanitised
from holdfast.model.errors import Reason
from holdfast.model.limits import JMAP_BATCH_BYTES, JMAP_RESPONSE_BYTES
from holdfast.model.mail import MessageId
from holdfast.store import AccountMail, EmailRow
from holdfast.store.damaged import PLACEHOLDER
from holdfast.wire.jmap.core import Json
from holdfast.wire.jmap.email import EmailReader
from holdfast.wire.jmap.errors import MethodError, MethodFault
from holdfast.wire.jmap.mail import EmailBodyValue
from holdfast.wire.jmap.methods import BodyWishes, EmailGet, EmailParse
from holdfast.wire.jmap.standard import GetResult
from holdfast.wire.jmap.vendor import WEBMAIL

Message = bytes | memoryview | None


def wishes_of(ask: Ask, asked: EmailGet | EmailParse) -> BodyWishes:
    """Which bodies are asked for, HTML made harmless where the vendor's capability is used and asks so."""
    wishes = asked.bodies()
    if not asked.sanitize_html_body_values:
        return wishes
    if not ask.server.is_using(WEBMAIL):
        text = f"Only a request that uses {WEBMAIL} can ask for sanitizeHTMLBodyValues."
        raise MethodError(MethodFault.INVALID_ARGUMENTS, text)
    return wishes._replace(clean=sanitised)


async def get(ask: Ask, asked: EmailGet) -> GetResult:
    reader = EmailReader(asked.properties, wishes_of(ask, asked))
    needs_message = reader.needs_message(INDEXED)
    mail = ask.mail()
    with mail.moment() as modseq:
        numbers = _wanted(ask, asked, mail)
        found = mail.emails(each for each in numbers.values() if each is not None)
        keywords = Keywords(mail.keywords())
    rows = [found[each] for each in numbers.values() if each in found]
    result = GetResult(
        account_id=ask.account_id,
        state=str(modseq),
        list=[],
        not_found=[each for each, number in numbers.items() if number not in found],
    )
    if not needs_message:
        result.list.extend(
            reader.read(None, kept(row, keywords, reader.properties), _no_blob) for row in rows
        )
        return result
    if sum(row.size for row in rows) > JMAP_RESPONSE_BYTES and reader.asks_values:
        text = f"These messages have more than {JMAP_RESPONSE_BYTES} bytes; ask for fewer at once."
        raise MethodError(MethodFault.REQUEST_TOO_LARGE, text, Reason.TOO_LARGE)
    for batch in batches(rows):
        messages = mail.messages([row.ref for row in batch])
        values = [kept(row, keywords, reader.properties) for row in batch]
        result.list.extend(await ask.parts.world.offload(_read_all, reader, batch, values, messages))
    return result


def _wanted(ask: Ask, asked: EmailGet, mail: AccountMail) -> dict[str, MessageId | None]:
    """By the id that was asked for; without ids all there are, where that isn't too much."""
    if asked.ids is not None:
        return {each: number_of(EMAIL, each) for each in asked.ids}
    most = ask.parts.limits.max_objects_in_get
    numbers: dict[str, MessageId | None] = {}
    for chunk in mail.listing(None):
        numbers.update((id_of(EMAIL, each.message), each.message) for each in chunk)
        if len(numbers) > most:
            text = f"There are more than {most}; ask by id."
            raise MethodError(MethodFault.REQUEST_TOO_LARGE, text, Reason.TOO_LARGE)
    return numbers


def batches(rows: Sequence[EmailRow]) -> Iterator[list[EmailRow]]:
    """In their order, so many at once as have JMAP_BATCH_BYTES together, or one that has more."""
    batch: list[EmailRow] = []
    size = 0
    for row in rows:
        if batch and size + row.size > JMAP_BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(row)
        size += row.size
    if batch:
        yield batch


def _read_all(
    reader: EmailReader, batch: list[EmailRow], values: list[Json], messages: Sequence[Message]
) -> list[Json]:
    return [_read(reader, row, value, message) for row, value, message in zip(batch, values, messages)]


def _read(reader: EmailReader, row: EmailRow, value: Json, message: Message) -> Json:
    # JMAPD-16: what the index knows stays, the text says what happened.
    root = mime.parse(PLACEHOLDER if message is None else bytes(message))
    email = reader.read(root, value, lambda what: part_blob(row.id, what.number))
    if message is None and isinstance(bodies := email.get("bodyValues"), dict):
        for each in bodies.values():
            assert isinstance(each, EmailBodyValue)
            each.is_encoding_problem = True
    return email


def _no_blob(_: object) -> str:
    raise AssertionError("no part is named without its message")


HANDLERS: Final[dict[str, Handler]] = {"Email/get": get}
