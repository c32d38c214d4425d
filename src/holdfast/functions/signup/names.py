"""Which names people may choose: their form, those kept back, what looks like those, and what to offer.

Kept back are the names that others take for the provider's own: mailbox names of RFC 2142, names under
which certificates are given out (CA/Browser Forum, Baseline Requirements §3.2.2.4.4), and words of
support and administration (SIGNUP-7). Who had "support@" could ask customers for their passwords.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import resources

from holdfast.model.limits import SIGNUP_NAME_CHARACTERS

_FORM = re.compile(r"[a-z0-9](?:[a-z0-9]|[._-](?=[a-z0-9]))*\Z")

# What the eye takes for something else (a part of Unicode TR 39's skeletons, within ASCII).
_ALIKE = str.maketrans("013457", "oleast") | str.maketrans("i", "l")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


def plain(text: str) -> str:
    """What was typed as a name can be: lower case, umlauts written out, no white space around."""
    return text.strip().lower().translate(_UMLAUTS)


def is_possible(name: str) -> bool:
    """Letters, digits, and single ``.``, ``-``, ``_`` between them."""
    return len(name) <= SIGNUP_NAME_CHARACTERS and _FORM.match(name) is not None


def skeleton(name: str) -> str:
    """What is left when everything is taken away by which one name is made to look like another."""
    folded = name.translate(_ALIKE).replace("rn", "m").replace("vv", "w").replace("cl", "d")
    return re.sub(r"[._-]", "", folded)


def _folded(name: str) -> str:
    """The skeleton without digits at its end: ``support24`` speaks for the provider as well."""
    return skeleton(name.rstrip("0123456789._-") or name)


@cache
def _listed() -> tuple[frozenset[str], frozenset[str]]:
    """Skeletons of the names kept back as a whole, and of those kept back as a word as well."""
    text = resources.files(__package__).joinpath("reserved_names.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    names = [word for line in lines for word in line.split()]
    words = frozenset(skeleton(each.removesuffix("*")) for each in names if each.endswith("*"))
    return frozenset(skeleton(each.removesuffix("*")) for each in names), words


class Reserved:
    """The names kept back here: ours, and those configured. What the ledger reserves is asked of people."""

    def __init__(self, more: Iterable[str] = ()) -> None:
        whole, self._words = _listed()
        self._whole = whole | {skeleton(plain(each)) for each in more}

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        if skeleton(name) in self._whole or _folded(name) in self._whole:
            return True
        words = [each for each in re.split(r"[._-]+", name) if each]
        return any(_folded(each) in self._words for each in (words[0], words[-1])) if words else False


def ideas(name: str, numbers: Iterable[int]) -> Iterator[str]:
    """Names near to one that is taken; whether they are free is the caller's to ask.

    ``numbers``: to put behind it, drawn by chance, so that not everybody is offered the same.
    """
    words = re.split(r"[._-]+", name)
    seen = {name}
    made = []
    if len(words) > 1:
        made += ["".join(words), ".".join(words), "-".join(words), ".".join(reversed(words))]
        made.append(f"{words[0][0]}.{words[-1]}")
    made += [f"{name}{number}" for number in numbers]
    made += [f"{name}.{number}" for number in numbers]
    for each in made:
        if each not in seen and is_possible(each):
            seen.add(each)
            yield each
