"""Whom a service for drills asks beyond itself, on loopback: a smart host, a gateway for text messages, a
resolver. Each has a mood, that a drill changes: what real partners do on bad days."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Literal, NamedTuple, cast

import dns.flags
import dns.message
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from holdfast.world import Session, World

OUTSIDE = "elsewhere.example"
ECHO = f"canary@{OUTSIDE}"  # what is sent there comes back to the first canary
SMARTHOST = f"smarthost.{OUTSIDE}"
_HOST = "127.0.0.1"
_TTL_S = 1

Mood = Literal["works", "refuses", "drops", "silent", "unavailable"]


class Ports(NamedTuple):
    relay: int
    gateway: int
    names: int
    second: int  # takes mail to second addresses, whatever befalls the smart host


class Sent(NamedTuple):
    """A text message that the gateway took."""

    at: float
    body: str


class Partners:
    """``back``: hands a message that is for ``ECHO`` in again. ``arrived``: subject → when it arrived."""

    def __init__(self, world: World, ports: Ports) -> None:
        self.world = world
        self.ports = ports
        self.relay: Mood = "works"
        self.gateway: Mood = "works"
        self.names: Mood = "works"
        self.arrived: dict[str, float] = {}
        self.sent: list[Sent] = []
        self.back: Callable[[bytes], Awaitable[None]] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = contextlib.AsyncExitStack()

    def toml(self) -> str:
        """What the service's configuration says of them."""
        url = f"http://{_HOST}:{self.ports.gateway}/send"
        return "\n".join(
            [
                *("[dns]", f'servers = ["{_HOST}:{self.ports.names}"]'),
                *("[relay]", f'smarthost = "{SMARTHOST}:{self.ports.relay}"', 'tls = "none"'),
                *("[canary]", f'outside = "{ECHO}"'),
                *("[gateways]", f'sms_url = "{url}"', 'country = "49"', 'mail_tls = "none"'),
                f'mail_smarthost = "{_HOST}:{self.ports.second}"',
            ]
        )

    async def open(self) -> None:
        """All listen. Raises ``OSError``."""
        net = self.world.net
        doors = (
            (lambda: _Mail(self, lambda: self.relay), self.ports.relay),
            (lambda: _Mail(self, lambda: "works"), self.ports.second),
            (lambda: _Gateway(self), self.ports.gateway),
        )
        for factory, port in doors:
            listener = await net.listen(factory, (_HOST, port))
            self._closing.callback(listener.close)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Names(self), local_addr=(_HOST, self.ports.names)
        )
        self._closing.callback(transport.close)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await self._closing.aclose()

    def take(self, recipients: list[str], message: bytes) -> None:
        """Noted by its subject, and sent back where that is asked for."""
        for line in message.split(b"\r\n\r\n", 1)[0].split(b"\r\n"):
            if line.lower().startswith(b"subject:"):
                self.arrived.setdefault(line[8:].strip().decode("utf-8", "replace"), self.world.clock.now())
        if ECHO in recipients and self.back is not None:
            task = asyncio.ensure_future(self._send_back(message))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _send_back(self, message: bytes) -> None:
        """As servers do: again, where it isn't taken."""
        assert self.back is not None
        for _ in range(5):
            with contextlib.suppress(Exception):  # whatever it is, the canary doesn't come back
                return await self.back(message)
            await self.world.clock.sleep(2.0)


class _Mail(Session):
    """A mail server, as far as ours needs one (RFC 5321)."""

    def __init__(self, partners: Partners, mood: Callable[[], Mood]) -> None:
        self._partners = partners
        self._mood = mood
        self._came = bytearray()
        self._recipients: list[str] = []
        self._in_message = False

    def connected(self) -> None:
        if self._mood() != "silent":
            self._say("220 elsewhere.example ESMTP")

    def received(self, data: bytes) -> None:
        if self._mood() == "silent":
            return
        self._came += data
        while True:
            end = b"\r\n.\r\n" if self._in_message else b"\r\n"
            place = self._came.find(end)
            if place < 0:
                return
            part = bytes(self._came[:place])
            del self._came[: place + len(end)]
            if self._in_message:
                self._in_message = False
                if self._mood() != "drops":
                    self._partners.take(self._recipients, part)
                self._say("250 2.0.0 taken")
            else:
                self._command(part.decode("latin-1"))

    def _command(self, line: str) -> None:
        word = line[:4].upper()
        if word in ("MAIL", "RSET"):
            self._recipients = []
        if word == "RCPT":
            if self._mood() == "refuses":
                return self._say("554 5.7.1 Client host [203.0.113.7] blocked using list.blocklist.example")
            self._recipients.append(line.partition("<")[2].partition(">")[0].lower())
        if word == "DATA":
            self._in_message = True
            self._came[:0] = b"\r\n" if self._came.startswith(b".\r\n") else b""
            return self._say("354 go on")
        if word == "QUIT":
            self._say("221 2.0.0 bye")
            return self.connection.close()
        self._say("250 2.0.0 OK")

    def _say(self, line: str) -> None:
        self.connection.write(f"{line}\r\n".encode())


class _Gateway(Session):
    """A gateway for text messages over HTTP."""

    def __init__(self, partners: Partners) -> None:
        self._partners = partners
        self._came = b""

    def received(self, data: bytes) -> None:
        self._came += data
        head, found, body = self._came.partition(b"\r\n\r\n")
        if not found or self._partners.gateway == "silent":
            return
        lengths = [
            int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
        ]
        if len(body) < sum(lengths):
            return
        self._came = b""
        status = "503 Service Unavailable" if self._partners.gateway == "unavailable" else "200 OK"
        if status.startswith("200") and head.startswith(b"POST "):
            text = body.decode("utf-8", "replace")
            self._partners.sent.append(Sent(self._partners.world.clock.now(), text))
        self.connection.write(f"HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\nok".encode())


class _Names(asyncio.DatagramProtocol):
    """A resolver that knows our own names and one of elsewhere. ``unavailable``: SERVFAIL for all but our own
    names; ``refuses``: our own names don't exist."""

    def __init__(self, partners: Partners) -> None:
        self._partners = partners
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)  # uvloop's is none by its class

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        mood = self._partners.names
        if mood == "silent" or self._transport is None:
            return
        with contextlib.suppress(dns.exception.DNSException):
            query = dns.message.from_wire(data)
            self._transport.sendto(_answer(query, mood).to_wire(), addr)


def _answer(query: dns.message.Message, mood: Mood) -> dns.message.Message:
    [question] = query.question
    name = question.name.to_text(omit_final_dot=True).lower()
    own = name.endswith("example.org")
    answer = dns.message.make_response(query, recursion_available=True)
    if mood == "unavailable" and not own:
        answer.set_rcode(dns.rcode.SERVFAIL)
    elif (mood == "refuses" and own) or not (own or name.endswith(OUTSIDE)):
        answer.set_rcode(dns.rcode.NXDOMAIN)
    elif question.rdtype == dns.rdatatype.A:
        answer.answer.append(dns.rrset.from_text(f"{name}.", _TTL_S, "IN", "A", _HOST))
    elif question.rdtype == dns.rdatatype.MX and own:
        host = f"10 mail.{name.removeprefix('mail.')}."
        answer.answer.append(dns.rrset.from_text(f"{name}.", _TTL_S, "IN", "MX", host))
    return answer
