"""The relay: the second half of sending."""

from __future__ import annotations

from holdfast.flow.intake import Intake
from holdfast.flow.queue import Queue
from holdfast.flow.relay import Exit, Relay
from holdfast.flow.relay import Settings as RelaySettings
from holdfast.flow.relay_door import RelayService
from holdfast.model.mail import Position
from holdfast.run import layout, parts, telling
from holdfast.run.child import Start
from holdfast.run.config import Config
from holdfast.run.reading import split_address
from holdfast.run.resolving import resolver
from holdfast.run.sections import Secret
from holdfast.run.smarthosts import relay_manners


async def run_relay(start: Start) -> None:
    """The second half of sending. It follows the intakes as they announce themselves."""
    world, config, volume = start.world, start.config, layout.main_volume(start.config)
    folder = config.volume_folder(volume)
    copies, trailing = config.copies_of(volume, "synchronous"), config.copies_of(volume, "trailing")
    queue = await Queue.open(world, folder, copies=copies, trailing=trailing)
    telling.of_queue(start, queue)
    async with parts.people_copy(start) as people, parts.store_writes(start) as writes:
        relay: Relay

        def announce(ledger: str, durable: Position) -> None:
            writes.announce(ledger, durable)
            relay.announce(ledger, durable)

        intake = Intake(
            world,
            folder,
            start.name,
            host=config.service.hostname,
            inflight_bytes=config.limits.inflight_bytes,
            announce=announce,
            copies=copies,
            trailing=trailing,
            pack_bytes=config.volumes[volume].pack_bytes,
        )
        relay = Relay(world, _relay_settings(config), queue, intake, resolver(config), people.route)
        await intake.open()
        service = RelayService(relay)
        listener = await world.net.listen(service.session, layout.socket_path(config, "relay"))
        await parts.until_stopped(start, relay.run())
        listener.close()
        await relay.stop()
        await intake.close()
    await queue.close()


def _relay_settings(config: Config) -> RelaySettings:
    relay = config.relay
    return RelaySettings(
        _way(config, relay.smarthost, relay.user, relay.password),
        config.limits,
        second=_way(config, relay.second, relay.second_user, relay.second_password) if relay.second else None,
        connections=relay.connections,
        connections_per_destination=relay.connections_per_destination,
        enabled=relay.enabled,
    )


def _way(config: Config, smarthost: str, user: str, password: Secret) -> Exit:
    return Exit(relay_manners(config, user, password), split_address(smarthost) if smarthost else None)
