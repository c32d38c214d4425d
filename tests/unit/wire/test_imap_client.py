"""The client half: its answers are the same however the server's bytes are cut, and pair with the server."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.model.limits import Limits
from holdfast.model.uidset import UidSet
from holdfast.wire.imap import answers as a
from holdfast.wire.imap import commands as c
from holdfast.wire.imap import replies, responses
from holdfast.wire.imap.client import Client
from holdfast.wire.imap.commands import StatusItem
from holdfast.wire.imap.events import LiteralWanted, Request, State
from holdfast.wire.imap.server import Server
from unit.wire.imap_strategies import names, selected_commands

SPEECH = (
    b"* OK [CAPABILITY IMAP4rev1 LITERAL+] hello {5}\r\n"
    b"* 23 EXISTS\r\n* 5 RECENT\r\n* 44 EXPUNGE\r\n"
    b"* FLAGS (\\Seen work)\r\n"
    b'* LIST (\\Noselect) "/" ~/Mail/foo\r\n'
    b'* LSUB () NIL "a b"\r\n'
    b'* LIST () "/" x ("CHILDINFO" ("SUBSCRIBED"))\r\n'
    b"* STATUS INBOX (MESSAGES 3 UIDNEXT 9)\r\n"
    b"* SEARCH 2 3 6 (MODSEQ 917162500)\r\n* SEARCH\r\n"
    b'* ESEARCH (TAG "a1") UID MIN 2 COUNT 3 ALL 2,10:11\r\n'
    b"* VANISHED (EARLIER) 41,43:45\r\n"
    b'* 12 FETCH (FLAGS (\\Seen) UID 7 MODSEQ (9) BODY[HEADER.FIELDS (From)]<0> {7}\r\nFrom: x RFC822.SIZE '
    b'44 ENVELOPE (NIL "a\\"b" (("n" NIL "m" "h"))) BODY[1] NIL BODY[2] "")\r\n'
    b"* ENABLED CONDSTORE\r\n* CAPABILITY IMAP4rev1 IDLE\r\n"
    b'* ID ("name" "x" "version" NIL)\r\n* NAMESPACE (("" "/")) NIL NIL\r\n'
    b"+ aGk=\r\n"
    b"a1 OK [APPENDUID 38505 3955] done\r\n"
    b"a2 NO failed\r\na3 BAD\r\n"
    b"* BYE see you\r\n"
)  # fmt: skip
HEARD = [
    a.Untagged("OK", a.Code("CAPABILITY", "IMAP4rev1 LITERAL+"), "hello {5}"),
    a.Exists(23),
    a.Recent(5),
    a.Expunged(44),
    a.FlagsData(("\\Seen", "work")),
    a.Listed("LIST", frozenset({"\\Noselect"}), "/", "~/Mail/foo"),
    a.Listed("LSUB", frozenset(), "", "a b"),
    a.Listed("LIST", frozenset(), "/", "x", ([b"CHILDINFO", [b"SUBSCRIBED"]],)),
    a.StatusData("INBOX", {"MESSAGES": 3, "UIDNEXT": 9}),
    a.Searched((2, 3, 6), 917162500),
    a.Searched(()),
    a.ExtendedSearched("a1", True, {"MIN": 2, "COUNT": 3, "ALL": "2,10:11"}),
    a.Vanished(UidSet([(41, 41), (43, 45)]), True),
    a.Fetched(
        12,
        {
            "FLAGS": ["\\Seen"],
            "UID": 7,
            "MODSEQ": [9],
            "BODY[HEADER.FIELDS (From)]<0>": b"From: x",
            "RFC822.SIZE": 44,
            "ENVELOPE": [None, b'a"b', [[b"n", None, b"m", b"h"]]],
            "BODY[1]": None,
            "BODY[2]": b"",
        },
    ),
    a.EnabledData(frozenset({"CONDSTORE"})),
    a.CapabilityData(frozenset({"IMAP4REV1", "IDLE"})),
    a.IdData({"name": "x", "version": None}),
    a.Other("NAMESPACE", 0, ([[b"", b"/"]], None, None)),
    a.Continuation(b"aGk="),
    a.Tagged(b"a1", "OK", a.Code("APPENDUID", "38505 3955"), "done"),
    a.Tagged(b"a2", "NO", None, "failed"),
    a.Tagged(b"a3", "BAD", None, ""),
    a.Untagged("BYE", None, "see you"),
]


def hear(client: Client, *chunks: bytes) -> list[a.Answer]:
    found = []
    for chunk in chunks:
        client.receive(chunk)
        while (answer := client.next_event()) is not None:
            found.append(answer)
    return found


def test_every_kind_of_response_is_understood():
    client = Client()
    assert hear(client, SPEECH) == HEARD
    assert client.capabilities == {"IMAP4REV1", "IDLE"}


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(0, len(SPEECH)), max_size=30))
def test_answers_are_the_same_however_the_bytes_are_cut(cuts):
    places = sorted({0, len(SPEECH), *cuts})
    assert hear(Client(), *(SPEECH[x:y] for x, y in pairwise(places))) == HEARD


def test_answers_are_the_same_byte_by_byte():
    assert hear(Client(), *(SPEECH[at : at + 1] for at in range(len(SPEECH)))) == HEARD


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=60), st.sampled_from(
    [b"* ", b"1 FETCH (", b"\r\n", b"{3}\r\n", b'"', b"LIST ", b"STATUS x (", b"ESEARCH ", b"VANISHED ",
     b"a1 OK [", b"SEARCH 1 ", b"ID (", b"((((", b"))))", b"NIL", b"BODY["])), max_size=20))  # fmt: skip
def test_no_bytes_can_break_the_client(chunks):
    for answer in hear(Client(), *chunks):
        assert isinstance(answer, a.Answer)


def test_a_response_that_is_not_understood_costs_itself_alone():
    found = hear(Client(), b"* 1 FETCH (UID\r\n* STATUS x\r\n* VANISHED a:b\r\n* 2 EXISTS\r\n")
    assert [type(answer) for answer in found] == [a.Broken, a.Broken, a.Broken, a.Exists]


def test_lists_nested_without_end_are_not_followed():
    found = hear(Client(), b"* 1 FETCH (ENVELOPE " + b"(" * 100_000 + b")" * 100_001 + b"\r\n")
    assert isinstance(found[0], a.Broken)


def test_a_literal_without_bound_breaks_the_connection_not_the_memory():
    client = Client()
    found = hear(client, b"* 1 FETCH (BODY[] {9999999999999}\r\n")
    assert isinstance(found[0], a.Broken)
    assert client.broken


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(st.lists(selected_commands, min_size=1, max_size=4), st.sampled_from(["LITERAL+", "LITERAL-", ""]))
def test_the_pair_understands_each_other(sent, literals):
    """Client to server and back, with continuations wherever the client must wait."""
    client, server = Client(), Server(Limits())
    server.state = State.SELECTED
    hear(client, responses.greeting("ready", ["IMAP4rev1", literals] if literals else ["IMAP4rev1"]))
    understood, answered, tags = [], [], []
    sent = [command for command in sent if not isinstance(command, c.Idle)]
    for command in sent:
        tag, data = client.send(command)
        tags.append(tag)
        while data:
            server.receive(data)
            data = b""
            while event := server.next_event():
                if isinstance(event, LiteralWanted):
                    data = server.accept_literal()
                else:
                    assert isinstance(event, Request)
                    understood.append(event.command)
                    data = replies.ok(event.tag)
                client.receive(data)
                data = b""
            while answer := client.next_event():
                if isinstance(answer, a.Continuation):
                    data += client.proceed()
                else:
                    answered.append(answer)
    assert understood == sent
    assert [answer.tag for answer in answered if isinstance(answer, a.Tagged)] == tags


@pytest.mark.slow
@given(names, st.dictionaries(st.sampled_from(StatusItem), st.integers(0, 2**63 - 1), min_size=1))
def test_names_in_list_and_status_come_back_as_they_were(name, values):
    found = hear(
        Client(),
        responses.list_line(name, (b"\\HasNoChildren",)) + responses.status_line(name, values),
    )
    assert found == [
        a.Listed("LIST", frozenset({"\\HasNoChildren"}), "/", name),
        a.StatusData(name, {item.value: value for item, value in values.items()}),
    ]


def test_a_command_sent_while_a_literal_waits_goes_out_behind_it():
    client = Client()
    _tag, first = client.send(c.Append("x", (c.AppendMessage(b"hello"),)))
    assert first == b"a1 APPEND x {5}\r\n"
    assert client.send(c.Noop()) == (b"a2", b"")
    assert client.proceed() == b"hello\r\na2 NOOP\r\n"
    assert not client.waits_to_send
