"""SEARCH. RFC 3501 §6.4.4, RFC 4731, RFC 5032, RFC 5182."""

from __future__ import annotations

import base64
from functools import cache

import pytest

from unit.functions.imap.imap_service import Client, Service, message, play

SECRET = base64.b64encode("Das Kennwort heißt Zuckerrübe.".encode()).decode()
MESSAGES = (
    message(1, Subject="Invoice for May", Cc="Carl <carl@example.com>"),
    message(
        2, Subject="=?utf-8?q?Gr=C3=BC=C3=9Fe_aus_Bonn?=", From="=?utf-8?b?SsO8cmdlbg==?= <j@bonn.example>"
    ),
    message(
        3,
        SECRET,
        MIME_Version="1.0",
        Content_Type="text/plain; charset=utf-8",
        Content_Transfer_Encoding="base64",
        X_Folded="one\r\n two",
    ),
    message(4, "x" * 3000, Date="Thu, 3 Mar 2005 23:59:00 +0100", Bcc="Hidden <h@example.com>"),
)
WHEN = ('"01-Jan-2020 00:00:00 +0000"', '"02-Jan-2020 12:00:00 +0000"', '"03-Jan-2020 00:00:00 +0000"', "")
FLAGS = ("(\\Seen)", "(\\Flagged work)", "(\\Answered \\Draft)", "(\\Deleted)")


async def filled(service: Service) -> Client:
    client = await service.client()
    for body, flags, when in zip(MESSAGES, FLAGS, WHEN):
        await client.append(body, more=f"{flags} {when}".strip())
    await client.ok("SELECT INBOX")
    return client


CASES = {
    "ALL": "1 2 3 4",
    "SEEN": "1",
    "UNSEEN": "2 3 4",
    "NOT DELETED": "1 2 3",
    "KEYWORD work": "2",
    "UNKEYWORD work": "1 3 4",
    "KEYWORD never": "",
    "NEW": "2 3 4",
    "OLD": "",
    "2:3": "2 3",
    "*": "4",
    "UID 3:*": "3 4",
    "UID 99:*": "4",
    "OR SEEN FLAGGED": "1 2",
    "NOT (OR SEEN FLAGGED)": "3 4",
    "(ANSWERED DRAFT) UNSEEN": "3",
    "LARGER 3000": "4",
    "SMALLER 3000": "1 2 3",
    "BEFORE 2-Jan-2020": "1",
    "ON 2-Jan-2020": "2",
    "SINCE 3-Jan-2020": "3 4",
    "SENTON 3-Mar-2005": "4",
    "SENTBEFORE 8-Feb-1994": "1 2 3",
    "SENTSINCE 8-Feb-1994": "4",
    "YOUNGER 3600": "4",
    "OLDER 3600": "1 2 3",
    'SUBJECT "invoice FOR"': "1",
    'FROM "ann author"': "1 3 4",
    'FROM "ann@example.net"': "1 3 4",
    "FROM jürgen": "2",
    "SUBJECT grüße": "2",
    "CC carl": "1",
    "BCC hidden": "4",
    "TO ada@example": "1 2 3 4",
    "TO nobody": "",
    'HEADER Message-ID "<3@"': "3",
    'HEADER X-Folded "one two"': "3",
    'HEADER X-Folded ""': "3",
    'HEADER X-Nothing ""': "",
    "BODY ZUCKERRÜBE": "3",
    "BODY kennwort": "3",
    "BODY invoice": "",
    "TEXT invoice": "1",
    "TEXT xxxx": "4",
    'BODY "body 1"': "1",
    "TEXT x-folded": "3",
    "TEXT jürgen": "2",
    "MODSEQ 1": "1 2 3 4",
}


@cache
def answers(folder: str) -> dict[str, str]:
    """All cases over one service; each test looks at its own."""
    found: dict[str, str] = {}

    async def scene(service: Service) -> None:
        client = await filled(service)
        for case in CASES:
            words = case.split(" ")
            strange = [word for word in words if not word.isascii()]
            if strange:
                raw = strange[0].encode()
                command = b"SEARCH CHARSET UTF-8 %b {%d+}\r\n%b" % (words[0].encode(), len(raw), raw)
            else:
                command = b"SEARCH " + case.encode()
            (line,) = (await client.ok(command)).lines
            found[case] = line.split(b" (")[0].removeprefix(b"SEARCH").strip().decode()

    from pathlib import Path

    play(Path(folder), scene)
    return found


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return answers(str(tmp_path_factory.mktemp("search")))


@pytest.mark.parametrize("case", CASES)
def test_search_finds(case, found):
    assert found[case] == CASES[case]


def test_search_return_tells_ends_count_and_all_and_saves(tmp_path):
    async def scene(service: Service) -> None:
        client = await filled(service)
        tag = client.put("SEARCH RETURN (MIN MAX COUNT ALL) NOT SEEN")
        assert (await client.until(tag)).lines == [b'ESEARCH (TAG "%b") MIN 2 MAX 4 ALL 2:4 COUNT 3' % tag]
        tag = client.put("UID SEARCH RETURN (COUNT) SUBJECT nothing")
        assert (await client.until(tag)).lines == [b'ESEARCH (TAG "%b") UID COUNT 0' % tag]
        assert (await client.ok("SEARCH RETURN (SAVE) NOT SEEN")).lines == []
        assert (await client.ok("FETCH $ UID")).lines == [b"%d FETCH (UID %d)" % (n, n) for n in (2, 3, 4)]
        assert (await client.ok("SEARCH $ FLAGGED")).lines == [b"SEARCH 2"]
        await client.ok("SEARCH RETURN (SAVE MIN) NOT SEEN")
        assert (await client.ok("UID FETCH $ UID")).lines == [b"2 FETCH (UID 2)"]
        assert (await client.do("SEARCH CHARSET KOI8-R SUBJECT x")).code.startswith("BADCHARSET")
        await client.ok("STORE 2 +FLAGS.SILENT (\\Deleted)")
        await client.ok("EXPUNGE")
        assert (await client.ok("FETCH $ UID")).lines == []

    play(tmp_path, scene)
