"""What an authority says, over real HTTP: renewal information (RFC 9773), and what goes wrong."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme

from free_ports import free_ports
from holdfast.functions.setup.certificates.authority import Authority, Settings, Suggestion, known_account
from holdfast.functions.setup.certificates.files import facts_of, new_key
from holdfast.model.errors import Unavailable
from holdfast.world import World, real_world

HOST = "127.0.0.1"


class Server:
    """Just enough of an authority: a directory, accounts, renewal information; orders are refused."""

    def __init__(self) -> None:
        self.port = free_ports(1)[0]
        self.url = f"http://{HOST}:{self.port}"
        self.asked: list[str] = []
        self.offers_information = True
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None: ...

            def do_HEAD(self) -> None:
                self.say(200, {})

            def do_GET(self) -> None:
                outer.asked.append(self.path)
                if self.path == "/dir":
                    self.say(200, outer.directory())
                elif self.path.startswith("/info/"):
                    window = {"start": "2030-01-01T00:00:00Z", "end": "2030-01-03T00:00:00Z"}
                    self.say(200, {"suggestedWindow": window}, {"Retry-After": "7200"})

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                assert {"protected", "payload", "signature"} <= set(body)
                if self.path == "/account":
                    self.say(201, {"status": "valid"}, {"Location": f"{outer.url}/account/7"})
                else:
                    said = {"type": "urn:ietf:params:acme:error:rateLimited", "detail": "too many"}
                    self.say(429, said, kind="application/problem+json")

            def say(
                self,
                status: int,
                body: object,
                fields: dict[str, str] | None = None,
                kind: str = "application/json",
            ) -> None:
                content = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Replay-Nonce", "bm9uY2U")
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                for name, value in (fields or {}).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

        self._server = ThreadingHTTPServer((HOST, self.port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def directory(self) -> dict[str, object]:
        places = {"newNonce": "nonce", "newAccount": "account", "newOrder": "order", "renewalInfo": "info"}
        if not self.offers_information:
            del places["renewalInfo"]
        meta = {"termsOfService": "x", "caaIdentities": ["ca.example"]}
        return {name: f"{self.url}/{path}" for name, path in places.items()} | {"meta": meta}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.fixture
def world() -> World:
    return real_world()


def authority(world: World, folder: Path, directory: str) -> Authority:
    return Authority(world, Settings(directory, "", "", "", "", str(folder / "acme")))


def test_the_authority_is_asked_by_the_name_that_rfc_9773_gives_a_certificate(
    server: Server, world: World, tmp_path: Path
):
    facts = facts_of(trustme.CA().issue_cert("mail.example.org").cert_chain_pems[0].bytes())
    asked = authority(world, tmp_path, f"{server.url}/dir")
    found = asyncio.run(asked.suggestion(facts))
    assert isinstance(found, Suggestion)
    assert (found.start, found.end) == (1_893_456_000.0, 1_893_628_800.0)
    assert abs(found.ask_at - world.clock.now() - 7200) < 30
    assert f"/info/{facts.info_id}" in server.asked
    account = known_account(world, str(tmp_path / "acme"))
    assert account is not None
    assert (account.uri, account.issuers) == (f"{server.url}/account/7", ("ca.example",))


def test_the_name_of_a_certificate_is_that_of_the_rfcs_example():
    """RFC 9773 §4.1: the key's identifier and the serial number as DER has them, base64url."""
    from acme.client import _renewal_info_path_component
    from cryptography import x509

    for _ in range(8):
        pem = trustme.CA().issue_cert("mail.example.org").cert_chain_pems[0].bytes()
        certificate = x509.load_pem_x509_certificate(pem)
        assert facts_of(pem).info_id == _renewal_info_path_component(certificate)


def test_an_authority_without_renewal_information_says_nothing(server: Server, world: World, tmp_path: Path):
    server.offers_information = False
    facts = facts_of(trustme.CA().issue_cert("mail.example.org").cert_chain_pems[0].bytes())
    assert asyncio.run(authority(world, tmp_path, f"{server.url}/dir").suggestion(facts)) is None


def test_what_an_authority_refuses_is_told_in_its_own_words(server: Server, world: World, tmp_path: Path):
    with pytest.raises(Unavailable) as failed:
        asyncio.run(authority(world, tmp_path, f"{server.url}/dir").issue(["mail.example.org"], new_key()))
    assert failed.value.text == "rateLimited: too many"


def test_an_authority_that_is_out_of_reach_is_unavailable(world: World, tmp_path: Path):
    nobody = f"http://{HOST}:{free_ports(1)[0]}/dir"
    with pytest.raises(Unavailable) as failed:
        asyncio.run(authority(world, tmp_path, nobody).issue(["mail.example.org"], new_key()))
    assert failed.value.component == "acme"
