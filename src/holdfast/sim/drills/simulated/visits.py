"""What somebody meets who comes to the provider: each way in and through it, step by step, as parts are.

A way is a generator: it yields the name of a step and then takes it. It knows what the provider does when a
part is gone: what another one takes over, what waits, what is refused, and nothing of any map.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import NamedTuple

from holdfast.model.errors import ComponentId
from holdfast.sim.drills.simulated import provider as p
from holdfast.sim.seed import Random

TAKEN_OVER_S = 3.0  # until balancers and stores have noticed, and another one does it
SLOW_S = 2.0
WAITS_S = 2.0  # until a customer's session, or a process for it, gives up a silent part
TOO_LONG_S = 1.5  # what takes longer is told as degraded
ANEW_S = 0.1  # from the end of a process that was asked to end until its successor serves: measured

Steps = Generator[str]


class Stopped(Exception):
    """The step can't be done."""


class Anew(Stopped):
    """What it needs ended in the middle of it, as it was asked to, and is there again in a moment."""


class Visit:
    """One visit now, from ``vantage`` ('' inside), that waits so long for what is silent.

    ``slow``: why it took long, '' if it didn't. ``missed``: what it did without, '' for nothing.
    ``waits``: what was only taken, and is done later; '' for nothing.
    """

    def __init__(
        self,
        parts: Mapping[ComponentId, p.Now],
        random: Random,
        vantage: str = "",
        waits_s: float = WAITS_S,
    ) -> None:
        self._parts = parts
        self._random = random
        self._waits_s = waits_s
        self.vantage = vantage
        self.missed = ""
        self.waits = ""
        self.took_s = 0.0
        self.slow = ""

    def meet(self, part: ComponentId, cell: int | None = None) -> p.Mode | None:
        """What it does with this visit beside its work. Raises ``Stopped``."""
        for below in p.STANDS_ON.get(part, ()):
            self.meet(below, cell)
        now = self._parts.get(part)
        if now is None:
            return None
        how = now.condition
        if (how.cells and cell not in how.cells) or self._random.random() >= how.share:
            return None
        if how.mode == "fails":
            raise Stopped(how.said or "connection refused")
        if how.mode == "silent":
            raise self.silent(how.said)
        if how.mode == "anew":
            raise Anew(how.said or f"{part} is started anew, try again")
        if how.mode == "slow":
            self.took_s += SLOW_S
            self.slow = self.slow or how.said or f"took {self.took_s:.1f} s"
        return how.mode

    def count(self, part: ComponentId) -> None:
        """What it is at for all, as a gauge tells it; it is slow where anybody is hit."""
        now = self._parts.get(part)
        if now is not None:
            self.late(now.condition.said or f"{part} isn't as it should be")

    def silent(self, said: str = "") -> Stopped:
        """It was waited for in vain."""
        self.took_s += self._waits_s
        return Stopped(said or f"no answer within {self._waits_s:g} s")

    def gone(self, part: ComponentId) -> bool:
        """Whether everybody around it has noticed by now that it does nothing."""
        if any(self.gone(below) for below in p.STANDS_ON.get(part, ())):
            return True
        now = self._parts.get(part)
        dead = now is not None and now.condition.mode in ("fails", "silent") and now.condition.share == 1
        return dead and now is not None and now.age_s > TAKEN_OVER_S

    def one_of(self, parts: tuple[ComponentId, ...]) -> ComponentId:
        """By lot, of those that aren't known to be gone."""
        there = [each for each in parts if not self.gone(each)]
        if not there:
            raise Stopped("no server is left")
        return self._random.choice(there)

    def late(self, said: str, stopped: Stopped | None = None) -> None:
        """It goes on without, and not as well. ``stopped``: what was asked in vain."""
        self.slow = self.slow or said
        self.missed = self.missed or str(stopped or "")

    def later(self, said: str, stopped: Stopped) -> None:
        """It was taken, and waits for what was asked in vain."""
        self.late(said, stopped)
        self.waits = said

    # what ways share

    def arrive(self, door: str, role: str) -> ComponentId:
        """Through the network to a process of the role; returns which."""
        if self.vantage:
            self.meet(f"vantage/{self.vantage}")
            self.meet(f"transit/{self.vantage}")
            self.meet(f"path/{self.vantage}/{door}")
        try:
            self.meet("switch/a")
        except Stopped:
            self.meet("switch/b")
        balancer = self.one_of(p.BALANCERS)
        self.meet(balancer)
        self._balancer = balancer
        if role in ("imap", "pop3", "web", "portal"):
            self.meet("balancing/check")
        self.meet(f"pool/{role}")
        process = self.one_of(tuple(p.workers(role)))
        try:
            self.meet(process)
        except Anew:  # the supervisor holds its port: who comes meanwhile waits (RUN-1)
            self.took_s += ANEW_S
        return process

    def secure(self, name: str) -> None:
        self.meet(f"certificate/{name}")
        self.meet(f"chain/{self._balancer}")

    def sign_in(self, cell: int) -> None:
        """Against a copy of the verifiers: the database isn't asked."""
        self.meet("load/sign-in")
        auth = self.one_of(tuple(p.workers("auth")))
        self.meet(auth)
        clock = self._parts.get(f"clock/{auth.removeprefix('process/')}")
        if clock is not None:
            raise Stopped("the code is not valid yet")
        self.meet("profiles", cell)

    def sign_in_to_webmail(self, cell: int) -> None:
        if self.meet("sessions") == "old":
            self.late("the session was forgotten")
        self.sign_in(cell)

    def look(self, cell: int) -> None:
        """Into the index of a cell."""
        node = p.node_of(cell)
        self.meet(f"path/lb-{node}")
        self.meet("load/retries")
        self.meet(f"{p.cell(cell)}/load")
        self.meet(f"{p.cell(cell)}/index")

    def fetch(self, cell: int) -> None:
        if self.meet(f"{p.cell(cell)}/packs") == "some":
            raise Stopped("this message can't be read")

    def change(self, cell: int) -> None:
        """Something in a mailbox, durably."""
        node = p.node_of(cell)
        self.meet(f"process/store-{node[1:]}")
        self.keep(p.volume_of(cell))
        if self.meet(f"indexes/{node}") == "readonly":
            raise Stopped("[UNAVAILABLE] read-only")
        self.look(cell)

    def keep(self, volume: ComponentId) -> None:
        """On a volume; when it is full, on the next."""
        if self.meet(volume) == "full":
            self.late(f"{volume} is full, written to the next")

    def accept(self, process: ComponentId) -> None:
        """DATA: what is taken is on the disk of that front."""
        front = p.FRONTS[int(process[-1]) - 1]
        try:
            self.meet("signatures")
            self.meet("process/scanner-1")
        except Stopped as stopped:
            self.late("not scanned yet", stopped)
        self.meet(f"intake/{front}")
        self.meet("limit/mx" if "mx" in process else "limit/submission")

    def show(self, cell: int) -> None:
        """What was taken becomes visible."""
        self.meet("load/incoming")
        self.change(cell)

    def recipient(self, process: ComponentId) -> None:
        if self.meet(process) == "lies":
            raise Stopped("451 4.3.0 recipients can't be checked at present")
        self.meet(f"copy/{p.FRONTS[int(process[-1]) - 1]}")

    def ask_directory(self, what: str) -> None:
        """A change of people: taken durably where the directory is out of reach, when a page has waited."""
        patience_s, self._waits_s = self._waits_s, WAITS_S
        try:
            self.meet("path/dc")
            self.meet("process/directory-1")
            lies = self.meet("db/credentials")
        except Stopped as stopped:
            self.later(f"{what} was taken and waits: {stopped}", stopped)
            return
        else:
            if lies == "lies":
                raise Stopped("503: the database's answers aren't believed")
            self.meet("db/accounts")
        finally:
            self._waits_s = patience_s


# The ways. Each is of one function, from outside, for the account of one cell.


def receive(visit: Visit, cell: int) -> Generator[str, None, ComponentId]:
    yield "resolve"
    visit.meet("zone/mx")
    yield "connect"
    process = visit.arrive("smtp", "mx")
    yield "STARTTLS"
    visit.secure("mail")
    yield "RCPT"
    visit.recipient(process)
    return process


def deliver(visit: Visit, cell: int) -> Steps:
    process = yield from receive(visit, cell)
    yield "DATA"
    visit.accept(process)
    yield "seen"
    visit.show(cell)


def send(visit: Visit, cell: int) -> Steps:
    yield "connect"
    process = visit.arrive("submission", "submission")
    yield "certificate"
    visit.secure("mail")
    yield "sign-in"
    visit.sign_in(cell)
    yield "RCPT"
    visit.recipient(process)
    yield "DATA"
    visit.accept(process)


def outward(visit: Visit, cell: int) -> Steps:
    """To another provider."""
    yield from send(visit, cell)
    yield "out"
    visit.meet("process/relay-1")
    visit.meet(visit.one_of(p.RESOLVERS))
    visit.meet("dns/outside")
    visit.meet("address/relay")
    lies = visit.meet("partner/smarthost") == "lies"
    yield "arrives"
    if lies:
        raise Stopped("taken with 250, and never seen again")


def relay(visit: Visit, cell: int) -> Steps:
    """Out to another provider, and back."""
    yield from outward(visit, cell)
    yield "back"
    visit.meet("zone/mx")
    process = visit.arrive("smtp", "mx")
    visit.accept(process)
    visit.show(cell)


def imap(visit: Visit, cell: int) -> Steps:
    yield "connect"
    visit.arrive("imap", "imap")
    yield "certificate"
    visit.secure("imap")
    yield "sign-in"
    visit.sign_in(cell)
    yield "SELECT"
    visit.look(cell)
    yield "FETCH"
    visit.fetch(cell)
    yield "APPEND"
    visit.change(cell)


def pop3(visit: Visit, cell: int) -> Steps:
    yield "connect"
    visit.arrive("pop3", "pop3")
    yield "certificate"
    visit.secure("mail")
    yield "sign-in"
    visit.sign_in(cell)
    yield "STAT"
    visit.look(cell)
    yield "RETR"
    visit.fetch(cell)
    yield "QUIT"
    visit.change(cell)


def webmail(visit: Visit, cell: int) -> Steps:
    yield "connect"
    visit.arrive("https", "web")
    yield "certificate"
    visit.secure("web")
    yield "page"
    visit.meet("program/web")
    yield "sign-in"
    visit.sign_in_to_webmail(cell)
    yield "list"
    visit.look(cell)
    yield "body"
    visit.fetch(cell)
    yield "change"
    visit.change(cell)


def search(visit: Visit, cell: int) -> Steps:
    """Full text, without which mail is read all the same; contacts are read from a copy when their process
    is gone."""
    yield "search"
    try:
        visit.meet("process/search-1")
    except Stopped as stopped:
        visit.late("mail can be read, not searched", stopped)
    yield "contacts"
    try:
        visit.meet("process/contacts-1")
    except Stopped as stopped:
        visit.late("contacts can be read, not changed", stopped)


def password(visit: Visit, cell: int) -> Steps:
    yield "connect"
    visit.arrive("account", "portal")
    yield "certificate"
    visit.secure("web")
    yield "sign-in"
    visit.meet("sessions")
    visit.sign_in(cell)
    yield "change"
    visit.ask_directory("the change")


def code(visit: Visit, cell: int) -> Steps:
    """A code to a telephone, as who has forgotten a password gets one."""
    yield "code"
    visit.meet("partner/sms")


def signup(visit: Visit, cell: int) -> Steps:
    yield "connect"
    visit.arrive("signup", "signup")
    yield "certificate"
    visit.secure("web")
    yield "name"
    visit.meet("copy/f1")
    visit.meet("sessions")
    yield "proof"
    try:
        visit.meet("partner/sms")
    except Stopped as stopped:
        visit.later(f"the code waits: {stopped}", stopped)
    yield "made"
    visit.ask_directory("the account")
    visit.meet("sequence/accounts")
    yield "used"
    visit.sign_in(cell)
    if visit.meet(f"{p.cell(cell)}/copy") == "old":
        raise Stopped("the new account isn't known there yet")


def large(visit: Visit, cell: int) -> Steps:
    """A message of a megabyte: what small packets pass may stop it."""
    yield "connect"
    visit.arrive("imap", "imap")
    yield "sign-in"
    visit.sign_in(cell)
    yield "SELECT"
    visit.look(cell)
    yield "FETCH 1 MiB"
    node = p.node_of(cell)
    if visit.meet(f"path/lb-{node}") == "some":
        raise visit.silent("stands still after 1400 bytes")
    visit.fetch(cell)


def _old(door: str, role: str, sign_in: Callable[[Visit, int], None], fetch: str) -> Way:
    """Mail that only the copies still have."""

    def way(visit: Visit, cell: int) -> Steps:
        yield "connect"
        visit.arrive(door, role)
        yield "sign-in"
        sign_in(visit, cell)
        yield fetch
        visit.meet("partner/objects")

    return way


Way = Callable[[Visit, int], Steps]


class Met(NamedTuple):
    """``step``: the last that was begun. ``stopped``: why it couldn't be done, '' if it could."""

    step: str
    stopped: str = ""


def walk(way: Way, visit: Visit, cell: int) -> Met:
    """To its end, or as far as one comes."""
    step = ""
    try:
        for name in way(visit, cell):
            step = name
    except Stopped as stopped:
        return Met(step, str(stopped))
    return Met(step)


# Function → how a customer reads what only the copies still have.
OLD: Mapping[str, Way] = {
    "imap": _old("imap", "imap", Visit.sign_in, "FETCH old"),
    "pop3": _old("pop3", "pop3", Visit.sign_in, "RETR old"),
    "webmail": _old("https", "web", Visit.sign_in_to_webmail, "body old"),
}
# Function → how a customer uses it.
WAYS: Mapping[str, Way] = {
    "receive": deliver,
    "send": send,
    "imap": imap,
    "pop3": pop3,
    "webmail": webmail,
    "password": password,
    "signup": signup,
}
# Function → all that a customer wants of it.
USES: Mapping[str, tuple[Way, ...]] = {
    **{function: (way, *filter(None, [OLD.get(function)])) for function, way in WAYS.items()},
    "send": (outward,),
}
