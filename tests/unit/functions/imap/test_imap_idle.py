"""IDLE. RFC 2177."""

from __future__ import annotations

from unit.functions.imap.imap_service import Service, message, play


def test_idle_tells_new_mail_flags_and_expunges_as_they_happen(tmp_path):
    async def scene(service: Service) -> None:
        one, two = await service.client(), await service.client(select="INBOX")
        tag = two.put("IDLE")
        assert (await two.line()).startswith(b"+ ")
        await one.append(message(1))
        assert [await two.line(), await two.line()] == [b"1 EXISTS", b"1 RECENT"]
        await one.ok("SELECT INBOX")
        await one.ok("STORE 1 +FLAGS (\\Deleted)")
        assert await two.line() == b"1 FETCH (FLAGS (\\Deleted \\Recent))"
        await one.ok("EXPUNGE")
        assert await two.line() == b"1 EXPUNGE"
        two.send(b"DONE\r\n")
        assert (await two.until(tag)).last == b"OK Idle done."
        await one.append(message(2))
        assert (await two.ok("NOOP")).lines == [b"1 EXISTS", b"1 RECENT"]

    play(tmp_path, scene)


def test_what_happened_before_idle_is_told_at_its_begin(tmp_path):
    async def scene(service: Service) -> None:
        one, two = await service.client(), await service.client(select="INBOX")
        await one.append(message(1))
        two.put("IDLE")
        assert (await two.line()).startswith(b"+ ")
        assert await two.line() == b"1 EXISTS"

    play(tmp_path, scene)


def test_anything_but_done_ends_idle_as_bad_and_nobody_is_woken_any_more(tmp_path):
    async def scene(service: Service) -> None:
        client = await service.client(select="INBOX")
        tag = client.put("IDLE")
        await client.line()
        client.send(b"NOOP\r\n")
        assert (await client.until(tag)).status == "BAD"
        await client.ok("NOOP")
        assert not service.store._watchers

    play(tmp_path, scene)


def test_idle_without_a_mailbox_only_waits(tmp_path):
    async def scene(service: Service) -> None:
        client = await service.client()
        tag = client.put("IDLE")
        await client.line()
        await (await service.client()).append(message(1))
        client.send(b"done\r\n")
        assert (await client.until(tag)).lines == []

    play(tmp_path, scene)


def test_a_connection_lost_in_idle_leaves_nothing_behind(tmp_path):
    async def scene(service: Service) -> None:
        client = await service.client(select="INBOX")
        client.put("IDLE")
        await client.line()
        assert service.store._watchers
        await client.close()
        other = await service.client()
        while service.store._watchers:
            await other.ok("NOOP")
        assert service.shared.sessions == 1

    play(tmp_path, scene)
