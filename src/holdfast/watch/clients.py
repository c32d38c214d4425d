"""A client's way into each door: greeting, TLS, sign-in, by the client halves of the protocols.

What tries a function goes on from here: a probe for a step or two, a canary for a whole transaction.
"""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from typing import NamedTuple

from cryptography import x509

from holdfast.watch.talking import Talk
from holdfast.wire.imap import commands as c
from holdfast.wire.imap.answers import Answer, Continuation, Tagged, Untagged
from holdfast.wire.imap.answers import Broken as ImapBroken
from holdfast.wire.imap.client import Client as ImapClient
from holdfast.wire.pop3.client import Client as Pop3Client
from holdfast.wire.pop3.client import ClientError, Response
from holdfast.wire.sasl import Credentials
from holdfast.wire.smtp.client import Client as SmtpClient
from holdfast.wire.smtp.replies import Reply
from holdfast.wire.smtp.transaction import AuthFailed, Broken, Done, Ready, TlsReady, TlsRefused, Transaction
from holdfast.world import Peer, World

NOT_UNDERSTOOD = (ClientError, ValueError, AssertionError)


class Fault(Exception):
    """``step``: what went wrong; ``cause``: what was said. ``partly``: the function serves all the same."""

    def __init__(self, step: str, cause: str, *, partly: bool = False) -> None:
        super().__init__(f"{step}: {cause}")
        self.step = step
        self.cause = cause[:300]
        self.partly = partly


class Turned(Exception):
    """A command was answered with no. ``temporary``: because something is out of reach. ``full``: because
    the account is."""

    def __init__(self, text: str, *, temporary: bool, full: bool = False) -> None:
        super().__init__(text)
        self.temporary = temporary
        self.full = full


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


def check_certificate(world: World, talk: Talk, steps: Steps) -> None:
    steps.begin("certificate")
    if der := talk.certificate():
        ends = x509.load_der_x509_certificate(der).not_valid_after_utc
        if ends.timestamp() < world.clock.now():
            raise Fault(steps.doing, f"it ended at {ends:%Y-%m-%d %H:%M} UTC")


async def _start_tls(world: World, talk: Talk, target: Target, steps: Steps) -> None:
    await talk.secure(target.tls, target.host)
    check_certificate(world, talk, steps)


class Smtp:
    """A conversation with ``mx`` or ``submission``, from ``smtp_ready`` on."""

    def __init__(self, talk: Talk, name: str, *, secure: bool) -> None:
        self._talk = talk
        self.machine = SmtpClient(name, secure=secure)

    async def event(self) -> Ready | TlsReady | Done:
        while True:
            event = self.machine.next_event()
            if out := self.machine.take():
                self._talk.connection.write(out)
            if event is None:
                self.machine.receive(await self._talk.more())
            elif isinstance(event, Ready | TlsReady | Done):
                return event
            elif isinstance(event, AuthFailed | TlsRefused):
                raise Turned(str(event.reply), temporary=event.reply.temporary)
            elif isinstance(event, Broken):
                raise Fault(event.stage.value, str(event.reply))

    async def sign_in(self, account: tuple[str, str]) -> None:
        self.machine.authenticate(Credentials("", *account))
        await self.event()

    async def reply_to(self, transaction: Transaction, *, asks: bool = False) -> Reply:
        """To its one recipient, and to the message. ``asks``: no message follows."""
        (self.machine.ask if asks else self.machine.send)(transaction)
        while not isinstance(done := await self.event(), Done):
            pass  # ready, after what was asked before
        return done.outcomes[0].reply


async def smtp_ready(world: World, talk: Talk, target: Target, steps: Steps, name: str = "localhost") -> Smtp:
    """``name``: what the client calls itself."""
    smtp = Smtp(talk, name, secure=target.in_tls)
    steps.begin("greeting")
    ready = await smtp.event()
    assert isinstance(ready, Ready)
    if not target.in_tls and ready.extensions.starttls:
        steps.begin("STARTTLS")
        smtp.machine.start_tls()
        await smtp.event()
        await _start_tls(world, talk, target, steps)
        smtp.machine.tls_started()
        await smtp.event()
    elif not target.in_tls and target.wants_tls:
        raise Fault("STARTTLS", "it is not offered: is there a certificate?", partly=True)
    return smtp


class Imap:
    """A conversation with ``imap``, from ``imap_ready`` on."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self._client = ImapClient()

    @property
    def capabilities(self) -> frozenset[str]:
        return self._client.capabilities

    async def greeting(self) -> None:
        await self._until(b"")

    async def do(self, command: c.Command) -> Sequence[Answer]:
        """All answers to it, the tagged one last. Raises ``Turned``."""
        tag, out = self._client.send(command)
        self._talk.connection.write(out)
        return await self._until(tag)

    async def _until(self, tag: bytes) -> Sequence[Answer]:
        """Up to the tagged answer; for tag b'' the first untagged one."""
        found: list[Answer] = []
        while True:
            answer = self._client.next_event()
            if answer is None:
                self._client.receive(await self._talk.more())
                continue
            found.append(answer)
            if isinstance(answer, ImapBroken):
                raise ConnectionResetError("not IMAP")
            if isinstance(answer, Untagged) and answer.condition == "BYE":
                if not tag and answer.code and answer.code.name == "UNAVAILABLE":  # RFC 5530 §3
                    raise Turned(f"BYE UNAVAILABLE {answer.text}", temporary=True)
                raise ConnectionResetError(answer.text)
            if isinstance(answer, Continuation) and self._client.waits_to_send:
                self._talk.connection.write(self._client.proceed())
            if (isinstance(answer, Tagged) and answer.tag == tag) or (
                isinstance(answer, Untagged) and not tag
            ):
                if answer.condition not in ("OK", "PREAUTH"):
                    code = answer.code.name if answer.code else ""
                    raise Turned(
                        f"{answer.condition} {code} {answer.text}",
                        temporary=code == "UNAVAILABLE",
                        full=code == "OVERQUOTA",
                    )
                return found


async def imap_ready(world: World, talk: Talk, target: Target, steps: Steps) -> Imap:
    imap = Imap(talk)
    steps.begin("greeting")
    await imap.greeting()
    await imap.do(c.Capability())
    if not target.in_tls and "STARTTLS" in imap.capabilities:
        steps.begin("STARTTLS")
        await imap.do(c.StartTls())
        await _start_tls(world, talk, target, steps)
    elif not target.in_tls and target.wants_tls:
        raise Fault("STARTTLS", "it is not offered: is there a certificate?", partly=True)
    return imap


class Pop3:
    """A conversation with ``pop3``, from ``pop3_ready`` on."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self._client = Pop3Client()

    async def do(self, line: str, *, multiline: bool = False) -> Response:
        """'' waits for the greeting. Raises ``Turned``."""
        if line:
            self._talk.connection.write(self._client.command(line, multiline=multiline))
        while (response := self._client.next_event()) is None:
            self._client.receive(await self._talk.more())
        if not response.status:
            temporary = response.code.startswith(("SYS", "LOGIN-DELAY", "IN-USE"))
            raise Turned(f"-ERR {response.code} {response.text}", temporary=temporary)
        return response

    async def sign_in(self, account: tuple[str, str]) -> None:
        await self.do(f"USER {account[0]}")
        await self.do(f"PASS {account[1]}")


async def pop3_ready(world: World, talk: Talk, target: Target, steps: Steps) -> Pop3:
    pop3 = Pop3(talk)
    steps.begin("greeting")
    await pop3.do("")
    offered = (await pop3.do("CAPA", multiline=True)).body or b""
    if not target.in_tls and b"STLS" in offered:
        steps.begin("STLS")
        await pop3.do("STLS")
        await _start_tls(world, talk, target, steps)
    elif not target.in_tls and target.wants_tls:
        raise Fault("STLS", "it is not offered: is there a certificate?", partly=True)
    return pop3
