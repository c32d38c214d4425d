"""The vantage points of the configuration, each asked over HTTP what it saw."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Mapping

from holdfast.model.limits import VANTAGE_ASK_S, VANTAGE_BYTES
from holdfast.run.config import Config
from holdfast.run.config_care import Vantage
from holdfast.run.sections import Secret
from holdfast.watch.depends import DependencyMap
from holdfast.watch.vantage import asking, page
from holdfast.watch.vantage.asking import Asker
from holdfast.world import World
from holdfast.world.http import HttpClient
from holdfast.world.tls import client_context


def key_of(secret: Secret) -> Callable[[], bytes]:
    """Read each time. It raises ``OSError``, also where what is there is too short to be one."""

    def read() -> bytes:
        try:
            key = secret.read().strip().encode()
        except ValueError:
            raise OSError(errno.EINVAL, "it isn't text") from None
        if len(key) < page.KEY_BYTES:
            raise OSError(errno.EINVAL, f"shorter than {page.KEY_BYTES} letters")
        return key

    return read


class Vantages:
    """One connection to each, kept. Its key proves what it says, whoever vouches for its certificate."""

    def __init__(self, world: World, config: Config) -> None:
        self._world = world
        self._places: Mapping[str, Vantage] = config.vantages
        self._clients: dict[str, HttpClient] = {}
        self._askers: dict[str, Asker] = {}

    def askers(self, known: DependencyMap) -> Iterator[tuple[str, Asker]]:
        """Each with what it is to try, by that map. One that is to try what it did goes on (VANTAGE-4)."""
        for name, place in sorted(self._places.items()):
            trials = [each for each in known.trials.values() if each.id.endswith(f"@{name}")]
            before = self._askers.get(name)
            if before is None or set(before.tries) != {each.id for each in trials}:
                fetch = self._fetch(name, place.url)
                self._askers[name] = Asker(self._world, name, key_of(place.key), fetch, trials)
            yield name, self._askers[name]

    async def close(self) -> None:
        for client in self._clients.values():
            await client.close()

    def _fetch(self, name: str, url: str) -> asking.Fetch:
        async def fetch(nonce: str, proof: str) -> tuple[bytes, str]:
            if name not in self._clients:
                self._clients[name] = HttpClient(self._world, tls=client_context(verify=False))
            answer = await self._clients[name].ask(
                "GET",
                f"{url.rstrip('/')}{page.PATH}?nonce={nonce}",
                component=asking.component(name),
                headers={page.PROOF: proof},
                timeout_s=VANTAGE_ASK_S,
                most_bytes=VANTAGE_BYTES,
            )
            return answer.body, answer.headers.get(page.PROOF, "")

        return fetch
