"""QUOTA: what an account may have holds back what it adds, never what it has or gets (IMAPD-9). RFC 9208."""

from __future__ import annotations

from pathlib import Path

from unit.functions.imap.imap_service import Service, message, play


def test_append_and_copy_beyond_the_quota_are_refused_and_moving_and_removing_are_not(tmp_path: Path) -> None:
    async def scene(service: Service) -> None:
        client = await service.client()
        for number in range(4):
            await client.append(message(number, "x" * 2000))
        service.quotas.limit = 5 * 2000
        one = message(9, "x" * 2000)
        assert (await client.do(b"APPEND INBOX {%d+}\r\n%b" % (len(one), one))).code == "OVERQUOTA"
        two = b"".join(b" {%d+}\r\n%b" % (len(each), each) for each in (message(7), message(8)))
        await client.ok(b"APPEND INBOX" + two)
        await client.ok("SELECT INBOX")
        refused = await client.do("COPY 1 Trash")
        assert (refused.status, refused.code) == ("NO", "OVERQUOTA") and b"EXPUNGE" in refused.last
        await client.ok("COPY 5 Trash")
        await client.ok("MOVE 1 Trash")
        await client.ok("STORE 1 +FLAGS (\\Deleted)")
        await client.ok("EXPUNGE")
        await client.ok(b"APPEND INBOX {%d+}\r\n%b" % (len(one), one))

    play(tmp_path, scene)


def test_several_messages_of_one_append_count_together(tmp_path: Path) -> None:
    async def scene(service: Service) -> None:
        client = await service.client()
        service.quotas.limit = 6000
        body = message(1, "x" * 3000)
        two = (b" {%d+}\r\n%b" % (len(body), body)) * 2
        assert (await client.do(b"APPEND INBOX" + two)).code == "OVERQUOTA"
        await client.ok(b"APPEND INBOX {%d+}\r\n%b" % (len(body), body))
        assert (await client.ok("STATUS INBOX (MESSAGES)")).lines == [b"STATUS INBOX (MESSAGES 1)"]

    play(tmp_path, scene)


def test_usage_is_told_in_full_units_and_follows_what_is_removed(tmp_path: Path) -> None:
    async def scene(service: Service) -> None:
        client = await service.client()
        service.quotas.limit = 10_000
        assert (await client.ok('GETQUOTA ""')).lines == [b'QUOTA "" (STORAGE 0 10)']
        await client.append(message(1, "x" * 1024), "Sent")
        assert (await client.ok("GETQUOTAROOT Sent")).lines == [
            b'QUOTAROOT Sent ""',
            b'QUOTA "" (STORAGE 2 10)',
        ]
        await client.ok("SELECT Sent")
        await client.ok("STORE 1 +FLAGS (\\Deleted)")
        await client.ok("EXPUNGE")
        assert (await client.ok('GETQUOTA ""')).lines == [b'QUOTA "" (STORAGE 0 10)']

    play(tmp_path, scene)


def test_a_quota_that_can_t_be_looked_up_holds_nothing_back_and_is_not_told(tmp_path: Path) -> None:
    async def scene(service: Service) -> None:
        client = await service.client()
        service.quotas.limit, service.quotas.down = 10, True
        await client.append(message(1))
        await client.ok("SELECT INBOX")
        await client.ok("COPY 1 Trash")
        assert (await client.do('GETQUOTA ""')).code == "UNAVAILABLE"

    play(tmp_path, scene)
