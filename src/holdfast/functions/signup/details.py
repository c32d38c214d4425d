"""The page of password, name and contacts: what is typed there, checked one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import msgspec

from holdfast.directory.credentials import SALT_BYTES, hash_password
from holdfast.functions.signup.drafts import Draft
from holdfast.model.address import parse_address
from holdfast.model.errors import Reason, Refused
from holdfast.model.limits import NAME_CHARACTERS, PASSWORD_LEAST
from holdfast.pages import Visit, Wrong
from holdfast.partners.sms import parse_phone

Weakness = Callable[[str, Iterable[str]], str]
"""Why a password is weak: ``short``, ``long``, ``common``, ``own``; '' for a good one. It, own names →"""


class Asked(NamedTuple):
    """``channels``: by which a code may go: ``phone``, ``address``; () proves nothing.

    ``check_phone``: raises ``Refused`` for a number that isn't served. ``is_ours``: whether a domain is.
    ``terms_url``, ``privacy_url``: '' for none.
    """

    channels: tuple[str, ...]
    country: str
    check_phone: Callable[[str], None]
    is_ours: Callable[[str], bool]
    disposable: frozenset[str]
    terms_url: str
    privacy_url: str
    weakness: Weakness


class Details:
    def __init__(self, asked: Asked) -> None:
        self._asked = asked

    @staticmethod
    def field(channel: str) -> str:
        return "phone" if channel == "phone" else "second"

    def shown(self, visit: Visit, draft: Draft) -> dict[str, object]:
        """What the page's template needs; what was typed last stands in its fields."""
        posted = visit.method == "POST"
        asked = self._asked

        def typed(name: str, kept: str) -> str:
            return visit.form.get(name) if posted else kept

        return {
            "draft": draft,
            "name": typed("name", draft.name),
            "phone": typed("phone", draft.phone),
            "second": typed("second", draft.second),
            "spoken": typed("spoken", draft.language or visit.language),
            "channel": typed("channel", draft.channel or (asked.channels[0] if asked.channels else "")),
            "consent": "consent" in visit.form if posted else bool(draft.consent_at),
            "terms": "terms" in visit.form if posted else bool(draft.name),
            "channels": asked.channels,
            "least": PASSWORD_LEAST,
            "terms_url": asked.terms_url,
            "privacy_url": asked.privacy_url,
        }

    def take(self, visit: Visit, draft: Draft) -> Draft:
        """All but the password. Raises ``Wrong`` for the first field that can't be taken."""
        form = visit.form
        name = " ".join(form.get("name").split())
        if not name:
            raise Wrong("details.name_none", "name")
        if len(name) > NAME_CHARACTERS or not name.isprintable():
            raise Wrong("details.name_form", "name")
        phone, second = self._phone(form.get("phone")), self._second(form.get("second"))
        own = draft.canary > visit.world.clock.now()
        channel = "" if own else self._channel(form.get("channel"), phone, second)
        spoken = form.get("spoken")
        if self._asked.terms_url and "terms" not in form:
            raise Wrong("details.terms_none", "terms")
        return msgspec.structs.replace(
            draft,
            name=name,
            phone=phone,
            second=second,
            channel=channel,
            language=spoken if spoken in ("de", "en") else visit.language,
            consent_at=visit.world.clock.now() if "consent" in form else 0.0,
        )

    async def take_password(self, visit: Visit, draft: Draft) -> Draft:
        """With its hash, made in a thread; an empty field keeps the one that was given before.

        Before the other fields: nobody types it again because of another one.
        """
        password = visit.form.exact("password")
        if not password:
            if draft.credential:
                return draft
            raise Wrong("details.password_none", "password")
        weak = self._asked.weakness(password, (visit.form.get("name"), draft.address))
        if weak:
            raise Wrong(f"weak.{weak}", "password", least=PASSWORD_LEAST)
        if password != visit.form.exact("repeat"):
            raise Wrong("details.password_differs", "repeat")
        salt = visit.world.entropy.bytes(SALT_BYTES)
        credential = await visit.world.offload(hash_password, password, salt)
        return msgspec.structs.replace(draft, credential=credential)

    def _phone(self, text: str) -> str:
        if not text:
            return ""
        try:
            number = parse_phone(text, self._asked.country)
            self._asked.check_phone(number)
        except Refused as error:
            served = error.reason is not Reason.NOT_ALLOWED
            raise Wrong("details.phone_form" if served else "details.phone_country", "phone") from None
        return number

    def _second(self, text: str) -> str:
        """It is there for when our mail is what fails: so it isn't with us (SIGNUP-5)."""
        if not text:
            return ""
        try:
            address = parse_address(text)
        except Refused:
            raise Wrong("details.second_form", "second") from None
        if "." not in address.domain:
            raise Wrong("details.second_form", "second")
        if self._asked.is_ours(address.domain):
            raise Wrong("details.second_ours", "second")
        domain = address.domain
        while domain:
            if domain in self._asked.disposable:
                raise Wrong("details.second_disposable", "second")
            domain = domain.partition(".")[2]
        return str(address)

    def _channel(self, chosen: str, phone: str, second: str) -> str:
        """Where the code goes: as chosen, if that was filled in; else by what was."""
        channels = self._asked.channels
        if not channels:
            return ""
        given = {"phone": phone, "address": second}
        if len(channels) > 1 and chosen in channels and not given[chosen] and any(given.values()):
            chosen = next(each for each in channels if given[each])
        if chosen not in channels:
            chosen = channels[0]
        if not given[chosen]:
            key = "details.contact_none" if len(channels) > 1 else f"details.{self.field(chosen)}_none"
            raise Wrong(key, self.field(chosen))
        return chosen
