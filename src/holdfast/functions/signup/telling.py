"""Telling who waited what became of the request, by the contact that was proven."""

from __future__ import annotations

from holdfast.functions.signup.requests import Step, WantedAccount
from holdfast.model.errors import Reason, Refused
from holdfast.portal.gateways import MailGateway, Say, SmsGateway


class Telling:
    """``url``: of the sign-up pages, without a slash at its end."""

    def __init__(
        self, sms: SmsGateway | None, mail: MailGateway | None, say: Say, sender: str, url: str
    ) -> None:
        self._sms = sms
        self._mail = mail
        self._say = say
        self._sender = sender
        self._url = url

    async def __call__(self, wanted: WantedAccount, step: Step, why: str) -> None:
        """Raises ``Unavailable`` to be asked again, ``Refused`` when it never will."""
        what = "done" if step is Step.DONE else "refused"
        language = wanted.language
        values = {
            "address": wanted.address,
            "sender": self._sender,
            "link": f"{self._url}/request/{wanted.ticket}",
        }
        if wanted.channel == "phone" and self._sms is not None:
            await self._sms.send(wanted.phone, self._say(language, f"told.{what}.sms", **values))
        elif wanted.channel == "address" and self._mail is not None:
            subject = self._say(language, f"told.{what}.subject", **values)
            text = self._say(language, f"told.{what}.mail", **values)
            await self._mail.send(wanted.second, subject, text, language)
        else:
            raise Refused(Reason.NOT_ALLOWED, "no gateway is set up for this contact")
