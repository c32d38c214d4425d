"""What a component out of reach may cost: a temporary refusal, never a smaller mailbox."""

from __future__ import annotations

import os
from typing import Any

import pytest

from holdfast.model.errors import Unavailable
from holdfast.store import AccountMail
from holdfast.store.damaged import PLACEHOLDER
from unit.functions.imap.imap_service import Service, message, play


class Broken:
    """Makes methods of ``AccountMail`` fail for as long as it is on."""

    def __init__(self, patch: pytest.MonkeyPatch, *names: str, error: Exception | None = None) -> None:
        self.on = False
        for name in names:
            self._break(patch, name, error or Unavailable("cell-00/index", "broken"))

    def _break(self, patch: pytest.MonkeyPatch, name: str, error: Exception) -> None:
        whole = AccountMail.__dict__[name]

        def method(mail: AccountMail, *arguments: Any) -> Any:
            if self.on:
                raise error
            return whole.fget(mail) if isinstance(whole, property) else whole(mail, *arguments)

        patch.setattr(AccountMail, name, property(method) if isinstance(whole, property) else method)


def test_imapd_3_an_index_out_of_reach_is_unavailable_and_expunges_nothing(tmp_path, monkeypatch):
    async def scene(service: Service) -> None:
        broken = Broken(monkeypatch, "modseq", "changes", "rows", "mailbox", "mailboxes", "selected")
        client = await service.client(select="INBOX")
        for number in range(3):
            await client.append(message(number))
        broken.on = True
        for command in (
            "NOOP",
            "CHECK",
            "FETCH 1:* FLAGS",
            "SEARCH SEEN",
            'LIST "" *',
            "STATUS INBOX (MESSAGES)",
        ):
            reply = await client.do(command)
            assert (reply.status, reply.code, reply.lines) == ("NO", "UNAVAILABLE", []), command
        broken.on = False
        assert (await client.ok("NOOP")).lines == []
        assert len((await client.ok("FETCH 1:* UID")).lines) == 3
        broken.on = True
        assert (await client.do("SELECT Sent")).code == "UNAVAILABLE"
        met = [e.keys for e in service.events if e.name == "imap_unavailable"]
        assert {(each["component"], each["peer"], each["cell"]) for each in met} == {
            ("cell-00/index", "local", 0)
        }

    play(tmp_path, scene)


def test_imapd_3_news_that_fail_half_way_are_told_whole_later(tmp_path, monkeypatch):
    async def scene(service: Service) -> None:
        client = await service.client()
        for number in range(3):
            await client.append(message(number))
        await client.ok("SELECT INBOX")
        two = await service.client(select="INBOX")
        await two.ok("STORE 3 +FLAGS.SILENT (\\Flagged)")
        await two.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
        await two.ok("EXPUNGE")
        broken = Broken(monkeypatch, "rows")
        broken.on = True
        assert (await client.do("NOOP")).code == "UNAVAILABLE"
        broken.on = False
        assert (await client.ok("NOOP")).lines == [b"1 EXPUNGE", b"2 FETCH (FLAGS (\\Flagged \\Recent))"]

    play(tmp_path, scene)


def test_imapd_3_an_index_behind_what_was_shown_is_unavailable(tmp_path, monkeypatch):
    async def scene(service: Service) -> None:
        client = await service.client(select="INBOX")
        await client.append(message(1))
        await client.ok("NOOP")
        monkeypatch.setattr(AccountMail, "modseq", 1)
        assert (await client.do("NOOP")).code == "UNAVAILABLE"
        monkeypatch.undo()
        await client.ok("NOOP")

    play(tmp_path, scene)


def test_reading_goes_on_without_the_writer_and_bodies_are_shown_without_seen(tmp_path, monkeypatch):
    async def scene(service: Service) -> None:
        client = await service.client()
        await client.append(message(1))
        await client.ok("SELECT INBOX")

        async def gone(commands: object) -> None:
            raise Unavailable("store")

        monkeypatch.setattr(service.store, "commit", gone)
        assert (await client.do("STORE 1 +FLAGS (\\Seen)")).code == "UNAVAILABLE"
        body = message(2)
        assert (await client.do(b"APPEND INBOX {%d+}\r\n%b" % (len(body), body))).code == "UNAVAILABLE"
        told = await client.ok("FETCH 1 (FLAGS BODY[])")
        assert told.lines[0].endswith(message(1) + b")") and b"\\Seen" not in told.lines[0]
        assert (await client.do("CREATE x")).code == "UNAVAILABLE"
        await client.ok("NOOP")
        again = await service.client(select="INBOX")
        assert len((await again.ok("FETCH 1:* UID")).lines) == 1

    play(tmp_path, scene)


def test_imapd_6_a_damaged_message_is_shown_as_such_and_costs_no_other(tmp_path):
    async def scene(service: Service) -> None:
        client = await service.client()
        bodies = [message(number, "x" * 200) for number in range(3)]
        for body in bodies:
            await client.append(body)
        folder = f"{service.folder}/volume/mail"
        (pack,) = [name for name in os.listdir(folder) if name.endswith(".pack")]
        with open(f"{folder}/{pack}", "r+b") as file:
            at = file.read().index(bodies[1])
            file.seek(at + len(bodies[1]) // 2)
            file.write(b"!")
        await client.ok("SELECT INBOX")
        told = (await client.ok("FETCH 1:3 BODY.PEEK[]")).lines
        assert [line.split(b"\r\n", 1)[1][:-1] for line in told] == [bodies[0], PLACEHOLDER, bodies[2]]
        assert b"can't be read" in (await client.ok("FETCH 2 BODY.PEEK[HEADER.FIELDS (SUBJECT)]")).lines[0]
        assert (await client.ok("SEARCH TEXT xxxx")).lines == [b"SEARCH 1 3"]
        assert [e.keys["uid"] for e in service.events if e.name == "imap_message_unreadable"]

    play(tmp_path, scene)


def test_an_error_nobody_foresaw_costs_its_command_and_is_reported(tmp_path, monkeypatch):
    async def scene(service: Service) -> None:
        client = await service.client(select="INBOX")
        broken = Broken(monkeypatch, "mailboxes", "rows", error=ZeroDivisionError("oh"))
        broken.on = True
        reply = await client.do('LIST "" *')
        assert (reply.status, reply.code) == ("NO", "SERVERBUG")
        broken.on = False
        assert (await client.ok('LIST "" INBOX')).lines
        (event,) = [e for e in service.events if e.name == "imap_session_failed"]
        assert event.keys["command"] == "LIST" and "oh" in event.keys["error"]

    play(tmp_path, scene)


def test_an_index_that_is_removed_is_made_anew_behind_a_running_session(tmp_path):
    async def scene(service: Service) -> None:
        client = await service.client()
        for number in range(5):
            await client.append(message(number))
        await client.ok("SELECT INBOX")
        await client.ok("STORE 2 +FLAGS.SILENT (\\Deleted work)")
        await client.ok("EXPUNGE")
        before = await client.ok("FETCH 1:* (FLAGS UID INTERNALDATE ENVELOPE MODSEQ)")
        for name in os.listdir(f"{service.folder}/index"):
            os.remove(f"{service.folder}/index/{name}")
        while True:
            reply = await client.do("STORE 1 +FLAGS.SILENT (\\Seen)")
            if reply.status == "OK":
                break
            assert reply.code == "UNAVAILABLE" and not reply.having(b"EXPUNGE")
        await client.ok("STORE 1 -FLAGS.SILENT (\\Seen)")
        after = await client.ok("FETCH 1:* (FLAGS UID INTERNALDATE ENVELOPE)")
        assert [line.split(b" MODSEQ")[0] for line in before.lines] == [line[:-1] for line in after.lines]

    play(tmp_path, scene)
