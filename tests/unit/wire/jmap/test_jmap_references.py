"""JSON pointers and result references."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.wire.jmap.errors import MethodError, MethodFault
from holdfast.wire.jmap.references import escaped, evaluate, pointer_tokens, resolved

# The document of RFC 6901 §5.
DOCUMENT = {
    "foo": ["bar", "baz"],
    "": 0,
    "a/b": 1,
    "c%d": 2,
    "e^f": 3,
    "g|h": 4,
    "i\\j": 5,
    'k"l': 6,
    " ": 7,
    "m~n": 8,
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("", DOCUMENT),
        ("/foo", ["bar", "baz"]),
        ("/foo/0", "bar"),
        ("/", 0),
        ("/a~1b", 1),
        ("/c%d", 2),
        ("/e^f", 3),
        ("/g|h", 4),
        ("/i\\j", 5),
        ('/k"l', 6),
        ("/ ", 7),
        ("/m~0n", 8),
    ],
)
def test_pointers_find_what_the_rfc_says(path: str, found: object):
    assert evaluate(DOCUMENT, path) == found


@pytest.mark.parametrize(
    "path", ["foo", "/no", "/foo/2", "/foo/-", "/foo/01", "/foo/x", "/foo/0/1", "/~2", "/~"]
)
def test_pointers_to_nothing_find_nothing(path: str):
    with pytest.raises(LookupError):
        evaluate(DOCUMENT, path)


def test_a_star_goes_through_an_array_and_joins_lists():
    threads = {"list": [{"id": "t1", "emailIds": ["a", "b"]}, {"id": "t2", "emailIds": ["c"]}], "*": 5}
    assert evaluate(threads, "/list/*/id") == ["t1", "t2"]
    assert evaluate(threads, "/list/*/emailIds") == ["a", "b", "c"]
    assert evaluate(threads, "/list/*/emailIds/*") == ["a", "b", "c"]
    assert evaluate(threads, "/*") == 5
    assert evaluate({"list": []}, "/list/*/id") == []
    with pytest.raises(LookupError):
        evaluate(threads, "/list/*/subject")


def results(**found: object) -> dict[str, tuple[str, bytes]]:
    return {key: ("Foo/get", json.dumps(value).encode()) for key, value in found.items()}


def ref(of: str = "t0", name: str = "Foo/get", path: str = "/ids") -> dict[str, str]:
    return {"resultOf": of, "name": name, "path": path}


def test_jmap_3_a_reference_becomes_what_it_points_to():
    known = results(t0={"ids": ["a", "b"], "n": None})
    assert resolved({"x": 1, "#ids": ref()}, known) == {"x": 1, "ids": ["a", "b"]}
    assert resolved({"#n": ref(path="/n")}, known) == {"n": None}


@pytest.mark.parametrize(
    "wrong", [ref(of="t1"), ref(name="Foo/set"), ref(path="/no"), ref(path="ids"), ref(path="/ids/7")]
)
def test_jmap_3_a_reference_that_finds_nothing_fails_the_call(wrong: dict[str, str]):
    with pytest.raises(MethodError) as caught:
        resolved({"#ids": wrong}, results(t0={"ids": ["a"]}))
    assert caught.value.fault is MethodFault.INVALID_RESULT_REFERENCE


@pytest.mark.parametrize("wrong", [None, 5, [], {}, {"resultOf": "t0", "name": "Foo/get"}])
def test_what_is_no_reference_is_a_wrong_argument(wrong: object):
    with pytest.raises(MethodError) as caught:
        resolved({"#ids": wrong}, results(t0={"ids": []}))
    assert caught.value.fault is MethodFault.INVALID_ARGUMENTS


def test_an_argument_given_twice_is_refused():
    with pytest.raises(MethodError) as caught:
        resolved({"ids": [], "#ids": ref()}, results(t0={"ids": []}))
    assert caught.value.fault is MethodFault.INVALID_ARGUMENTS


VALUES = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("ab/~*0", max_size=3), inner, max_size=4)
    ),
    max_leaves=20,
)


def places(value: object, path: str = ""):  # type: ignore[no-untyped-def]
    yield path, value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, f"{path}/{escaped(str(key))}")


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(VALUES)
def test_every_place_of_a_value_has_a_pointer_that_finds_it(value: object):
    for path, found in places(value):
        assert evaluate(value, path) is found


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(max_size=5), max_size=5))
def test_tokens_come_out_of_a_pointer_as_they_went_in(tokens: list[str]):
    assert pointer_tokens("".join("/" + escaped(token) for token in tokens)) == tokens
