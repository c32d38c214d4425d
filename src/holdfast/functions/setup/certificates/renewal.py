"""When each certificate is due, and getting it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from holdfast.functions.setup.certificates.authority import Suggestion
from holdfast.functions.setup.certificates.files import CertificateFiles, Facts, Parsed, State, States, Target
from holdfast.functions.setup.events import (
    CERTIFICATE_ENDED,
    CERTIFICATE_ENDS_SOON,
    CERTIFICATE_FAILED,
    CERTIFICATE_ISSUED,
    CERTIFICATES_UNKNOWN,
)
from holdfast.model.errors import Refused, Unavailable
from holdfast.model.limits import (
    ACME_INFO_S,
    ACME_LOOK_S,
    ACME_RETRY_FIRST_S,
    ACME_RETRY_LONGEST_S,
    CERTIFICATE_WARN_DAYS,
)
from holdfast.world import World

DAY_S = 86_400.0
USUAL_LIFE_S = 90 * DAY_S
DNS_PATIENCE = 3
RATE_PAUSE_S = 3600.0
ENDED = -1  # beyond all warnings


class Issuer(Protocol):
    async def issue(self, names: Sequence[str], key: bytes) -> bytes: ...

    async def suggestion(self, facts: Facts) -> Suggestion | None: ...


Targets = Callable[[], Awaitable[Sequence[Target]]]
LeadsHere = Callable[[str], Awaitable[bool]]


def pause_s(failures: int) -> float:
    """After so many failures in a row: twice as long each time, up to a limit."""
    return float(min(ACME_RETRY_LONGEST_S, ACME_RETRY_FIRST_S * 2 ** min(failures - 1, 30)))


def renew_at(facts: Facts, state: State) -> float:
    """The authority's own suggestion for this certificate, or else when a third of its life is left.

    Never within a day of the last one: an authority that always suggests at once would be asked for ever.
    """
    if state.renew_at and state.window_of == facts.info_id:
        return max(state.renew_at, state.got_at + DAY_S)
    return facts.third_left_at


def warning_due(facts: Facts, now: float) -> int:
    """30, 14 or 7: the smallest of ``CERTIFICATE_WARN_DAYS`` that it is in; 0 for none.

    One that lives for less than 90 days is measured in its own life's share: a third, a sixth, …
    """
    share = min(1.0, (facts.ends_at - facts.begins_at) / USUAL_LIFE_S)
    left = facts.ends_at - now
    # At the very day of renewal there is nothing to warn of yet: a hundredth of grace.
    within = [days for days in CERTIFICATE_WARN_DAYS if left < days * DAY_S * share * 0.99]
    return min(within, default=0)


class Renewal:
    """CERT-2: a certificate that works is replaced by a better one or by nothing.

    ``issuer`` None: nothing is renewed here, but warnings are given all the same.
    """

    def __init__(
        self, world: World, issuer: Issuer | None, targets: Targets, leads_here: LeadsHere, states: States
    ) -> None:
        self._world = world
        self._issuer = issuer
        self._targets = targets
        self._leads_here = leads_here
        self._states = states
        self._parsed: Parsed = {}
        self._silent = 0  # questions to the DNS in this round that nobody answered
        self._paused_until = 0.0

    async def follow(self) -> None:
        """Looks every ``ACME_LOOK_S`` until cancelled."""
        while True:
            try:
                await self.round()
            except Unavailable as error:
                self._world.journal.emit(CERTIFICATES_UNKNOWN, error=str(error))
            except Exception as error:  # one bad round must not be the last
                self._world.journal.emit(CERTIFICATES_UNKNOWN, error=f"{type(error).__name__}: {error}")
            await self._world.clock.sleep(ACME_LOOK_S)

    async def round(self, only: str = "", *, at_once: bool = False) -> list[str]:
        """Every certificate, one after the other; the ids of those that are new.

        ``only``: one of them. ``at_once``: whether it is due or not, and whatever failed before.
        Raises ``Unavailable`` when it can't be known which to have, or another process renews just now.
        """
        targets = await self._targets()
        lock = self._states.lock()
        renewed = []
        try:
            self._states.load()
            self._silent = 0
            for target in targets:
                if only in ("", target.id) and await self._one(target, at_once):
                    renewed.append(target.id)
                await self._world.clock.sleep(0)  # thousands of domains: others' turn
        finally:
            lock.release()
        return renewed

    async def _one(self, target: Target, at_once: bool) -> bool:
        state = self._states.of(target.id)
        before = repr(state)
        files = CertificateFiles(self._world, target.certificate, target.key, self._parsed)
        facts = files.facts()
        done = False
        if self._issuer is not None:
            names = await self._names(target, facts, state, at_once)
            await self._ask_when(facts, state)
            now = self._world.clock.now()
            may = now >= max(state.next_at, self._paused_until)
            if names and (at_once or (may and self._due(facts, names, state))):
                done = await self._get(target, files, names, state)
                facts = files.facts()
        self._warn(target, facts, state)
        if repr(state) != before:
            self._keep()
        return done

    def _keep(self) -> None:
        try:
            self._states.keep()
        except OSError as error:  # a full disk: the certificates themselves are what counts
            self._world.journal.emit(CERTIFICATES_UNKNOWN, error=f"the state can't be kept: {error}")

    async def _names(self, target: Target, facts: Facts | None, state: State, at_once: bool) -> list[str]:
        """What it must have, and of the rest what it has or what leads here by now; [] for nothing.

        CERT-3: a name that no longer leads here is left out when it is renewed; and every second try after
        a failure leaves out what the certificate doesn't have already.
        """
        now = self._world.clock.now()
        has = [name for name in target.optional if facts and not facts.self_signed and facts.covers(name)]
        late = facts is None or facts.self_signed or now >= renew_at(facts, state)
        look = at_once or now >= state.look_at
        if look:
            state.look_at = now + ACME_RETRY_FIRST_S
        careful = late and bool(has) and state.failures % 2 == 1
        found = []
        for name in target.optional:
            if name in has:
                leads = not late or await self._leads(name) is not False
            else:
                leads = look and not careful and await self._leads(name) is True
            if leads:
                found.append(name)
        return [*target.names, *found]

    async def _leads(self, name: str) -> bool | None:
        """None: can't be known now. A DNS that is gone isn't waited for again and again in one round."""
        if self._silent >= DNS_PATIENCE:
            return None
        try:
            return await self._leads_here(name)
        except Refused:
            return False
        except Unavailable:
            self._silent += 1
            return None

    def _due(self, facts: Facts | None, names: Sequence[str], state: State) -> bool:
        if facts is None or facts.self_signed or not all(facts.covers(name) for name in names):
            return True
        return self._world.clock.now() >= renew_at(facts, state)

    async def _ask_when(self, facts: Facts | None, state: State) -> None:
        """RFC 9773 §4.2: a moment drawn evenly from the suggested window, once for each window."""
        now = self._world.clock.now()
        if self._issuer is None or facts is None or facts.self_signed or facts.ends_at <= now:
            return
        if now < state.ask_at and state.window_of == facts.info_id:
            return
        state.ask_at = now + ACME_INFO_S
        try:
            found = await self._issuer.suggestion(facts)
        except Unavailable:
            found = None  # a third of its life is the rule then
        if found is None:
            if state.window_of != facts.info_id:
                state.window, state.window_of, state.renew_at = (0.0, 0.0), facts.info_id, 0.0
            return
        state.ask_at = max(found.ask_at, now + 60.0)
        window = (found.start, found.end)
        if window != state.window or state.window_of != facts.info_id:
            drawn = self._world.entropy.uniform(found.start, max(found.start, found.end))
            state.window, state.window_of, state.renew_at = window, facts.info_id, drawn

    async def _get(self, target: Target, files: CertificateFiles, names: Sequence[str], state: State) -> bool:
        assert self._issuer is not None
        state.tried_at = self._world.clock.now()
        try:
            chain = await self._issuer.issue(names, files.private_key())
            facts = files.install(chain, names, self._world.clock.now())
        except (Unavailable, OSError, ValueError) as error:
            text = error.text if isinstance(error, Unavailable) else str(error)
            state.failures += 1
            state.error = text
            if text.startswith("rateLimited"):  # RFC 8555 §6.7: of the account; the others wait, too
                self._paused_until = self._world.clock.now() + RATE_PAUSE_S
            pause = pause_s(state.failures) * self._world.entropy.uniform(0.9, 1.1)
            state.next_at = self._world.clock.now() + pause
            self._world.journal.emit(
                CERTIFICATE_FAILED,
                names=list(names),
                error=text,
                again_in_s=round(pause),
                tries=state.failures,
            )
            return False
        state.failures, state.error, state.next_at = 0, "", 0.0
        state.got_at = self._world.clock.now()
        ends = round(facts.ends_at)
        self._world.journal.emit(CERTIFICATE_ISSUED, names=list(names), issuer=facts.issuer, ends_at=ends)
        return True

    def _warn(self, target: Target, facts: Facts | None, state: State) -> None:
        """30, 14 and 7 days before the end, and then, each once."""
        if facts is None:
            return
        now = self._world.clock.now()
        due = ENDED if facts.ends_at <= now else warning_due(facts, now)
        if state.warned_for != facts.ends_at:
            state.warned, state.warned_for = 0, facts.ends_at
        if not due or (state.warned and due >= state.warned):
            return
        state.warned = due
        names, days = list(facts.names), round((facts.ends_at - now) / DAY_S, 1)
        event = CERTIFICATE_ENDED if due == ENDED else CERTIFICATE_ENDS_SOON
        self._world.journal.emit(event, certificate=target.id, names=names, days=days, error=state.error)
