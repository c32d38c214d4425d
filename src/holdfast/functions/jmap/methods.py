"""All methods in one table: what they are called with, who carries them out, and what is announced.

A module of methods is named in ``MODULES``. It has ``HANDLERS``, and, where they are needed, ``METHODS``
(name → ``Method``, of those the wire's own table lacks), ``CAPABILITIES`` (capability → what the session
object says of it for an account; ``{}`` where nothing is given), ``KINDS`` (kinds of objects in the store
that are types of JMAP: clients hear of their changes) and ``RUNS`` (what the first worker does beside:
``async def run(parts)``, until it is cancelled).
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from types import ModuleType
from typing import Any, Final, NamedTuple

from holdfast.functions.jmap import (
    address_books,
    blob_methods,
    changes,
    contacts,
    core_methods,
    email_copy,
    email_get,
    email_import,
    email_query,
    email_query_changes,
    email_set,
    identities,
    mailbox_query,
    mailboxes,
    mdn,
    outbox,
    push_methods,
    quotas,
    settings,
    snippets,
    snooze,
    submissions,
    threads,
)
from holdfast.functions.jmap.asking import Describe, Handler, Parts
from holdfast.wire.jmap.methods import METHODS as OF_THE_WIRE
from holdfast.wire.jmap.server import Method

Run = Callable[[Parts], Coroutine[Any, Any, None]]
MODULES: Final[tuple[ModuleType, ...]] = (
    core_methods,
    blob_methods,
    push_methods,
    identities,
    submissions,
    outbox,
    address_books,
    contacts,
    quotas,
    mdn,
    snooze,
    settings,
    mailboxes,
    mailbox_query,
    threads,
    changes,
    email_get,
    email_query,
    email_query_changes,
    email_set,
    email_import,
    email_copy,
    snippets,
)


class Table(NamedTuple):
    """``methods`` has exactly the names that ``handlers`` has (JMAPD-2)."""

    methods: dict[str, Method]
    handlers: dict[str, Handler]
    describe: dict[str, Describe]
    kinds: list[str]
    runs: list[Run]

    @property
    def capabilities(self) -> list[str]:
        """Those of the methods there are, and those that are described and have none."""
        return sorted({method.capability for method in self.methods.values()} | self.describe.keys())


def joined(modules: Iterable[ModuleType]) -> Table:
    """Raises ``ValueError`` for a handler no method is known to, or two of one name."""
    known = dict(OF_THE_WIRE)
    table = Table({}, {}, {}, [], [])
    for module in modules:
        known.update(getattr(module, "METHODS", {}))
        table.kinds.extend(getattr(module, "KINDS", ()))
        table.runs.extend(getattr(module, "RUNS", ()))
        table.describe.update(getattr(module, "CAPABILITIES", {}))
        for name, handler in module.HANDLERS.items():
            if name not in known or name in table.handlers:
                raise ValueError(f"{module.__name__}: {name}")
            table.methods[name] = known[name]
            table.handlers[name] = handler
    return table


TABLE: Final = joined(MODULES)
