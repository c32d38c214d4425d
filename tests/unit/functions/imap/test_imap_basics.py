"""The commands every client uses, over real sockets and the real store."""

from __future__ import annotations

import pytest

from unit.functions.imap.imap_service import Service, message, play


def test_a_message_appended_is_listed_and_read_back_byte_for_byte(tmp_path):
    async def scene(service: Service) -> None:
        client = await service.client()
        body = message(1)
        appended = await client.append(body, more='(\\Seen work) " 7-Feb-1994 21:52:25 -0800"')
        assert appended.code.startswith("APPENDUID ") and appended.code.endswith(" 1")
        selected = await client.ok("SELECT inbox")
        assert b"1 EXISTS" in selected.lines and b"1 RECENT" in selected.lines
        assert selected.code == "READ-WRITE"
        told = await client.ok("FETCH 1 (FLAGS UID RFC822.SIZE INTERNALDATE ENVELOPE BODY.PEEK[])")
        (line,) = told.lines
        assert line.startswith(b"1 FETCH (FLAGS (\\Seen work \\Recent) UID 1 RFC822.SIZE %d " % len(body))
        assert b'INTERNALDATE " 8-Feb-1994 05:52:25 +0000"' in line
        assert line.endswith(b" BODY[] {%d}\r\n%b)" % (len(body), body))
        assert b'"message 1"' in line

    play(tmp_path, scene)


def test_a_second_session_is_told_of_new_mail_flags_and_expunges(tmp_path):
    async def scene(service: Service) -> None:
        one, two = await service.client(), await service.client(select="INBOX")
        for number in range(3):
            await one.append(message(number))
        assert (await two.ok("NOOP")).lines == [b"3 EXISTS", b"3 RECENT"]
        assert b"3 RECENT" in (await one.ok("SELECT INBOX")).lines
        stored = await one.ok("STORE 2 +FLAGS (\\Deleted)")
        assert stored.lines == [b"2 FETCH (FLAGS (\\Deleted \\Recent))"]
        assert (await two.ok("NOOP")).lines == [b"2 FETCH (FLAGS (\\Deleted \\Recent))"]
        assert (await one.ok("EXPUNGE")).lines == [b"2 EXPUNGE"]
        # Not while a FETCH by number is answered, but with the next NOOP (RFC 3501 §7.4.1).
        fetched = await two.do("FETCH 1:3 UID")
        assert fetched.lines == [b"1 FETCH (UID 1)", b"3 FETCH (UID 3)"]
        assert (fetched.status, fetched.code) == ("NO", "EXPUNGEISSUED")
        assert (await two.ok("NOOP")).lines == [b"2 EXPUNGE"]
        assert (await two.ok("FETCH 1:* UID")).lines == [b"1 FETCH (UID 1)", b"2 FETCH (UID 3)"]

    play(tmp_path, scene)


@pytest.mark.slow
@pytest.mark.parametrize("tcp", [False, True])
def test_imapd_1_a_burst_of_short_commands_is_answered_to_its_end(tmp_path, tcp):
    async def scene(service: Service) -> None:
        client = await service.connect(tcp=tcp)
        tags = [client.put("CAPABILITY") for _ in range(3000)]  # more than 1 MB of replies
        for tag in tags:
            assert (await client.until(tag)).status == "OK"

    play(tmp_path, scene)
