"""Ways to customers that only remember what they were given."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from holdfast.care.notices.channels import Message
from holdfast.care.notices.recipients import Contact
from holdfast.world import World


class Given(NamedTuple):
    at: float
    channel: str
    message: Message


class Heard:
    """``count``: of all messages; of these customers they are ``kept`` whole."""

    single = False
    per_hour = 1_000_000

    def __init__(self, world: World, name: str, of: Collection[int], *, quiet: bool) -> None:
        self.name = name
        self.quiet = quiet
        self.count = 0
        self.kept: list[Given] = []
        self._world = world
        self._of = of

    def reaches(self, contact: Contact) -> bool:
        return bool(contact.phone if self.name == "sms" else contact.address)

    async def send(self, message: Message) -> None:
        self.count += 1
        if message.to.customer in self._of:
            self.kept.append(Given(self._world.clock.now(), self.name, message))

    def close(self) -> None:
        pass
