"""The role webmail: the files of the webmail. It needs no other process (WEBMAIL-1)."""

from __future__ import annotations

from pathlib import Path

import holdfast.functions.webmail
from holdfast.functions.jmap.clients import origin_of
from holdfast.functions.webmail.app import STATUS, Config, Webmail
from holdfast.functions.webmail.files import Files
from holdfast.model.errors import Unavailable
from holdfast.run import config as words
from holdfast.run import web
from holdfast.run.child import Start
from holdfast.run.reading import split_address
from holdfast.world.http import HttpClient

FOLDER = Path(holdfast.functions.webmail.__file__).parent / "static"
PRODUCT = "Holdfast"
FEED_S = 8.0
_LOOPBACK = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "[::1]"}


async def run_webmail(start: Start) -> None:
    config, client = start.config, HttpClient(start.world)

    async def feed() -> bytes:
        url = _feed_url(config)
        if not url:
            raise Unavailable("health", "nobody looks after it: see workers.health, listen.health_http")
        return (await client.ask("GET", url, component="health", timeout_s=FEED_S)).body

    said = config_of(config)
    reached = sorted(set(filter(None, map(origin_of, (said.jmap, said.status)))) - {origin_of(_own(config))})
    app = Webmail(Files(start.world, str(FOLDER)), said, reached, feed)
    try:
        await web.serve(start, app)
    finally:
        await client.close()


def config_of(config: words.Config) -> Config:
    """What the webmail is told."""
    workers, own = config.workers, _own(config)
    return Config(
        jmap=web.url_of(config, "jmap") if workers.jmap else "",
        status=config.web.status_url or (f"{own}/{STATUS}" if own and _feed_url(config) else ""),
        accounts=web.url_of(config, "password") if workers.password else "",
        signup=web.url_of(config, "signup") if workers.signup else "",
        product=PRODUCT,
    )


def _own(config: words.Config) -> str:
    return web.url_of(config, "webmail")


def _feed_url(config: words.Config) -> str:
    """The door for monitoring, as this machine reaches it."""
    if not config.workers.health or not config.listen.health_http:
        return ""
    host, port = split_address(config.listen.health_http[0])
    return f"http://{_LOOPBACK.get(host, f'[{host}]' if ':' in host else host)}:{port}/{STATUS}"
