"""The server's machine of one request, held against the client's end."""

import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.limits import JMAP_DEPTH
from holdfast.wire.jmap.client import Broken, Client, Results
from holdfast.wire.jmap.core import CORE, MAIL, SUBMISSION, CoreLimits, Session, expand, missing_url_names
from holdfast.wire.jmap.errors import MethodError, MethodFault, Problem, SetError, SetFault, set_error
from holdfast.wire.jmap.methods import METHODS, EmailGet, EmailQuery
from holdfast.wire.jmap.server import Call, Server
from holdfast.wire.jmap.standard import GetResult, QueryResult


def server(**limits: int) -> Server:
    return Server(METHODS, CoreLimits(**limits), "s1")


def serve(machine: Server, body: bytes, content_type: str = "application/json") -> Results | Problem | Broken:
    """Answers Core/echo with its arguments, and everything else with what it was asked."""
    machine.receive(body)
    machine.end(content_type)
    while (call := machine.next_event()) is not None:
        machine.answer(call.arguments)
    answer = machine.take()
    return Client.read(answer.status, answer.body)


def fault(machine: Server, body: bytes, content_type: str = "application/json") -> tuple[str, str]:
    problem = serve(machine, body, content_type)
    assert isinstance(problem, Problem)
    assert problem.status == 400 and problem.detail
    return problem.type.rpartition(":")[2], problem.limit


def request(*calls: object, using: object = (CORE, MAIL), **further: object) -> bytes:
    return json.dumps({"using": using, "methodCalls": calls, **further}).encode()


def test_an_echo_comes_back_as_it_was_sent():
    client = Client(CORE)
    call = client.call("Core/echo", {"hello": True, "high": 5})
    results = serve(server(), client.body())
    assert isinstance(results, Results)
    assert [(each.name, each.value) for each in results.of(call)] == [
        ("Core/echo", {"hello": True, "high": 5})
    ]
    assert results.session_state == "s1" and results.created_ids is None


def test_a_body_may_come_in_any_pieces():
    body = request(["Core/echo", {"a": [1, 2]}, "x"])
    machine = server()
    for byte in body:
        machine.receive(bytes((byte,)))
    assert isinstance(serve(machine, b""), Results)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b'{"using":[],"methodCalls":[]}x', b'{"using":["\xff"],"methodCalls":[]}', b'{"using":1'],
)
def test_what_is_no_json_is_told_so(body: bytes):
    assert fault(server(), body) == ("notJSON", "")


def test_another_content_type_is_not_json():
    assert fault(server(), request(), "text/plain") == ("notJSON", "")
    assert isinstance(serve(server(), request(), "Application/JSON; charset=utf-8"), Results)


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{}",
        b'{"using":[]}',
        b'{"using":"x","methodCalls":[]}',
        b'{"using":[],"methodCalls":[["Core/echo",{}]]}',
        b'{"using":[],"methodCalls":[[1,{},"c"]]}',
        b'{"using":[],"methodCalls":[],"createdIds":{"a":"no id!"}}',
    ],
)
def test_json_that_is_no_request_is_told_so(body: bytes):
    assert fault(server(), body) == ("notRequest", "")


def test_an_unknown_capability_is_refused_whole():
    body = request(using=[CORE, "https://example.org/x"])
    assert fault(server(), body) == ("unknownCapability", "")
    known = Server(METHODS, CoreLimits(), "s1", ["https://example.org/x"])
    assert isinstance(serve(known, body), Results)


def test_an_id_is_nothing_but_letters_digits_and_two_marks():
    for wrong in ("", "a b", "M1\n", "é", "x" * 256):
        results = serve(server(), request(["Mailbox/get", {"accountId": wrong}, "c"]))
        assert isinstance(results, Results) and results.results[0].failed


def test_jmap_2_limits_of_a_request_are_kept():
    echo = ["Core/echo", {}, "c"]
    assert isinstance(serve(server(max_calls_in_request=3), request(*[echo] * 3)), Results)
    assert fault(server(max_calls_in_request=3), request(*[echo] * 4)) == ("limit", "maxCallsInRequest")
    body = request(echo)
    assert isinstance(serve(server(max_size_request=len(body)), body), Results)
    assert fault(server(max_size_request=len(body) - 1), body) == ("limit", "maxSizeRequest")


def test_jmap_2_depth_is_bounded_and_brackets_in_strings_do_not_count():
    def nested(levels: int) -> bytes:
        return request(["Core/echo", {"a": json.loads("[" * levels + "]" * levels)}, "c"])

    assert isinstance(serve(server(), nested(JMAP_DEPTH - 4)), Results)
    assert fault(server(), nested(JMAP_DEPTH - 3)) == ("limit", "maxDepth")
    assert isinstance(serve(server(), request(["Core/echo", {"a": '[{"\\' * 1000}, "c"])), Results)
    assert fault(server(), b"[" * 1_000_000) == ("limit", "maxDepth")


def test_jmap_2_objects_of_a_get_and_a_set_are_counted():
    get = ["Mailbox/get", {"accountId": "a", "ids": ["1", "2", "3"]}, "c"]
    change = [
        "Mailbox/set",
        {"accountId": "a", "create": {"k": {}}, "update": {"1": {}}, "destroy": ["2"]},
        "d",
    ]
    results = serve(server(max_objects_in_get=2, max_objects_in_set=2), request(get, change))
    assert isinstance(results, Results)
    assert [each.failed and each.failed.type for each in results.results] == ["requestTooLarge"] * 2
    results = serve(server(max_objects_in_get=3, max_objects_in_set=3), request(get, change))
    assert isinstance(results, Results)
    assert [each.failed for each in results.results] == [None, None]


def test_jmap_1_a_wrong_call_costs_itself():
    results = serve(
        server(),
        request(
            ["Email/nothing", {}, "a"],
            ["Identity/get", {"accountId": "x"}, "b"],
            ["Mailbox/get", {"accountId": "x", "idz": []}, "c"],
            ["Mailbox/get", {"accountId": 5}, "d"],
            ["Mailbox/get", [], "e"],
            ["Core/echo", {"still": "here"}, "f"],
        ),
    )
    assert isinstance(results, Results)
    kinds = [each.failed.type if each.failed else each.name for each in results.results]
    assert kinds == ["unknownMethod"] * 2 + ["invalidArguments"] * 3 + ["Core/echo"]
    assert [each.call_id for each in results.results] == list("abcdef")


def test_methods_are_of_the_capabilities_that_are_used():
    call = ["Identity/get", {"accountId": "x"}, "b"]
    results = serve(server(), request(call, using=[SUBMISSION]))
    assert isinstance(results, Results) and results.results[0].name == "Identity/get"


def test_jmap_5_what_is_out_of_reach_is_never_a_refusal():
    machine = server()
    machine.receive(request(*[["Core/echo", {}, "c"]] * 3))
    machine.end()
    for error in (
        Unavailable("cell-07/index"),
        Refused(Reason.NOT_ALLOWED, "No."),
        MethodError(MethodFault.STATE_MISMATCH),
    ):
        assert machine.next_event() is not None
        machine.fail(error)
    results = Client.read(200, machine.take().body)
    assert isinstance(results, Results)
    assert [each.failed.type for each in results.results if each.failed] == [
        "serverUnavailable",
        "forbidden",
        "stateMismatch",
    ]
    assert set_error(Unavailable("volume-v1")).type == SetFault.SERVER_UNAVAILABLE
    assert set_error(Refused(Reason.OVER_QUOTA)).type == SetFault.OVER_QUOTA


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_an_answer_for_calls_and_objects(reason: Reason):
    assert set_error(Refused(reason)).type in list(SetFault)
    assert set_error(Unavailable("people")).type not in (set_error(Refused(reason)).type,)


def test_a_call_may_have_more_than_one_response():
    machine = server()
    machine.receive(
        request(
            ["Core/echo", {}, "c"], ["Core/echo", {"#a": {"resultOf": "c", "name": "X/y", "path": ""}}, "d"]
        )
    )
    machine.end()
    assert machine.next_event() is not None
    machine.answer({"n": 1})
    machine.also("Email/set", {"n": 2})
    while machine.next_event() is not None:
        machine.answer({})
    results = Client.read(200, machine.take().body)
    assert isinstance(results, Results)
    assert [(each.name, each.call_id) for each in results.results] == [
        ("Core/echo", "c"),
        ("Email/set", "c"),
        ("Core/echo", "d"),
    ]


def test_ids_created_before_are_known_and_given_back():
    machine = server()
    machine.receive(request(["Core/echo", {}, "c"], createdIds={"k1": "M7"}))
    machine.end()
    assert machine.next_event() is not None
    assert machine.real_id("#k1") == "M7" and machine.real_id("M9") == "M9"
    assert machine.real_id("#k2") is None and machine.real_id("no id!") is None
    machine.note_created("k2", "M8")
    machine.answer({})
    results = Client.read(200, machine.take().body)
    assert isinstance(results, Results)
    assert results.created_ids == {"k1": "M7", "k2": "M8"}


def test_a_query_and_a_get_of_its_ids_are_one_request():
    client = Client(CORE, MAIL)
    query = client.call("Email/query", EmailQuery(account_id="A", filter={"inMailbox": "M1"}, limit=2))
    get = client.call("Email/get", {"accountId": "A", "ids": query.result("/ids"), "properties": ["subject"]})
    machine = server()
    machine.receive(client.body())
    machine.end()
    asked = machine.next_event()
    assert asked is not None and isinstance(asked.arguments, EmailQuery)
    assert asked.arguments.limit == 2 and asked.arguments.where() is not None
    machine.answer(
        QueryResult(account_id="A", query_state="q", can_calculate_changes=True, position=0, ids=["e1", "e2"])
    )
    asked = machine.next_event()
    assert asked is not None and isinstance(asked.arguments, EmailGet)
    assert asked.arguments.ids == ["e1", "e2"]
    machine.answer(GetResult(account_id="A", state="1", list=[{"id": "e1"}], not_found=["e2"]))
    assert machine.next_event() is None
    results = Client.read(200, machine.take().body)
    assert isinstance(results, Results)
    assert results.of(get)[0].as_(GetResult).not_found == ["e2"]
    assert "total" not in results.of(query)[0].value


def test_an_answer_that_is_none_is_broken():
    assert isinstance(Client.read(200, b"<html>"), Broken)
    assert isinstance(Client.read(502, b"Bad gateway"), Broken)


def test_errors_of_objects_are_written_without_what_is_not_set():
    shown = msgspec.to_builtins(SetError(type="alreadyExists", existing_id="M1"))
    assert shown == {"type": "alreadyExists", "existingId": "M1"}


def test_the_session_object_has_the_names_of_the_rfc():
    session = Session(
        capabilities={CORE: CoreLimits()},
        accounts={},
        primary_accounts={MAIL: "A1"},
        username="a@example.org",
        api_url="https://example.org/jmap/api",
        download_url="https://example.org/d/{accountId}/{blobId}/{name}?type={type}",
        upload_url="https://example.org/u/{accountId}",
        event_source_url="https://example.org/e?types={types}&closeafter={closeafter}",
        state="1",
    )
    shown = msgspec.to_builtins(session)
    assert {"primaryAccounts", "apiUrl", "downloadUrl", "eventSourceUrl"} < shown.keys()
    assert "maxObjectsInGet" in shown["capabilities"][CORE]
    assert missing_url_names(session) == ["event_source_url: ping"]
    url = expand(session.download_url, accountId="A", blobId="B", name="a b/ä.txt", type="text/plain")
    assert url == "https://example.org/d/A/B/a%20b%2F%C3%A4.txt?type=text%2Fplain"


NAMES = [
    "ids",
    "#ids",
    "accountId",
    "filter",
    "operator",
    "conditions",
    "sort",
    "create",
    "update",
    "destroy",
]
NAMES += ["k1", "M1", "resultOf", "name", "path", "position"]
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.sampled_from(["", "a", "#a", "/ids", "M1", "AND", "*"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(NAMES),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([*METHODS, "x"]), JSON, st.sampled_from("abc")), max_size=5))
def test_jmap_1_random_requests_are_answered_call_by_call(calls: list[tuple[str, object, str]]):
    machine = server()
    machine.receive(request(*calls))
    machine.end()
    while (call := machine.next_event()) is not None:
        assert isinstance(call, Call)
        try:
            for look in ("where", "order", "bodies"):
                getattr(call.arguments, look, lambda: None)()
            machine.answer(call.arguments)
        except MethodError as error:
            machine.fail(error)
    results = Client.read(200, machine.take().body)
    assert isinstance(results, Results)
    assert [each.call_id for each in results.results] == [call[2] for call in calls]


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
def test_random_bodies_are_problems_or_answers(body: bytes):
    assert not isinstance(serve(server(), body), Broken)
