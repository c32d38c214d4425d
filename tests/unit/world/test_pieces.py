"""How bytes leave: in one piece per turn, in bounded records, and through no other door."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from contracts.wires import Client, Lines, make_certificate
from holdfast.sim.world import simulated
from holdfast.world.tls import SLICE_BYTES, TlsLayer, client_context, server_context

ROOT = Path(__file__).parents[3]
RECORD_OVERHEAD = 64


def test_what_is_written_in_one_turn_leaves_in_one_piece() -> None:
    """WORLD-13."""
    pieces: list[bytes] = []

    class Chatty(Lines):
        def line(self, line: bytes) -> None:
            for word in (b"* a\n", b"* b\n"):
                self.connection.write(word)
            self.connection.writelines([b"ok", b"\n"])

    class Counts(Client):
        def received(self, data: bytes) -> None:
            pieces.append(data)

    with simulated(1) as world:
        world.network.split = 0

        async def main() -> None:
            await world.net.listen(Chatty, ("127.0.0.1", 25))
            session = await world.net.connect(Counts, ("127.0.0.1", 25))
            for word in (b"one\n", b"two\n"):
                session.connection.write(word)
            await world.clock.sleep(1)

        world.run(main())
    assert pieces == [b"* a\n* b\nok\n" * 2]


def test_tls_holds_one_record_at_a_time(tmp_path: Path) -> None:
    """WORLD-10."""
    certificate = make_certificate(tmp_path)
    server = TlsLayer(server_context(*certificate), server_side=True)
    context = client_context(authority_path=certificate[0])
    client = TlsLayer(context, server_side=False, server_name="localhost")
    scratch = bytearray(SLICE_BYTES)
    client.begin()
    while not (server.ready and client.ready):
        server.receive(client.pending(), scratch)
        client.receive(server.pending(), scratch)
    message = bytes(range(256)) * 4000
    pieces = server.send([message[:10], message[10:]])
    assert max(map(len, pieces)) <= SLICE_BYTES + RECORD_OVERHEAD
    assert client.receive(b"".join(pieces), scratch) == message
    client.receive(server.finish(), scratch)
    assert client.ended


@pytest.mark.slow
def test_there_is_no_other_door_to_the_outside() -> None:
    """WORLD-1: the linter's list of banned calls holds for the whole program."""
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--select", "TID251", "src/holdfast"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout
