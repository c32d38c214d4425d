"""The SMTP client machine: against replies written by hand, and against our own server machine."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.wire.sasl import Credentials
from holdfast.wire.smtp.answers import Extensions
from holdfast.wire.smtp.client import Client
from holdfast.wire.smtp.events import Authenticate, Mail, MessageComplete, Rcpt
from holdfast.wire.smtp.replies import OK, Reply
from holdfast.wire.smtp.server import Server, ServerSettings
from holdfast.wire.smtp.transaction import (
    AuthFailed,
    Broken,
    ClientEvent,
    Closed,
    Done,
    Outcome,
    Ready,
    Recipient,
    Stage,
    TlsReady,
    TlsRefused,
    Transaction,
)
from unit.wire.smtp_dialogue import cut

ANNA, BEN, CARA = (Recipient(f"{name}@example.org") for name in ("anna", "ben", "cara"))
MAIL = Transaction("me@example.com", (ANNA, BEN), b"Subject: x\r\n\r\n.hello\r\n")
OFFERS = (b"mx", b"PIPELINING", b"SIZE 1000", b"8BITMIME", b"SMTPUTF8", b"CHUNKING")
ALL = b"".join(b"250-%s\r\n" % offer for offer in OFFERS) + b"250 DSN\r\n"
PLAIN = b"250 mx\r\n"


def _client(ehlo: bytes, *, bdat: bool = False) -> Client:
    client = Client("me.example.com", bdat=bdat)
    client.receive(b"220 mx\r\n" + ehlo)
    assert isinstance(client.next_event(), Ready)
    assert client.take() == b"EHLO me.example.com\r\n"
    return client


def _events(client: Client, *answers: bytes) -> list[ClientEvent]:
    for answer in answers:
        client.receive(answer)
    events = []
    while (event := client.next_event()) is not None:
        events.append(event)
    return events


def _replies(event: ClientEvent) -> list[tuple[int, Stage]]:
    assert isinstance(event, Done)
    return [(outcome.reply.code, outcome.stage) for outcome in event.outcomes]


# greeting and extensions


def test_extensions_are_read_whatever_their_case_and_order() -> None:
    client = Client("me")
    ehlo = b"250-mx hello\r\n250-Pipelining\r\n250-size 5000\r\n250-auth LOGIN plain\r\n"
    ehlo += b"250-AUTH=PLAIN\r\n250 starttls\r\n"
    assert _events(client, b"220-mx\r\n220 second\r\n", ehlo) == [
        Ready(
            Extensions(
                pipelining=True, size_offered=True, size=5000, mechanisms=("LOGIN", "PLAIN"), starttls=True
            ),
            False,
            False,
        )
    ]


def test_a_server_without_ehlo_is_asked_with_helo() -> None:
    client = Client("me")
    assert _events(client, b"220 mx\r\n", b"502 what\r\n") == []
    assert client.take() == b"EHLO me\r\nHELO me\r\n"
    assert _events(client, b"250 mx\r\n") == [Ready(Extensions(), False, False)]


@pytest.mark.parametrize(
    ("answers", "stage", "code"),
    [
        (b"554 go away\r\n", Stage.GREETING, 554),
        (b"421 busy\r\n", Stage.GREETING, 421),
        (b"220 mx\r\n451 later\r\n", Stage.EHLO, 451),
        (b"220 mx\r\n500 no\r\n500 no\r\n", Stage.HELO, 500),
        (b"hello\r\n", Stage.GREETING, 451),
        (b"220-a\r\n250 b\r\n", Stage.GREETING, 451),
        (b"220 " + b"x" * 5000, Stage.GREETING, 451),
        (b"220-x" * 20 + b"\r\n" + b"220-x\r\n" * 20_000, Stage.GREETING, 451),
        (b"354 go on\r\n", Stage.GREETING, 451),
        (b"220 mx\r\n250 mx\r\n250 unasked\r\n", Stage.IDLE, 451),
        (b"220 mx\r\n250 mx\r\n421 timeout\r\n", Stage.IDLE, 421),
    ],
)
def test_a_server_of_no_use_breaks_the_connection(answers: bytes, stage: Stage, code: int) -> None:
    event = _events(Client("me"), answers)[-1]
    assert isinstance(event, Broken)
    assert (event.stage, event.reply.code) == (stage, code)


# transactions


def test_with_pipelining_all_goes_out_at_once() -> None:
    client = _client(ALL)
    client.send(MAIL)
    assert client.take() == (
        b"MAIL FROM:<me@example.com> SIZE=22\r\nRCPT TO:<anna@example.org>\r\n"
        b"RCPT TO:<ben@example.org>\r\nDATA\r\n"
    )
    assert _events(client, b"250 ok\r\n550 5.1.1 who\r\n250 ok\r\n354 go\r\n") == []
    assert client.take() == b"Subject: x\r\n\r\n..hello\r\n.\r\n"
    assert client.waiting_for == Stage.CONTENT
    done, ready = _events(client, b"250 2.0.0 queued\r\n")
    assert done == Done(
        (
            Outcome(ANNA, Reply(550, "5.1.1", "who"), Stage.RCPT),
            Outcome(BEN, Reply(250, "2.0.0", "queued"), Stage.CONTENT),
        )
    )
    assert isinstance(ready, Ready)


def test_without_pipelining_one_command_waits_for_the_other() -> None:
    client = _client(PLAIN)
    client.send(MAIL)
    said = [client.take()]
    for answer in (b"250 ok\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 ok\r\n"):
        assert _events(client, answer) == []
        said.append(client.take())
    assert said[:4] == [
        b"MAIL FROM:<me@example.com>\r\n",
        b"RCPT TO:<anna@example.org>\r\n",
        b"RCPT TO:<ben@example.org>\r\n",
        b"DATA\r\n",
    ]
    assert _replies(_events(client, b"250 ok\r\n")[0]) == [(250, Stage.CONTENT)] * 2


def test_bdat_needs_no_stuffing_and_no_354() -> None:
    client = _client(ALL, bdat=True)
    client.send(MAIL)
    assert client.take().endswith(b"BDAT 22 LAST\r\nSubject: x\r\n\r\n.hello\r\n")
    assert _replies(_events(client, b"250 a\r\n250 a\r\n250 a\r\n250 a\r\n")[0]) == [(250, Stage.CONTENT)] * 2


def test_a_large_message_waits_until_a_recipient_is_accepted() -> None:
    client = _client(ALL.replace(b"1000", b"0"), bdat=True)
    client.send(MAIL._replace(data=b"x" * 70_000 + b"\r\n"))
    assert b"BDAT" not in client.take()
    assert _events(client, b"250 a\r\n250 a\r\n250 a\r\n") == []
    assert client.take().startswith(b"BDAT 70002 LAST\r\n")


@pytest.mark.parametrize("ehlo", [ALL, PLAIN])
def test_a_refused_sender_is_every_recipients_outcome(ehlo: bytes) -> None:
    client = _client(ehlo)
    client.send(MAIL)
    rest = b"503 x\r\n503 x\r\n503 x\r\n" if ehlo == ALL else b""
    done, ready = _events(client, b"451 4.3.0 later\r\n" + rest)
    assert _replies(done) == [(451, Stage.MAIL)] * 2
    assert isinstance(ready, Ready) and b"RSET" not in client.take()


@pytest.mark.parametrize("ehlo", [ALL, PLAIN])
def test_when_no_recipient_is_taken_the_transaction_is_reset(ehlo: bytes) -> None:
    client = _client(ehlo)
    client.send(MAIL)
    rest = b"554 none\r\n" if ehlo == ALL else b""
    (done,) = _events(client, b"250 a\r\n550 a\r\n452 a\r\n" + rest)
    assert _replies(done) == [(550, Stage.RCPT), (452, Stage.RCPT)]
    assert client.take().endswith(b"RSET\r\n")
    assert isinstance(_events(client, b"250 a\r\n")[0], Ready)


def test_354_with_no_recipient_taken_sends_nothing_of_the_message() -> None:
    client = _client(ALL)
    client.send(MAIL)
    client.take()
    assert _events(client, b"250 a\r\n550 a\r\n550 a\r\n354 go\r\n") == []
    assert client.take() == b".\r\n"
    assert _replies(_events(client, b"554 none\r\n")[0]) == [(550, Stage.RCPT)] * 2


def test_552_to_a_recipient_means_too_many_and_is_temporary() -> None:
    client = _client(PLAIN)
    client.send(MAIL)
    assert _events(client, b"250 a\r\n", b"250 a\r\n", b"552 too many\r\n", b"354 a\r\n") == []
    assert _replies(_events(client, b"250 a\r\n")[0]) == [(250, Stage.CONTENT), (452, Stage.RCPT)]


def test_dsn_wishes_are_passed_on_where_offered() -> None:
    wishes = Transaction("", (Recipient("a@b", "NEVER", "rfc822;x@y"),), b"x\r\n", ret="HDRS", envid="id")
    client = _client(ALL)
    client.send(wishes)
    said = client.take()
    assert b"MAIL FROM:<> SIZE=3 RET=HDRS ENVID=id\r\n" in said
    assert b"RCPT TO:<a@b> NOTIFY=NEVER ORCPT=rfc822;x@y\r\n" in said
    client = _client(PLAIN)
    client.send(wishes)
    assert client.take() == b"MAIL FROM:<>\r\n"


@pytest.mark.parametrize(
    ("transaction", "code"),
    [
        (MAIL._replace(data=b"x" * 1001 + b"\r\n"), 552),
        (MAIL._replace(data=b"a\nb\r\n"), 554),
        (MAIL._replace(data=b"a\r\n.\r"), 554),
        (MAIL._replace(sender="a@b>\r\nRCPT TO:<c@d"), 553),
    ],
)
def test_what_must_not_be_sent_is_refused_here_and_the_connection_stays(
    transaction: Transaction, code: int
) -> None:
    """SMTP-2."""
    client = _client(ALL)
    client.send(transaction)
    done, ready = _events(client)
    assert _replies(done) == [(code, Stage.LOCAL)] * 2
    assert isinstance(ready, Ready) and client.take() == b""


@pytest.mark.parametrize(
    "transaction", [MAIL._replace(smtputf8=True), MAIL._replace(sender="j\u00fc@example.org")]
)
def test_smtputf8_is_needed_when_it_is_needed(transaction: Transaction) -> None:
    client = _client(PLAIN)
    client.send(transaction)
    assert _replies(_events(client)[0]) == [(550, Stage.LOCAL)] * 2
    client = _client(ALL)
    client.send(transaction)
    assert b" SMTPUTF8\r\n" in client.take()


@pytest.mark.parametrize("answered", range(5))
@pytest.mark.parametrize("how", ["lost", "421", "garbage"])
def test_a_connection_that_breaks_leaves_every_undecided_recipient_temporary(answered: int, how: str) -> None:
    """SMTP-9."""
    client = _client(ALL)
    client.send(MAIL)
    answers = [b"250 ok\r\n", b"250 ok\r\n", b"550 no\r\n", b"354 go\r\n"][:answered]
    if how == "lost":
        _events(client, *answers)
        client.lost()
        events = _events(client)
    else:
        events = _events(client, *answers, b"421 bye\r\n" if how == "421" else b"?\r\n")
    done, broken = events
    assert isinstance(broken, Broken) and isinstance(done, Done)
    assert broken.stage == [Stage.MAIL, Stage.RCPT, Stage.RCPT, Stage.DATA, Stage.CONTENT][answered]
    assert done.outcomes[0].reply.temporary
    assert done.outcomes[1].reply.code == (550 if answered >= 3 else done.outcomes[0].reply.code)
    client.receive(b"250 ok\r\n")
    assert _events(client) == []


# TLS and AUTH


def test_after_starttls_ehlo_is_said_again_and_the_old_offers_are_forgotten() -> None:
    client = _client(b"250-mx\r\n250-DSN\r\n250 STARTTLS\r\n")
    client.start_tls()
    assert client.take() == b"STARTTLS\r\n"
    assert _events(client, b"220 go\r\n") == [TlsReady()]
    client.tls_started()
    assert client.take() == b"EHLO me.example.com\r\n"
    assert _events(client, b"250 mx\r\n") == [Ready(Extensions(), True, False)]


def test_a_reply_in_the_clear_after_starttls_breaks_the_connection() -> None:
    """SMTP-7."""
    client = _client(b"250-mx\r\n250 STARTTLS\r\n")
    client.start_tls()
    (broken,) = _events(client, b"220 go\r\n250 mx\r\n")
    assert isinstance(broken, Broken) and broken.stage == Stage.STARTTLS


def test_tls_refused_leaves_the_choice_to_the_caller() -> None:
    client = _client(b"250-mx\r\n250 STARTTLS\r\n")
    client.start_tls()
    refused, ready = _events(client, b"454 4.7.0 no\r\n")
    assert isinstance(refused, TlsRefused) and isinstance(ready, Ready) and not ready.secure


@pytest.mark.parametrize("mechanism", [b"PLAIN", b"LOGIN", b"LOGIN PLAIN"])
def test_signing_in_works_against_our_own_server(mechanism: bytes) -> None:
    settings = ServerSettings("mx", 1000, 10, 10, mechanisms=tuple(mechanism.decode().split()))
    server, client = Server(settings, secure=True), Client("me", secure=True)
    server.greet()
    seen: list[Credentials] = []
    ready = 0
    for _ in range(20):
        client.receive(server.take())
        for event in _events(client):
            assert isinstance(event, Ready)
            ready += 1
            if ready == 1:
                client.authenticate(Credentials("", "anna", "secret"))
        server.receive(client.take())
        while (asked := server.next_event()) is not None:
            if isinstance(asked, Authenticate):
                seen.append(asked.credentials)
                server.accept()
    assert seen == [Credentials("", "anna", "secret")]
    assert client.authenticated and server.authenticated


def test_a_refused_sign_in_is_told_and_the_connection_stays() -> None:
    client = _client(b"250-mx\r\n250 AUTH PLAIN\r\n")
    client.authenticate(Credentials("", "anna", "wrong"))
    failed, ready = _events(client, b"535 5.7.8 no\r\n")
    assert failed == AuthFailed(Reply(535, "5.7.8", "no"))
    assert isinstance(ready, Ready) and not ready.authenticated


def test_no_mechanism_in_common_is_a_failed_sign_in() -> None:
    client = _client(b"250-mx\r\n250 AUTH GSSAPI\r\n")
    client.authenticate(Credentials("", "anna", "x"))
    assert isinstance(_events(client)[0], AuthFailed)


def test_quit_ends_with_closed_answered_or_not() -> None:
    for answered in (True, False):
        client = _client(PLAIN)
        client.quit()
        if not answered:
            client.lost()
        assert _events(client, b"221 bye\r\n" if answered else b"") == [Closed()]


# both ends

_lines = st.lists(st.sampled_from([b"", b".", b"..", b".x", b"text", b"QUIT", b"\xc3\xa4"]), max_size=20)
_verdicts = st.lists(
    st.sampled_from([None, Reply(550, "5.1.1", "no"), Reply(451, "4.3.0", "later")]), min_size=1, max_size=4
)
_end = st.sampled_from([OK, Reply(451, "4.3.0", "disk"), Reply(554, "5.6.0", "bad")])


@given(_lines, _verdicts, _end, st.booleans(), st.booleans(), st.lists(st.integers(0, 999), max_size=6))
@pytest.mark.slow
def test_client_and_server_agree_on_every_recipient_and_every_byte(
    lines: list[bytes],
    verdicts: list[Reply | None],
    end: Reply,
    pipelining: bool,
    bdat: bool,
    edges: list[int],
) -> None:
    data = b"".join(line + b"\r\n" for line in lines)
    recipients = tuple(Recipient(f"u{i}@example.org") for i in range(len(verdicts)))
    server, client = Server(ServerSettings("mx", 10_000, 10, 10)), Client("me", bdat=bdat)
    server.greet()
    sent = Transaction("me@example.com", recipients, data)
    seen, received, rounds = [], [], 0
    for _ in range(60):
        said = server.take() if pipelining else server.take().replace(b"PIPELINING", b"X-NOTHING")
        for piece in cut(said, edges):
            client.receive(piece)
        for event in _events(client):
            if isinstance(event, Ready) and rounds < 2:
                rounds += 1
                client.send(sent)
            elif isinstance(event, Done):
                seen.append(event)
        for piece in cut(client.take(), edges):
            server.receive(piece)
            while (asked := server.next_event()) is not None:
                verdict = None
                if isinstance(asked, Rcpt):
                    verdict = verdicts[int(asked.address.local[1:])]
                elif isinstance(asked, MessageComplete):
                    received.append(asked.data)
                    verdict = None if end.accepted else end
                if isinstance(asked, Mail | Rcpt | MessageComplete):
                    server.accept() if verdict is None else server.refuse(verdict)
    assert len(seen) == 2, "one Done for each transaction, and the second one works like the first"
    for done in seen:
        assert [outcome.recipient for outcome in done.outcomes] == list(recipients)
        assert [outcome.reply.code for outcome in done.outcomes] == [(v or end).code for v in verdicts]
    assert received == ([data] * 2 if None in verdicts else [])
