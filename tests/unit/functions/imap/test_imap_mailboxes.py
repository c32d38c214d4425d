"""LIST, CREATE, DELETE, RENAME, subscriptions, STATUS, APPEND. RFC 3501 §6.3, RFC 5258, RFC 6154."""

from __future__ import annotations

from unit.functions.imap.imap_service import Client, Service, message, play


async def names(client: Client, command: str = 'LIST "" "*"') -> list[bytes]:
    return [line.split(b'"/" ')[1] for line in (await client.ok(command)).lines if b'"/"' in line]


def test_create_makes_what_is_missing_above_and_list_shows_the_tree(tmp_path):
    async def scene(service: Service) -> None:
        client = await service.client()
        await client.ok("CREATE a/b/c/")
        assert await names(client, 'LIST "" "a*"') == [b"a", b"a/b", b"a/b/c"]
        assert await names(client, 'LIST "" %') == [
            b"INBOX", b"Archive", b"Drafts", b"Junk", b"Sent", b"Trash", b"a",
        ]  # fmt: skip
        (line,) = (await client.ok("LIST a/ b")).lines
        assert line == b'LIST (\\HasChildren) "/" a/b'
        assert (await client.ok('LIST "" ""')).lines == [b'LIST (\\Noselect) "/" ""']
        assert (await client.do("CREATE a/b")).code == "ALREADYEXISTS"
        assert (await client.do("CREATE inbox")).code == "ALREADYEXISTS"

    play(tmp_path, scene)


def test_special_uses_are_listed_and_given_to_one_mailbox_each(tmp_path):
    async def scene(service: Service) -> None:
        client = await service.client()
        special = (await client.ok('LIST (SPECIAL-USE) "" *')).lines
        assert b'LIST (\\HasNoChildren \\Sent) "/" Sent' in special and len(special) == 5
        assert (await client.do("CREATE Second (USE (\\Sent))")).code == "USEATTR"
        assert (await client.do("CREATE Views (USE (\\All))")).code == "USEATTR"
        await client.ok("DELETE Sent")
        await client.ok("CREATE Second (USE (\\Sent))")
        assert b'LIST (\\HasNoChildren \\Sent) "/" Second' in (await client.ok('LIST "" S*')).lines

    play(tmp_path, scene)


def test_a_deleted_mailbox_with_others_below_stays_as_noselect(tmp_path):
    async def scene(service: Service) -> None:
        client = await service.client()
        await client.ok("CREATE a/b")
        await client.ok("DELETE a")
        assert (await client.ok('LIST "" a')).lines == [b'LIST (\\Noselect \\HasChildren) "/" a']
        assert (await client.do("SELECT a")).code == "NONEXISTENT"
        assert (await client.do("DELETE a")).code == "NONEXISTENT"
        await client.ok("DELETE a/b")
        assert (await client.ok('LIST "" a*')).lines == []
        assert (await client.do("DELETE INBOX")).status == "NO"

    play(tmp_path, scene)


def test_rename_takes_what_is_below_along_and_inbox_gives_its_messages(tmp_path):
    async def scene(service: Service) -> None:
        client = await service.client()
        await client.ok("CREATE a/b")
        await client.ok("RENAME a x/y")
        assert await names(client, 'LIST "" x*') == [b"x", b"x/y", b"x/y/b"]
        assert await names(client, 'LIST "" a*') == []
        assert (await client.do("RENAME nothing else")).code == "NONEXISTENT"
        assert await names(client, 'LIST "" else*') == []
        await client.append(message(1))
        await client.ok("RENAME INBOX old")
        status = await client.ok("STATUS INBOX (MESSAGES)")
        assert status.lines == [b"STATUS INBOX (MESSAGES 0)"]
        assert (await client.ok("STATUS old (MESSAGES UIDNEXT)")).lines == [
            b"STATUS old (MESSAGES 1 UIDNEXT 2)"
        ]

    play(tmp_path, scene)


def test_subscriptions_outlive_their_mailbox_and_show_above_with_percent(tmp_path):
    async def scene(service: Service) -> None:
        client = await service.client()
        for name in ("INBOX", "Sent", "Drafts", "Junk", "Trash", "Archive"):
            await client.ok(f"UNSUBSCRIBE {name}")
        await client.ok("SUBSCRIBE a/b")
        assert (await client.ok('LSUB "" "*"')).lines == [b'LSUB () "/" a/b']
        assert (await client.ok('LSUB "" "%"')).lines == [b'LSUB (\\Noselect) "/" a']
        assert (await client.ok('LIST (SUBSCRIBED) "" "*"')).lines == [
            b'LIST (\\NonExistent \\HasNoChildren \\Subscribed) "/" a/b'
        ]
        (line,) = (await client.ok('LIST (SUBSCRIBED RECURSIVEMATCH) "" "%"')).lines
        assert line.endswith(b'"/" a ("CHILDINFO" ("SUBSCRIBED"))')

    play(tmp_path, scene)


def test_status_tells_every_item_and_list_tells_it_along(tmp_path):
    async def scene(service: Service) -> None:
        client = await service.client()
        body = message(1)
        await client.append(body)
        await client.append(body, more="(\\Seen \\Deleted)")
        items = "MESSAGES RECENT UIDNEXT UNSEEN SIZE DELETED"
        wanted = b"STATUS INBOX (MESSAGES 2 RECENT 2 UIDNEXT 3 UNSEEN 1 SIZE %d DELETED 1)" % (2 * len(body))
        assert (await client.ok(f"STATUS INBOX ({items})")).lines == [wanted]
        listed = await client.ok(f'LIST "" INBOX RETURN (SUBSCRIBED STATUS ({items}))')
        assert listed.lines == [b'LIST (\\HasNoChildren \\Subscribed) "/" INBOX', wanted]
        assert (await client.do("STATUS nothing (MESSAGES)")).code == "NONEXISTENT"

    play(tmp_path, scene)


def test_names_beyond_ascii_travel_in_modified_utf7(tmp_path):
    async def scene(service: Service) -> None:
        client = await service.client()
        await client.ok("CREATE Entw&APw-rfe")
        assert await names(client, 'LIST "" Entw*') == [b"Entw&APw-rfe"]
        await client.ok("SELECT Entw&APw-rfe")
        assert (await client.do("CREATE Entwürfe".encode())).status == "BAD"

    play(tmp_path, scene)


def test_append_to_no_mailbox_asks_to_create_it_and_several_come_at_once(tmp_path):
    async def scene(service: Service) -> None:
        client = await service.client()
        one, two = message(1), message(2)
        refused = await client.do(b"APPEND nowhere {%d+}\r\n%b" % (len(one), one))
        assert (refused.status, refused.code) == ("NO", "TRYCREATE")
        both = b"APPEND INBOX (\\Flagged) {%d+}\r\n%b (\\Seen) {%d+}\r\n%b" % (len(one), one, len(two), two)
        assert (await client.ok(both)).code.endswith(" 1:2")
        await client.ok("SELECT INBOX")
        assert (await client.ok("FETCH 1:* FLAGS")).lines == [
            b"1 FETCH (FLAGS (\\Flagged \\Recent))",
            b"2 FETCH (FLAGS (\\Seen \\Recent))",
        ]
        assert (await client.do(b"APPEND INBOX {0+}\r\n")).status == "NO"
        assert service.shared.inflight == 0

    play(tmp_path, scene)


def test_imapd_8_append_waits_for_leave_and_is_refused_beyond_the_bytes_in_flight(tmp_path):
    async def scene(service: Service) -> None:
        from holdfast.model.limits import Limits

        service.shared.settings = type(service.settings)(hostname="x", limits=Limits(inflight_bytes=1000))
        client = await service.client()
        client.send(b"x APPEND INBOX {500}\r\n")
        assert (await client.line()).startswith(b"+ ")
        assert service.shared.inflight == 500
        client.send(message(1).ljust(500) + b"\r\n")
        assert (await client.until(b"x")).status == "OK"
        client.send(b"y APPEND INBOX {1500}\r\n")
        assert (await client.until(b"y")).code == "UNAVAILABLE"
        await client.ok("NOOP")
        assert service.shared.inflight == 0

    play(tmp_path, scene)


def test_namespace_id_and_enable_answer_as_their_rfcs_say(tmp_path):
    async def scene(service: Service) -> None:
        client = await service.client()
        assert (await client.ok("NAMESPACE")).lines == [b'NAMESPACE (("" "/")) NIL NIL']
        assert (await client.ok('ID ("name" "test")')).lines[0].startswith(b'ID ("name" "Holdfast"')
        assert (await client.ok("ENABLE CONDSTORE X-NOTHING")).lines == [b"ENABLED CONDSTORE"]
        assert (await client.ok("ENABLE CONDSTORE")).lines == [b"ENABLED"]

    play(tmp_path, scene)


def test_select_tells_the_first_message_without_seen_unless_all_are_seen(tmp_path):
    async def scene(service: Service) -> None:
        client = await service.client()
        for number in range(4):
            await client.append(message(number))

        async def first() -> list[bytes]:
            return [line for line in (await client.ok("SELECT INBOX")).lines if b"UNSEEN" in line]

        assert await first() == [b"OK [UNSEEN 1] First unseen."]
        await client.ok("STORE 1:2 +FLAGS (\\Seen \\Deleted)")
        assert await first() == [b"OK [UNSEEN 3] First unseen."]
        await client.ok("STORE 1 -FLAGS (\\Deleted)")
        await client.ok("EXPUNGE")  # the UIDs have a gap now: the number is told, not the UID
        assert await first() == [b"OK [UNSEEN 2] First unseen."]
        await client.ok("STORE 1:* +FLAGS (\\Seen)")
        assert await first() == []

    play(tmp_path, scene)
