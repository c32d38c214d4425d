"""Text messages and pushes over HTTP, by whatever gateway there is, and the phone numbers they go to."""

from __future__ import annotations

import base64
import json
import re
import urllib.parse
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from holdfast.model.errors import ComponentId, Reason, Refused, Unavailable
from holdfast.model.limits import GATEWAY_S
from holdfast.world.http import HttpClient

SMS = "partner/sms"
_BAD_RECIPIENT = (400, 404, 422)  # the gateway understood us, and this is none for it


# Phones


def parse_phone(text: str, country: str = "") -> str:
    """What a person types → E.164 (ITU-T E.164 §6): ``0170 123 45 67``, country 49 → ``+491701234567``.

    ``country``: the country code of numbers that begin with one 0, without ``+``; '' if there is none.
    Raises ``Refused(BAD_SYNTAX)``.
    """
    digits = re.sub(r"[\s()./\-\u00a0\u2009\u2011\u2013]", "", text)
    if digits.startswith("00"):
        digits = "+" + digits[2:]
    elif digits.startswith("0") and country:
        digits = f"+{country}{digits[1:]}"
    if country and digits.startswith(f"+{country}0"):  # +49 (0)170 …
        digits = f"+{country}{digits[len(country) + 2 :]}"
    if not re.fullmatch(r"\+[1-9][0-9]{6,14}", digits):
        raise Refused(Reason.BAD_SYNTAX, "not a phone number: write it with its country, +49 170 1234567")
    return digits


def shown_phone(number: str) -> str:
    """Enough of it to know it again: ``+49 … 67``."""
    return f"{number[:3]} … {number[-2:]}"


# Text messages


class SmsSettings(NamedTuple):
    """``{phone}``, ``{text}`` and ``{secret}`` stand in ``url``, ``headers`` and ``body``.

    How they are quoted in the body follows from its Content-Type: JSON, form, or as they are.
    ``countries``: beginnings of numbers that are served, ``+49``; () for all.
    ``expect``: a word that the answer must contain, for gateways that say 200 to everything.
    """

    url: str
    method: str = "POST"
    headers: Mapping[str, str] = {}
    body: str = ""
    secret: Callable[[], str] = str
    countries: tuple[str, ...] = ()
    expect: str = ""


class HttpPartner:
    """What is handed over as a request, filled in from a template. ``component``: as the map names it."""

    def __init__(self, http: HttpClient, settings: SmsSettings, component: ComponentId) -> None:
        self._http = http
        self._settings = settings
        self._component = component

    async def hand_over(self, values: Mapping[str, str]) -> None:
        """``values``: what stands in the template in braces, and may be told nobody (PARTNER-2). Returns when
        it was taken on (PARTNER-1). Raises ``Unavailable`` and ``Refused``."""
        settings = self._settings
        try:
            values = {**values, "secret": settings.secret()}
        except OSError as error:
            raise Unavailable(self._component, f"its secret can't be read: {error}") from error
        kind = next((value for name, value in settings.headers.items() if name.lower() == "content-type"), "")
        try:
            answer = await self._http.ask(
                settings.method,
                _fill(settings.url, values, _in_url),
                component=self._component,
                headers={name: _fill(value, values, _in_header) for name, value in settings.headers.items()},
                content=_fill(settings.body, values, _quoting(kind)).encode(),
                timeout_s=GATEWAY_S,
            )
        except Unavailable as error:
            text = _without(error.text, values.values())
            raise Unavailable(self._component, text, error.retry_after_s) from None
        if answer.status in _BAD_RECIPIENT:
            raise Refused(Reason.NO_SUCH_USER, f"the gateway refuses this recipient ({answer.status})")
        if not 200 <= answer.status < 300:
            raise Unavailable(self._component, f"answered {answer.status}")
        if settings.expect and settings.expect.encode() not in answer.body:
            raise Unavailable(self._component, f"its answer doesn't contain {settings.expect!r}")


class SmsPartner(HttpPartner):
    def __init__(self, http: HttpClient, settings: SmsSettings, component: ComponentId = SMS) -> None:
        super().__init__(http, settings, component)

    def check(self, number: str) -> None:
        """Raises ``Refused(NOT_ALLOWED)`` for a country that isn't served."""
        countries = self._settings.countries
        if countries and not number.startswith(countries):
            raise Refused(
                Reason.NOT_ALLOWED, f"numbers of this country aren't served: {', '.join(countries)}"
            )

    async def send(self, to: str, text: str) -> None:
        """Raises ``Unavailable`` and ``Refused``."""
        self.check(to)
        await self.hand_over({"phone": to, "text": text})


def _fill(template: str, values: Mapping[str, str], quote: Callable[[str], str]) -> str:
    """Each name once, in one pass: what a value contains is never taken for a name."""
    return re.sub(
        r"\{([a-z]+)\}", lambda found: quote(values[found[1]]) if found[1] in values else found[0], template
    )


def _without(text: str, secrets: Iterable[str]) -> str:
    """The text, if nothing of these is in it in any spelling."""
    spelled = [spell(each) for each in secrets if each for spell in (_plain, _in_url, _in_json)]
    return "out of reach" if any(each in text for each in spelled) else text


def _in_url(text: str) -> str:
    return urllib.parse.quote(text, safe="")


def _in_json(text: str) -> str:
    return json.dumps(text)[1:-1]


def _in_header(text: str) -> str:
    """One line; what isn't ASCII as an encoded word (RFC 2047 §2), as those read it who take text there."""
    text = " ".join(text.split())
    return text if text.isascii() else f"=?utf-8?b?{base64.b64encode(text.encode()).decode()}?="


def _plain(text: str) -> str:
    return text


def _quoting(content_type: str) -> Callable[[str], str]:
    if "json" in content_type:
        return _in_json
    return _in_url if "x-www-form-urlencoded" in content_type else _plain
