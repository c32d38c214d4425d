"""Whether a contract number is good: asked of the provider's own system (docs/operate/sign-up.md)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.world.http import HttpClient

CONTRACTS = "partner/contracts"
_REFUSALS = (400, 403, 404, 409, 410, 422)


class Contract(NamedTuple):
    """What the contract gives. ``customer``: how the provider's system names the customer."""

    customer: str
    quota_bytes: int = 0
    daily_recipients: int = 0


class _Answer(msgspec.Struct):
    ok: bool
    customer: str | int = ""
    quota_bytes: int = 0
    daily_recipients: int = 0


_decode = msgspec.json.Decoder(_Answer).decode


class Contracts:
    def __init__(self, http: HttpClient, url: str, secret: Callable[[], str]) -> None:
        self._http = http
        self._url = url
        self._secret = secret

    async def check(self, request: str, number: str, address: str, name: str) -> Contract:
        """``request``: the same for each try of one sign-up, so that it is counted once there.

        Raises ``Refused(NOT_ALLOWED)`` for a number that isn't good (any more), and
        ``Unavailable("partner/contracts")`` for everything that isn't a clear answer.
        """
        try:
            secret = self._secret()
        except OSError as error:
            raise Unavailable(CONTRACTS, f"its secret can't be read: {error}") from error
        headers = {"content-type": "application/json", "idempotency-key": request}
        if secret:
            headers["authorization"] = f"Bearer {secret}"
        body = json.dumps({"request": request, "contract": number, "address": address, "name": name})
        answer = await self._http.ask(
            "POST", self._url, component=CONTRACTS, headers=headers, content=body.encode()
        )
        if answer.status in _REFUSALS:
            raise _refused()
        if answer.status != 200:
            raise Unavailable(CONTRACTS, f"answered {answer.status}")
        try:
            said = _decode(answer.body)
        except msgspec.MsgspecError as error:
            raise Unavailable(CONTRACTS, f"its answer makes no sense: {error}") from error
        if not said.ok:
            raise _refused()
        return Contract(str(said.customer), max(0, said.quota_bytes), max(0, said.daily_recipients))


def _refused() -> Refused:
    return Refused(
        Reason.NOT_ALLOWED, "this contract number is not known, or no further address goes with it"
    )
