"""STARTTLS and TLS from the first byte. RFC 3501 §6.2.1, RFC 8314."""

from __future__ import annotations

import asyncio
import ssl
import time
from pathlib import Path

import pytest

from holdfast.functions import imap
from holdfast.run.certificate import make
from holdfast.world.tls import client_context, server_context
from unit.functions.imap.imap_service import Client, Service, play


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("tls")
    files = f"{folder}/certificate.pem", f"{folder}/key.pem"
    make(*files, ["localhost"], time.time())
    return files


def trusting() -> ssl.SSLContext:
    return client_context(verify=False)


def test_starttls_opens_the_way_and_what_was_injected_before_it_is_nobodys(tmp_path, certificate):
    async def scene(service: Service) -> None:
        client = await service.connect(tcp=True)
        assert b"STARTTLS" in (await client.ok("CAPABILITY")).lines[0]
        client.send(b"s STARTTLS\r\ni LOGIN ada secret\r\n")
        assert (await client.until(b"s")).status == "OK"
        await client.writer.start_tls(trusting())
        capabilities = (await client.ok("CAPABILITY")).lines[0]
        assert b"AUTH=PLAIN" in capabilities and b"STARTTLS" not in capabilities
        assert b"IDLE" not in capabilities  # nobody signed in by the injected line
        await client.ok("LOGIN ada secret")
        assert (await client.do("STARTTLS")).status == "BAD"

    play(tmp_path, scene, tls=server_context(*certificate), allow_plaintext_loopback=False)


def test_a_door_in_tls_greets_inside_it(tmp_path: Path, certificate):
    async def scene(service: Service) -> None:
        (listener,) = await imap.listen(service.shared, [imap.Sockets(("127.0.0.1", 0), in_tls=True)])
        streams = await asyncio.open_connection(*listener.addresses[0], ssl=trusting())
        client = Client(*streams)
        assert b"AUTH=PLAIN" in await client.line()
        await client.ok("LOGIN ada secret")
        assert b"0 EXISTS" in (await client.ok("SELECT INBOX")).lines
        await client.close()
        listener.close()

    play(tmp_path, scene, tls=server_context(*certificate), allow_plaintext_loopback=False)
