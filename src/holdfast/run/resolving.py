"""The DNS, asked where the configuration says."""

from __future__ import annotations

from holdfast.run.config import Config
from holdfast.run.reading import split_address
from holdfast.world.dns import LIFETIME_S, RealResolver


def resolver(config: Config, lifetime_s: float = LIFETIME_S) -> RealResolver:
    return RealResolver([split_address(each) for each in config.dns.servers], lifetime_s)
