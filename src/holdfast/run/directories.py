"""Directories outside, as the configuration has them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from holdfast.run import layout
from holdfast.run.child import Start
from holdfast.run.config import Config
from holdfast.run.config import Directory as Section

if TYPE_CHECKING:
    from holdfast.directory.operations import Operations
    from holdfast.directory.people import People
    from holdfast.directory.sources.outside import Outsides
    from holdfast.directory.sources.person import Source
    from holdfast.directory.sources.sync import KnowsPeople, Sync
    from holdfast.portal.oidc import Provider, ProviderSettings
    from holdfast.world import World

DAY_S = 86_400.0


def source_name(name: str, section: Section) -> str:
    """As accounts have it: ``ldap:staff``."""
    return f"{section.kind}:{name}"


def with_people(config: Config) -> dict[str, Section]:
    """Those whose people become accounts, by name."""
    return {name: each for name, each in sorted(config.directories.items()) if each.kind != "oidc"}


def source(name: str, section: Section) -> Source:
    """Connects to nothing yet."""
    if section.kind == "ldap":
        return _ldap(name, section)
    from holdfast.directory.sources.sql import SqlSettings, SqlSource

    return SqlSource(
        SqlSettings(
            name=source_name(name, section),
            url=section.url,
            query=section.query,
            password=section.password.read if section.password else str,
            id=section.id or "id",
            address=section.address or "address",
            aliases=section.aliases,
            person_name=section.name,
            disabled=section.disabled,
            disabled_values=tuple(section.disabled_values),
            password_hash=section.password_hash,
        )
    )


def _ldap(name: str, section: Section) -> Source:
    from holdfast.directory.sources.ldap import LdapSettings, LdapSource

    return LdapSource(
        LdapSettings(
            name=source_name(name, section),
            urls=tuple(section.url.split()),
            base=section.base,
            filter=section.filter,
            user=section.user,
            password=section.password.read if section.password else str,
            start_tls=section.start_tls,
            trust=section.trust,
            id=section.id or "entryUUID",
            address=section.address or "mail",
            aliases=section.aliases,
            person_name=section.name or "cn",
            disabled=section.disabled,
            disabled_values=tuple(section.disabled_values),
        )
    )


def sync(world: World, config: Config, name: str, people: KnowsPeople, operations: Operations) -> Sync:
    from holdfast.directory.sources.sync import Sync

    section = config.directories[name]
    return Sync(
        world,
        source(name, section),
        people,
        operations,
        layout.sources_folder(config),
        interval_s=section.interval_s,
        full_s=section.full_s,
    )


def provider_settings(name: str, section: Section) -> ProviderSettings:
    from holdfast.portal.oidc import ProviderSettings

    return ProviderSettings(
        name=name,
        issuer=section.issuer,
        client_id=section.client_id,
        secret=section.client_secret.read if section.client_secret else str,
        scopes=section.scopes,
        title=section.title,
        by_address=section.by_address,
        trust=section.trust,
    )


def providers(world: World, config: Config, role: str) -> list[Provider]:
    """Those that a role's pages have a button for."""
    found = [
        (name, each)
        for name, each in sorted(config.directories.items())
        if each.kind == "oidc" and role in each.pages
    ]
    if not found:
        return []
    from holdfast.portal.oidc import Provider

    return [Provider(world, provider_settings(name, each)) for name, each in found]


@contextlib.asynccontextmanager
async def outsides(start: Start, people: People) -> AsyncIterator[Outsides | None]:
    """For a process in which people sign in; None where no directory outside is configured."""
    sections = with_people(start.config)
    if not sections:
        yield None
        return
    from holdfast.directory.sources.outside import Directory, Outsides
    from holdfast.directory.writer import PeopleClient

    client = PeopleClient(start.world, layout.socket_path(start.config, "people"))
    directories = {
        source_name(name, each): Directory(source(name, each), each.keep_days * DAY_S, each.password_url)
        for name, each in sections.items()
    }
    made = Outsides(start.world, people, client, directories)
    try:
        yield made
    finally:
        made.close()
        client.close()
