"""Header fields in the forms of RFC 8621 §4.1.2."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.mime.structure import parse
from holdfast.wire.jmap.errors import MethodError, MethodFault
from holdfast.wire.jmap.headers import (
    HeaderProperty,
    as_addresses,
    as_date,
    as_form,
    as_grouped_addresses,
    as_message_ids,
    as_raw,
    as_text,
    as_urls,
    header_property,
    header_values,
)

FORMS = ["asRaw", "asText", "asAddresses", "asGroupedAddresses", "asMessageIds", "asDate", "asURLs"]


def plain(value: object) -> object:
    return msgspec.to_builtins(value)


def test_raw_is_as_it_stands():
    assert as_raw(b" a\r\n  b\0\xff") == " a\r\n  b\ufffd"


def test_text_is_unfolded_decoded_and_composed():
    assert as_text(b" a\r\n  b") == "a b"
    assert as_text(b" =?UTF-8?Q?a=CC=88?= =?ISO-8859-1?Q?=E9?=") == "äé"


GROUPS = (
    b' "James Smythe" <james@example.com>, Friends:\r\n  jane@example.com, =?UTF-8?Q?John_Sm=C3=AEth?=\r\n'
    b"   <john@example.com>;"
)


def test_addresses_are_those_of_the_rfc_example():
    assert plain(as_addresses(GROUPS)) == [
        {"name": "James Smythe", "email": "james@example.com"},
        {"name": None, "email": "jane@example.com"},
        {"name": "John Smîth", "email": "john@example.com"},
    ]
    assert plain(as_grouped_addresses(GROUPS)) == [
        {"name": None, "addresses": [{"name": "James Smythe", "email": "james@example.com"}]},
        {
            "name": "Friends",
            "addresses": [
                {"name": None, "email": "jane@example.com"},
                {"name": "John Smîth", "email": "john@example.com"},
            ],
        },
    ]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b" a@b", [(None, "a@b")]),
        (b" a@b (The A)", [("The A", "a@b")]),
        (b' "a b"@c', [(None, '"a b"@c')]),
        (b" Half Written", [(None, "Half Written")]),
        (b" half", [(None, "half")]),
        (b" undisclosed-recipients:;", []),
        (b"", []),
        (b" X <\xc3\xa4@b>", [("X", "ä@b")]),
    ],
)
def test_addresses_are_read_as_far_as_they_go(raw: bytes, expected: list[tuple[str | None, str]]):
    assert [(each.name, each.email) for each in as_addresses(raw)] == expected


def test_addresses_behind_a_group_stand_in_none():
    names = [group.name for group in as_grouped_addresses(b"a@b, G:c@d;, e@f, g@h")]
    assert names == [None, "G", None]
    assert [group.name for group in as_grouped_addresses(b"G:;")] == ["G"]


def test_message_ids_are_without_brackets():
    assert as_message_ids(b" <a@b>\r\n <c@d> (x)") == ["a@b", "c@d"]
    assert as_message_ids(b" a@b") is None
    assert as_message_ids(b" ") is None


def test_urls_are_without_brackets_and_comments():
    raw = b" (say so) <mailto:a@b?subject=x>,\r\n <http://c/\r\n d> (two)"
    assert as_urls(raw) == ["mailto:a@b?subject=x", "http://c/d"]
    assert as_urls(b" http://c") is None
    assert as_urls(b" <a> <b>") is None


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b" Tue, 10 Jul 2018 01:03:11 +1000", "2018-07-10T01:03:11+10:00"),
        (b" 1 Jan 70 00:00 GMT", "1970-01-01T00:00:00Z"),
        (b" Mon, 29 Feb 2016 23:59:60 -0530 (IST)", "2016-02-29T23:59:59-05:30"),
        (b" Fri, 21 Nov 97 09:55:06 EST", "1997-11-21T09:55:06-05:00"),
        (b" 21 Nov 03 09:55 XYZ", "2003-11-21T09:55:00Z"),
        (b" Thu,\r\n 13 (comment) Feb 1969 23:32 -0330", "1969-02-13T23:32:00-03:30"),
    ],
)
def test_dates_keep_their_offset(raw: bytes, shown: str):
    assert plain(as_date(raw)) == shown


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"today",
        b"31 Feb 2020 00:00 +0000",
        b"1 Foo 2020 00:00 Z",
        b"1 Jan 2020 25:00 Z",
        b"1 Jan 2020 1:00 +9999",
    ],
)
def test_what_is_no_date_is_null(raw: bytes):
    assert as_date(raw) is None


def test_a_property_names_field_form_and_number():
    assert header_property("header:X-Foo") == HeaderProperty(b"x-foo", "asRaw", False)
    assert header_property("header:Date:asDate") == HeaderProperty(b"date", "asDate", False)
    assert header_property("header:Resent-To:asAddresses:all") == HeaderProperty(
        b"resent-to", "asAddresses", True
    )
    assert header_property("header:X:all") == HeaderProperty(b"x", "asRaw", True)
    for form in FORMS:
        assert header_property(f"header:X-Own:{form}").form == form


@pytest.mark.parametrize(
    "asked",
    [
        "header:",
        "header:From:asDate",
        "header:Subject:asAddresses",
        "header:Received:asText",
        "header:X:asFoo",
        "header:X:all:asText",
        "header:X Y",
        "Header:X",
        "subjekt",
    ],
)
def test_what_can_not_be_read_so_is_refused(asked: str):
    with pytest.raises(MethodError) as caught:
        header_property(asked)
    assert caught.value.fault is MethodFault.INVALID_ARGUMENTS


def test_one_is_the_last_and_all_are_in_their_order():
    fields = list(parse(b"X: 1\r\nx : 2\r\nY: 3\r\n\r\n").fields())

    def read(asked: str) -> object:
        return header_values(fields, header_property(asked))

    assert read("header:x") == " 2" and read("header:X:asText:all") == ["1", "2"]
    assert read("header:Z") is None and read("header:Z:all") == []


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=40) | st.text('<>@,:;()"\\ab =?\r\n1Jan', max_size=30).map(str.encode),
    st.sampled_from(FORMS),
)
def test_jmap_8_no_value_makes_a_form_fail(raw: bytes, form: str):
    assert msgspec.json.encode(as_form(raw, form))
