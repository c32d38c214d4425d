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
    tls = config.relay.tls
    credentials = Credentials("", user, password.read()) if user else None
    return Manners(config.service.hostname, tls, client_context(verify=tls == "required"), credentials)


def smarthost(config: Config) -> Callable[[], Smarthost] | None:
    gateways = config.gateways
    if not gateways.mail_smarthost:
        return None
    host, port = split_address(gateways.mail_smarthost)
    context = client_context(verify=gateways.mail_tls == "required")

    def made() -> Smarthost:
        credentials = None
        if gateways.mail_user:
            credentials = Credentials("", gateways.mail_user, gateways.mail_password.read())
        return Smarthost(
            host, port, Manners(config.service.hostname, gateways.mail_tls, context, credentials)
        )

    return made
