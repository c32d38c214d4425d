"""STORE, COPY, MOVE, EXPUNGE, CLOSE, CONDSTORE, QRESYNC. RFC 3501 §6.4, RFC 4315, RFC 6851, RFC 7162."""

from __future__ import annotations

from unit.functions.imap.imap_service import Client, Service, message, play


async def filled(service: Service, count: int) -> Client:
    client = await service.client()
    for number in range(1, count + 1):
        await client.append(message(number))
    await client.ok("SELECT INBOX")
    await client.ok("UNSELECT")
    await client.ok("SELECT INBOX")
    return client


def test_store_adds_removes_and_replaces_flags_and_keywords(tmp_path):
    async def scene(service: Service) -> None:
        client = await filled(service, 2)
        assert (await client.ok("STORE 1 +FLAGS (\\Seen work)")).lines == [
            b"FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft work)",
            b"1 FETCH (FLAGS (\\Seen work))",
        ]
        assert (await client.ok("STORE 1 -FLAGS (\\Seen)")).lines == [b"1 FETCH (FLAGS (work))"]
        assert (await client.ok("UID STORE 1:2 FLAGS (\\Draft)")).lines == [
            b"1 FETCH (UID 1 FLAGS (\\Draft))",
            b"2 FETCH (UID 2 FLAGS (\\Draft))",
        ]
        assert (await client.ok("STORE 1:2 FLAGS.SILENT ()")).lines == []
        # What did not change is told all the same (RFC 3501 §6.4.6).
        assert (await client.ok("STORE 2 -FLAGS (\\Draft)")).lines == [b"2 FETCH (FLAGS ())"]
        assert (await client.do("STORE 3 +FLAGS (\\Seen)")).status == "BAD"

    play(tmp_path, scene)


def test_a_silent_store_still_tells_what_others_changed(tmp_path):
    async def scene(service: Service) -> None:
        one = await filled(service, 2)
        two = await service.client(select="INBOX")
        await two.ok("STORE 1:2 +FLAGS.SILENT (\\Flagged)")
        told = await one.ok("STORE 1 +FLAGS.SILENT (\\Seen)")
        assert told.lines == [b"1 FETCH (FLAGS (\\Seen \\Flagged))", b"2 FETCH (FLAGS (\\Flagged))"]

    play(tmp_path, scene)


def test_examine_allows_reading_only(tmp_path):
    async def scene(service: Service) -> None:
        client = await filled(service, 1)
        examined = await client.ok("EXAMINE INBOX")
        assert b"OK [CLOSED] Previous mailbox is closed." in examined.lines
        assert examined.code == "READ-ONLY"
        for command in ("STORE 1 +FLAGS (\\Seen)", "EXPUNGE", "MOVE 1 Trash"):
            assert (await client.do(command)).status == "NO", command
        assert (await client.ok("FETCH 1 (FLAGS BODY[TEXT])")).having(b"\\Seen") == []
        await client.ok("COPY 1 Trash")

    play(tmp_path, scene)


def test_copy_and_move_tell_the_new_uids(tmp_path):
    async def scene(service: Service) -> None:
        client = await filled(service, 3)
        await client.ok("STORE 2 +FLAGS.SILENT (\\Flagged)")
        copied = await client.ok("COPY 1,3 Archive")
        assert copied.code.startswith("COPYUID ") and copied.code.endswith(" 1,3 1:2")
        assert (await client.do("COPY 1 Nowhere")).code == "TRYCREATE"
        assert (await client.do("UID COPY 99 Archive")).status == "OK"
        moved = await client.ok("UID MOVE 2 Archive")
        assert moved.lines[0].startswith(b"OK [COPYUID ") and moved.lines[1:] == [b"2 EXPUNGE"]
        assert (await client.ok("COPY 1 INBOX")).lines == [b"3 EXISTS", b"1 RECENT"]
        await client.ok("SELECT Archive")
        assert (await client.ok("FETCH 3 FLAGS")).lines == [b"3 FETCH (FLAGS (\\Flagged \\Recent))"]
        itself = await client.ok("MOVE 1 Archive")
        assert itself.having(b"COPYUID") and itself.lines[1:] == [b"1 EXPUNGE", b"3 EXISTS", b"3 RECENT"]

    play(tmp_path, scene)


def test_expunge_numbers_count_down_and_uid_expunge_takes_only_its_own(tmp_path):
    async def scene(service: Service) -> None:
        client = await filled(service, 6)
        assert (await client.ok("EXPUNGE")).lines == []
        await client.ok("STORE 1,2,5,6 +FLAGS.SILENT (\\Deleted)")
        assert (await client.ok("UID EXPUNGE 5:9")).lines == [b"6 EXPUNGE", b"5 EXPUNGE"]
        assert (await client.ok("EXPUNGE")).lines == [b"2 EXPUNGE", b"1 EXPUNGE"]
        assert (await client.ok("UID FETCH 1:* UID")).lines == [b"1 FETCH (UID 3)", b"2 FETCH (UID 4)"]

    play(tmp_path, scene)


def test_close_expunges_in_silence_and_unselect_does_not(tmp_path):
    async def scene(service: Service) -> None:
        client = await filled(service, 2)
        await client.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
        await client.ok("UNSELECT")
        assert (await client.do("NOOP")).status == "OK"
        assert (await client.do("FETCH 1 UID")).status == "BAD"
        assert b"2 EXISTS" in (await client.ok("SELECT INBOX")).lines
        assert (await client.ok("CLOSE")).lines == []
        assert b"1 EXISTS" in (await client.ok("SELECT INBOX")).lines

    play(tmp_path, scene)


def test_recent_is_shown_to_the_first_session_that_selects(tmp_path):
    async def scene(service: Service) -> None:
        one, two = await service.client(), await service.client()
        await one.append(message(1))
        assert b"1 RECENT" in (await two.ok("EXAMINE INBOX")).lines  # looking takes nothing
        assert b"1 RECENT" in (await one.ok("SELECT INBOX")).lines
        await one.ok("NOOP")
        assert b"0 RECENT" in (await two.ok("SELECT INBOX")).lines
        assert (await one.ok("SEARCH RECENT")).lines == [b"SEARCH 1"]
        assert (await two.ok("SEARCH OLD")).lines == [b"SEARCH 1"]

    play(tmp_path, scene)


def test_condstore_refuses_what_changed_and_tells_modseqs(tmp_path):
    async def scene(service: Service) -> None:
        client = await filled(service, 2)
        two = await service.client(select="INBOX")
        before = (await client.ok("FETCH 1:2 MODSEQ")).lines
        modseq = int(before[1].split(b"(")[2].split(b")")[0])
        await two.ok("STORE 1 +FLAGS (\\Flagged)")
        told = await client.ok(f"UID STORE 1:2 (UNCHANGEDSINCE {modseq}) +FLAGS (\\Seen)")
        assert told.code == "MODIFIED 1"
        assert len(told.having(b"1 FETCH (UID 1 FLAGS (\\Flagged) MODSEQ")) == 1
        assert len(told.having(b"2 FETCH (UID 2 FLAGS (\\Seen) MODSEQ")) == 1
        silent = await client.ok("STORE 2 +FLAGS.SILENT (\\Draft)")
        assert len(silent.lines) == 1 and silent.lines[0].startswith(b"2 FETCH (MODSEQ (")
        changed = await client.ok(f"FETCH 1:* (FLAGS) (CHANGEDSINCE {modseq})")
        assert [line.split(b" ")[0] for line in changed.lines] == [b"1", b"2"]
        found = await client.ok(f"SEARCH MODSEQ {modseq + 2}")
        assert found.lines[0].startswith(b"SEARCH 2 (MODSEQ ")
        assert (await client.ok("STATUS INBOX (HIGHESTMODSEQ)")).lines[0].startswith(b"STATUS INBOX (HIGHEST")

    play(tmp_path, scene)


def test_qresync_brings_a_client_up_to_date_in_one_step(tmp_path):
    async def scene(service: Service) -> None:
        client = await filled(service, 4)
        facts = (await client.ok("SELECT INBOX")).lines
        validity = next(line for line in facts if b"UIDVALIDITY" in line).split(b" ")[2].rstrip(b"]").decode()
        modseq = next(line for line in facts if b"HIGHESTMODSEQ" in line).split(b" ")[2].rstrip(b"]").decode()
        two = await service.client(select="INBOX")
        await two.ok("STORE 2 +FLAGS (\\Deleted)")
        await two.ok("EXPUNGE")
        await two.ok("STORE 3 +FLAGS (\\Flagged)")
        back = await service.client()
        assert (await back.do(f"SELECT INBOX (QRESYNC ({validity} {modseq}))")).status == "BAD"
        await back.ok("ENABLE QRESYNC")
        told = await back.ok(f"SELECT INBOX (QRESYNC ({validity} {modseq}))")
        assert b"VANISHED (EARLIER) 2" in told.lines
        assert len(told.having(b"3 FETCH (UID 4 FLAGS (\\Flagged) MODSEQ")) == 1
        await two.ok("STORE 1 +FLAGS (\\Deleted)")
        await two.ok("EXPUNGE")
        assert b"VANISHED 1" in (await back.ok("NOOP")).lines
        fetched = await back.ok(f"UID FETCH 1:* (FLAGS) (CHANGEDSINCE {modseq} VANISHED)")
        assert fetched.lines[0] == b"VANISHED (EARLIER) 1:2"

    play(tmp_path, scene)


def test_a_mailbox_deleted_by_its_own_session_is_closed_and_by_another_ends_it(tmp_path):
    async def scene(service: Service) -> None:
        one, two = await service.client(), await service.client()
        await one.ok("CREATE gone")
        await one.ok("SELECT gone")
        await two.ok("SELECT gone")
        assert (await one.ok("DELETE gone")).code == "CLOSED"
        assert (await one.do("FETCH 1 UID")).status == "BAD"
        last = await two.do("NOOP")
        assert last.lines[0].startswith(b"BYE") and last.last == b"EOF"

    play(tmp_path, scene)
