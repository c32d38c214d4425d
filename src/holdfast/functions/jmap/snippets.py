"""SearchSnippet/get: where in an Email the words are that were searched for. RFC 8621 §5"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import Final

from msgspec import UNSET

from holdfast import mime
from holdfast.functions.jmap.asking import Ask, Handler
from holdfast.functions.jmap.email_get import batches
from holdfast.functions.jmap.filtering import conditions
from holdfast.functions.jmap.ids import EMAIL, id_of, number_of
from holdfast.functions.jmap.words import terms, texts
from holdfast.mime.envelope_fields import SUBJECT, field_text
from holdfast.model.limits import JMAP_SNIPPET_CHARACTERS
from holdfast.store import EmailRow
from holdfast.wire.jmap.core import Shape
from holdfast.wire.jmap.filters import Operator
from holdfast.wire.jmap.mail import SearchSnippet
from holdfast.wire.jmap.methods import SnippetGet, SnippetResult

_BEFORE = 60  # characters shown before the first word found
_LETTER = 255  # RFC 8621 §5: octets of a preview


async def get(ask: Ask, asked: SnippetGet) -> SnippetResult:
    where = asked.where()
    in_subject, in_body = _wanted(where, ("text", "subject")), _wanted(where, ("text", "body"))
    mail = ask.mail()
    numbers = {
        each: number_of(EMAIL, ask.server.real_id(each) or "") for each in dict.fromkeys(asked.email_ids)
    }
    rows = mail.emails(number for number in numbers.values() if number is not None)
    found = {each: rows[number] for each, number in numbers.items() if number in rows and number is not None}
    previews: dict[int, str | None] = {}
    if in_body is not None:
        for batch in batches(list(found.values())):
            messages = mail.messages([row.ref for row in batch])
            previews.update(await ask.parts.world.offload(_previews, in_body, batch, messages))
    return SnippetResult(
        account_id=ask.account_id,
        list=[
            SearchSnippet(
                email_id=id_of(EMAIL, row.id),
                subject=_marked(field_text(row.envelope, SUBJECT) or "", in_subject),
                preview=previews.get(row.id),
            )
            for row in found.values()
        ],
        not_found=[each for each in numbers if each not in found] or None,
    )


def _wanted(where: Operator | Shape | None, names: Sequence[str]) -> re.Pattern[str] | None:
    """Any of the words that are searched for there; what a NOT excludes isn't in what was found."""
    words = [
        word
        for each in conditions(where)
        for name in names
        if (text := getattr(each, name)) is not UNSET
        for word in terms(text)
    ]
    if not words:
        return None
    longest_first = sorted(dict.fromkeys(words), key=len, reverse=True)
    return re.compile("|".join(re.escape(each).replace(r"\ ", r"\s+") for each in longest_first), re.I)


def _marked(text: str, wanted: re.Pattern[str] | None) -> str | None:
    """As HTML with ``<mark>`` around what was found; None: nothing was."""
    if wanted is None or not wanted.search(text):
        return None
    pieces: list[str] = []
    at = 0
    for match in wanted.finditer(text):
        pieces += [html.escape(text[at : match.start()]), "<mark>", html.escape(match[0]), "</mark>"]
        at = match.end()
    return "".join((*pieces, html.escape(text[at:])))


def _previews(
    wanted: re.Pattern[str], batch: Sequence[EmailRow], messages: Sequence[bytes | memoryview | None]
) -> dict[int, str | None]:
    return {
        row.id: None if message is None else _preview(wanted, bytes(message))
        for row, message in zip(batch, messages)
    }


def _preview(wanted: re.Pattern[str], message: bytes) -> str | None:
    for text in texts(mime.parse(message)):
        line = " ".join(text.split())
        match = wanted.search(line)
        if match is not None:
            begin = max(0, match.start() - _BEFORE)
            if begin:
                begin = line.find(" ", begin, match.start()) + 1 or begin
            return _within(line[begin : begin + JMAP_SNIPPET_CHARACTERS], wanted)
    return None


def _within(part: str, wanted: re.Pattern[str]) -> str | None:
    """At most as many octets as a preview may have, so that no mark and no character is cut."""
    marked = _marked(part, wanted)
    while marked is not None and len(marked.encode()) > _LETTER and len(part) > 8:
        part = part[: len(part) * 7 // 8]
        marked = _marked(part, wanted)
    return marked


HANDLERS: Final[dict[str, Handler]] = {"SearchSnippet/get": get}
