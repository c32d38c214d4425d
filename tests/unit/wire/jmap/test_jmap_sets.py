"""Patches, and a /set step by step."""

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.wire.jmap.core import Json
from holdfast.wire.jmap.errors import MethodError, SetRefused
from holdfast.wire.jmap.patch import apply_patch, patch_between
from holdfast.wire.jmap.sets import Create, Destroy, SetRun, Update
from holdfast.wire.jmap.standard import Set, SetResult, select


def test_a_patch_sets_and_removes_by_pointer():
    old: Json = {"keywords": {"$seen": True, "a/b": True}, "subject": "x"}
    new = apply_patch(old, {"keywords/$flagged": True, "keywords/a~1b": None, "subject": "y", "more": [1]})
    assert new == {"keywords": {"$seen": True, "$flagged": True}, "subject": "y", "more": [1]}
    assert old == {"keywords": {"$seen": True, "a/b": True}, "subject": "x"}


def test_null_sets_the_default_where_there_is_one():
    assert apply_patch({"role": "trash"}, {"role": None}, {"role": "none"}) == {"role": "none"}
    assert apply_patch({"role": "trash"}, {"role": None, "other": None}) == {}
    nested = apply_patch({"in": {"role": 1}}, {"in/role": None}, {"role": "none"})
    assert nested == {"in": {}}


@pytest.mark.parametrize(
    "patch",
    [
        {"list/0": 1},
        {"list/0/a": 1},
        {"missing/a": 1},
        {"text/a": 1},
        {"in": {}, "in/a": 1},
        {"in/a": {}, "in/a/b": 1},
        {"~": 1},
        {"in/~2": 1},
        {"in/missing/x": None},
    ],
)
def test_jmap_4_a_wrong_patch_changes_nothing(patch: Json):
    old: Json = {"list": [{"a": 1}], "in": {"a": {"b": 1}}, "text": "x"}
    before = copy.deepcopy(old)
    with pytest.raises(SetRefused) as caught:
        apply_patch(old, {**patch, "text2": "set"})
    assert caught.value.error.type == "invalidPatch"
    assert old == before


LEAVES = st.booleans() | st.integers(-2, 2) | st.text("xy/~", max_size=2)
INNER = st.recursive(
    LEAVES | st.none(),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text("ab/~", max_size=2), inner, max_size=3)
    ),
    max_leaves=8,
)
OBJECTS = st.dictionaries(
    st.text("abc/~", max_size=2), INNER.filter(lambda value: value is not None), max_size=4
)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(OBJECTS, OBJECTS)
def test_jmap_4_the_patch_between_two_objects_makes_the_one_of_the_other(old: Json, new: Json):
    before = copy.deepcopy(old)
    made = apply_patch(old, patch_between(old, new))
    assert _equal(made, new)
    assert old == before
    assert patch_between(new, new) == {}


def _equal(one: object, other: object) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    return type(one) is type(other) and one == other


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(OBJECTS, st.dictionaries(st.text("ab/~0", max_size=4), INNER, max_size=4))
def test_jmap_4_random_patches_are_applied_or_refused(old: Json, patch: Json):
    before = copy.deepcopy(old)
    try:
        apply_patch(old, patch)
    except SetRefused as error:
        assert error.error.type == "invalidPatch"
    assert old == before


class Ids:
    """Stands for the request's creation ids."""

    def __init__(self) -> None:
        self.known: dict[str, str] = {}

    def real(self, reference: str) -> str | None:
        return self.known.get(reference[1:]) if reference[:1] == "#" else reference

    def note(self, creation: str, real: str) -> None:
        self.known[creation] = real


def carry_out(asked: Set, refused: frozenset[str] = frozenset()) -> tuple[list[object], SetResult]:
    ids = Ids()
    run = SetRun(asked, ids.real, ids.note)
    steps: list[object] = []
    while (step := run.next_event()) is not None:
        steps.append(step)
        if isinstance(step, Create):
            if step.creation_id in refused:
                run.refuse(Refused(Reason.OVER_QUOTA))
            else:
                run.done({"id": f"new-{step.creation_id}"})
        elif step.id in refused:
            run.refuse(Unavailable("cell-07/index"))
        else:
            run.done()
    return steps, run.result("s1", "s2")


def test_a_creation_comes_after_those_it_names():
    asked = Set(
        account_id="a",
        create={"c": {"parentId": "#b", "name": "#1 fan"}, "b": {"parentId": "#a"}, "a": {"parentId": None}},
        update={"#a": {"mailboxIds/#c": True, "mailboxIds": {"#b": True}}},
        destroy=["M1", "M1"],
    )
    steps, result = carry_out(asked)
    assert steps == [
        Create("a", {"parentId": None}),
        Create("b", {"parentId": "new-a"}),
        Create("c", {"parentId": "new-b", "name": "#1 fan"}),
        Update("new-a", {"mailboxIds/new-c": True, "mailboxIds": {"new-b": True}}),
        Destroy("M1"),
    ]
    assert result.created == {each: {"id": f"new-{each}"} for each in "abc"}
    assert result.updated == {"new-a": None} and result.destroyed == ["M1"]
    assert (result.old_state, result.new_state) == ("s1", "s2")
    assert result.not_created is result.not_updated is result.not_destroyed is None


def test_what_names_a_creation_that_failed_is_not_begun():
    asked = Set(
        account_id="a",
        create={"b": {"parentId": "#a"}, "a": {}, "x": {"parentId": "#y"}, "y": {"parentId": "#x"}},
        update={"#b": {}, "M1": {}, "M2": {"parentId": "#a"}},
        destroy=["M1", "#a"],
    )
    steps, result = carry_out(asked, frozenset({"a"}))
    assert steps == [Create("a", {}), Destroy("M1")]
    assert (
        result.not_created is not None and result.not_updated is not None and result.not_destroyed is not None
    )
    assert {key: error.type for key, error in result.not_created.items()} == {
        "a": "overQuota",
        "b": "invalidProperties",
        "x": "invalidProperties",
        "y": "invalidProperties",
    }
    assert result.not_created["b"].properties == ["parentId"]
    assert {key: error.type for key, error in result.not_updated.items()} == {
        "#b": "notFound",
        "M1": "willDestroy",
        "M2": "invalidProperties",
    }
    assert result.not_destroyed["#a"].type == "notFound"


def test_jmap_5_an_object_out_of_reach_is_told_so():
    _, result = carry_out(Set(account_id="a", destroy=["M1"]), frozenset({"M1"}))
    assert result.not_destroyed is not None
    assert result.not_destroyed["M1"].type == "serverUnavailable" and result.destroyed is None


def test_a_state_that_is_not_the_expected_one_changes_nothing():
    with pytest.raises(MethodError, match="nothing was changed"):
        Set(account_id="a", if_in_state="1").check_state("2")
    Set(account_id="a", if_in_state="2").check_state("2")
    Set(account_id="a").check_state("2")


def test_a_get_gives_what_was_asked_for_and_the_id():
    found = {"M1": {"id": "M1", "name": "Inbox", "role": "inbox"}}
    known = {"id", "name", "role"}
    assert select(["M1", "x", "M1"], ["name"], known, found.get) == ([{"id": "M1", "name": "Inbox"}], ["x"])
    assert select(["M1"], None, known, found.get) == ([found["M1"]], [])
    assert select(["M1"], [], known, found.get) == ([{"id": "M1"}], [])
    with pytest.raises(MethodError, match="colour"):
        select([], ["colour"], known, found.get)
