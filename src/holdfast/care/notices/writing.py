"""Messages, made of what was laid down and of what the customers' snapshot says of each."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence

from holdfast.care.notices.channels import Message
from holdfast.care.notices.kept import EVERYBODY, LETTER, MessageRow, Notice
from holdfast.care.notices.recipients import Contact, contacts, mailboxes, tenants
from holdfast.care.notices.words import Reader, Words
from holdfast.model.limits import NOTICE_BATCH
from holdfast.pages.texts import LANGUAGES, Texts
from holdfast.world import World


class Writer:
    """``link``: of a customer's own page and its token, by customer and tenant; ('', '') where none is."""

    def __init__(
        self,
        world: World,
        snapshot: str,
        texts: Texts,
        link: Callable[[int, int], tuple[str, str]],
        language: str,
    ) -> None:
        self._world = world
        self._snapshot = snapshot
        self._say = functools.partial(texts.say, language)
        self._readers = {each: Reader(texts, each) for each in LANGUAGES}
        self._link = link
        self._language = language

    def messages(
        self, rows: Sequence[MessageRow], notices: dict[tuple[int, int], Notice]
    ) -> list[Message | None]:
        """Blocks; None for who is gone. Raises ``Unavailable``."""
        ids = {row.customer for row in rows if row.customer != EVERYBODY}
        known = contacts(self._world, self._snapshot, ids) if ids else {}
        names = tenants(self._world, self._snapshot) if any(each.tenant for each, _ in known.values()) else {}
        found: list[Message | None] = []
        for row in rows:
            notice = notices[row.incident, row.notice]
            if row.customer == EVERYBODY:
                found.append(self._for_all(notice.body.words[self._language]))
            elif row.customer in known:
                contact, accounts = known[row.customer]
                language = contact.language if contact.language in LANGUAGES else self._language
                tenant = contact.tenant if contact.tenant in names else 0
                words = notice.words(accounts, tenant)[language]
                own = mailboxes(accounts, *notice.open_scopes)
                link, token = self._link(contact.customer, tenant)
                reader = self._readers[language]
                whole, short = reader.whole(words, own, link), reader.short(words, own, link)
                found.append(
                    Message(contact, language, words.title, whole, short, link, token, names.get(tenant, ""))
                )
            else:
                found.append(None)
        return found

    def to_customers(self, ids: Sequence[int], notice: Notice) -> Iterator[Message]:
        """The notice as each of them reads it. Blocks; raises ``Unavailable``."""
        for begin in range(0, len(ids), NOTICE_BATCH):
            rows = [
                MessageRow(notice.incident, notice.number, each, LETTER, "due", 0, 0.0, 0.0, "")
                for each in ids[begin : begin + NOTICE_BATCH]
            ]
            yield from filter(None, self.messages(rows, {notice[:2]: notice}))

    def held(self, incident: int, reason: str) -> Message:
        """That customers aren't told, for the staff."""
        text = self._say("notice.held", number=incident, reason=reason)
        return self._to_nobody(self._say("notice.held.title", number=incident), text, text)

    def _for_all(self, words: Words) -> Message:
        reader = self._readers[self._language]
        return self._to_nobody(words.title, reader.whole(words, (), ""), reader.short(words, (), ""))

    def _to_nobody(self, title: str, text: str, short: str) -> Message:
        nobody = Contact(EVERYBODY, "", "", "", self._language)
        return Message(nobody, self._language, title, text, short, "", "")
