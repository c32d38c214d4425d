"""The rows of the catalogue as they are done to the simulated provider: which parts, how, and when.

What is at fault in truth is what is named here, and nothing else. ``Row.causes`` leaves out what only follows
in time, where the drill ends before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from holdfast.model.errors import ComponentId
from holdfast.sim.drills.simulated import provider as p
from holdfast.sim.drills.simulated.provider import Condition, Fault
from holdfast.sim.seed import Random

MINUTE = 60.0


class Row(NamedTuple):
    """``lasts_s``: until it is mended. ``beside``: causes that may be named or not: they pass by themselves
    before anybody can be sure of them."""

    faults: tuple[Fault, ...]
    lasts_s: float = 1.5 * MINUTE
    beside: tuple[ComponentId, ...] = ()

    @property
    def causes(self) -> tuple[ComponentId, ...]:
        return tuple(dict.fromkeys(each.part for each in self.faults if each.part not in self.beside))


def _one(part: ComponentId, mode: p.Mode, share: float = 1.0, said: str = "", **more: float) -> Row:
    lasts_s = more.get("lasts_s", 1.5 * MINUTE)
    return Row((Fault(part, Condition(mode, share, said), 0.0, more.get("ends", lasts_s)),), lasts_s)


def _chain(*links: tuple[ComponentId, p.Mode, float, float, str], lasts_s: float = 2 * MINUTE) -> Row:
    """Part, what it does, of what share, from when on, and what is met."""
    found = (
        Fault(part, Condition(mode, share, said), begins, lasts_s)
        for part, mode, share, begins, said in links
    )
    return Row(tuple(found), lasts_s)


def row(id: str, random: Random) -> Row:
    """Where there are several of a kind, one by lot."""
    return ROWS[id](random)


def _cell(random: Random) -> str:
    return p.cell(random.randrange(p.CELLS))


def _numbered(name: str, most: int) -> Callable[[Random], str]:
    return lambda random: f"{name}{random.randint(1, most)}"


_volume, _front = _numbered("volume/v", 4), _numbered("node/f", 2)
_node = _numbered("n", 4)


def _f44(random: Random) -> Row:
    return _chain(
        ("shelf/s1", "fails", 1.0, 0.0, "I/O error"),
        ("failover/map", "lies", 1.0, 3.0, "its map is 3 days old: the good copy is fenced"),
        ("profiles", "fails", 0.3, 9.0, "profiles can't be read"),
    )


def _f49(random: Random) -> Row:
    number = random.randrange(p.CELLS)
    home = p.NODES[(number // p.EACH + 2) % len(p.NODES)]
    return _chain(
        (f"{p.cell(number)}/storage", "fails", 1.0, 0.0, "no such file"),
        (f"dialtone/{home}", "fails", 1.0, MINUTE, "no answer"),
    )


def _f48(random: Random) -> Row:
    name = _cell(random)
    return _chain(
        (f"{name}/index", "fails", 1.0, 0.0, "rows contradict the packs"),
        (f"{name}/replica", "lies", 1.0, 4.0, "the same damage"),
    )


def _f50(random: Random) -> Row:
    cut = Fault("node/n1", Condition("fails", 1.0, "no answer"), 0.0, 30.0)
    merge = Fault("merge/cell-01", Condition("fails", 1.0, "index-apply stopped at 43 %"), 0.0, 2 * MINUTE)
    return Row((cut, merge), 2 * MINUTE)


def _f34(random: Random) -> Row:
    slow = Fault(f"indexes/{_node(random)}", Condition("slow", 0.9), 0.0, MINUTE)
    kept = Fault("load/retries", Condition("slow", 0.9, "asked 9 times"), 5.0, 2 * MINUTE)
    return Row((slow, kept), 2 * MINUTE)


ROWS: Mapping[str, Callable[[Random], Row]] = {
    "F01": lambda random: _one(
        _numbered("process/mx-", 2)(random), "fails", 0.4, "connection reset", lasts_s=60.0
    ),
    "F02": lambda random: _one(f"{_cell(random)}/packs", "some", 1.0, "frame quarantined"),
    "F03": lambda random: _one(_numbered("process/submission-", 2)(random), "silent", lasts_s=30.0),
    "F04": lambda random: _one(_numbered("process/mx-", 2)(random), "fails", 1.0, "too many open files"),
    "F05": lambda random: _one("program/web", "fails", 0.9, "connection reset"),
    "F06": lambda random: _one(f"node/{_node(random)}", "fails", lasts_s=8.0),
    "F07": lambda random: _one(_volume(random), "full", 1.0, "no space left on device"),
    "F08": lambda random: _one(_volume(random), "some", 1.0, "1 pack sealed after a failed sync"),
    "F09": lambda random: _one(f"node/{_node(random)}", "fails", lasts_s=30.0),
    "F10": lambda random: _one(f"{_cell(random)}/packs", "some", 1.0, "1 frame fails its checksum"),
    "F11": lambda random: _one(f"{_cell(random)}/index", "fails", 1.0, "database disk image is malformed"),
    "F12": lambda random: _one(f"{_cell(random)}/storage", "fails", 1.0, "no such file"),
    "F13": lambda random: _one(_volume(random), "slow", 1.0, "sync takes 2.0 s"),
    "F14": lambda random: _one(f"indexes/{_node(random)}", "readonly", 1.0, "read-only file system"),
    "F15": lambda random: _one("db/credentials", "fails"),
    "F16": lambda random: _one("db/credentials", "lies", 1.0, "no such user"),
    "F17": lambda random: _one(f"{_cell(random)}/copy", "old", 1.0, "10 min old"),
    "F18": lambda random: _one(f"indexes/{_node(random)}", "old", 1.0, "2.1 s of commits are gone"),
    "F19": lambda random: _one("db/accounts", "silent"),
    "F20": lambda random: _one("sequence/accounts", "fails", 1.0, "at 2147483647"),
    "F21": lambda random: _one("sessions", "old", 1.0, "emptied"),
    "F22": lambda random: _one("dns/outside", "fails", 1.0, "SERVFAIL"),
    "F23": lambda random: _one("zone/mx", "fails", 1.0, "no address"),
    "F24": lambda random: _one("certificate/imap", "fails", 1.0, "certificate has expired"),
    "F25": lambda random: _one(
        f"chain/lb-{random.randint(1, 3)}", "fails", 1.0, "unable to get issuer certificate"
    ),
    "F26": lambda random: _one(_numbered("clock/auth-", 2)(random), "lies", 1.0, "26 h ahead"),
    "F27": lambda random: _one("path/dc", "silent"),
    "F28": lambda random: _one(f"path/{random.choice(p.VANTAGES)}/smtp", "silent"),
    "F29": lambda random: _chain(
        ("sessions", "slow", 1.0, 0.0, "answers in 2 s"),
        ("balancing/check", "fails", 1.0, 4.0, "no server is left"),
    ),
    "F30": lambda random: _one(f"path/lb-{_node(random)}", "some"),
    "F31": lambda random: _one("load/sign-in", "slow", 0.7, "98,000 wait"),
    "F32": lambda random: _one("load/incoming", "slow", 0.9, "41 min behind"),
    "F33": lambda random: _one("load/sign-in", "slow", 0.6, "5,000 wrong ones a second"),
    "F34": _f34,
    "F35": lambda random: _one(f"{_cell(random)}/load", "slow", 0.9, "92 % for one mailbox"),
    "F36": lambda random: _one("signatures", "fails", 1.0, "signature 2201010001"),
    "F37": lambda random: _one("partner/objects", "fails", 1.0, "503"),
    "F38": lambda random: _one("partner/sms", "silent"),
    "F39": lambda random: _one("address/relay", "fails", 0.6, "554 listed"),
    "F40": lambda random: _one("partner/smarthost", "lies"),
    "F41": lambda random: _one(_numbered("process/mx-", 2)(random), "lies", 1.0, "unknown for 98 %"),
    "F42": lambda random: _one("process/quota-1", "lies", 1.0, "limit 0 for all"),
    "F43": lambda random: _one("directory/content", "lies", 1.0, "1,000 disabled by one job"),
    "F44": _f44,
    "F45": lambda random: _chain(
        ("switch/a", "fails", 1.0, 0.0, "no carrier"), ("switch/b", "silent", 1.0, 0.0, "nothing passes")
    ),
    "F46": lambda random: _chain(
        ("key/objects", "fails", 1.0, 0.0, "key expired"),
        ("spool/uploads", "full", 1.0, 0.5 * MINUTE, "grows by 38 GB an hour"),
        ("volume/v1", "fails", 1.0, MINUTE, "no space left on device"),
        lasts_s=2 * MINUTE,
    ),
    "F47": lambda random: _chain(
        ("process/scanner-1", "slow", 1.0, 0.0, "20 s a message"),
        ("limit/mx", "fails", 0.5, 10.0, "421 too many sessions"),
        ("pool/mx", "fails", 0.5, 20.0, "half of the servers are ejected"),
    ),
    "F48": _f48,
    "F49": _f49,
    "F50": _f50,
    "F51": lambda random: _chain(
        ("vantage/east", "silent", 1.0, 0.0, ""), ("vantage/north", "silent", 1.0, 0.0, "")
    ),
    "F52": lambda random: _one("process/search-1", "fails"),
}
