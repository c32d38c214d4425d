"""What is known of the provider by those who watch it: its dependency map, as a configuration has it, and
what is tried. Edges and steps are told in the map's terms, not made from how parts behave (`visits.py`)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from holdfast.model.errors import ComponentId
from holdfast.sim.drills.simulated import provider as p
from holdfast.watch.depends import Component, DependencyMap, Edge, Step, Trial

ODDS = {"partner": 3.0, "transit": 3.0, "vantage": 3.0, "network": 0.3, "shelf": 0.5, "load": 3.0}
_CELLS = range(p.CELLS)
_ALL_NODES = (*p.FRONTS, *p.NODES, "d1")

# Door → the role behind it and its certificate.
DOORS = {
    "smtp": ("mx", "mail"),
    "submission": ("submission", "mail"),
    "imap": ("imap", "imap"),
    "pop3": ("pop3", "mail"),
    "https": ("web", "web"),
    "account": ("portal", "web"),
    "signup": ("signup", "web"),
}
_WAITING_ON_CHECK = ("imap", "pop3", "web", "portal")
_ALONE = ("relay-1", "scanner-1", "search-1", "contacts-1", "directory-1", "quota-1")
CLOCKS = tuple(f"clock/auth-{n}" for n in (1, 2))
LOADS = ("load/sign-in", "load/incoming", "load/retries")
SINGLE = (
    *("switch/a", "switch/b", "balancing/check", "zone/mx", "dns/outside", "address/relay", "path/dc"),
    *("db/credentials", "db/accounts", "sequence/accounts", "sessions", "signatures", "key/objects"),
    *("spool/uploads", "failover/map", "profiles", "program/web", "directory/content"),
    *("limit/mx", "limit/submission", "merge/cell-01", *LOADS, *CLOCKS),
)


def _processes() -> list[ComponentId]:
    return [
        *(each for role in p.FRONT_ROLES for each in p.workers(role)),
        *(f"process/{one}" for one in _ALONE),
    ] + [f"process/store-{node[1:]}" for node in p.NODES]


def components() -> list[ComponentId]:
    found = [f"node/{each}" for each in _ALL_NODES] + _processes() + list(SINGLE)
    found += [*p.BALANCERS, *p.RESOLVERS, *(f"partner/{each}" for each in p.PARTNERS)]
    found += [f"chain/{each}" for each in p.BALANCERS] + [
        f"certificate/{each}" for each in ("mail", "imap", "web")
    ]
    found += [f"{kind}/{front}" for kind in ("copy", "intake") for front in p.FRONTS]
    found += [f"pool/{role}" for role in p.FRONT_ROLES]
    found += ["shelf/s1", "shelf/s2"]
    for node in p.NODES:
        found += [f"volume/v{node[1:]}", f"indexes/{node}", f"path/lb-{node}", f"dialtone/{node}"]
    for vantage in p.VANTAGES:
        found += [f"vantage/{vantage}", f"transit/{vantage}", *(f"path/{vantage}/{door}" for door in DOORS)]
    for number in _CELLS:
        found += [
            f"{p.cell(number)}/{each}" for each in ("storage", "index", "packs", "replica", "copy", "load")
        ]
    return found


def kind(component: ComponentId) -> str:
    head, _, rest = component.partition("/")
    return (
        rest if head.startswith("cell-") else "balancer" if head.startswith("lb-") else head.partition("-")[0]
    )


def needs() -> Iterator[Edge]:
    for n, front in enumerate(p.FRONTS, 1):
        for role in p.FRONT_ROLES:
            yield Edge(f"process/{role}-{n}", f"node/{front}", "runs on")
        yield Edge(f"copy/{front}", f"node/{front}", "lies on")
        yield Edge(f"intake/{front}", f"node/{front}", "lies on")
        yield Edge(f"clock/auth-{n}", f"node/{front}", "is that of")
        yield Edge(f"process/web-{n}", "program/web", "is an instance of")
    for name, node in (("relay", "f1"), ("scanner", "f2"), ("search", "n4"), ("contacts", "n4")):
        yield Edge(f"process/{name}-1", f"node/{node}", "runs on")
    for name in ("directory", "quota"):
        yield Edge(f"process/{name}-1", "node/d1", "runs on")
    for name in ("db/credentials", "db/accounts"):
        yield Edge(name, "node/d1", "runs on")
    yield Edge("sequence/accounts", "db/accounts", "is kept in")
    yield Edge("sessions", "node/f2", "runs on")
    yield Edge("spool/uploads", "volume/v1", "lies on")
    for n, node in enumerate(p.NODES, 1):
        yield Edge(f"process/store-{n}", f"node/{node}", "runs on")
        yield Edge(f"indexes/{node}", f"node/{node}", "hangs on")
        yield Edge(f"volume/v{n}", "shelf/s1" if n < 3 else "shelf/s2", "is part of")
        yield Edge(f"volume/v{n}", "failover/map", "is written by leave of")
    for number in _CELLS:
        name, node = p.cell(number), p.node_of(number)
        yield Edge(f"{name}/index", f"{name}/storage", "lies in")
        yield Edge(f"{name}/packs", f"{name}/storage", "lie in")
        yield Edge(f"{name}/index", f"indexes/{node}", "lies on")
        yield Edge(f"{name}/packs", p.volume_of(number), "lie on")
    for vantage in p.VANTAGES:
        yield Edge(f"transit/{vantage}", f"vantage/{vantage}", "begins at")
        yield from (Edge(f"path/{vantage}/{door}", f"transit/{vantage}", "goes over") for door in DOORS)


def breaks() -> Iterator[Edge]:
    for source, target, what in (
        ("key/objects", "spool/uploads", "uploads are refused and pile up"),
        ("partner/objects", "spool/uploads", "uploads fail and pile up"),
        ("spool/uploads", "volume/v1", "grows and fills it"),
        ("switch/a", "switch/b", "is relieved by it"),
        ("process/scanner-1", "limit/mx", "sessions wait for it"),
        ("limit/mx", "pool/mx", "is taken for dead"),
        ("sessions", "balancing/check", "is waited for"),
        ("node/d1", "profiles", "are kept there"),
    ):
        yield Edge(source, target, what)
    for shelf in ("shelf/s1", "shelf/s2"):
        yield Edge("partner/objects", shelf, "keeps it up")
        yield Edge(shelf, "failover/map", "is replaced by it")
        yield Edge(shelf, "profiles", "are read from it")
    for node in p.NODES:
        yield Edge(f"indexes/{node}", "load/retries", "is asked again and again")
    for number in _CELLS:
        name = p.cell(number)
        yield Edge(f"{name}/index", f"{name}/replica", "is copied")
        yield Edge(
            f"{name}/storage", f"dialtone/{p.NODES[(number // p.EACH + 2) % len(p.NODES)]}", "takes its mail"
        )
    yield Edge("node/n1", "merge/cell-01", "runs it")


# Steps


def _step(name: str, uses: Collection[ComponentId], *one_of: Collection[ComponentId]) -> Step:
    return Step(name, frozenset(uses), tuple(frozenset(each) for each in one_of))


def _arrive(door: str, vantage: str) -> Step:
    role = DOORS[door][0]
    uses = {f"pool/{role}"} | ({"balancing/check"} if role in _WAITING_ON_CHECK else set())
    if vantage:
        uses |= {f"path/{vantage}/{door}"}
    return _step("connect", uses, ("switch/a", "switch/b"), p.BALANCERS, p.workers(role))


def _secure(door: str, name: str = "certificate") -> Step:
    chains = [f"chain/{each}" for each in p.BALANCERS]
    return _step(name, {f"certificate/{DOORS[door][1]}"}, chains)


def _signed(*more: ComponentId) -> Step:
    return _step("sign-in", {"load/sign-in", "profiles", *more}, p.workers("auth"), CLOCKS)


def _rcpt(role: str) -> Step:
    return _step("RCPT", (), p.workers(role), [f"copy/{front}" for front in p.FRONTS])


def _taken(role: str) -> Step:
    uses = {"process/scanner-1", "signatures", f"limit/{role}"}
    return _step("DATA", uses, [f"intake/{front}" for front in p.FRONTS])


_PEOPLE = {"path/dc", "process/directory-1", "db/credentials", "db/accounts"}


def _look(number: int) -> set[ComponentId]:
    name, node = p.cell(number), p.node_of(number)
    return {f"path/lb-{node}", f"{name}/load", f"{name}/index", "load/retries"}


def _change(number: int) -> set[ComponentId]:
    return _look(number) | {f"process/store-{p.node_of(number)[1:]}", p.volume_of(number)}


def _show(number: int) -> set[ComponentId]:
    return _change(number) | {"load/incoming"}


Course = Callable[[int, str], Sequence[Step]]


def receive(cell: int, vantage: str) -> Sequence[Step]:
    arrive, secure = _arrive("smtp", vantage), _secure("smtp", "STARTTLS")
    return [_step("resolve", {"zone/mx"}), arrive, secure, _rcpt("mx")]


def deliver(cell: int, vantage: str) -> Sequence[Step]:
    return [*receive(cell, vantage), _taken("mx"), _step("seen", _show(cell))]


def send(cell: int, vantage: str) -> Sequence[Step]:
    begins = (_arrive("submission", vantage), _secure("submission"))
    return [*begins, _signed(), _rcpt("submission"), _taken("submission")]


def relay(cell: int, vantage: str) -> Sequence[Step]:
    out = _step("out", {"process/relay-1", "dns/outside", "address/relay", "partner/smarthost"}, p.RESOLVERS)
    arrives = _step("arrives", {"partner/smarthost"})
    arrive, taken = _arrive("smtp", vantage), _taken("mx")
    back = {"zone/mx", *arrive.uses, *taken.uses, *_show(cell)}
    return [*send(cell, vantage), out, arrives, _step("back", back, *arrive.one_of, *taken.one_of)]


def _reading(door: str, cell: int, vantage: str, names: tuple[str, str, str]) -> Sequence[Step]:
    look, fetch, change = names
    begins = (_arrive(door, vantage), _secure(door), _signed())
    fetched = _step(fetch, {f"{p.cell(cell)}/packs"})
    return [*begins, _step(look, _look(cell)), fetched, _step(change, _change(cell))]


def imap(cell: int, vantage: str) -> Sequence[Step]:
    return _reading("imap", cell, vantage, ("SELECT", "FETCH", "APPEND"))


def _old(door: str, fetch: str, *more: ComponentId) -> Course:
    """Mail that only the copies still have. ``more``: that signing in needs there."""
    return lambda cell, vantage: [_arrive(door, vantage), _signed(*more), _step(fetch, {"partner/objects"})]


OLD: Mapping[str, Course] = {
    "imap": _old("imap", "FETCH old"),
    "pop3": _old("pop3", "RETR old"),
    "webmail": _old("https", "body old", "sessions"),
}


def pop3(cell: int, vantage: str) -> Sequence[Step]:
    return _reading("pop3", cell, vantage, ("STAT", "RETR", "QUIT"))


def webmail(cell: int, vantage: str) -> Sequence[Step]:
    begins = (_arrive("https", vantage), _secure("https"))
    signed = (_step("page", {"program/web"}), _signed("sessions"))
    read = (_step("list", _look(cell)), _step("body", {f"{p.cell(cell)}/packs"}))
    return [*begins, *signed, *read, _step("change", _change(cell))]


def search(cell: int, vantage: str) -> Sequence[Step]:
    return [_step("search", {"process/search-1"}), _step("contacts", {"process/contacts-1"})]


def password(cell: int, vantage: str) -> Sequence[Step]:
    begins = (_arrive("account", vantage), _secure("account"))
    return [*begins, _signed("sessions"), _step("change", _PEOPLE)]


def code(cell: int, vantage: str) -> Sequence[Step]:
    return [_step("code", {"partner/sms"})]


def signup(cell: int, vantage: str) -> Sequence[Step]:
    begins = (_arrive("signup", vantage), _secure("signup"))
    asked = (_step("name", {"copy/f1", "sessions"}), _step("proof", {"partner/sms"}))
    made = _step("made", _PEOPLE | {"sequence/accounts"})
    return [*begins, *asked, made, _signed(f"{p.cell(cell)}/copy")._replace(name="used")]


def large(cell: int, vantage: str) -> Sequence[Step]:
    whole = _step("FETCH 1 MiB", {f"path/lb-{p.node_of(cell)}", f"{p.cell(cell)}/packs"})
    return [_arrive("imap", vantage), _signed(), _step("SELECT", _look(cell)), whole]


# Of these no check of their own tells anything: what they do is seen by what passes through them.
_UNCHECKED = (
    "transit/",
    *(f"path/{each}/" for each in p.VANTAGES),
    "program/",
    "profiles",
    "dns/",
    "balancing/",
    "signatures",
)
_ACROSS = "path/lb-"  # between two of our machines: tried with small and with large packets


def checks() -> dict[str, Sequence[Step]]:
    """Trial → its steps: each looks at one component by itself."""
    found: dict[str, Sequence[Step]] = {
        f"check/{each}": [_step("look", {each})]
        for each in components()
        if not each.startswith(_UNCHECKED) and not each.endswith("/storage")
    }
    for node in p.NODES:
        path = {f"{_ACROSS}{node}"}
        found[f"check/{_ACROSS}{node}"] = [_step("small", path), _step("large", path)]
    for each in p.RESOLVERS:
        found[f"check/{each}"] = [_step("own zone", {each}), _step("outside", {"dns/outside"})]
    scanner = [_step("answer", {"process/scanner-1"}), _step("scan", {"signatures"})]
    objects = [_step("answer", {"partner/objects"}), _step("put", {"key/objects"})]
    return found | {"check/process/scanner-1": scanner, "check/partner/objects": objects}


def dependency_map(trials: Sequence[Trial], without: Collection[ComponentId] = ()) -> DependencyMap:
    """``without``: what nobody has put into it."""
    there = [each for each in components() if each not in without]
    known = set(there)
    return DependencyMap(
        [Component(each, kind(each), ODDS.get(kind(each), 1.0)) for each in there],
        [edge for edge in needs() if {edge.source, edge.target} <= known],
        [edge for edge in breaks() if {edge.source, edge.target} <= known],
        [
            one._replace(steps=tuple(_step(s.name, s.uses & known, *s.one_of) for s in one.steps))
            for one in trials
            if any(step.touches & known for step in one.steps)
        ],
    )
