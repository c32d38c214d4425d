"""Servers of other people, for tests of sign-up: a gateway of text messages, a contract system. Real HTTP."""

from __future__ import annotations

import http.server
import json
import re
import socketserver
import threading
from collections.abc import Callable
from email import message_from_bytes
from email.message import Message

from e2e.service import DOMAIN, HOST, until
from free_ports import free_ports


class Partner:
    """A real HTTP server of somebody else's: keeps what it is sent, answers as told, may be gone."""

    def __init__(self) -> None:
        self.port = free_ports(1)[0]
        self.asked: list[tuple[dict[str, str], dict[str, str]]] = []
        self.answer: Callable[[dict[str, str]], tuple[int, object]] = lambda asked: (200, {"ok": True})
        self._server: http.server.ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}/"

    def start(self) -> None:
        partner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                headers = {name.lower(): value for name, value in self.headers.items()}
                partner.asked.append((headers, body))
                status, answer = partner.answer(body)
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(answer).encode())

            def log_message(self, *_: object) -> None:
                pass

        http.server.ThreadingHTTPServer.allow_reuse_address = True
        self._server = http.server.ThreadingHTTPServer((HOST, self.port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def texts(self) -> list[dict[str, str]]:
        return [body for _, body in self.asked]

    def code(self, phone: str, seconds: float = 10) -> str:
        """The last code that went to a phone, once there is one."""

        def found() -> str:
            texts = [each["text"] for each in self.texts() if each.get("to") == phone]
            codes = [match[0] for each in texts if (match := re.search(r"\b\d{6}\b", each))]
            return codes[-1] if codes else ""

        return str(until(found, seconds))


def signup_config(
    sms: Partner, contracts: Partner | None = None, more: str = "", minimum_s: float = 0
) -> str:
    """``more``: further lines of [signup]. Sections may be added at the end; the last is [gateways]."""
    url = f'contract_url = "{contracts.url}"\n' if contracts else ""
    return (
        f'[signup]\nopen = ["{DOMAIN}"]\n{url}terms_url = "https://example.org/rules"\n'
        f'privacy_url = "https://example.org/privacy"\nminimum_s = {minimum_s}\n{more}'
        f'[gateways]\nsender = "Example Mail"\ncountry = "49"\nsms_url = "{sms.url}"\n'
        'sms_headers = ["Content-Type: application/json", "X-Key: {secret}"]\n'
    )


class Sink:
    """A real SMTP server that takes everything and keeps it."""

    def __init__(self) -> None:
        self.port = free_ports(1)[0]
        self.messages: list[tuple[list[str], bytes]] = []
        self._server: socketserver.ThreadingTCPServer | None = None

    def start(self) -> None:
        sink = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.wfile.write(b"220 sink ESMTP\r\n")
                to: list[str] = []
                while line := self.rfile.readline():
                    word = line[:4].upper()
                    if word == b"RCPT":
                        to.append(line.decode().partition("<")[2].partition(">")[0])
                    if word == b"DATA":
                        self.wfile.write(b"354 go on\r\n")
                        lines = iter(self.rfile.readline, b".\r\n")
                        sink.messages.append((to, b"".join(lines)))
                        to = []
                    self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")

        socketserver.ThreadingTCPServer.allow_reuse_address = True
        self._server = socketserver.ThreadingTCPServer((HOST, self.port), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def mail(self, to: str) -> Message:
        """The last message to somebody, once there is one."""
        found = until(lambda: [data for who, data in self.messages if to in who])
        return message_from_bytes(found[-1])

    def code(self, to: str) -> str:
        body = self.mail(to).get_payload(decode=True)
        assert isinstance(body, bytes)
        match = re.search(rb"^    (\d{6})\r?$", body, re.M)
        assert match, body
        return match[1].decode()
