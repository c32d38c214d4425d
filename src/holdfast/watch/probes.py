"""Tries of each function as its clients have it, by the client halves of the protocols.

A probe says which steps went well, and raises ``Fault`` with the first that didn't. It goes through the
public door, so that what it finds is what customers find (WATCH-4).
"""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from cryptography import x509

from holdfast.watch.talking import Talk, talking
from holdfast.wire.imap import commands as c
from holdfast.wire.imap.answers import Broken as ImapBroken
from holdfast.wire.imap.answers import Tagged, Untagged
from holdfast.wire.imap.client import Client as ImapClient
from holdfast.wire.pop3.client import Client as Pop3Client
from holdfast.wire.pop3.client import ClientError, Response
from holdfast.wire.sasl import Credentials
from holdfast.wire.smtp.client import Client as SmtpClient
from holdfast.wire.smtp.client import Recipient, Transaction
from holdfast.wire.smtp.transaction import AuthFailed, Broken, Done, Ready, TlsReady, TlsRefused
from holdfast.world import Peer, World


class Fault(Exception):
    """``step``: what went wrong; ``cause``: what was said. ``partly``: the function serves all the same."""

    def __init__(self, step: str, cause: str, *, partly: bool = False) -> None:
        super().__init__(f"{step}: {cause}")
        self.step = step
        self.cause = cause[:300]
        self.partly = partly


class Turned(Exception):
    """A command was answered with no. ``temporary``: because something is out of reach."""

    def __init__(self, text: str, *, temporary: bool) -> None:
        super().__init__(text)
        self.temporary = temporary


class Target(NamedTuple):
    """A door to be tried. ``in_tls``: from the first byte. ``wants_tls``: without STARTTLS it is of no use.

    ``account``: name and password to sign in with, None: not tried. ``page``: of a door that speaks HTTP.
    """

    function: str
    door: str
    address: Peer
    host: str
    tls: ssl.SSLContext
    in_tls: bool = False
    wants_tls: bool = False
    account: tuple[str, str] | None = None
    page: str = "/"


class Steps:
    """What has been done so far."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.doing = "connect"

    def begin(self, step: str) -> None:
        if self.doing:
            self.done.append(self.doing)
        self.doing = step


async def try_door(world: World, target: Target, steps: Steps) -> None:
    """Raises ``Fault``, ``OSError``."""
    tls = target.tls if target.in_tls else None
    async with talking(world, target.address, tls, target.host) as talk:
        if target.in_tls:
            _check_certificate(world, talk, steps)
        try:
            await _PROBES[target.function](world, talk, target, steps)
        except Turned as turned:
            # a wrong password is the probe's fault, not the function's
            partly = steps.doing == "sign-in" and not turned.temporary
            raise Fault(steps.doing, str(turned), partly=partly) from None
        steps.begin("")


def _check_certificate(world: World, talk: Talk, steps: Steps) -> None:
    steps.begin("certificate")
    if der := talk.certificate():
        ends = x509.load_der_x509_certificate(der).not_valid_after_utc
        if ends.timestamp() < world.clock.now():
            raise Fault(steps.doing, f"it ended at {ends:%Y-%m-%d %H:%M} UTC")


async def _start_tls(world: World, talk: Talk, target: Target, steps: Steps) -> None:
    await talk.secure(target.tls, target.host)
    _check_certificate(world, talk, steps)


# SMTP


async def _smtp_event(talk: Talk, machine: SmtpClient) -> Ready | TlsReady | Done:
    while True:
        event = machine.next_event()
        if out := machine.take():
            talk.connection.write(out)
        if event is None:
            machine.receive(await talk.more())
        elif isinstance(event, Ready | TlsReady | Done):
            return event
        elif isinstance(event, AuthFailed | TlsRefused):
            raise Turned(str(event.reply), temporary=event.reply.temporary)
        elif isinstance(event, Broken):
            raise Fault(event.stage.value, str(event.reply))


async def _smtp_ready(world: World, talk: Talk, target: Target, steps: Steps) -> SmtpClient:
    machine = SmtpClient("localhost", secure=target.in_tls)
    steps.begin("greeting")
    ready = await _smtp_event(talk, machine)
    assert isinstance(ready, Ready)
    if not target.in_tls and ready.extensions.starttls:
        steps.begin("STARTTLS")
        machine.start_tls()
        await _smtp_event(talk, machine)
        await _start_tls(world, talk, target, steps)
        machine.tls_started()
        await _smtp_event(talk, machine)
    elif not target.in_tls and target.wants_tls:
        raise Fault("STARTTLS", "it is not offered: is there a certificate?", partly=True)
    return machine


async def _try_mx(world: World, talk: Talk, target: Target, steps: Steps) -> None:
    machine = await _smtp_ready(world, talk, target, steps)
    steps.begin("RCPT")
    to = target.account[0] if target.account else "postmaster"
    machine.ask(Transaction("", (Recipient(to),), b""))
    done = await _smtp_event(talk, machine)
    assert isinstance(done, Done)
    reply = done.outcomes[0].reply
    if reply.code // 100 != 2:
        nobody = to == "postmaster" and "postmaster" in reply.text
        raise Fault("RCPT", f"{to}: {reply}", partly=nobody or reply.code // 100 == 5)


async def _try_submission(world: World, talk: Talk, target: Target, steps: Steps) -> None:
    machine = await _smtp_ready(world, talk, target, steps)
    if target.account is not None:
        steps.begin("sign-in")
        machine.authenticate(Credentials("", *target.account))
        await _smtp_event(talk, machine)


# IMAP


async def _imap_answer(talk: Talk, client: ImapClient, tag: bytes) -> Tagged | Untagged:
    """The tagged answer; for tag b'' the first untagged one."""
    while True:
        answer = client.next_event()
        if answer is None:
            client.receive(await talk.more())
        elif isinstance(answer, ImapBroken) or (isinstance(answer, Untagged) and answer.condition == "BYE"):
            raise ConnectionResetError(answer.text if isinstance(answer, Untagged) else "not IMAP")
        elif (isinstance(answer, Tagged) and answer.tag == tag) or (isinstance(answer, Untagged) and not tag):
            if answer.condition not in ("OK", "PREAUTH"):
                code = answer.code.name if answer.code else ""
                raise Turned(f"{answer.condition} {code} {answer.text}", temporary=code == "UNAVAILABLE")
            return answer


async def _imap_do(talk: Talk, client: ImapClient, command: c.Command) -> None:
    tag, out = client.send(command)
    talk.connection.write(out)
    await _imap_answer(talk, client, tag)


async def _try_imap(world: World, talk: Talk, target: Target, steps: Steps) -> None:
    client = ImapClient()
    steps.begin("greeting")
    await _imap_answer(talk, client, b"")
    await _imap_do(talk, client, c.Capability())
    if not target.in_tls and "STARTTLS" in client.capabilities:
        steps.begin("STARTTLS")
        await _imap_do(talk, client, c.StartTls())
        await _start_tls(world, talk, target, steps)
    elif not target.in_tls and target.wants_tls:
        raise Fault("STARTTLS", "it is not offered: is there a certificate?", partly=True)
    if target.account is not None:
        steps.begin("sign-in")
        await _imap_do(talk, client, c.Login(*target.account))
        steps.begin("SELECT")
        await _imap_do(talk, client, c.Select("INBOX", read_only=True))
        await _imap_do(talk, client, c.Noop())


# POP3


async def _pop3_do(talk: Talk, client: Pop3Client, line: str, *, multiline: bool = False) -> Response:
    if line:
        talk.connection.write(client.command(line, multiline=multiline))
    while (response := client.next_event()) is None:
        client.receive(await talk.more())
    if not response.status:
        temporary = response.code.startswith(("SYS", "LOGIN-DELAY", "IN-USE"))
        raise Turned(f"-ERR {response.code} {response.text}", temporary=temporary)
    return response


async def _try_pop3(world: World, talk: Talk, target: Target, steps: Steps) -> None:
    client = Pop3Client()
    steps.begin("greeting")
    await _pop3_do(talk, client, "")
    offered = (await _pop3_do(talk, client, "CAPA", multiline=True)).body or b""
    if not target.in_tls and b"STLS" in offered:
        steps.begin("STLS")
        await _pop3_do(talk, client, "STLS")
        await _start_tls(world, talk, target, steps)
    elif not target.in_tls and target.wants_tls:
        raise Fault("STLS", "it is not offered: is there a certificate?", partly=True)
    if target.account is not None:
        steps.begin("sign-in")
        await _pop3_do(talk, client, f"USER {target.account[0]}")
        await _pop3_do(talk, client, f"PASS {target.account[1]}")
        steps.begin("STAT")
        await _pop3_do(talk, client, "STAT")
        await _pop3_do(talk, client, "QUIT")


# HTTP


async def _try_page(world: World, talk: Talk, target: Target, steps: Steps) -> None:
    """A page that is answered, be it with the advice to go elsewhere or to sign in."""
    steps.begin(f"GET {target.page}")
    lines = (f"GET {target.page} HTTP/1.1", f"Host: {target.host}", "User-Agent: holdfast-health")
    talk.connection.write("\r\n".join([*lines, "Connection: close", "", ""]).encode())
    answer = b""
    while b"\r\n" not in answer:
        answer += await talk.more()
    words = answer.partition(b"\r\n")[0].split(b" ")
    if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():
        raise Fault(steps.doing, "the answer is not HTTP")
    if words[1][:1] == b"5":
        raise Fault(steps.doing, f"answered {words[1].decode()}")


_Probe = Callable[[World, Talk, Target, Steps], Awaitable[None]]

_PROBES: dict[str, _Probe] = {
    "mx": _try_mx,
    "submission": _try_submission,
    "imap": _try_imap,
    "pop3": _try_pop3,
    "password": _try_page,
    "signup": _try_page,
    "admin": _try_page,
    "setup": _try_page,
    "jmap": _try_page,
    "webmail": _try_page,
}

NOT_UNDERSTOOD = (ClientError, ValueError, AssertionError)
