"""FETCH: every attribute and every section. RFC 3501 §6.4.5, RFC 3516."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast import mime
from holdfast.functions.imap.opened import header_end
from holdfast.model.limits import WRITE_BUFFER_BYTES
from unit.functions.imap.imap_service import Service, message, play

INNER = message(7, Subject="inner")
MULTIPART = (
    b"From: a@example.net\r\nSubject: outer\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="b"\r\n\r\npreamble\r\n'
    b"--b\r\nContent-Type: text/plain\r\n\r\nfirst part\r\n"
    b"--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\nAGFiYw==\r\n"
    b"--b\r\nContent-Type: message/rfc822\r\n\r\n" + INNER + b"\r\n--b--\r\n"
)
OUTER_HEADER, _, OUTER_TEXT = MULTIPART.partition(b"\r\n\r\n")
INNER_HEADER, _, INNER_TEXT = INNER.partition(b"\r\n\r\n")

SECTIONS = {
    "BODY[]": MULTIPART,
    "BODY[HEADER]": OUTER_HEADER + b"\r\n\r\n",
    "BODY[TEXT]": OUTER_TEXT,
    "RFC822": MULTIPART,
    "RFC822.HEADER": OUTER_HEADER + b"\r\n\r\n",
    "RFC822.TEXT": OUTER_TEXT,
    "BODY[HEADER.FIELDS (subject X-None)]": b"Subject: outer\r\n\r\n",
    "BODY[HEADER.FIELDS.NOT (From Subject)]": OUTER_HEADER.partition(b"outer\r\n")[2] + b"\r\n\r\n",
    "BODY[1]": b"first part",
    "BODY[1.MIME]": b"Content-Type: text/plain\r\n\r\n",
    "BODY[2]": b"AGFiYw==",
    "BODY[3]": INNER,
    "BODY[3.HEADER]": INNER_HEADER + b"\r\n\r\n",
    "BODY[3.TEXT]": INNER_TEXT,
    "BODY[3.1]": INNER_TEXT,
    "BODY[3.HEADER.FIELDS (SUBJECT)]": b"Subject: inner\r\n\r\n",
    "BODY[4]": None,
    "BODY[1.2]": None,
    "BODY[1.HEADER]": None,
    "BODY[3.2]": None,
    "BODY[]<0.10>": MULTIPART[:10],
    "BODY[1]<6.100>": b"part",
    "BODY[1]<999.1>": b"",
    "BINARY[2]": b"\0abc",
    "BINARY[1]": b"first part",
}


@pytest.fixture(scope="module")
def sections(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    found: dict[str, bytes] = {}

    async def scene(service: Service) -> None:
        client = await service.client()
        await client.append(MULTIPART, more="(\\Seen)")
        await client.append(INNER)
        await client.ok("SELECT INBOX")
        for asked in SECTIONS:
            peek = asked.replace("BODY[", "BODY.PEEK[").replace("BINARY[", "BINARY.PEEK[")
            (line,) = (await client.ok(f"FETCH 1 ({peek})")).lines
            found[asked] = line.removeprefix(b"1 FETCH (").removesuffix(b")")
        for asked in ("BINARY.SIZE[2]", "BODY", "BODYSTRUCTURE"):
            (line,) = (await client.ok(f"FETCH 1 {asked}")).lines
            found[asked] = line.removeprefix(b"1 FETCH (").removesuffix(b")")
        found["one"] = (await client.ok("FETCH 2 BODY.PEEK[1]")).lines[0]

    play(tmp_path_factory.mktemp("fetch"), scene)
    return found


@pytest.mark.parametrize("asked", SECTIONS)
def test_a_section_is_these_bytes_of_the_message(asked, sections):
    wanted = SECTIONS[asked]
    label = asked.upper().split("<")[0].encode()
    if "<" in asked:
        label += b"<%b>" % asked.split("<")[1].split(".")[0].encode()
    answer = sections[asked]
    if wanted is None:
        assert answer.upper() == label + b" NIL"
    else:
        mark = b"~" if b"\0" in wanted else b""
        assert answer.endswith(b" %b{%d}\r\n%b" % (mark, len(wanted), wanted))
        assert answer.upper().startswith(label + b" ")


def test_part_1_of_a_message_without_parts_is_its_body(sections):
    assert sections["one"] == b"2 FETCH (BODY[1] {%d}\r\n%b)" % (len(INNER_TEXT), INNER_TEXT)


def test_body_is_bodystructure_without_extension_data(sections):
    root = mime.parse(MULTIPART)
    assert sections["BODY"] == b"BODY " + mime.bodystructure(root, extended=False)
    assert sections["BODYSTRUCTURE"] == b"BODYSTRUCTURE " + mime.bodystructure(root)
    assert sections["BINARY.SIZE[2]"] == b"BINARY.SIZE[2] 4"


def test_imapd_4_reading_a_body_sets_seen_durably_and_tells_it_in_the_same_response(tmp_path):
    async def scene(service: Service) -> None:
        client = await service.client()
        for number in (1, 2):
            await client.append(message(number))
        await client.ok("SELECT INBOX")
        await client.ok("STORE 2 +FLAGS.SILENT (\\Seen)")
        told = await client.ok("FETCH 1:2 BODY[TEXT]")
        assert told.lines == [
            b"1 FETCH (FLAGS (\\Seen \\Recent) BODY[TEXT] {8}\r\nbody 1\r\n)",
            b"2 FETCH (BODY[TEXT] {8}\r\nbody 2\r\n)",
        ]
        assert (await client.ok("FETCH 1 BODY[TEXT]")).having(b"FLAGS") == []
        assert (await client.ok("STATUS INBOX (UNSEEN)")).lines == [b"STATUS INBOX (UNSEEN 0)"]

    play(tmp_path, scene)


@pytest.mark.slow
def test_imapd_7_a_client_that_does_not_read_holds_back_only_itself(tmp_path):
    async def scene(service: Service) -> None:
        client = await service.client()
        body = message(1, "x" * 100_000)
        for _ in range(40):
            await client.append(body)
        await client.ok("SELECT INBOX")
        client.put("FETCH 1:* BODY.PEEK[]")  # 4 MB that nobody takes
        client.put("FETCH 1:* BODY.PEEK[]")
        other = await service.client(select="INBOX")
        for _ in range(20):
            await other.ok("NOOP")
        (connection,) = [
            each
            for listener in service.listeners
            for each in listener.connections
            if each.buffered and each.busy
        ]
        assert connection.buffered < 3 * WRITE_BUFFER_BYTES
        for tag in (b"a43", b"a44"):
            assert len((await client.until(tag)).lines) == 40

    play(tmp_path, scene)


@pytest.mark.slow
def test_ten_thousand_rows_come_in_order_however_slow_the_client_reads(tmp_path):
    async def scene(service: Service) -> None:
        client = await service.client()
        body = message(1)
        many = b" ".join(b"{%d+}\r\n%b" % (len(body), body) for _ in range(500))
        await client.ok(b"APPEND INBOX " + many)
        await client.ok("SELECT INBOX")
        for _ in range(4):
            await client.ok("COPY 1:* INBOX")
        tag = client.put("FETCH 1:* (FLAGS UID RFC822.SIZE ENVELOPE)")
        pipelined = client.put("UID FETCH 5:8000 BODY.PEEK[]")
        lines = (await client.until(tag)).lines
        assert len(lines) == 8000
        for number, line in enumerate(lines, 1):
            assert line.startswith(b"%d FETCH (FLAGS (\\Recent) UID %d RFC822.SIZE " % (number, number))
        bodies = (await client.until(pipelined)).lines
        assert len(bodies) == 7996 and all(line.endswith(body + b")") for line in bodies)

    play(tmp_path, scene)


pieces = st.sampled_from([b"\r\n", b"\n", b"a: b", b" ", b"x", b":", b"\r", b"\0"])


@pytest.mark.slow
@given(st.lists(pieces, max_size=12).map(b"".join))
def test_the_header_ends_where_the_parser_says(data):
    assert header_end(data) == mime.parse(data).body_start
