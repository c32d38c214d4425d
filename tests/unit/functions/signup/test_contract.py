"""Contract numbers, asked of a real HTTP server."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.functions.signup.contract import Contract, Contracts
from holdfast.model.errors import Refused, Unavailable
from holdfast.world import real_world
from holdfast.world import run as run_really
from holdfast.world.http import HttpClient


class Provider:
    def __init__(self) -> None:
        self.asked: list[tuple[dict[str, str], dict[str, str]]] = []
        self.status, self.answer = 200, b"{}"
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                provider.asked.append(({k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(provider.status)
                self.end_headers()
                self.wfile.write(provider.answer)

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.server.shutdown()
    made.server.server_close()


def check(provider: Provider, folder: Path) -> Contract:
    async def ask() -> Contract:
        client = HttpClient(real_world(journal_path=str(folder / "journal")))
        url = f"http://127.0.0.1:{provider.server.server_port}/contracts"
        try:
            contracts = Contracts(client, url, lambda: "s3cret")
            return await contracts.check("request-1", "K-1", "anna@example.org", "Anna")
        finally:
            await client.close()

    return run_really(ask())


def test_a_good_number_gives_what_the_contract_has(provider: Provider, tmp_path: Path) -> None:
    provider.answer = b'{"ok": true, "customer": 77, "quota_bytes": 5000, "new_field": 1}'
    assert check(provider, tmp_path) == Contract("77", 5000, 0)
    [(headers, body)] = provider.asked
    assert headers["authorization"] == "Bearer s3cret" and headers["idempotency-key"] == "request-1"
    assert body == {
        "request": "request-1", "contract": "K-1", "address": "anna@example.org", "name": "Anna",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("status", "answer"), [(200, b'{"ok": false}'), (404, b""), (409, b""), (422, b"{}")]
)
def test_a_number_that_is_not_good_is_refused(
    provider: Provider, tmp_path: Path, status: int, answer: bytes
) -> None:
    provider.status, provider.answer = status, answer
    with pytest.raises(Refused):
        check(provider, tmp_path)


@pytest.mark.parametrize(
    ("status", "answer"), [(500, b""), (401, b""), (302, b""), (200, b"<html>"), (200, b'{"customer": "x"}')]
)
def test_whatever_is_no_clear_answer_is_no_answer(
    provider: Provider, tmp_path: Path, status: int, answer: bytes
) -> None:
    provider.status, provider.answer = status, answer
    with pytest.raises(Unavailable):
        check(provider, tmp_path)
