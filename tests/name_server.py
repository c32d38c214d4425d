"""A real authoritative name server on loopback, over UDP and TCP, that says what a test wants."""

from __future__ import annotations

import socket
import socketserver
import struct
import threading

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from free_ports import free_ports

HOST = "127.0.0.1"
TTL = 60


class NameServer:
    """``records``: (name, kind) → values as a zone has them.

    ``broken`` names get SERVFAIL, ``silent`` ones nothing.

    ``secure``: answers carry AD, as a validating resolver's would. Use it as a context manager.
    """

    def __init__(self, records: dict[tuple[str, str], list[str]] | None = None) -> None:
        self.records = dict(records or {})
        self.broken: set[str] = set()
        self.silent: set[str] = set()
        self.secure = False
        self.asked: list[tuple[str, str]] = []
        self.port = free_ports(1)[0]
        self._servers: list[socketserver.BaseServer] = []

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    def __enter__(self) -> NameServer:
        outer = self

        class Udp(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                data, link = self.request
                if answer := outer._answer(data, udp=True):
                    link.sendto(answer, self.client_address)

        class Tcp(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                link: socket.socket = self.request
                (size,) = struct.unpack("!H", link.recv(2, socket.MSG_WAITALL))
                if answer := outer._answer(link.recv(size, socket.MSG_WAITALL), udp=False):
                    link.sendall(struct.pack("!H", len(answer)) + answer)

        self._servers = [
            socketserver.ThreadingUDPServer((HOST, self.port), Udp),
            socketserver.ThreadingTCPServer((HOST, self.port), Tcp),
        ]
        for server in self._servers:
            server.daemon_threads = True  # type: ignore[attr-defined]
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def _answer(self, data: bytes, *, udp: bool) -> bytes | None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind))
        if name in self.silent:
            return None
        answer = dns.message.make_response(query, our_payload=1232)
        answer.flags |= dns.flags.AA | dns.flags.RA | (dns.flags.AD if self.secure else 0)
        if name in self.broken:
            answer.set_rcode(dns.rcode.SERVFAIL)
            return answer.to_wire()
        self._fill(answer, name, kind)
        wire = answer.to_wire(max_size=65535)
        if udp and len(wire) > 1232:
            answer = dns.message.make_response(query)
            answer.flags |= dns.flags.TC
            return answer.to_wire()
        return wire

    def _fill(self, answer: dns.message.Message, name: str, kind: str) -> None:
        for _ in range(8):  # aliases
            if values := self.records.get((name, kind)):
                answer.answer.append(dns.rrset.from_text_list(f"{name}.", TTL, "IN", kind, values))
                return
            target = self.records.get((name, "CNAME"))
            if kind == "CNAME" or not target:
                break
            answer.answer.append(dns.rrset.from_text_list(f"{name}.", TTL, "IN", "CNAME", target))
            name = target[0].rstrip(".").lower()
        known = any(each == name or each.endswith(f".{name}") for each, _ in self.records)
        if not known:
            answer.set_rcode(dns.rcode.NXDOMAIN)
