"""What somebody has told so far, on his way from the first page to the last.

It is kept by his browser, in a sealed cookie: a process that is restarted forgets nobody, and whoever
gives up leaves nothing behind. The password is in it as its hash only.
"""

from __future__ import annotations

import msgspec

from holdfast.functions.signup.requests import WantedAccount
from holdfast.model.limits import SIGNUP_DRAFT_S
from holdfast.pages import Visit

_PURPOSE = "draft"


class Draft(msgspec.Struct, frozen=True, array_like=True):
    """``id``: becomes the request's ticket, so that a form sent twice asks once.

    ``canary``: until when it is our own canary's, 0 for a visitor's (SIGNUP-8).
    ``customer``: '' while the contract isn't checked. ``proof``: the token of the code on its way;
    ``proving``: whom it was sent to.
    """

    id: str
    began_at: float
    address: str
    entry: str = ""  # the invitation's code, or the contract's number
    customer: str = ""
    quota_bytes: int = 0
    daily_recipients: int = 0
    entered: bool = False
    name: str = ""
    credential: str = ""
    phone: str = ""
    second: str = ""
    channel: str = ""
    language: str = ""
    consent_at: float = 0.0
    proof: str = ""
    proving: str = ""
    proven_at: float = 0.0
    canary: float = 0.0

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]

    @property
    def contact(self) -> str:
        """Where the code goes."""
        return {"phone": self.phone, "address": self.second}.get(self.channel, "")

    def wanted(self, rule: str, once: str) -> WantedAccount:
        return WantedAccount(
            ticket=self.id,
            once=once,
            address=self.address,
            name=self.name,
            credential=self.credential,
            language=self.language,
            channel=self.channel,
            phone=self.phone,
            phone_proven_at=self.proven_at if self.channel == "phone" else 0.0,
            second=self.second,
            second_proven_at=self.proven_at if self.channel == "address" else 0.0,
            consent_at=self.consent_at,
            invitation=self.entry if rule == "invitation" else "",
            contract=self.entry if rule == "contract" else "",
            customer=self.customer,
            quota_bytes=self.quota_bytes,
            daily_recipients=self.daily_recipients,
        )


_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(Draft).decode


def read(visit: Visit) -> Draft | None:
    sealed = visit.open(_PURPOSE, visit.cookie(_PURPOSE))
    if sealed is None:
        return None
    try:
        draft = _unpack(sealed)
    except msgspec.MsgspecError:  # of another version
        return None
    return draft if visit.world.clock.now() - draft.began_at <= SIGNUP_DRAFT_S else None


def keep(visit: Visit, draft: Draft) -> None:
    visit.set_cookie(_PURPOSE, visit.seal(_PURPOSE, _pack(draft)), SIGNUP_DRAFT_S)


def drop(visit: Visit) -> None:
    visit.drop_cookie(_PURPOSE)
