"""Signing in, TLS, limits and ends of a connection. RFC 3501 §6.1-6.2."""

from __future__ import annotations

import asyncio
import base64

import pytest

from holdfast.model.limits import Limits
from unit.functions.imap.imap_service import Client, Service, play


class FastClock:
    """The real clock, but sleeping takes no time."""

    def __init__(self, clock: object) -> None:
        self._clock = clock
        self.slept: list[float] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._clock, name)

    async def sleep(self, seconds: float) -> None:
        if seconds:
            self.slept.append(seconds)
        await asyncio.sleep(0)


def test_plain_and_login_mechanisms_sign_in_with_and_without_initial_response(tmp_path):
    async def scene(service: Service) -> None:
        plain = base64.b64encode(b"\0ada\0secret")
        client = await service.connect()
        signed_in = await client.ok(b"AUTHENTICATE PLAIN " + plain)
        assert signed_in.code.startswith("CAPABILITY IMAP4rev1") and "IDLE" in signed_in.code
        client = await service.connect()
        tag = client.put("AUTHENTICATE PLAIN")
        assert await client.line() == b"+ "
        client.send(plain + b"\r\n")
        assert (await client.until(tag)).status == "OK"
        client = await service.connect()
        tag = client.put("AUTHENTICATE LOGIN")
        for question, answer in ((b"Username:", b"ada"), (b"Password:", b"secret")):
            assert base64.b64decode((await client.line()).removeprefix(b"+ ")) == question
            client.send(base64.b64encode(answer) + b"\r\n")
        assert (await client.until(tag)).status == "OK"
        client = await service.connect()
        tag = client.put("AUTHENTICATE PLAIN")
        await client.line()
        client.send(b"*\r\n")
        assert (await client.until(tag)).status == "BAD"
        assert (await client.do("AUTHENTICATE CRAM-MD5")).code == "CANNOT"
        other = base64.b64encode(b"ben\0ada\0secret")
        assert (await client.do(b"AUTHENTICATE PLAIN " + other)).code == "AUTHORIZATIONFAILED"

    play(tmp_path, scene)


def test_wrong_passwords_are_slowed_down_and_then_end_the_connection(tmp_path):
    async def scene(service: Service) -> None:
        clock = FastClock(service.world.clock)
        service.world.clock = clock  # type: ignore[assignment]
        client = await service.connect()
        for _ in range(2):
            assert (await client.do("LOGIN ada wrong")).code == "AUTHENTICATIONFAILED"
        last = await client.do("LOGIN ada wrong")
        assert last.lines[0].startswith(b"BYE") and last.last == b"EOF"
        assert clock.slept == [0.5, 1.0, 2.0]

    play(tmp_path, scene, limits=Limits(sign_in_failures=3))


def test_imapd_5_a_directory_that_is_down_is_never_a_wrong_password(tmp_path):
    async def scene(service: Service) -> None:
        service.sign_in.down = True
        client = await service.connect()
        for _ in range(10):
            assert (await client.do("LOGIN ada secret")).code == "UNAVAILABLE"
        service.sign_in.down = False
        await client.ok("LOGIN ada secret")

    play(tmp_path, scene)


def test_imapd_5_no_password_crosses_a_connection_without_tls(tmp_path):
    async def scene(service: Service) -> None:
        client = await service.connect(tcp=True)
        capabilities = (await client.ok("CAPABILITY")).lines[0]
        assert b"LOGINDISABLED" in capabilities and b"AUTH=" not in capabilities
        assert (await client.do("LOGIN ada secret")).code == "PRIVACYREQUIRED"
        assert (await client.do("AUTHENTICATE PLAIN")).code == "PRIVACYREQUIRED"
        assert (await client.do("STARTTLS")).status == "NO"  # no certificate

    play(tmp_path, scene, allow_plaintext_loopback=False)


def test_one_connection_too_many_is_told_so(tmp_path):
    async def scene(service: Service) -> None:
        one = await service.connect()
        reader, writer = await asyncio.open_unix_connection(f"{service.folder}/imap")
        two = Client(reader, writer)
        assert (await two.line()).startswith(b"BYE [LIMIT]")
        await one.ok("LOGOUT")
        await one.close()
        async with asyncio.timeout(60):
            while service.shared.sessions:
                await asyncio.sleep(0)
        await service.connect()
        writer.close()

    play(tmp_path, scene, limits=Limits(connections=1))


def test_logout_says_bye_first(tmp_path):
    async def scene(service: Service) -> None:
        client = await service.client()
        reply = await client.ok("LOGOUT")
        assert reply.lines[0].startswith(b"BYE ")
        assert (await client.until(b"none")).last == b"EOF"

    play(tmp_path, scene)


@pytest.mark.slow
def test_a_silent_client_is_logged_out(tmp_path):
    async def scene(service: Service) -> None:
        client = await service.connect()
        reply = await client.until(b"none")
        assert reply.lines[0].startswith(b"BYE Autologout")

    play(tmp_path, scene, limits=Limits(imap_unauthenticated_s=0.05))


def test_imapd_1_commands_pipelined_behind_a_login_wait_for_it(tmp_path):
    async def scene(service: Service) -> None:
        client = await service.connect()
        client.send(b"1 LOGIN ada secret\r\n2 SELECT INBOX\r\n3 NOOP\r\n4 CLOSE\r\n5 LOGOUT\r\n")
        for tag in b"12345":
            assert (await client.until(bytes([tag]))).status == "OK"

    play(tmp_path, scene)
