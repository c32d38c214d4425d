"""The POP3 function over a real store: what goes at QUIT, what stays, what a damaged message answers."""

from __future__ import annotations

import asyncio
import time

import pytest

from holdfast.model.errors import Unavailable
from holdfast.run import certificate
from holdfast.store import Append, Column, Copy
from holdfast.wire.pop3 import Client, Response
from transcripts.installation import PASSWORD, Installation, installation, over_tcp, server_tls
from transcripts.player import Wire

ACCOUNT, CELL = 1, 1


class Talk:
    """A client on one connection."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.client = Client()

    async def hear(self) -> Response:
        while (response := self.client.next_event()) is None:
            data = await asyncio.wait_for(self.wire.receive(), 60)
            assert data, "the connection ended"
            self.client.receive(data)
        return response

    async def say(self, line: str, *, multiline: bool = False) -> Response:
        await self.wire.send(self.client.command(line, multiline=multiline))
        return await self.hear()


async def sign_in(installed: Installation) -> Talk:
    talk = Talk(await installed.in_memory("pop3"))
    await talk.hear()
    await talk.say("USER u1@example.org")
    assert (await talk.say(f"PASS {PASSWORD}")).status
    return talk


async def fill(installed: Installation, count: int) -> list[bytes]:
    bodies = [b"Subject: %d\r\n\r\n.%s\r\n" % (n, b"x" * (n * 37 % 3000)) for n in range(count)]
    await installed.store.commit(
        [Append(account=ACCOUNT, cell=CELL, mailbox="INBOX", message=body) for body in bodies]
    )
    return bodies


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    paths = str(folder / "c"), str(folder / "k")
    certificate.make(*paths, ["localhost"], time.time())
    return server_tls(*paths)


@pytest.fixture
def on(tls, tmp_path):
    def run(test):
        async def body():
            async with installation(tmp_path, tls) as installed:
                await test(installed)

        asyncio.run(body())

    return run


def test_pop3_5_nothing_is_removed_when_quit_cannot_be_carried_out(on):
    async def test(installed):
        await fill(installed, 3)
        talk = await sign_in(installed)
        await talk.say("DELE 1")
        right = installed.store.commit

        async def gone(commands):
            raise Unavailable("store", "not connected")

        met = []
        installed.world.journal.at(met.append)
        installed.store.commit = gone
        answer = await talk.say("QUIT")
        assert (answer.status, answer.code) == (False, "SYS/TEMP")
        [missed] = [each.keys for each in met if each.name == "pop3_unavailable"]
        assert (missed["component"], missed["cell"]) == ("store", CELL) and missed["peer"]
        installed.store.commit = right
        again = await sign_in(installed)
        assert (await again.say("STAT")).text.startswith("3 ")

    on(test)


def test_messages_read_ahead_are_the_ones_asked_for_in_any_order(on):
    async def test(installed):
        bodies = await fill(installed, 60)
        talk = await sign_in(installed)
        for number in [*range(1, 20), 50, 3, 51, 52, *range(20, 40), 60]:
            assert (await talk.say(f"RETR {number}", multiline=True)).body == bodies[number - 1]

    on(test)


def test_a_thousand_pipelined_commands_are_all_answered_to_a_client_that_reads_late(on):
    async def test(installed):
        bodies = await fill(installed, 40)
        connect, listener = await over_tcp(installed, "pop3")
        talk = Talk(await connect())
        await talk.hear()
        await talk.say("USER u1@example.org")
        await talk.say(f"PASS {PASSWORD}")
        asked = [n % 40 + 1 for n in range(1000)]
        await talk.wire.send(b"".join(talk.client.command(f"RETR {n}", multiline=True) for n in asked))
        await asyncio.sleep(0.2)
        assert [(await talk.hear()).body for _ in asked] == [bodies[n - 1] for n in asked]
        listener.close()

    on(test)


def test_a_message_copied_into_inbox_twice_has_unique_ids_that_stay(on):
    async def test(installed):
        await fill(installed, 2)
        mail = installed.store.account(ACCOUNT, CELL)
        box = mail.mailbox("INBOX")
        again = Copy(account=ACCOUNT, cell=CELL, mailbox=box.id, uids=mail.uids(box).pack(), to="INBOX")
        await installed.store.commit([again, again])
        talk = await sign_in(installed)
        listed = (await talk.say("UIDL", multiline=True)).body.decode().split("\r\n")
        ids = [line.split()[1] for line in listed if line]
        assert len(set(ids)) == 6
        await talk.say("DELE 1")
        await talk.say("QUIT")
        later = await sign_in(installed)
        listed = (await later.say("UIDL", multiline=True)).body.decode().split("\r\n")
        assert [line.split()[1] for line in listed if line] == ids[1:]

    on(test)


def test_a_damaged_message_is_sys_perm_and_the_others_are_read(on):
    async def test(installed):
        bodies = await fill(installed, 3)
        mail = installed.store.account(ACCOUNT, CELL)
        box = mail.mailbox("INBOX")
        rows = next(iter(mail.rows(box.id, mail.uids(box), [Column.REF])))
        folder = installed.store._readers.volume._folder
        with open(f"{folder}/mail/{rows[1][1]:08d}.pack", "r+b") as pack:
            pack.seek(rows[1][2] + rows[1][3] - 16)
            pack.write(b"\xff\x00\xff")
        talk = await sign_in(installed)
        damaged = await talk.say("RETR 2", multiline=True)
        assert (damaged.status, damaged.code) == (False, "SYS/PERM")
        assert (await talk.say("RETR 3", multiline=True)).body == bodies[2]
        assert (await talk.say("RETR 1", multiline=True)).body == bodies[0]

    on(test)


def test_fetched_messages_are_seen_afterwards_by_other_programs(on):
    async def test(installed):
        await fill(installed, 2)
        talk = await sign_in(installed)
        await talk.say("RETR 1", multiline=True)
        await talk.say("QUIT")
        assert installed.store.account(ACCOUNT, CELL).mailbox("INBOX").unseen == 1

    on(test)


def test_too_many_wrong_passwords_end_the_connection(on):
    async def test(installed):
        talk = Talk(await installed.in_memory("pop3"))
        await talk.hear()
        for _ in range(3):
            await talk.say("USER u1@example.org")
            assert (await talk.say("PASS wrong")).code == "AUTH"
        assert await asyncio.wait_for(talk.wire.receive(), 60) == b""

    on(test)
