"""State changes, event sources and websockets, both ends."""

import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.model.limits import JMAP_EVENT_BYTES
from holdfast.wire.jmap.client import Client
from holdfast.wire.jmap.core import CORE, CoreLimits
from holdfast.wire.jmap.methods import METHODS
from holdfast.wire.jmap.push import (
    Event,
    EventClient,
    EventWishes,
    PushSubscription,
    PushVerification,
    StateChange,
    joined,
    ping_event,
    read_wishes,
    state_event,
)
from holdfast.wire.jmap.websocket import (
    Exchange,
    PushDisable,
    PushEnable,
    SocketClient,
    SocketProblem,
    SocketResponse,
    SocketServer,
)

CHANGE = StateChange(changed={"a1": {"Email": "5", "Mailbox": "6"}, "a2": {"Thread": "7"}})


def test_a_state_change_is_written_as_the_rfc_says():
    assert msgspec.to_builtins(CHANGE) == {
        "@type": "StateChange",
        "changed": {"a1": {"Email": "5", "Mailbox": "6"}, "a2": {"Thread": "7"}},
    }
    shown = msgspec.to_builtins(PushVerification(push_subscription_id="P", verification_code="c"))
    assert shown == {"@type": "PushVerification", "pushSubscriptionId": "P", "verificationCode": "c"}


def test_only_the_types_asked_for_are_pushed():
    assert CHANGE.only(None) is CHANGE
    mail = CHANGE.only({"Email"})
    assert mail is not None and mail.changed == {"a1": {"Email": "5"}}
    assert CHANGE.only({"Identity"}) is None


def test_of_two_changes_the_newer_states_count():
    both = joined(CHANGE, StateChange(changed={"a1": {"Email": "9"}, "a3": {"Email": "1"}}, push_state="p"))
    assert both.changed == {"a1": {"Email": "9", "Mailbox": "6"}, "a2": {"Thread": "7"}, "a3": {"Email": "1"}}
    assert both.push_state == "p" and CHANGE.changed["a1"]["Email"] == "5"


def test_subscriptions_go_to_https_only():
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"deviceClientId": "d", "url": "http://x"}, PushSubscription)
    asked = {"deviceClientId": "d", "url": "https://x", "keys": {"p256dh": "k", "auth": "a"}, "types": None}
    assert msgspec.convert(asked, PushSubscription).types is None


def test_wishes_of_an_event_source_are_read_or_refused():
    assert read_wishes("*", "no", "0", 30, 900) == EventWishes(None, "no", 0)
    assert read_wishes("Email,Mailbox", "state", "1", 30, 900) == EventWishes(
        frozenset({"Email", "Mailbox"}), "state", 30
    )
    assert read_wishes("*", "no", "99999", 30, 900) == EventWishes(None, "no", 900)
    for close_after, ping in (("yes", "0"), ("no", "x"), ("no", "-1"), ("no", ""), ("no", "²")):
        assert read_wishes("*", close_after, ping, 30, 900) is None


def heard(*pieces: bytes, last_id: str = "") -> list[Event]:
    client = EventClient(last_id)
    events = []
    for piece in pieces:
        client.receive(piece)
        while (event := client.next_event()) is not None:
            events.append(event)
    return events


def test_a_client_hears_what_the_server_says():
    events = heard(state_event(CHANGE, "s1\n2"), ping_event(300), state_event(CHANGE))
    assert [(event.name, event.id) for event in events] == [
        ("state", "s12"),
        ("ping", "s12"),
        ("state", "s12"),
    ]
    assert msgspec.json.decode(events[0].data, type=StateChange) == CHANGE
    assert json.loads(events[1].data) == {"interval": 300}


def test_events_are_read_as_the_html_standard_says():
    assert heard(b": comment\n\ndata: a\ndata:b\n\nevent: x\n\ndata\n\n") == [
        Event("message", "a\nb", ""),
        Event("message", "", ""),
    ]
    assert heard(b"id: 7\nretry: 5\r\ndata:  x\r\rdata: y\n\n", last_id="6") == [
        Event("message", " x", "7"),
        Event("message", "y", "7"),
    ]
    assert heard(b"data: unended") == []


def test_an_event_without_an_end_is_not_held():
    for piece in (b"x" * 65536, b"data: " + b"x" * 65530 + b"\n"):
        client = EventClient()
        for _ in range(JMAP_EVENT_BYTES // 65536 + 2):
            client.receive(piece)
            assert client.next_event() is None
        assert client.broken


LINES = st.lists(
    st.sampled_from([b"data: a", b"event: state", b"id: 1", b"", b":x", "data: ä".encode(), b"x"]),
    max_size=12,
)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(LINES, st.sampled_from([b"\n", b"\r\n", b"\r"]), st.integers(1, 7))
def test_events_do_not_depend_on_the_pieces_they_come_in(lines: list[bytes], end: bytes, size: int):
    stream = b"".join(line + end for line in lines) + b"data: z\n\n"
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert heard(*pieces) == heard(stream)
    assert heard(stream)[-1].data.endswith("z")


def socket(**limits: int) -> SocketServer:
    return SocketServer(METHODS, CoreLimits(**limits))


def echoed(exchange: object) -> str:
    assert isinstance(exchange, Exchange)
    while (call := exchange.server.next_event()) is not None:
        exchange.server.answer(call.arguments)
    return exchange.take()


def test_a_request_over_a_socket_is_answered_by_its_id():
    server, client = socket(), SocketClient()
    request = Client(CORE, created_ids={"k": "M1"})
    request.call("Core/echo", {"a": 1})
    name, message = client.send(request.request)
    assert json.loads(message)["@type"] == "Request"
    answer = client.receive(echoed(server.receive(message, "s9")))
    assert isinstance(answer, SocketResponse)
    assert (answer.request_id, answer.session_state, answer.created_ids) == (name, "s9", {"k": "M1"})
    assert bytes(answer.method_responses[0][1]) == b'{"a":1}'


def test_a_request_without_an_id_has_an_answer_without():
    answer = SocketClient().receive(
        echoed(socket().receive('{"@type":"Request","using":[],"methodCalls":[]}', "s"))
    )
    assert isinstance(answer, SocketResponse) and answer.request_id is None


@pytest.mark.parametrize(
    ("message", "kind", "request_id"),
    [
        ("{", "notJSON", None),
        ("\ud800", "notJSON", None),
        ('{"@type":"Request"}x', "notJSON", None),
        ('{"@type":"Request","id":"r","using":[]}', "notRequest", "r"),
        ('{"@type":"Quest","id":"r"}', "notRequest", "r"),
        ("[]", "notRequest", None),
        ("[" * 5000, "limit", None),
        ('{"@type":"Request","id":"' + "x" * 500 + '"}', "limit", None),
    ],
)
def test_what_is_no_request_is_told_by_its_id(message: str, kind: str, request_id: str | None):
    answer = socket(max_size_request=400 if "xxx" in message else 10_000).receive(message, "s")
    assert isinstance(answer, str)
    problem = SocketClient().receive(answer)
    assert isinstance(problem, SocketProblem)
    assert (problem.type.rpartition(":")[2], problem.request_id, problem.status) == (kind, request_id, 400)


def test_a_request_refused_whole_is_told_by_its_id():
    message = '{"@type":"Request","id":"r","using":["x:y"],"methodCalls":[]}'
    problem = SocketClient().receive(echoed(socket().receive(message, "s")))
    assert isinstance(problem, SocketProblem)
    assert problem.type.endswith(":unknownCapability") and problem.request_id == "r"


def test_changes_are_pushed_while_they_are_asked_for():
    server, client = socket(), SocketClient()
    assert server.push(CHANGE) is None
    enabled = server.receive(client.enable_push(["Email"], "p1"), "s")
    assert isinstance(enabled, PushEnable) and enabled.push_state == "p1"
    assert server.push(StateChange(changed={"a1": {"Thread": "1"}})) is None
    pushed = server.push(CHANGE)
    assert pushed is not None
    assert client.receive(pushed) == StateChange(changed={"a1": {"Email": "5"}})
    server.receive(client.enable_push(None), "s")
    pushed = server.push(CHANGE)
    assert pushed is not None and client.receive(pushed) == CHANGE
    assert isinstance(server.receive(client.disable_push(), "s"), PushDisable)
    assert server.push(CHANGE) is None


def test_a_client_passes_over_what_it_does_not_know():
    assert SocketClient().receive('{"@type":"Weather"}') is None
    assert SocketClient().receive("x") is None
