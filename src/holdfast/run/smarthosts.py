"""The smarthosts of a configuration: how each is met, by who sends by it and by who tries it."""

from __future__ import annotations

from collections.abc import Callable

from holdfast.partners.mail import Smarthost
from holdfast.partners.outbound import Manners
from holdfast.run.config import Config
from holdfast.run.reading import split_address
from holdfast.run.sections import Secret
from holdfast.wire.sasl import Credentials
from holdfast.world.tls import client_context


def relay_manners(config: Config, user: str, password: Secret) -> Manners:
    """Of the relay, to one that it signs in to so. Raises ``OSError`` for a password that can't be read."""
    return _manners(config, config.relay.tls, user, password)()


def smarthost(config: Config) -> Callable[[], Smarthost] | None:
    gateways = config.gateways
    if not gateways.mail_smarthost:
        return None
    host, port = split_address(gateways.mail_smarthost)
    manners = _manners(config, gateways.mail_tls, gateways.mail_user, gateways.mail_password)
    return lambda: Smarthost(host, port, manners())


def _manners(config: Config, tls: str, user: str, password: Secret) -> Callable[[], Manners]:
    """The password is read each time: one that is changed is honoured without a restart."""
    context = client_context(verify=tls == "required")

    def made() -> Manners:
        credentials = Credentials("", user, password.read()) if user else None
        return Manners(config.service.hostname, tls, context, credentials)

    return made
