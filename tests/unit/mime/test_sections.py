# ruff: noqa: E501 - messages stand on one line
"""BODY[section] by the rules and the example of RFC 3501 §6.4.5."""

import pytest

from holdfast.mime import parse, parse_section, section
from holdfast.mime.sections import Section

MESSAGE = (
    b"From: a@b\r\nTo: c@d\r\nSubject: x\r\n y\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\npreamble\r\n"
    b"--x\r\nContent-Type: text/plain\r\nContent-ID: <1>\r\n\r\none\r\n"
    b"--x\r\nContent-Type: message/rfc822\r\n\r\n"
    b"From: in@n\r\nSubject: inner\r\nContent-Type: multipart/alternative; boundary=y\r\n\r\n"
    b"--y\r\n\r\ninner one\r\n--y\r\nContent-Type: message/rfc822\r\n\r\nSubject: deep\r\n\r\ndeep text\r\n--y--\r\n"
    b"--x\r\nContent-Type: message/rfc822\r\n\r\nSubject: single\r\n\r\nsingle text\r\n--x--\r\nepilogue\r\n"
)
PLAIN = b"Subject: x\r\n\r\nbody\r\n"


def answer(message: bytes, spec: str) -> bytes | None:
    found = section(parse(message), spec)
    return None if found is None else b"".join(found)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("", MESSAGE),
        ("TEXT", MESSAGE[MESSAGE.index(b"preamble") :]),
        ("HEADER", MESSAGE[: MESSAGE.index(b"preamble")]),
        ("header.fields (SUBJECT from)", b"From: a@b\r\nSubject: x\r\n y\r\n\r\n"),
        ("HEADER.FIELDS (nothing)", b"\r\n"),
        ("HEADER.FIELDS.NOT (Subject Content-Type)", b"From: a@b\r\nTo: c@d\r\n\r\n"),
        ("1", b"one"),
        ("1.MIME", b"Content-Type: text/plain\r\nContent-ID: <1>\r\n\r\n"),
        ("2.MIME", b"Content-Type: message/rfc822\r\n\r\n"),
        ("2.HEADER.FIELDS (Subject)", b"Subject: inner\r\n\r\n"),
        ("2.1", b"inner one"),
        ("2.1.MIME", b"\r\n"),
        ("2.2.HEADER", b"Subject: deep\r\n\r\n"),
        ("2.2.TEXT", b"deep text"),
        ("2.2", b"Subject: deep\r\n\r\ndeep text"),
        ("2.2.1", b"deep text"),
        ("2.2.1.MIME", b"Subject: deep\r\n\r\n"),
        ("3.1", b"single text"),
        ("1.TEXT", None),
        ("1.HEADER", None),
        ("2.2.2", None),
        ("4", None),
        ("1.1", None),
    ],
)
def test_a_section_is_what_the_rfc_says(spec: str, expected: bytes | None):
    assert answer(MESSAGE, spec) == expected


def test_a_message_that_is_not_multipart_has_part_1():
    assert answer(PLAIN, "1") == b"body\r\n"
    assert answer(PLAIN, "1.MIME") == b"Subject: x\r\n\r\n"
    assert answer(PLAIN, "2") is None


def test_a_message_without_empty_line_gets_one_with_chosen_fields_only():
    assert answer(b"Subject: x\r\n", "HEADER.FIELDS (Subject)") == b"Subject: x\r\n\r\n"
    assert answer(b"Subject: x\r\n", "HEADER.FIELDS.NOT (Subject)") == b""
    assert answer(b"Subject: x\r\n", "HEADER") == b"Subject: x\r\n"


@pytest.mark.parametrize(
    "spec", ["0", "1.", ".1", "MIME", "HEADER.FIELDS", "HEADER.FIELDS ()", "TEXT (a)", "1..2", "X", "1HEADER"]
)
def test_what_is_no_section_is_none(spec: str):
    assert parse_section(spec) is None


def test_a_section_is_read_in_any_case():
    assert parse_section("1.2.header.fields.not (Date)") == Section(
        (1, 2), "HEADER.FIELDS.NOT", frozenset({b"date"})
    )


def test_sections_are_not_copied():
    root = parse(MESSAGE)
    assert section(root, "TEXT")[0].obj is root.message
