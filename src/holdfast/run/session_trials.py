"""Real traffic, laid over the map: one trial a process, with a step for each word that it may meet.

It can't be tried at will. The first steps are what went well by the process's own counts; each of the others
is a word of ``Unavailable``, and passes through all that may be meant by it (of what the process reaches, or
of what those don't begin without who answer it), and through the process that says so: one that has no
descriptors left finds everything out of reach. Beside it there is one for how fast that traffic is served.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from holdfast.model.edges import WORDS, matches, meant
from holdfast.model.errors import ComponentId
from holdfast.model.ledgers import PEOPLE
from holdfast.packs import shelf
from holdfast.run.config import Config
from holdfast.watch import speeds
from holdfast.watch.depends import Edge, Reaching, Step, Trial
from holdfast.watch.signals import PREFIX, SERVED, function_of


def of(
    config: Config, there: frozenset[ComponentId], reaches: Iterable[Reaching], breaks: Sequence[Edge]
) -> Iterator[Trial]:
    """``there``: the components of this configuration; ``reaches``: what each process reaches of them;
    ``breaks``: what keeps which from running."""
    words = list(_words(config, there))
    reached: dict[ComponentId, set[ComponentId]] = {}
    for each in reaches:
        reached.setdefault(each.source, set()).add(each.target)
    for source, targets in reached.items():
        process = source.partition("/")[2]
        signed_in = {source} | (targets & {f"copy/{process}"})
        accepted = there & set(_ACCEPTED.get(process.rpartition("-")[0], targets & {f"ledger/{process}"}))
        passed = ({source}, signed_in, signed_in | accepted)
        steps = [Step(name, frozenset(uses)) for name, uses in zip(SERVED, passed, strict=True)]
        answering = {each for each in there if _answers(each, targets)}
        beyond = {each.source for each in breaks if each.target in answering}
        for word in words:
            patterns = meant(word, process)
            if suspects := _named(patterns, targets | answering) or _named(patterns, beyond):
                steps.append(Step(word, frozenset(suspects | {source})))
        yield Trial(f"{PREFIX}{process}", function_of(process), tuple(steps), at_will=False)
        written = {f"ledger/{each}" for each in (process, *_WRITTEN.get(process.rpartition("-")[0], ()))}
        uses = (frozenset(targets & written) or frozenset({source}), frozenset({source}))
        fast = tuple(Step(name, each) for name, each in zip(speeds.STEPS, uses, strict=True))
        yield Trial(f"{speeds.PREFIX}{process}", function_of(process), fast, proves=False, at_will=False)


_ACCEPTED = {"relay": ("ledger/queue", "socket/relay")}  # it was told of mail, and has noted that it went out
_WRITTEN = {"store": ("mail",), "people": ("people",), "relay": ("queue",), "watch": ("incidents",)}


def _named(patterns: Collection[str], there: Collection[ComponentId]) -> set[ComponentId]:
    return {each for each in there if any(matches(one, each) for one in patterns)}


def _answers(component: ComponentId, reached: Collection[ComponentId]) -> bool:
    """Whether it is a process that answers at a socket of those."""
    kind, _, name = component.partition("/")
    return kind == "process" and f"socket/{name.rpartition('-')[0]}" in reached


def _words(config: Config, there: frozenset[ComponentId]) -> Iterator[str]:
    """As they may come: those with names in them for each thing that has such a name."""
    ledgers = sorted(each.partition("/")[2] for each in there if each.startswith("ledger/"))
    named = [*sorted(there), *ledgers]
    folders = [config.volume_folder(each) for each in sorted(config.volumes)]
    named += [shelf.component(folder, each) for folder in folders for each in ledgers if each != PEOPLE]
    named.append(shelf.component(config.volume_folder(PEOPLE), PEOPLE))
    for word in WORDS:
        if "{" not in word:
            yield word
        else:
            yield from (each for each in named if matches(word, each))
