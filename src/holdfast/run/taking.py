"""The roles that take mail: mx and submission."""

from __future__ import annotations

from holdfast.functions import mx, submission
from holdfast.run import layout, parts
from holdfast.run.child import Start


async def run_mx(start: Start) -> None:
    config, volume = start.config, layout.main_volume(start.config)
    settings = mx.Settings(
        hostname=config.service.hostname,
        volume_folder=config.volume_folder(volume),
        ledger=start.name,
        copies=config.copies_of(volume, "synchronous"),
        trailing=config.copies_of(volume, "trailing"),
        pack_bytes=config.volumes[volume].pack_bytes,
        tls=parts.tls_context(start),
        limits=config.limits,
    )
    async with parts.people_copy(start) as people, parts.announcing(start) as announce:
        await mx.serve(
            start.world,
            settings,
            start.sockets["mx"],
            people,
            stop=start.stop,
            announce=announce,
            is_full=announce.is_full,
            ready=start.ready,
        )


async def run_submission(start: Start) -> None:
    config, volume = start.config, layout.main_volume(start.config)
    settings = submission.Settings(
        hostname=config.service.hostname,
        volume_folder=config.volume_folder(volume),
        ledger=start.name,
        copies=config.copies_of(volume, "synchronous"),
        trailing=config.copies_of(volume, "trailing"),
        pack_bytes=config.volumes[volume].pack_bytes,
        tls=parts.tls_context(start),
        plain_sign_in=config.tls.plain_sign_in,
        limits=config.limits,
    )
    async with (
        parts.people_copy(start) as people,
        parts.announcing(start) as announce,
        parts.sign_in_with(start, people) as sign_in,
    ):
        await submission.serve(
            start.world,
            settings,
            start.sockets["submission"] or None,
            start.sockets["submissions"] or None,
            people,
            sign_in,
            stop=start.stop,
            announce=announce,
            is_full=announce.is_full,
            ready=start.ready,
            sign_outs=people,
        )
