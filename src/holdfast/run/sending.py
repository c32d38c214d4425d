"""The relay: the second half of sending."""

from __future__ import annotations

from holdfast.flow.intake import Intake
from holdfast.flow.outbound import Manners
from holdfast.flow.queue import Queue
from holdfast.flow.relay import Relay
from holdfast.flow.relay import Settings as RelaySettings
from holdfast.flow.relay_door import RelayService
from holdfast.model.mail import Position
from holdfast.run import layout, parts, telling
from holdfast.run.child import Start
from holdfast.run.config import Config
from holdfast.run.reading import split_address
from holdfast.run.resolving import resolver
from holdfast.wire.sasl import Credentials
from holdfast.world.tls import client_context


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
    credentials = Credentials("", relay.user, relay.password.read()) if relay.user else None
    verify = relay.tls == "required"
    return RelaySettings(
        Manners(config.service.hostname, relay.tls, client_context(verify=verify), credentials),
        config.limits,
        smarthost=split_address(relay.smarthost) if relay.smarthost else None,
        connections=relay.connections,
        connections_per_destination=relay.connections_per_destination,
        enabled=relay.enabled,
    )
