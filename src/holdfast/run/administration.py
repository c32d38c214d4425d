"""The role admin: the interface for programs, the pages for administrators, the audit trail, and hooks."""

from __future__ import annotations

import contextlib
import os.path
from collections.abc import AsyncIterator

from holdfast.directory.people import People
from holdfast.functions.admin.api import PREFIX, Api
from holdfast.functions.admin.catalogue import BY_ID
from holdfast.functions.admin.desk import Desk
from holdfast.functions.admin.hooks import Hooks, HookSettings
from holdfast.functions.admin.imports import Imports
from holdfast.functions.admin.kept import Kept
from holdfast.model.ledgers import PEOPLE
from holdfast.packs.reader import LedgerReader
from holdfast.run import doors, layout, parts, system, web
from holdfast.run.admin_pages import admin_site
from holdfast.run.child import Start
from holdfast.world.http import App, Receive, Scope, Send


async def run_admin(start: Start) -> None:
    async with (
        parts.people_copy(start) as people,
        desk(start, people) as (the_desk, kept),
        admin_site(start, people, the_desk) as site,
    ):
        await web.serve(start, split(Api(the_desk, kept), site.app))


@contextlib.asynccontextmanager
async def desk(start: Start, people: People) -> AsyncIterator[tuple[Desk, Kept]]:
    """Everything the operations work with. What is out of reach now may come later."""
    folder = layout.admin_folder(start.config)
    system.make_folder(folder)
    kept = Kept(start.world, os.path.join(folder, "kept.sqlite"))
    hooks = _hooks(start, people, folder)
    async with (
        web.operations(start) as changes,
        parts.store_writes(start) as writes,
        parts.audit_trail(start, people) as trail,
    ):
        store = doors.mail_store(start.world, start.config, writes)
        the_desk = Desk(BY_ID, start.world, people, changes, trail=trail, store=store, hooks=hooks)
        the_desk.imports = Imports(the_desk, kept)
        hooks.start()
        try:
            yield the_desk, kept
        finally:
            await the_desk.imports.close()
            await hooks.close()
            kept.close()


def _hooks(start: Start, people: People, folder: str) -> Hooks:
    settings = [
        HookSettings(name, hook.url, hook.secret.read(), tuple(hook.events))
        for name, hook in sorted(start.config.hooks.items())
    ]
    place = os.path.join(folder, "hooks")
    system.make_folder(place)
    folder, copies = layout.people_folder(start.config), layout.people_copies(start.config)

    def reader() -> LedgerReader:
        return LedgerReader(start.world, folder, PEOPLE, copies=copies)

    return Hooks(start.world, people, reader, place, settings)


def split(api: App, pages: App) -> App:
    """The interface below its prefix, the pages everywhere else."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        is_api = scope["type"] == "http" and scope["path"].startswith(PREFIX)
        await (api if is_api else pages)(scope, receive, send)

    return app
