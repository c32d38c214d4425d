"""Names, dates, strings, flags and replies as the wire has them."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.uidset import UidSet
from holdfast.wire.imap import replies, responses, syntax
from holdfast.wire.imap.commands import SAVED, SequenceSet
from holdfast.wire.imap.dates import BadDate, format_date, internaldate, parse_date, parse_internaldate
from holdfast.wire.imap.names import BadName, Pattern, decode_name, encode_name, full_pattern
from unit.wire.imap_strategies import names

KNOWN_NAMES = [
    ("Entwürfe", b"Entw&APw-rfe"),
    ("~peter/mail/日本語/台北", b"~peter/mail/&ZeVnLIqe-/&U,BTFw-"),  # RFC 3501 §5.1.3, levels split by /
    ("a&b", b"a&-b"),
    ("☺", b"&Jjo-"),
    ("😀", b"&2D3eAA-"),
    ("", b""),
    ("tab\there", b"tab&AAk-here"),
]


@pytest.mark.parametrize(("name", "wire"), KNOWN_NAMES)
def test_known_names_are_encoded_as_the_standard_does(name, wire):
    assert encode_name(name) == wire
    assert decode_name(wire) == name


@given(names)
def test_a_name_survives_the_wire(name):
    assert decode_name(encode_name(name)) == name


@given(st.binary(max_size=30) | st.text("&-,+abAJ0jo/", max_size=20).map(str.encode))
def test_imap_8_a_name_is_read_in_its_one_spelling_or_not_at_all(wire):
    try:
        name = decode_name(wire)
    except BadName:
        return
    assert encode_name(name) == wire or name == "INBOX"


@pytest.mark.parametrize(
    "wire", [b"&", b"a&Jjo", b"&Jjo-&Jjo-", b"&AGE-", b"&2D0-", b"\xc3\xa4", b"a\tb", b"&A-"]
)
def test_improper_spellings_are_refused(wire):
    with pytest.raises(BadName):
        decode_name(wire)


def test_inbox_is_one_name_in_any_case():
    assert decode_name(b"iNbOx") == "INBOX"
    assert decode_name(b"inbox2") == "inbox2"


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("*", "a/b/c", True),
        ("%", "a", True),
        ("%", "a/b", False),
        ("a/%", "a/b", True),
        ("a/%", "a/b/c", False),
        ("%/%", "a/b", True),
        ("*b*", "a/b/c", True),
        ("%b%", "a/b/c", False),
        ("*%/c", "a/b/c", True),
        ("inbox", "INBOX", True),
        ("INBOX", "Inbox", False),
        ("inbox/%", "INBOX/x", True),
        ("a.c", "abc", False),
        ("a*b%c*d", "axxb-c/d", True),
        ("a*b%c*d", "axxb/c/d", False),
        ("", "", True),
        ("", "a", False),
        ("*a*a*a", "aa", False),
    ],
)
def test_patterns_match_as_list_has_it(pattern, name, matches):
    assert Pattern(pattern).matches(name) is matches


def _matches(pattern: str, name: str) -> bool:
    """The definition, by trying everything."""
    if not pattern:
        return not name
    if pattern[0] in "*%":
        rest = name if pattern[0] == "*" else name.split("/")[0]
        return any(_matches(pattern[1:], name[at:]) for at in range(len(rest) + 1))
    return name[:1] == pattern[0] and _matches(pattern[1:], name[1:])


@given(st.text("ab/*%", max_size=7), st.text("ab/", max_size=7))
def test_a_pattern_matches_what_its_definition_says(pattern, name):
    assert Pattern(pattern).matches(name) == _matches(pattern, name)


def test_many_wildcards_take_no_longer_than_the_name():
    assert not Pattern("*a" * 400 + "b").matches("a" * 1000)


@pytest.mark.parametrize(
    ("reference", "pattern", "full"),
    [("", "*", "*"), ("a/", "%", "a/%"), ("a", "b", "ab"), ("a/", "/b", "b"), ("a/", "", "a/")],
)
def test_a_reference_is_a_prefix_unless_the_pattern_is_absolute(reference, pattern, full):
    assert full_pattern(reference, pattern) == full


@given(st.integers(0, 2**36), st.integers(-14 * 60, 14 * 60))
def test_internal_dates_come_back_to_the_second_and_zone(seconds, zone):
    seconds %= 250_000_000_000
    assert parse_internaldate(internaldate(seconds, zone)[1:-1]) == (seconds, zone)


def test_internal_dates_are_written_as_the_standard_has_them():
    assert internaldate(760686745, -480) == b'" 7-Feb-1994 21:52:25 -0800"'
    assert internaldate(0) == b'" 1-Jan-1970 00:00:00 +0000"'


@pytest.mark.parametrize(
    "text",
    [b"", b"7-Feb-1994 21:52:25 -0800", b"31-Feb-1994 21:52:25 -0800", b"17-Foo-1994 21:52:25 -0800",
     b"17-Jul-1994 24:00:00 +0000", b"17-Jul-1994 02:44:25 +0099", b"17-Jul-0000 02:44:25 +0000"],
)  # fmt: skip
def test_dates_that_are_none_are_refused(text):
    with pytest.raises(BadDate):
        parse_internaldate(text)


@given(st.dates())
def test_search_dates_survive_the_wire(day):
    assert parse_date(format_date(day)) == day
    assert parse_date(b"01-feb-2020") == datetime.date(2020, 2, 1)


def test_strings_are_quoted_where_that_is_possible():
    assert syntax.string(b'a"b\\') == b'"a\\"b\\\\"'
    assert syntax.string(b"a\r\nb") == b"{4}\r\na\r\nb"
    assert syntax.string("ä".encode()) == b"{2}\r\n\xc3\xa4"
    assert syntax.astring(b"abc") == b"abc"
    assert syntax.astring(b"nil") == b'"nil"'
    assert syntax.astring(b"") == b'""'
    assert syntax.nstring(None) == b"NIL"


@pytest.mark.parametrize(
    ("ranges", "largest", "meant"),
    [
        (((1, 0),), 5, "1:5"),
        (((0, 0),), 5, "5"),
        (((9, 0),), 5, "5:9"),  # RFC 3501 §9: 9:* names the last one too
        (((5, 2),), 9, "2:5"),
        (((1, 0),), 0, "1"),
        (((0, 0),), 0, ""),
        (((1, 3), (2, 6), (8, 8)), 9, "1:6,8"),
    ],
)
def test_a_set_means_numbers_once_the_largest_is_known(ranges, largest, meant):
    assert str(SequenceSet(ranges).resolve(largest)) == meant


def test_a_set_is_written_as_it_was_read():
    assert str(SequenceSet(((1, 0), (0, 0), (4, 4), (9, 7)))) == "1:*,*,4,9:7"
    assert str(SAVED) == "$"
    assert SequenceSet(((1, 0), (7, 3))).highest == 7


def test_flag_lists_name_bits_and_keywords():
    names = responses.FlagNames(["work", "$Forwarded"])
    assert names.of(0) == b"()"
    assert names.of(1 | 8 | 1 << 6) == b"(\\Seen \\Deleted $Forwarded)"
    assert names.of(2, recent=True) == b"(\\Answered \\Recent)"
    assert names.of(1 << 20) == b"()"
    assert responses.permanentflags(names).endswith(b"work $Forwarded \\*)")


@given(st.sets(st.integers(1, 60)), st.sets(st.integers(1, 60)))
def test_expunges_read_one_after_the_other_leave_what_is_left(there, gone):
    view, left = UidSet.of(there), sorted(there)
    for line in responses.expunges(view, UidSet.of(gone)).splitlines():
        del left[int(line.split()[1]) - 1]
    assert left == sorted(there - gone)


def test_every_reason_has_its_reply():
    assert set(replies.REFUSALS) == set(Reason)


def test_only_bad_credentials_are_authenticationfailed():
    found = {reason for reason in Reason if b"AUTHENTICATIONFAILED" in replies.failed(b"a", Refused(reason))}
    assert found == {Reason.BAD_CREDENTIALS}


@pytest.mark.parametrize("command", ["LOGIN", "SELECT", "APPEND", "FETCH"])
def test_imap_4_unavailable_is_never_a_refusal(command):
    reply = replies.failed(b"a", Unavailable("cell-07/index", "disk"), command)
    assert reply.startswith(b"a NO [UNAVAILABLE] ")


def test_a_missing_target_invites_to_create_it():
    missing = Refused(Reason.NO_SUCH_MAILBOX)
    assert replies.failed(b"a", missing, "COPY") == b"a NO [TRYCREATE] No such mailbox\r\n"
    assert replies.failed(b"a", missing, "SELECT") == b"a NO [NONEXISTENT] No such mailbox\r\n"


@given(st.text())
def test_imap_7_no_text_can_break_out_of_its_line(text):
    line = replies.ok(b"a", text)
    assert line.endswith(b"\r\n")
    assert line.count(b"\n") == 1
    assert not line.startswith(b"a OK [")
    assert line.isascii()


def test_search_answers_have_the_standards_form():
    assert responses.search_line([2, 84]) == b"* SEARCH 2 84\r\n"
    assert responses.search_line([]) == b"* SEARCH\r\n"
    assert responses.search_line([2], modseq=9) == b"* SEARCH 2 (MODSEQ 9)\r\n"
    assert (
        responses.esearch_line(b"A1", True, least=2, most=47, all_of=UidSet([(2, 3), (47, 47)]), count=3)
        == b'* ESEARCH (TAG "A1") UID MIN 2 MAX 47 ALL 2:3,47 COUNT 3\r\n'
    )
    assert (
        responses.esearch_line(b"A1", False, all_of=UidSet(), count=0) == b'* ESEARCH (TAG "A1") COUNT 0\r\n'
    )


def test_status_and_codes_have_the_standards_form():
    assert responses.copyuid(38505, UidSet([(304, 304), (319, 320)]), UidSet([(3956, 3958)])) == (
        b"COPYUID 38505 304,319:320 3956:3958"
    )
    assert responses.list_line("a b", (b"\\Marked",)) == b'* LIST (\\Marked) "/" "a b"\r\n'
    assert responses.enabled_line([]) == b"* ENABLED\r\n"
    assert responses.fetch_flags(3, b"()", uid=9, modseq=4) == b"* 3 FETCH (UID 9 FLAGS () MODSEQ (4))\r\n"
