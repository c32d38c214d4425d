"""The server machine: what a client writes, in whatever pieces, comes out as the same events."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.model.limits import IMAP_COMMAND_BYTES, SASL_LINE_BYTES, Limits
from holdfast.wire.imap import commands as c
from holdfast.wire.imap.build import ALL_AT_ONCE, NONE_AT_ONCE, build
from holdfast.wire.imap.events import (
    AuthenticationResponse,
    BadCommand,
    Event,
    IdleDone,
    LiteralWanted,
    Request,
    State,
)
from holdfast.wire.imap.server import ALLOWED, Server
from unit.wire.imap_strategies import first_commands, selected_commands

LIMITS = Limits(imap_literal_bytes=100_000)


def machine(state: State = State.SELECTED, *, literal_minus: bool = False) -> Server:
    made = Server(LIMITS, literal_minus=literal_minus)
    made.state = state
    return made


def events(of: Server, *chunks: bytes) -> list[Event]:
    """Everything that comes; literals are accepted, IDLE is started."""
    found: list[Event] = []
    for chunk in chunks:
        of.receive(chunk)
        while event := of.next_event():
            found.append(event)
            if isinstance(event, LiteralWanted):
                of.accept_literal()
            elif isinstance(event, Request) and isinstance(event.command, c.Idle):
                of.start_idle()
    return found


def commands_of(found: list[Event]) -> list[c.Command]:
    return [event.command for event in found if isinstance(event, Request)]


def only(found: list[Event]) -> Event:
    assert len(found) == 1, found
    return found[0]


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [data[a:b] for a, b in pairwise(places)]


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.lists(selected_commands, min_size=1, max_size=4), st.lists(st.integers(0, 10_000), max_size=12))
def test_imap_1_what_a_client_builds_is_what_the_server_reads_however_it_is_cut(sent, cuts):
    sent = [command for command in sent if not isinstance(command, c.Idle)]
    data = b"".join(b"".join(build(b"t%d" % at, each, ALL_AT_ONCE)) for at, each in enumerate(sent))
    found = events(machine(), *split(data, cuts))
    assert commands_of(found) == sent
    assert not [event for event in found if isinstance(event, BadCommand)]


@settings(max_examples=100, deadline=None)
@given(selected_commands)
def test_a_waiting_literal_is_asked_for_before_each_segment(command):
    server = machine()
    segments = build(b"t", command, NONE_AT_ONCE)
    found: list[Event] = []
    for at, segment in enumerate(segments):
        server.receive(segment)
        event = server.next_event()
        assert event is not None
        found.append(event)
        if at < len(segments) - 1:
            assert isinstance(event, LiteralWanted)
            assert event.synchronising
            assert server.accept_literal() == b"+ OK\r\n"
    assert found[-1] == Request(b"t", command)


@settings(max_examples=50, deadline=None)
@given(first_commands, st.lists(st.integers(0, 300), max_size=6))
def test_signing_in_reads_any_name_and_password(command, cuts):
    data = b"".join(build(b"t", command, ALL_AT_ONCE))
    found = events(machine(State.NOT_AUTHENTICATED), *split(data, cuts))
    assert commands_of(found) == [command]


WORDS = b"""a |FETCH 1 (|SEARCH OR NOT (|APPEND x |"|UID |STORE 1 +FLAGS (|LIST (|LOGIN |AUTHENTICATE X \
|SELECT x (QRESYNC (1 |BODY[HEADER.FIELDS (|STARTTLS
|IDLE
|DONE
|NOOP
|
|
a NOOP
|{3+}
|{3}
|{0}
|{70000+}
|{200000+}
|{99999999999}
""".replace(b"\n", b"\r\n").split(b"|")
noise = st.lists(st.binary(max_size=60) | st.sampled_from([*WORDS, b"x" * 70_000]), max_size=20)
states = st.sampled_from([State.NOT_AUTHENTICATED, State.AUTHENTICATED, State.SELECTED])


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(noise, states)
def test_no_bytes_can_break_the_machine(chunks, state):
    server = machine(state)
    for event in events(server, *chunks):
        if isinstance(event, BadCommand):
            assert event.reply.endswith(b"\r\n")
            assert event.reply.count(b"\n") == 1
    assert server.buffered <= IMAP_COMMAND_BYTES + 100


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(noise, states, st.lists(st.integers(0, 200_000), max_size=12))
def test_imap_1_noise_gives_the_same_events_however_it_is_cut(chunks, state, cuts):
    data = b"".join(chunks)
    assert events(machine(state), *split(data, cuts)) == events(machine(state), data)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"x",
        b"x FOO",
        b"x FOO {3+}\r\nabc",
        b"x NOOP {3+}\r\nabc {2+}\r\nde",
        b"x FETCH",
        b"x FETCH 1",
        b"x FETCH 0 FLAGS",
        b"x FETCH 1 ()",
        b"x FETCH 1 (FLAGS",
        b"x FETCH 1 BODY[",
        b"x FETCH 1 BODY[MIME]",
        b"x FETCH 1 BODY[]<0.0>",
        b"x FETCH 1 (ALL)",
        b"x FETCH 1 FLAGS (VANISHED)",
        b"x STORE 1 FLAGS (\\Recent)",
        b"x STORE 1 FLAGS (\\Unheard)",
        b"x SEARCH",
        b"x SEARCH OR SEEN",
        b"x SEARCH (SEEN",
        b"x SEARCH SEEN)",
        b"x SEARCH SINCE 31-Feb-2020",
        b"x SEARCH CHARSET KLINGON TEXT a",
        b"x SEARCH YOUNGER 0",
        b"x COPY 1:a x",
        b"x COPY 4294967296 x",
        b"x SELECT",
        b'x SELECT "a',
        b"x SELECT a b",
        b"x SELECT a (FOO)",
        b"x SELECT &Jjo",
        b"x SELECT \xff",
        b"x CREATE a (USE (\\Nothing))",
        b"x LIST (RECURSIVEMATCH) x *",
        b"x STATUS a ()",
        b"x APPEND a (\\Seen)",
        b"x ENABLE",
        b"x LOGIN a b",
        b"x UID NOOP",
        b"x UID EXPUNGE",
        b"x CAPABILITY now",
        b"+ NOOP",
        b"a\tNOOP",
        b"x ID (a b)",
    ],
)
def test_imap_2_a_bad_line_costs_that_line_alone(line):
    found = events(machine(), line + b"\r\ny NOOP\r\n")
    assert len(found) == 2
    assert isinstance(found[0], BadCommand)
    assert found[0].tag == (b"x" if line.startswith(b"x") else found[0].tag)
    assert found[1] == Request(b"y", c.Noop())


def test_a_refused_waiting_literal_leaves_the_line_after_it_alone():
    # The client waits, is told NO, and sends its next command.
    server = machine()
    assert isinstance(only(events(server, b"x NOSUCH {5}\r\n")), BadCommand)
    assert only(events(server, b"y NOOP\r\n")) == Request(b"y", c.Noop())


def test_imap_3_an_unasked_literal_over_the_limit_is_passed_over_without_being_held():
    server = machine()
    found = events(server, b"x APPEND a {9000000+}\r\n")
    refusal = only(found)
    assert isinstance(refusal, BadCommand)
    assert refusal.reply.startswith(b"x NO [TOOBIG] ")
    for _ in range(90):
        assert not events(server, b"y NOOP\r\n" * 12_500)
        assert server.buffered == 0
    assert only(events(server, b" {5+}\r\nhello\r\ny NOOP\r\n")) == Request(b"y", c.Noop())


def test_messages_of_one_append_share_the_limit():
    server = machine()
    one = b" {60000+}\r\n" + b"x" * 60_000
    found = events(server, b"x APPEND a" + one + one + b"\r\ny NOOP\r\n")
    assert [type(event) for event in found] == [LiteralWanted, BadCommand, Request]


def test_the_session_may_refuse_a_message_before_it_comes():
    server = machine()
    server.receive(b"x APPEND a {5}\r\n")
    assert server.next_event() == LiteralWanted(b"x", "APPEND", 5, True, True)
    assert server.next_event() is None
    assert server.refuse_literal("Quota is used up", "OVERQUOTA") == b"x NO [OVERQUOTA] Quota is used up.\r\n"
    assert only(events(server, b"y NOOP\r\n")) == Request(b"y", c.Noop())


def test_a_refused_message_that_comes_anyway_is_passed_over():
    server = machine()
    server.receive(b"x APPEND a {5+}\r\nhello\r\ny NOOP\r\n")
    assert server.next_event() == LiteralWanted(b"x", "APPEND", 5, False, True)
    assert server.refuse_literal("No", "OVERQUOTA").startswith(b"x NO [OVERQUOTA]")
    assert server.next_event() == Request(b"y", c.Noop())


def test_literal_minus_takes_4096_bytes_unasked_and_no_more():
    server = machine(literal_minus=True)
    found = events(server, b"x APPEND a {4096+}\r\n" + b"x" * 4096 + b"\r\n")
    assert isinstance(found[-1], Request)
    found = events(server, b"x APPEND a {4097+}\r\n" + b"x" * 4097 + b"\r\ny NOOP\r\n")
    assert isinstance(found[0], BadCommand)
    assert found[1:] == [Request(b"y", c.Noop())]


def test_the_mailbox_of_append_may_be_a_literal_and_is_no_message():
    found = events(machine(), b"x APPEND {1}\r\na {2}\r\nhi\r\n")
    assert [event.message for event in found if isinstance(event, LiteralWanted)] == [False, True]
    assert commands_of(found) == [c.Append("a", (c.AppendMessage(b"hi"),))]


@pytest.mark.parametrize("chunk", [7, 1000, 200_000])
def test_an_endless_line_is_refused_once_and_passed_over(chunk):
    data = b"x SEARCH TEXT " + b"a" * 150_000 + b" {3+}\r\nabc\r\ny NOOP\r\n"
    server = machine()
    found = events(server, *(data[at : at + chunk] for at in range(0, len(data), chunk)))
    assert [type(event) for event in found] == [BadCommand, Request]
    assert found[0].tag == b"x"
    assert b"[TOOBIG]" in found[0].reply


@pytest.mark.parametrize("more", [0, 1])
@pytest.mark.parametrize("state", [State.NOT_AUTHENTICATED, State.SELECTED])
def test_imap_1_the_longest_line_is_the_same_whether_its_end_comes_with_it_or_later(more, state):
    most = SASL_LINE_BYTES if state is State.NOT_AUTHENTICATED else IMAP_COMMAND_BYTES
    line = b"x " + b"N" * (most + more - 2)
    at_once = events(machine(state), line + b"\r\n")
    assert (
        at_once == events(machine(state), line, b"\r", b"\n") == events(machine(state), line + b"\r", b"\n")
    )
    assert (b"[TOOBIG]" in only(at_once).reply) == bool(more)


@pytest.mark.parametrize("more", [0, 4])
def test_imap_1_the_longest_response_is_the_same_whether_its_end_comes_with_it_or_later(more):
    line = b"A" * (SASL_LINE_BYTES + more)
    found = []
    for pieces in ([line + b"\r\n"], [line, b"\r", b"\n"], [line + b"\r", b"\n"]):
        server = machine(State.NOT_AUTHENTICATED)
        events(server, b"x AUTHENTICATE PLAIN\r\n")
        server.challenge(b"")
        found.append(events(server, *pieces, b"y NOOP\r\n"))
    assert found[0] == found[1] == found[2]
    assert isinstance(found[0][0], BadCommand if more else AuthenticationResponse)
    assert found[0][1:] == [Request(b"y", c.Noop())]


def test_before_sign_in_lines_and_literals_are_short():
    server = machine(State.NOT_AUTHENTICATED)
    found = events(server, b"x LOGIN a {%d+}\r\n" % (SASL_LINE_BYTES + 1))
    assert isinstance(only(found), BadCommand)
    server = machine(State.NOT_AUTHENTICATED)
    found = events(server, b"x LOGIN a " + b"b" * SASL_LINE_BYTES)
    assert isinstance(only(found), BadCommand)
    assert server.buffered <= SASL_LINE_BYTES + 20


def test_imap_6_nothing_sent_in_the_clear_behind_starttls_is_a_command():
    server = machine(State.NOT_AUTHENTICATED)
    assert commands_of(events(server, b"x STARTTLS\r\ny LOGIN a b\r\n")) == [c.StartTls()]
    assert events(server, b"z LOGIN a b\r\n") == []
    server.tls_started()
    assert events(server) == []
    assert commands_of(events(server, b"w LOGIN c d\r\n")) == [c.Login("c", "d")]


def test_idle_ends_with_done_in_any_case_and_pipelined_commands_follow():
    found = events(machine(), b"x IDLE\r\n", b"do", b"ne\r\ny NOOP\r\n")
    assert found == [Request(b"x", c.Idle()), IdleDone(b"x"), Request(b"y", c.Noop())]


def test_anything_but_done_ends_idle_with_bad():
    found = events(machine(), b"x IDLE\r\n", b"y NOOP\r\nz NOOP\r\n")
    assert isinstance(found[1], BadCommand)
    assert found[1].tag == b"x"
    assert found[2] == Request(b"z", c.Noop())


@pytest.mark.parametrize(("line", "data"), [(b"AGEAYg==\r\n", b"\0a\0b"), (b"*\r\n", None), (b"\r\n", b"")])
def test_the_answer_to_a_challenge_is_decoded(line, data):
    server = machine(State.NOT_AUTHENTICATED)
    assert commands_of(events(server, b"x AUTHENTICATE plain\r\n")) == [c.Authenticate("PLAIN")]
    assert server.challenge(b"hello") == b"+ aGVsbG8=\r\n"
    assert events(server, line) == [AuthenticationResponse(b"x", data)]
    assert events(server, b"y NOOP\r\n") == [Request(b"y", c.Noop())]


def test_a_challenge_without_text_is_a_plus_and_a_space():
    assert machine().challenge(b"") == b"+ \r\n"


def test_an_answer_that_is_no_base64_is_bad():
    server = machine(State.NOT_AUTHENTICATED)
    events(server, b"x AUTHENTICATE PLAIN\r\n")
    server.challenge(b"")
    assert isinstance(only(events(server, b"a b c\r\n")), BadCommand)


@pytest.mark.parametrize("state", [State.NOT_AUTHENTICATED, State.AUTHENTICATED, State.SELECTED])
@pytest.mark.parametrize("name", sorted(ALLOWED))
def test_a_command_in_the_wrong_state_is_bad_and_says_why(name, state):
    event = only(events(machine(state), b"x %b\r\n" % name))
    refused = isinstance(event, BadCommand) and "isn't possible now" in event.text
    assert refused == (state not in ALLOWED[name])


def test_after_logout_nothing_is_read():
    server = machine()
    server.receive(b"x LOGOUT\r\ny NOOP\r\n")
    assert server.next_event() == Request(b"x", c.Logout())
    server.state = State.LOGOUT
    assert server.next_event() is None


def test_a_bare_lf_ends_a_line_too():
    assert len(commands_of(events(machine(), b"x NOOP\ny NOOP\n"))) == 2


@pytest.mark.parametrize("deep", [b"NOT ", b"(", b"OR ALL "])
def test_imap_5_search_keys_nested_without_end_are_refused_not_followed(deep):
    found = events(machine(), b"x SEARCH " + deep * 5000 + b"ALL\r\n")
    event = only(found)
    assert isinstance(event, BadCommand)
    assert b"NO [LIMIT]" in event.reply


def test_a_password_is_not_in_what_is_said_of_a_bad_login():
    event = only(events(machine(State.NOT_AUTHENTICATED), b'x LOGIN bob "secret\r\n'))
    assert isinstance(event, BadCommand)
    assert "secret" not in event.text
    assert "secret" not in repr(c.Login("bob", "secret"))


def test_an_error_says_what_was_expected_where():
    event = only(events(machine(), b"x FETCH 1 (FLAGS FOO)\r\n"))
    assert isinstance(event, BadCommand)
    assert event.text == "FETCH: Expected a fetch item at byte 18, found 'FOO)'"
