"""The SMTP server machine: each test is one rule of RFC 5321 and its extensions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.model.address import Address
from holdfast.model.limits import SASL_LINE_BYTES, SMTP_COMMAND_BYTES, SMTP_TEXT_LINE_BYTES
from holdfast.wire import sasl
from holdfast.wire.smtp import replies
from holdfast.wire.smtp.events import (
    Authenticate,
    Failed,
    Hello,
    Mail,
    MailParameters,
    MessageComplete,
    Quit,
    Rcpt,
    RcptParameters,
    Rejected,
    StartTls,
)
from holdfast.wire.smtp.replies import Reply
from holdfast.wire.smtp.server import Server
from unit.wire.smtp_dialogue import SETTINGS, codes, cut, messages, talk

OPEN = b"EHLO client\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n"
AUTH = SETTINGS._replace(mechanisms=("PLAIN", "LOGIN"), auth_required=True, starttls=True)
PLAIN = sasl.encode(b"\0anna\0secret")


def _last(written: bytes) -> str:
    return written.split(b"\r\n")[-2].decode()


# dialogue


def test_a_whole_transaction_gives_its_events_in_order_and_one_reply_for_each_command() -> None:
    events, written = talk([OPEN + b"DATA\r\nSubject: x\r\n\r\nhello\r\n.\r\nQUIT\r\n"])
    assert events == [
        Hello("client", True),
        Mail(Address("a", "example.org"), MailParameters()),
        Rcpt(Address("b", "example.org"), RcptParameters()),
        MessageComplete(b"Subject: x\r\n\r\nhello\r\n"),
        Quit(),
    ]
    assert codes(written) == [220, 250, 250, 250, 354, 250, 221]


DIALOGUES = [
    OPEN + b"DATA\r\n..a\r\n.b\r\n.\r\nRSET\r\nNOOP\r\nVRFY x\r\nHELP\r\nEXPN x\r\nQUIT\r\nNOOP\r\n",
    OPEN + b"DATA\r\n.\r\n" + OPEN + b"DATA\r\n\r\n.\r\nQUIT\r\n",
    OPEN + b"DATA\r\nbare\nline\r\n.\r\n" + OPEN + b"DATA\r\nbare\rreturn\r\n.\r\nNOOP\r\n",
    OPEN + b"DATA\r\na\n.\r\nb\r\n.\n.\r\r\n.\r\nNOOP\r\n",
    OPEN + b"BDAT 4\r\nab\r\nBDAT 0\r\nBDAT 6 LAST\r\n.\r\nc\r\nNOOP\r\n",
    OPEN + b"BDAT 3\r\nabcRCPT TO:<c@example.org>\r\nDATA\r\nBDAT 0 LAST\r\nBDAT 5\r\nQUIT\r",
    b"NOOP\nNOOP \rx\r\nMAIL FROM:<a@b>\r\n" + b"x" * 5000 + b"\r\nEHLO y\r\nNO\0OP\r\n\r\nNOOP\r\nNOOP\r\n",
    b"HELO h\r\nMAIL FROM:<>\r\nRCPT TO:<Postmaster>\r\nDATA\r\n" + b"y" * 70_000 + b"\r\n.\r\nQUIT\r\n",
    b"EHLO h\r\nMAIL FROM:<> SIZE=99999999\r\nMAIL FROM:<>\r\nRCPT TO:<x@y>\r\nDATA\r\n" + b"z\r\n" * 40_000,
]


@given(st.sampled_from(DIALOGUES), st.lists(st.integers(0, 2**20), max_size=30))
@pytest.mark.slow
def test_any_split_of_the_input_gives_the_same_events_and_replies(data: bytes, edges: list[int]) -> None:
    """SMTP-4."""
    assert talk(cut(data, edges)) == talk([data])


@pytest.mark.slow
@pytest.mark.parametrize("data", [dialogue for dialogue in DIALOGUES if len(dialogue) < 10_000])
def test_byte_by_byte_gives_the_same_events_and_replies(data: bytes) -> None:
    assert talk([data[i : i + 1] for i in range(len(data))]) == talk([data])


@given(
    st.lists(
        st.sampled_from(
            [b"\r\n", b"\n", b"\r", b".", b"..", b"x", b"\r\n.\r\n", b"DATA\r\n", b"BDAT 3\r\n", OPEN]
        ),
        max_size=40,
    ),
    st.lists(st.integers(0, 2000), max_size=10),
)
@pytest.mark.slow
def test_no_input_breaks_the_machine_and_no_split_changes_what_it_means(
    words: list[bytes], edges: list[int]
) -> None:
    data = b"".join(words)
    events, written = talk(cut(data, edges))
    assert (events, written) == talk([data])
    for message in messages(events):
        assert message.count(b"\n") == message.count(b"\r") == message.count(b"\r\n")


@given(st.lists(st.text("ab.\u00e4 ", max_size=5), max_size=30), st.lists(st.integers(0, 500), max_size=5))
@pytest.mark.slow
def test_stuffed_dots_are_taken_off_again(lines: list[str], edges: list[int]) -> None:
    message = "".join(f"{line}\r\n" for line in lines).encode()
    stuffed = "".join(f".{line}\r\n" if line.startswith(".") else f"{line}\r\n" for line in lines).encode()
    events, _ = talk(cut(OPEN + b"DATA\r\n" + stuffed + b".\r\n", edges))
    assert messages(events) == [message]


def test_replies_to_a_pipelined_group_leave_in_one_write() -> None:
    """SMTP-4."""
    machine = Server(SETTINGS)
    machine.receive(b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nDATA\r\n")
    while machine.next_event() is not None:
        if machine.deciding:
            machine.accept()
    assert codes(machine.take()) == [250, 250, 250, 354]
    assert machine.take() == b""


def test_nothing_is_read_on_while_a_decision_is_owed() -> None:
    machine = Server(SETTINGS)
    machine.receive(OPEN)
    assert isinstance(machine.next_event(), Hello)
    assert isinstance(machine.next_event(), Mail)
    assert machine.next_event() is None
    assert machine.deciding and machine.backlog > 0
    machine.accept()
    assert isinstance(machine.next_event(), Rcpt)


def test_a_decision_nobody_asked_for_is_an_error() -> None:
    with pytest.raises(RuntimeError):
        Server(SETTINGS).accept()


# the end of DATA, and smuggling


@pytest.mark.parametrize(
    "end", [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n", b"\r\n\0.\r\n"]
)
def test_only_crlf_dot_crlf_ends_data(end: bytes) -> None:
    """SMTP-1."""
    smuggled = OPEN + b"DATA\r\na" + end + b"MAIL FROM:<evil@example.org>\r\nRCPT TO:<b@example.org>\r\n"
    events, written = talk([smuggled])
    assert codes(written) == [220, 250, 250, 250, 354]
    assert not messages(events)
    events, written = talk([smuggled + b"\r\n.\r\n"])
    assert sum(isinstance(event, Mail) for event in events) == 1


@pytest.mark.parametrize("data", [b"a\nb\r\n", b"a\rb\r\n", b"a\r\r\n", b"\n\r\r\n", b"a\n", b"\r"])
def test_a_bare_cr_or_lf_in_the_message_is_refused_with_a_clear_reply(data: bytes) -> None:
    """SMTP-2."""
    for command in (b"DATA\r\n" + data + b"\r\n.\r\n", b"BDAT %d LAST\r\n" % len(data) + data):
        events, written = talk([OPEN + command + b"NOOP\r\n"])
        assert not messages(events)
        assert events[-1] == Rejected(replies.BARE_DATA)
        assert codes(written)[-2:] == [550, 250]
        assert b"550 5.6.11 bare CR or LF" in written


@pytest.mark.parametrize(
    "line", [b"NOOP\n", b"NO\rOP\r\n", b"NOOP\r\r\n", b"\n", b"MAIL FROM:<a@b>\rRCPT\r\n"]
)
def test_a_bare_cr_or_lf_in_a_command_is_refused_and_the_next_command_is_heard(line: bytes) -> None:
    events, written = talk([b"EHLO x\r\n" + line + b"NOOP\r\n"])
    assert codes(written) == [220, 250, 500, 250]
    assert events == [Hello("x", True)]


def test_a_line_that_is_too_long_is_one_500_and_the_next_command_is_heard() -> None:
    _events, written = talk([b"EHLO x\r\nNOOP ", *[b"x" * 1000] * 5000, b"\r\nNOOP\r\n"])
    assert codes(written) == [220, 250, 500, 250]


def test_a_long_line_is_not_kept() -> None:
    """SMTP-3."""
    machine = Server(SETTINGS)
    for _ in range(1000):
        machine.receive(b"x" * 1000)
        assert machine.next_event() is None
        assert machine.backlog < SMTP_COMMAND_BYTES


def test_the_longest_command_is_taken_and_one_byte_more_is_not() -> None:
    line = b"NOOP " + b"x" * (SMTP_COMMAND_BYTES - 7) + b"\r\n"
    assert codes(talk([line])[1]) == [220, 250]
    assert codes(talk([b"x" + line])[1]) == [220, 500]


def test_a_text_line_beyond_the_limit_is_refused_not_cut() -> None:
    long = b"x" * (SMTP_TEXT_LINE_BYTES - 2) + b"\r\n"
    events, _ = talk([OPEN + b"DATA\r\n" + long + b"\r\n.\r\n"])
    assert messages(events) == [long + b"\r\n"]
    events, _written = talk([OPEN + b"DATA\r\n" + b"a\r\nx" + long + b".\r\n"])
    assert events[-1] == Rejected(replies.LONG_TEXT_LINE)


# sizes and counts


def test_a_declared_size_beyond_the_limit_is_refused_at_mail() -> None:
    _events, written = talk([b"EHLO x\r\nMAIL FROM:<a@b> SIZE=100001\r\nMAIL FROM:<a@b> SIZE=100000\r\n"])
    assert codes(written) == [220, 250, 552, 250]


@pytest.mark.parametrize("chunk", [100_003, 1000, 7])
def test_a_message_of_the_limit_is_taken_and_one_byte_more_is_not(chunk: int) -> None:
    message = b"x" * 99 + b"\r\n" + (b"y" * 61 + b"\r\n") * 1585 + b"z" * 42 + b"\r\n"
    message = message[: 100_000 - 2] + b"\r\n"
    assert len(message) == SETTINGS.message_bytes
    sent = [
        OPEN + b"DATA\r\n",
        *(message[i : i + chunk] for i in range(0, len(message), chunk)),
        b".\r\nNOOP\r\n",
    ]
    events, written = talk(sent)
    assert messages(events) == [message]
    events, written = talk([sent[0], b"x", *sent[1:]])
    assert events[-1] == Rejected(replies.TOO_LARGE)
    assert codes(written)[-2:] == [552, 250]


def test_a_message_too_large_is_not_kept() -> None:
    """SMTP-3."""
    machine = Server(SETTINGS)
    machine.receive(OPEN + b"DATA\r\n")
    while machine.next_event() is not None:
        machine.accept() if machine.deciding else None
    for _ in range(1000):
        machine.receive(b"x" * 1000 + b"\r\n")
        assert machine.next_event() is None
        assert machine.held + machine.backlog <= SETTINGS.message_bytes + 3
    machine.receive(b".\r\n")
    assert machine.next_event() == Rejected(replies.TOO_LARGE)


def test_a_message_shed_is_read_to_its_end_and_refused() -> None:
    machine = Server(SETTINGS)
    machine.receive(OPEN + b"DATA\r\n")
    while machine.next_event() is not None:
        machine.accept() if machine.deciding else None
    machine.receive(b"hello\r\n")
    machine.next_event()
    assert machine.held == 7
    machine.take()
    full = Reply(452, "4.3.1", "no room just now")
    machine.shed(full)
    assert machine.held == 0
    machine.receive(b"more\r\n.\r\nNOOP\r\n")
    assert machine.next_event() == Rejected(full)
    assert machine.next_event() is None
    assert codes(machine.take()) == [452, 250]


def test_recipients_beyond_the_limit_get_452_and_the_others_their_message() -> None:
    many = b"".join(b"RCPT TO:<u%d@example.org>\r\n" % i for i in range(10_000))
    events, written = talk([b"EHLO x\r\nMAIL FROM:<a@b>\r\n" + many + b"DATA\r\nhi\r\n.\r\n"])
    assert codes(written) == [220, 250, 250] + [250] * 5 + [452] * 9995 + [354, 250]
    assert sum(isinstance(event, Rcpt) for event in events) == 5
    assert b"452 4.5.3 " in written
    assert messages(events) == [b"hi\r\n"]


def test_too_many_errors_end_the_session_with_421() -> None:
    """SMTP-8."""
    events, written = talk([b"FOO\r\n" * 50])
    assert codes(written) == [220] + [500] * 6 + [421]
    assert events == [Failed("too many errors")]


@pytest.mark.parametrize(
    "line", [b"GET / HTTP/1.1\r\n", b"POST /x HTTP/1.1\r\n", b"CONNECT a:25 HTTP/1.1\r\n"]
)
def test_a_browser_is_hung_up_on(line: bytes) -> None:
    events, written = talk([line + b"Host: x\r\n\r\nMAIL FROM:<a@b>\r\n"])
    assert codes(written) == [220, 421]
    assert events == [Failed("not SMTP")]


# sequence


@pytest.mark.parametrize(
    ("commands", "expected"),
    [
        (b"MAIL FROM:<a@b>\r\n", [503]),
        (b"EHLO x\r\nRCPT TO:<a@b>\r\n", [250, 503]),
        (b"EHLO x\r\nDATA\r\n", [250, 503]),
        (b"EHLO x\r\nMAIL FROM:<a@b>\r\nDATA\r\n", [250, 250, 503]),
        (b"EHLO x\r\nMAIL FROM:<a@b>\r\nMAIL FROM:<a@b>\r\n", [250, 250, 503]),
        (OPEN + b"RSET\r\nDATA\r\n", [250, 250, 250, 250, 503]),
        (OPEN + b"EHLO y\r\nDATA\r\n", [250, 250, 250, 250, 503]),
        (OPEN + b"DATA x\r\n", [250, 250, 250, 501]),
        (b"EHLO x\r\nBDAT 3 LAST\r\nabcNOOP\r\n", [250, 503, 250]),
        (OPEN + b"BDAT 3\r\nabcDATA\r\n", [250, 250, 250, 250, 503]),
        (OPEN + b"BDAT 3\r\nabcRCPT TO:<c@d>\r\n", [250, 250, 250, 250, 503]),
        (OPEN + b"BDAT 3\r\na\nbBDAT 1 LAST\r\n\n", [250, 250, 250, 250, 550]),
        (b"EHLO\r\nEHLO a b\r\nHELO \r\n", [501, 501, 501]),
        (b"EXPN x\r\nSTARTTLS\r\nAUTH PLAIN\r\n", [500, 502, 502]),
        (b"HELO x\r\nMAIL FROM:<a@b> SIZE=3\r\n", [250, 555]),
    ],
)
def test_commands_out_of_order_are_refused(commands: bytes, expected: list[int]) -> None:
    assert codes(talk([commands])[1]) == [220, *expected]


def test_data_without_a_valid_recipient_is_554() -> None:
    refuse = {"b@example.org": Reply(550, "5.1.1", "no such user")}
    _, written = talk([OPEN + b"DATA\r\n"], refuse=refuse)
    assert codes(written) == [220, 250, 250, 550, 554]


def test_after_a_failed_chunk_the_chunks_in_the_pipeline_are_dropped_not_read_as_commands() -> None:
    big = b"x" * 99_998 + b"\r\n"
    chunks = b"BDAT 100000\r\n" + big + b"BDAT 100000\r\n" + big + b"BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n"
    events, written = talk([OPEN + chunks])
    assert codes(written) == [220, 250, 250, 250, 250, 552, 503, 250]
    assert not any(isinstance(event, Quit) for event in events)


def test_a_chunk_of_unknown_size_ends_the_session() -> None:
    """SMTP-1."""
    events, written = talk([OPEN + b"BDAT x\r\nMAIL FROM:<evil@example.org>\r\n"])
    assert codes(written)[-2:] == [501, 421]
    assert isinstance(events[-1], Failed)


def test_a_last_line_without_its_end_is_given_one_by_bdat() -> None:
    events, _ = talk([OPEN + b"BDAT 2\r\nhiBDAT 0 LAST\r\n"])
    assert messages(events) == [b"hi\r\n"]


# TLS


def test_what_follows_starttls_in_the_clear_is_never_heard() -> None:
    """SMTP-7."""
    settings = SETTINGS._replace(starttls=True)
    machine = Server(settings)
    machine.receive(b"EHLO x\r\nSTARTTLS\r\nMAIL FROM:<evil@example.org>\r\n")
    assert machine.next_event() == Hello("x", True)
    assert machine.next_event() == StartTls()
    machine.receive(b"RCPT TO:<evil@example.org>\r\n")
    assert machine.next_event() is None
    assert codes(machine.take()) == [250, 220]
    machine.tls_started()
    assert machine.next_event() is None
    machine.receive(b"NOOP\r\n")
    assert machine.next_event() is None
    assert codes(machine.take()) == [250]


def test_after_starttls_all_is_forgotten_and_it_is_not_offered_again() -> None:
    settings = SETTINGS._replace(starttls=True)
    _events, written = talk(
        [b"EHLO x\r\nSTARTTLS\r\n", b"MAIL FROM:<a@b>\r\nEHLO x\r\nSTARTTLS\r\n"], settings
    )
    assert codes(written) == [220, 250, 220, 503, 250, 503]
    assert written.count(b"250-STARTTLS") == 1


# AUTH


@pytest.mark.parametrize(
    "pieces",
    [
        [b"AUTH PLAIN " + PLAIN + b"\r\n"],
        [b"auth plain\r\n", PLAIN + b"\r\n"],
        [b"AUTH LOGIN\r\n", b"YW5uYQ==\r\n", b"c2VjcmV0\r\n"],
        [b"AUTH LOGIN YW5uYQ==\r\n", b"c2VjcmV0\r\n"],
    ],
)
def test_auth_brings_the_credentials_to_the_session(pieces: list[bytes]) -> None:
    events, written = talk([b"EHLO x\r\n", *pieces, b"MAIL FROM:<a@b>\r\n"], AUTH, secure=True)
    assert isinstance(events[1], Authenticate)
    assert events[1].credentials == ("", "anna", "secret")
    assert codes(written) == [220, 250, *[334] * (len(pieces) - 1), 235, 250]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (b"AUTH PLAIN\r\n*\r\n", [334, 501]),
        (b"AUTH PLAIN !!!\r\n", [501]),
        (b"AUTH GSSAPI\r\n", [504]),
        (b"AUTH\r\n", [504]),
        (b"AUTH PL\xffAIN\r\n", [504]),
        (b"AUTH PLAIN " + PLAIN + b"\r\nAUTH PLAIN " + PLAIN + b"\r\n", [235, 503]),
        (b"AUTH PLAIN " + PLAIN + b"\r\nMAIL FROM:<a@b>\r\nAUTH PLAIN\r\n", [235, 250, 503]),
        (b"MAIL FROM:<a@b>\r\n", [530]),
        (b"AUTH PLAIN\r\n" + b"x" * (SASL_LINE_BYTES + 9) + b"\r\nNOOP\r\n", [334, 500, 250]),
        (b"AUTH PLAIN " + b"x" * 13_000 + b"\r\nNOOP\r\n", [500, 250]),
        (b"AUTH PLAIN " + b"x" * 8_000 + b"\r\nNOOP\r\n", [501, 250]),
    ],
)
def test_auth_gone_wrong_says_what(lines: bytes, expected: list[int]) -> None:
    assert codes(talk([b"EHLO x\r\n" + lines], AUTH, secure=True)[1]) == [220, 250, *expected]


def test_auth_is_neither_offered_nor_taken_in_the_clear() -> None:
    _, written = talk([b"EHLO x\r\nAUTH PLAIN " + PLAIN + b"\r\n"], AUTH)
    assert b"AUTH" not in written.split(b"538")[0]
    assert codes(written) == [220, 250, 538]
    _, written = talk([b"EHLO x\r\nAUTH PLAIN " + PLAIN + b"\r\n"], AUTH._replace(auth_needs_tls=False))
    assert codes(written) == [220, 250, 235]


def test_extensions_are_what_the_settings_offer() -> None:
    _, written = talk([b"EHLO x\r\n"], AUTH, secure=True)
    lines = [line[4:] for line in written.decode().split("\r\n")[1:-1]]
    assert lines == [
        "mx.example.org",
        "PIPELINING",
        "SIZE 100000",
        "8BITMIME",
        "SMTPUTF8",
        "ENHANCEDSTATUSCODES",
        "CHUNKING",
        "DSN",
        "AUTH PLAIN LOGIN",
        "HELP",
    ]


def test_after_close_nothing_more_is_said_or_heard() -> None:
    machine = Server(SETTINGS)
    machine.receive(OPEN)
    machine.next_event()
    machine.next_event()
    machine.close(replies.IDLE)
    assert codes(machine.take()) == [250, 421]
    machine.accept()
    machine.receive(b"NOOP\r\n")
    assert machine.next_event() is None
    assert machine.take() == b"" and machine.closed
