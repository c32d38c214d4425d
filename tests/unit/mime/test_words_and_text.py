"""Header values and bodies as text: decoded where they can be, never an error, defects listed."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.mime import decode_bytes, decode_header, decode_text, parameter_text, parse, summary
from holdfast.mime import defects as d
from holdfast.mime.charsets import codec_of
from holdfast.mime.media import content_type
from holdfast.mime.text import _line_by_line, _one_line


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"plain", "plain"),
        (b" a\r\n\tb  c ", "a b c"),
        (b"=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        (b"=?UTF-8?B?R3LDvMOfZQ==?=", "Grüße"),
        (b"=?iso-8859-1?Q?a_b=E4?= c", "a bä c"),
        (b"=?utf-8?q?a?= =?utf-8?q?b?=", "ab"),
        (b"=?utf-8?q?a?= x =?utf-8?q?b?=", "a x b"),
        (b"=?utf-8?q?=C3?=\r\n =?utf-8?q?=BC?=", "ü"),
        (b"=?utf-8*de?q?a?=", "a"),
        (b"=?utf-8?q?a b?=", "a b"),
        (b"=?iso-2022-jp?b?GyRCJDMkcxsoQg==?= =?iso-2022-jp?b?GyRCJDMkcxsoQg==?=", "こんこん"),
        ("Grüße".encode(), "Grüße"),
        ("Grüße".encode("latin-1"), "Grüße"),
        (b"=?nope?q?=E4?=", "ä"),
        (b"=?utf-8?q?broken", "=?utf-8?q?broken"),
        (b"=?utf-8?x?a?=", "=?utf-8?x?a?="),
        (b"=?utf-8?q?a=0Ab=00?=", "a b\ufffd"),
        (b"=?utf-8?b?R3LDvMOfZQ?=", "Grüße"),
        (b"", ""),
    ],
)
def test_a_header_value_is_decoded(raw: bytes, text: str):
    assert decode_header(raw) == text


@given(
    st.binary(max_size=200)
    | st.lists(st.sampled_from([b"=?", b"?=", b"utf-8", b"?q?", b"?b?", b"=C3", b" ", b"*"])).map(b"".join)
)
def test_any_header_value_becomes_one_line(raw: bytes):
    text = decode_header(raw)
    assert "\n" not in text and "\r" not in text and "\0" not in text


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp", "Zs"]), min_size=1, max_size=30))
def test_an_encoded_word_gives_back_its_text(text: str):
    assert decode_header(b"=?utf-8?b?" + base64.b64encode(text.encode()) + b"?=") == text


def test_an_unknown_charset_is_a_defect_and_its_bytes_are_still_shown():
    found: list[d.Defect] = []
    assert decode_header(b"=?klingon?q?a=C3=BC?=", found, 7) == "aü"
    assert found == [d.Defect(d.CHARSET_UNKNOWN, 7)]


@pytest.mark.parametrize("name", ["hex", "rot13", "zlib", "base64", "uu", "../x", "klingon", "x" * 10_000])
def test_what_is_no_charset_is_unknown(name: str):
    assert codec_of(name) is None


@pytest.mark.parametrize(
    ("value", "name", "text"),
    [
        (b"a/b; name=x.txt", b"name", "x.txt"),
        (b"a/b; name*=utf-8''%e2%82%ac%20rate", b"name", "€ rate"),
        (b"a/b; name*0*=iso-8859-1'de'%e4; name*1=b; name*2*=%f6", b"name", "äbö"),
        (b"a/b; name*0=long; name*1=er", b"name", "longer"),
        (b'a/b; name="=?utf-8?q?J=C3=BC?="', b"name", "Jü"),
        (b"a/b; name=plain; name*=utf-8''better", b"name", "better"),
        (b"a/b; name*=nothing-quoted", b"name", "nothing-quoted"),
        (b"a/b", b"name", None),
    ],
)
def test_a_parameter_is_decoded(value: bytes, name: bytes, text: str | None):
    assert parameter_text(content_type(value).parameters, name) == text


def body(encoding: str, raw: bytes, kind: str = "text/plain; charset=utf-8") -> bytes:
    return f"Content-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode() + raw


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (body("7bit", b"a\r\n"), "a\r\n"),
        (body("base64", b"R3LD\r\nvMOfZQ==\r\n"), "Grüße"),
        (body("BASE64", b"R3L!DvM OfZQ"), "Grüße"),
        (body("base64", b"YWJjZA==\r\nZWZnaA=="), "abcdefgh"),
        (body("quoted-printable", b"Gr=C3=BC=C3=9Fe=\r\n x=3D=ZZ"), "Grüße x==ZZ"),
        (body("x-uuencode", b"begin 644 a\r\n%:&5L;&\\\r\n`\r\nend\r\n"), "hello"),
        (body("8bit", b"\xe4", "text/plain; charset=iso-8859-1"), "ä"),
        (body("8bit", b"\x80", "text/plain; charset=iso-8859-1"), "€"),
        (body("8bit", b"\xc3\xa4", "text/plain"), "ä"),
        (body("8bit", b"\xe4", "text/plain; charset=utf-8"), "ä"),
        (body("7bit", b"+AOQ-", "text/plain; charset=utf-7"), "ä"),
    ],
)
def test_a_body_is_decoded(message: bytes, text: str):
    assert decode_text(parse(message)) == text


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (body("x-none", b"a"), d.ENCODING_UNKNOWN),
        (body("base64", b"abcde"), d.ENCODING_DAMAGED),
        (body("8bit", b"\xff", "text/plain; charset=utf-8"), d.CHARSET_DAMAGED),
        (body("8bit", b"\xff", "text/plain; charset=klingon"), d.CHARSET_UNKNOWN),
    ],
)
def test_what_a_body_says_wrongly_is_a_defect(message: bytes, code: str):
    found: list[d.Defect] = []
    decode_text(parse(message), defects=found)
    assert code in [defect.code for defect in found]


@given(
    st.sampled_from(["base64", "quoted-printable", "x-uuencode", "7bit", "x"]),
    st.binary(max_size=200),
    st.sampled_from(
        ["utf-8", "utf-7", "utf-16", "iso-2022-jp", "hz", "gb18030", "big5", "cp037", "nope", "utf-32"]
    ),
)
def test_any_body_becomes_text(encoding: str, raw: bytes, charset: str):
    root = parse(body(encoding, raw, f"text/plain; charset={charset}"))
    assert isinstance(decode_text(root), str)
    assert isinstance(decode_text(root, 10), str)


@given(st.binary(max_size=500))
def test_base64_and_quoted_printable_give_back_the_bytes(raw: bytes):
    assert decode_bytes(parse(body("base64", base64.encodebytes(raw)))) == raw
    quoted = "".join(f"={byte:02X}" for byte in raw).encode()
    assert decode_bytes(parse(body("quoted-printable", quoted))) == raw


PIECES = [
    "word",
    "a" * 30,
    "x" * 190,
    " ",
    "  ",
    "\n",
    "\r\n",
    "\n\n",
    "\t",
    "\x0b",
    "\x1c",
    "\x85",
    "\u2028",
]
PIECES += [
    "> quoted",
    "\n> quoted",
    "|",
    "\n-----",
    "-----",
    "\x00",
    "\u034f",
    "\u200b",
    "ü",
    "\xad",
    " " * 150,
]


@pytest.mark.slow
@settings(max_examples=1000)
@given(st.lists(st.sampled_from(PIECES) | st.sampled_from(PIECES[:2]), min_size=5, max_size=60).map("".join))
def test_the_short_way_to_a_preview_and_the_long_one_say_the_same(text: str):
    assert _one_line(text) == _line_by_line(text)


def test_a_summary_holds_what_the_index_wants():
    made = summary(
        b"From: =?utf-8?q?J=C3=BC?= <j@x>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nMessage-ID: <1@x>\r\n"
        b"In-Reply-To: <0@x>\r\nReferences: <a@x> <0@x>\r\nDate: Mon, 6 Jan 2025 10:00:00 +0100\r\n"
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nHello there.\r\n"
        b"--b\r\nContent-Type: image/png\r\n\r\nx\r\n--b--\r\n"
    )
    assert made.subject == "Grüße"
    assert made.sender == "Jü <j@x>"
    assert made.message_id == b"1@x"
    assert made.references == (b"a@x", b"0@x")
    assert made.date == b"Mon, 6 Jan 2025 10:00:00 +0100"
    assert made.preview == "Hello there."
    assert made.attachments == 1
