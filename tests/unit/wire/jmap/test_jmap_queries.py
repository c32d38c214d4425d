"""Filters, orders, windows, and the changes of a query."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.model.limits import JMAP_FILTER_DEPTH
from holdfast.wire.jmap.errors import MethodError, MethodFault
from holdfast.wire.jmap.filters import Comparator, Operator, matches
from holdfast.wire.jmap.methods import EmailCondition, EmailQuery, MailboxCondition, MailboxQuery
from holdfast.wire.jmap.standard import AddedItem
from holdfast.wire.jmap.windows import Window, apply_query_changes, query_changes, window


def where(**filter_: object) -> object:
    return EmailQuery(account_id="a", filter=filter_).where()


def fault(**filter_: object) -> MethodFault:
    with pytest.raises(MethodError) as caught:
        where(**filter_)
    return caught.value.fault


def test_a_filter_is_read_in_its_types():
    read = where(
        operator="OR",
        conditions=[
            {"hasKeyword": "music"},
            {
                "operator": "NOT",
                "conditions": [{"from": "x", "header": ["List-Id", "y"], "after": "2014-07-10T00:00:00Z"}],
            },
        ],
    )
    assert isinstance(read, Operator) and read.operator == "OR"
    first, second = read.conditions
    assert first == EmailCondition(has_keyword="music")
    assert isinstance(second, Operator) and isinstance(second.conditions[0], EmailCondition)
    assert second.conditions[0].from_ == "x" and second.conditions[0].after.year == 2014  # type: ignore[union-attr]
    assert EmailQuery(account_id="a").where() is None
    assert where() == EmailCondition()
    none = MailboxQuery(account_id="a", filter={"parentId": None}).where()
    assert none == MailboxCondition(parent_id=None) != MailboxCondition()


def test_what_a_filter_can_not_do_is_told():
    assert fault(colour="red") is MethodFault.UNSUPPORTED_FILTER
    assert fault(minSize="x") is MethodFault.INVALID_ARGUMENTS
    assert fault(minSize=-1) is MethodFault.INVALID_ARGUMENTS
    assert fault(after="2014-07-10") is MethodFault.INVALID_ARGUMENTS
    assert fault(header=[]) is MethodFault.INVALID_ARGUMENTS
    assert fault(operator="XOR", conditions=[]) is MethodFault.INVALID_ARGUMENTS
    deep: dict[str, object] = {}
    for _ in range(JMAP_FILTER_DEPTH):
        deep = {"operator": "NOT", "conditions": [deep]}
    assert fault(**deep) is MethodFault.UNSUPPORTED_FILTER
    assert fault(operator="AND", conditions=[{"operator": "NOT", "conditions": [{"colour": 1}]}])


def test_and_or_not_mean_all_any_none():
    yes, no = EmailCondition(text="yes"), EmailCondition(text="no")
    asked = [
        ("AND", [yes, yes], True),
        ("AND", [yes, no], False),
        ("OR", [yes, no], True),
        ("OR", [no, no], False),
        ("NOT", [no, no], True),
        ("NOT", [yes, no], False),
    ]
    for word, conditions, expected in asked:
        assert matches(Operator(word, conditions), lambda each: each is yes) is expected  # type: ignore[arg-type]
    assert matches(None, lambda _: False)
    assert [matches(Operator(word, []), bool) for word in ("AND", "OR", "NOT")] == [True, False, True]  # type: ignore[arg-type]


def test_orders_are_those_of_the_type():
    def order(*sort: Comparator) -> list[Comparator]:
        return EmailQuery(account_id="a", sort=list(sort)).order()

    by_keyword = Comparator(property="someInThreadHaveKeyword", keyword="$flagged", is_ascending=False)
    assert order(by_keyword, Comparator(property="receivedAt"))[0] is by_keyword
    with pytest.raises(MethodError, match="colour"):
        order(Comparator(property="colour"))
    with pytest.raises(MethodError, match="collation"):
        order(Comparator(property="subject", collation="i;klingon"))
    with pytest.raises(MethodError, match="keyword"):
        order(Comparator(property="hasKeyword"))
    with pytest.raises(MethodError, match="keyword"):
        order(Comparator(property="size", keyword="$seen"))


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, Window(0, list("abcde"), 5)),
        ({"limit": 2}, Window(0, ["a", "b"], None)),
        ({"limit": 9}, Window(0, list("abcde"), 5)),
        ({"limit": 0}, Window(0, [], None)),
        ({"position": 4, "limit": 5}, Window(4, ["e", "f"], None)),
        ({"position": 6, "limit": 5}, Window(6, [], None)),
        ({"position": -2, "limit": 5}, Window(4, ["e", "f"], None)),
        ({"position": -9, "limit": 1}, Window(0, ["a"], None)),
        ({"anchor": "c", "limit": 2}, Window(2, ["c", "d"], None)),
        ({"anchor": "c", "anchor_offset": -1, "limit": 2, "position": 4}, Window(1, ["b", "c"], None)),
        ({"anchor": "c", "anchor_offset": -9, "limit": 1}, Window(0, ["a"], None)),
        ({"anchor": "c", "anchor_offset": 2, "limit": 1}, Window(4, ["e"], None)),
    ],
)
def test_a_window_lies_where_the_query_says(asked: dict[str, int], found: Window):
    assert window("abcdef", EmailQuery(account_id="a", **asked), 5) == found  # type: ignore[arg-type]


def test_an_anchor_that_is_not_there_is_told():
    with pytest.raises(MethodError) as caught:
        window("abc", EmailQuery(account_id="a", anchor="x"), 5)
    assert caught.value.fault is MethodFault.ANCHOR_NOT_FOUND


def test_jmap_6_what_stays_is_not_in_the_changes():
    assert query_changes("abc", "abc") == ([], [])
    assert query_changes("abc", "xabc") == ([], [AddedItem("x", 0)])
    assert query_changes("abc", "ac") == (["b"], [])
    assert query_changes("abcd", "bcda") == (["a"], [AddedItem("a", 3)])
    assert query_changes("abcd", "dabc") == (["d"], [AddedItem("d", 0)])
    assert query_changes("", "ab") == ([], [AddedItem("a", 0), AddedItem("b", 1)])


def test_what_lies_behind_the_last_id_a_client_has_is_left_out():
    assert query_changes("abcdef", "xabdey", "b") == ([], [AddedItem("x", 0)])
    assert query_changes("abcdef", "xabdey", "e") == (["c"], [AddedItem("x", 0)])
    assert query_changes("abcdef", "xabdey", "gone") == query_changes("abcdef", "xabdey")
    assert query_changes("abc", "cab", "a") == query_changes("abc", "cab")


LISTS = st.lists(st.integers(0, 30).map(str), unique=True, max_size=25)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(LISTS, LISTS)
def test_jmap_6_the_changes_applied_to_the_old_list_give_the_new_one(old: list[str], new: list[str]):
    removed, added = query_changes(old, new)
    assert apply_query_changes(old, removed, added) == new
    assert [item.index for item in added] == sorted(item.index for item in added)
    assert set(old) - set(new) <= set(removed) <= set(old)
    slow = [each for each in old if each not in removed]
    for item in added:  # as RFC 8620 §5.6 describes it, one by one
        slow.insert(item.index, item.id)
    assert slow == new


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(st.sets(st.integers(0, 30)), st.sets(st.integers(0, 30)), st.integers(0, 30))
def test_jmap_6_up_to_an_id_the_lists_are_the_same_after_the_changes(
    before: set[int], after: set[int], last: int
):
    old, new = [str(each) for each in sorted(before)], [str(each) for each in sorted(after)]
    made = apply_query_changes(old, *query_changes(old, new, str(last)))
    if str(last) in old and str(last) in new:
        end = new.index(str(last)) + 1
        assert made[:end] == new[:end]
    else:
        assert made == new


@pytest.mark.slow
def test_jmap_6_long_lists_are_compared_in_little_time():
    old = [f"M{each}" for each in range(100_000)]
    new = ["new", *old[:50_000], *old[50_001:], old[50_000]]
    removed, added = query_changes(old, new)
    assert removed == ["M50000"]
    assert added == [AddedItem("new", 0), AddedItem("M50000", 100_000)]
