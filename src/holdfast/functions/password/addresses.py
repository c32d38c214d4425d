"""Every address that leads to an account; masked ones are its owner's to make, end and label."""

from __future__ import annotations

from starlette.responses import Response

from holdfast.directory.deferred import Done, Taken
from holdfast.directory.requests import MaskedSet
from holdfast.functions.password.desk import Desk
from holdfast.model.limits import NAME_CHARACTERS
from holdfast.model.people import Account, Masked
from holdfast.pages import Visit

_DAY_S = 86_400.0
LIVES = {"never": 0.0, "day": _DAY_S, "week": 7 * _DAY_S, "month": 30 * _DAY_S, "year": 365 * _DAY_S}


class Addresses:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        desk.page("/addresses", self.manage)
        desk.page("/addresses/masked", self.change)

    async def manage(self, visit: Visit) -> Response:
        """Shows all; a POST makes a masked address."""
        desk, account = self._desk, self._desk.own(visit)
        domain = account.login.rpartition("@")[2]
        if visit.method == "POST":
            life_s = LIVES.get(visit.form.get("expires"), 0.0)
            request = MaskedSet(
                account=account.id,
                domain=domain,
                label=visit.form.get("label")[:NAME_CHARACTERS],
                expires_at=desk.world.clock.now() + life_s if life_s else 0.0,
                by=desk.by(visit),
            )
            done = await desk.ask(request, Masked)
            if isinstance(done, Done):
                visit.notice("addresses.made", address=done.value.address)
            return self._after(visit, done)
        found = desk.people.domain(domain)
        return visit.show(
            "addresses.html",
            account=account,
            own=sorted(desk.people.addresses(account.id), key=lambda each: each != account.login),
            aliases=desk.people.aliases_to(account.id),
            masked=desk.people.masked(account.id),
            separator=found.separator if found is not None else "",
            now=desk.world.clock.now(),
            lives=list(LIVES),
        )

    async def change(self, visit: Visit) -> Response:
        """One masked address: its page, and what is changed there."""
        desk, account = self._desk, self._desk.own(visit)
        which = visit.form.get("address") or visit.query.get("address", "")
        found = [each for each in desk.people.masked(account.id) if each.address == which]
        if not found:
            return visit.go("/addresses")
        if visit.method != "POST":
            now = desk.world.clock.now()
            return visit.show("masked.html", masked=found[0], now=now, lives=list(LIVES))
        changed, said = self._changed(visit, account, found[0])
        done = await desk.ask(changed, Masked)
        if isinstance(done, Done):
            visit.notice(said, address=which)
        return self._after(visit, done)

    def _changed(self, visit: Visit, account: Account, masked: Masked) -> tuple[MaskedSet, str]:
        form, now = visit.form, self._desk.world.clock.now()
        label, expires_at, enabled = masked.label, masked.expires_at, masked.enabled
        said = "addresses.saved"
        if form.get("do") == "off":
            enabled, said = False, "addresses.is_off"
        elif form.get("do") == "on":
            enabled, said = True, "addresses.is_on"
            expires_at = 0.0 if 0 < expires_at <= now else expires_at
        else:
            label = form.get("label")[:NAME_CHARACTERS]
            if form.get("expires") in LIVES:
                life_s = LIVES[form.get("expires")]
                expires_at = now + life_s if life_s else 0.0
        request = MaskedSet(
            account=account.id,
            address=masked.address,
            label=label,
            expires_at=expires_at,
            enabled=enabled,
            by=self._desk.by(visit),
        )
        return request, said

    @staticmethod
    def _after(visit: Visit, done: Done[Masked] | Taken) -> Response:
        if isinstance(done, Taken):
            return visit.show("taken.html", ticket=done.ticket, back="/addresses")
        return visit.go("/addresses")
