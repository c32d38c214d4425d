"""What each process is made of, by role.

Every role is ``async def run_…(start)`` in a module of its own: it makes its parts, says ``ready``,
and takes them apart when ``stop`` is set. A part that is out of reach at the start keeps no role from
starting (RUN-7).
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Awaitable, Sequence
from typing import Any

import msgspec

import holdfast
from holdfast.run import telling
from holdfast.run.child import RoleMain, Start
from holdfast.run.config import Config
from holdfast.run.supervisor import Supervisor
from holdfast.world import real_world

BACK = ("people", "auth", "store")  # RUN-6


class Main:
    """A role's main, loaded when it is first needed: mail is taken before all is loaded that reads it.

    ``later``: what it asks for while it runs, so that it is loaded once, before the fork (RUN-5).
    """

    def __init__(self, module: str, name: str, later: Sequence[str] = ()) -> None:
        self.module = module
        self.name = name
        self.later = later

    def load(self) -> RoleMain:
        for name in self.later:
            importlib.import_module(f"holdfast.{name}")
        main: RoleMain = getattr(importlib.import_module(f"holdfast.run.{self.module}"), self.name)
        return main

    def __call__(self, start: Start) -> Awaitable[None]:
        return self.load()(start)


_INTAKE = ("flow.relay_door",)
_SIGN_IN = ("directory.auth", "directory.history", "directory.sign_in", "run.directories")
_SOCKETS = ("world.websockets",)

# In the order of their start: first what must never be down and needs nobody, then what others need.
MAINS: dict[str, Main] = {
    "mx": Main("taking", "run_mx", _INTAKE),
    "people": Main("back", "run_people", ("directory.writer", "run.customers")),
    "store": Main("back", "run_store", ("store.mailstore", "store.fullness")),
    "submission": Main("taking", "run_submission", _INTAKE + _SIGN_IN),
    "auth": Main("back", "run_auth", ("directory.auth",)),
    "imap": Main("serving", "run_imap", _SIGN_IN),
    "pop3": Main("serving", "run_pop3", _SIGN_IN),
    "jmap": Main("mail_programs", "run_jmap", _INTAKE + _SIGN_IN + _SOCKETS),
    "relay": Main("sending", "run_relay"),
    "sources": Main("sources", "run_sources"),
    "password": Main("accounts", "run_password"),
    "signup": Main("signing_up", "run_signup"),
    "admin": Main("administration", "run_admin"),
    "webmail": Main("webmail", "run_webmail"),
    "setup": Main("setting_up", "run_setup"),
    "health": Main("health", "run_health"),
    "watch": Main("watching", "run_watch", ("directory.writer", "flow.relay_door", "run.doors")),
    "care": Main("caring", "run_care"),
}

# Not one of them: who answers at the doors of one whose processes end again and again.
STAND_IN = Main("standing_in", "run_stand_in")


def plan(config: Config) -> list[tuple[str, int, RoleMain]]:
    """(role, worker, what it runs), in the order of ``MAINS``."""
    counts = dict.fromkeys(MAINS, 1) | msgspec.structs.asdict(config.workers)
    counts["sources"] = int(any(each.kind != "oidc" for each in config.directories.values()))
    return [(role, worker, main) for role, main in MAINS.items() for worker in range(counts[role])]


def load_everything() -> None:
    """Every module that a process may ask for later: what root may read, whom it becomes may not.

    One that lacks its extra, or is not for this machine, is left out; who needs it hears so then.
    """
    import pkgutil

    for module in pkgutil.walk_packages(holdfast.__path__, "holdfast.", onerror=lambda name: None):
        if module.name.split(".")[1] not in ("cli", "sim"):
            with contextlib.suppress(ImportError):
                importlib.import_module(module.name)


def serve(config: Config, **keys: Any) -> None:
    """``holdfast serve``: each role's modules are loaded here, in the parent, before its fork (RUN-5)."""
    world = real_world(journal_path=config.service.journal or None, level=config.service.journal_level)

    if config.traces.endpoint:
        telling.load_spans()

    def load(main: RoleMain) -> None:
        if isinstance(main, Main):
            main.load()

    if config.service.user:
        load_everything()
    Supervisor(world, config, plan(config), back=BACK, load=load, stand_in=STAND_IN, **keys).run()
