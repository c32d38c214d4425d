"""Where an address leads."""

from __future__ import annotations

import pytest

from holdfast.directory import records as r
from holdfast.model.address import Address, parse_address
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.people import AccountRole, AccountState, Forward, Local, Many, Remote
from holdfast.sim.world import SimWorld
from unit.directory.people_tape import NOON, Tape, route


def refusal(tape: Tape, world: SimWorld, address: str) -> Reason:
    with pytest.raises(Refused) as caught:
        route(tape.folded(world), address)
    return caught.value.reason


def test_an_accounts_address_leads_to_it_whatever_its_case(tape: Tape, world: SimWorld) -> None:
    ann = tape.account("Ann@example.org", cell=5)
    assert route(tape.folded(world), "aNN@EXAMPLE.org") == Local(ann, 5)


def test_a_name_nobody_has_is_refused(tape: Tape, world: SimWorld) -> None:
    tape.account("ann@example.org")
    assert refusal(tape, world, "bob@example.org") is Reason.NO_SUCH_USER


def test_another_domain_is_remote(tape: Tape, world: SimWorld) -> None:
    there = parse_address("ann@elsewhere.example")
    assert route(tape.folded(world), str(there)) == Remote(there)


@pytest.mark.parametrize(
    ("separator", "address", "detail"),
    [
        ("+", "ann+Lists@example.org", "Lists"),
        ("+", "ann+a+b@example.org", "a+b"),
        ("+", "ann+@example.org", ""),
        ("-", "ann-news@example.org", "news"),
        ("--", "ann--news@example.org", "news"),
    ],
)
def test_a_detail_is_split_at_the_domains_separator(
    world: SimWorld, separator: str, address: str, detail: str
) -> None:
    tape = Tape()
    tape.domain(separator=separator)
    ann = tape.account("ann@example.org")
    assert route(tape.folded(world), address) == Local(ann, 0, detail)


@pytest.mark.parametrize(("separator", "address"), [("", "ann+x@example.org"), ("-", "ann+x@example.org")])
def test_without_its_separator_a_name_is_whole(world: SimWorld, separator: str, address: str) -> None:
    tape = Tape()
    tape.domain(separator=separator)
    tape.account("ann@example.org")
    assert refusal(tape, world, address) is Reason.NO_SUCH_USER


def test_an_address_that_has_the_separator_itself_comes_first(tape: Tape, world: SimWorld) -> None:
    tape.account("ann@example.org")
    other = tape.account("ann+work@example.org")
    assert route(tape.folded(world), "ann+work@example.org") == Local(other, 0)


def test_an_alias_leads_to_accounts_here_and_addresses_elsewhere(tape: Tape, world: SimWorld) -> None:
    ann, bob = tape.account("ann@example.org", cell=1), tape.account("bob@example.org", cell=2)
    tape.alias("team@example.org", "ann@example.org", "Bob@example.org", "Eve@Elsewhere.example")
    assert route(tape.folded(world), "team@example.org") == Many(
        (Local(ann, 1), Local(bob, 2), Forward(Address("Eve", "elsewhere.example")))
    )


def test_nobody_is_named_twice_however_many_ways_lead_there(tape: Tape, world: SimWorld) -> None:
    ann = tape.account("ann@example.org")
    tape.alias("a@example.org", "ann@example.org", "ANN@example.org", "ann+x@example.org")
    tape.alias("b@example.org", "a@example.org", "ann@example.org")
    assert route(tape.folded(world), "b@example.org") == Local(ann, 0)


def test_aliases_in_a_circle_deliver_to_all_who_are_on_it(tape: Tape, world: SimWorld) -> None:
    ann, bob = tape.account("ann@example.org"), tape.account("bob@example.org")
    tape.alias("a@example.org", "b@example.org", "ann@example.org")
    tape.alias("b@example.org", "a@example.org", "bob@example.org")
    found = route(tape.folded(world), "a@example.org")
    assert isinstance(found, Many) and set(found.routes) == {Local(ann, 0), Local(bob, 0)}


def test_a_circle_with_nobody_on_it_is_refused(tape: Tape, world: SimWorld) -> None:
    tape.alias("a@example.org", "b@example.org")
    tape.alias("b@example.org", "a@example.org")
    assert refusal(tape, world, "a@example.org") is Reason.NO_SUCH_USER


def test_aliases_too_deep_make_mail_wait(tape: Tape, world: SimWorld) -> None:
    tape.account("ann@example.org")
    for depth in range(12):
        tape.alias(f"a{depth}@example.org", f"a{depth + 1}@example.org" if depth < 11 else "ann@example.org")
    with pytest.raises(Unavailable):
        route(tape.folded(world), "a0@example.org")
    assert isinstance(route(tape.folded(world), "a3@example.org"), Local)


def test_an_aliases_detail_goes_on_to_its_accounts(tape: Tape, world: SimWorld) -> None:
    ann = tape.account("ann@example.org")
    tape.alias("info@example.org", "ann@example.org")
    assert route(tape.folded(world), "info+Shop@example.org") == Local(ann, 0, "Shop")


def test_one_target_that_is_gone_keeps_nothing_from_the_others(tape: Tape, world: SimWorld) -> None:
    ann, bob = tape.account("ann@example.org"), tape.account("bob@example.org")
    tape.alias("team@example.org", "ann@example.org", "bob@example.org", "nobody@example.org")
    tape.state(ann, AccountState.DISABLED)
    assert route(tape.folded(world), "team@example.org") == Local(bob, 0)
    tape.state(bob, AccountState.DISABLED)
    assert refusal(tape, world, "team@example.org") in (Reason.NO_SUCH_USER, Reason.USER_DISABLED)


def test_a_catch_all_gets_what_nobody_else_does(world: SimWorld) -> None:
    tape = Tape()
    tape.domain(catch_all=("ann@example.org",))
    ann, bob = tape.account("ann@example.org"), tape.account("bob@example.org")
    copy = tape.folded(world)
    assert route(copy, "whoever@example.org") == Local(ann, 0)
    assert route(copy, "bob@example.org") == Local(bob, 0)
    tape.state(bob, AccountState.DISABLED)
    assert refusal(tape, world, "bob@example.org") is Reason.USER_DISABLED


def test_disabled_and_removed_are_refused_each_in_its_way(tape: Tape, world: SimWorld) -> None:
    ann, bob = tape.account("ann@example.org"), tape.account("bob@example.org")
    tape.state(ann, AccountState.DISABLED)
    tape.state(bob, AccountState.REMOVED)
    assert refusal(tape, world, "ann@example.org") is Reason.USER_DISABLED
    assert refusal(tape, world, "bob@example.org") is Reason.NO_SUCH_USER
    tape.state(bob, AccountState.ACTIVE)
    assert route(tape.folded(world), "bob@example.org") == Local(bob, 0)


@pytest.mark.parametrize("local", ["postmaster", "Abuse"])
def test_postmaster_and_abuse_lead_to_the_domains_first_owner(
    tape: Tape, world: SimWorld, local: str
) -> None:
    tape.account("ann@example.org")
    assert refusal(tape, world, f"{local}@example.org") is Reason.NO_SUCH_USER
    boss = tape.account("boss@example.org", role=AccountRole.OWNER)
    tape.account("second@example.org", role=AccountRole.OWNER)
    assert route(tape.folded(world), f"{local}@example.org") == Local(boss, 0)
    named = tape.account(f"{local}@example.org")
    assert route(tape.folded(world), f"{local}@example.org") == Local(named, 0)


def test_postmaster_without_a_domain_is_the_first_domains(tape: Tape, world: SimWorld) -> None:
    tape.domain("zzz.example")
    boss = tape.account("boss@example.org", role=AccountRole.OWNER)
    assert tape.folded(world).lookup.route(Address("Postmaster", "")) == Local(boss, 0)


@pytest.mark.parametrize("made", ["bücher.example", "xn--bcher-kva.example", "BÜCHER.example"])
@pytest.mark.parametrize("asked", ["bücher.example", "xn--bcher-kva.example", "XN--BCHER-KVA.EXAMPLE"])
def test_both_spellings_of_a_domain_are_one(world: SimWorld, made: str, asked: str) -> None:
    tape = Tape()
    tape.domain(made)
    ann = tape.account(f"ann@{made}")
    copy = tape.folded(world)
    assert route(copy, f"ann@{asked}") == Local(ann, 0)
    assert copy.lookup.is_local_domain(asked)
    assert copy.lookup.by_login(f"ann@{asked}") == copy.lookup.account(ann)


def test_unicode_names_are_one_in_every_form(tape: Tape, world: SimWorld) -> None:
    ann = tape.account("J\u00f6rg@example.org")
    assert route(tape.folded(world), "JO\u0308RG@example.org") == Local(ann, 0)


def test_who_gets_the_answers_may_send_under_the_name(tape: Tape, world: SimWorld) -> None:
    ann, bob = tape.account("ann@example.org"), tape.account("bob@example.org")
    tape.add(r.AddressAdded(at=NOON, account=ann, address="annie@example.org"))
    tape.alias("team@example.org", "ann@example.org", "x@elsewhere.example")
    copy = tape.folded(world)
    for address in ("ann@example.org", "ANN+x@example.org", "annie@example.org", "team@example.org"):
        assert copy.lookup.may_send_as(ann, parse_address(address))
        assert not copy.lookup.may_send_as(bob, parse_address(address))
    for address in ("bob@example.org", "nobody@example.org", "ann@elsewhere.example"):
        assert not copy.lookup.may_send_as(ann, parse_address(address))
    tape.state(ann, AccountState.DISABLED)
    assert not tape.folded(world).lookup.may_send_as(ann, parse_address("ann@example.org"))


def test_a_change_is_seen_though_the_answer_was_remembered(tape: Tape, world: SimWorld) -> None:
    ann = tape.account("ann@example.org")
    copy = tape.folded(world)
    assert route(copy, "ann@example.org") == Local(ann, 0)
    assert copy.lookup.account(ann).state is AccountState.ACTIVE  # type: ignore[union-attr]
    tape.state(ann, AccountState.DISABLED)
    tape.fold_into(copy)
    with pytest.raises(Refused):
        route(copy, "ann@example.org")
    assert copy.lookup.account(ann).state is AccountState.DISABLED  # type: ignore[union-attr]


def test_people_2_a_copy_that_cannot_be_read_says_unavailable(tape: Tape, world: SimWorld) -> None:
    ann = tape.account("ann@example.org")
    copy = tape.folded(world)
    copy._db.execute("DROP TABLE address; DROP TABLE account; DROP TABLE domain")
    asks = (
        lambda: route(copy, "ann@example.org"),
        lambda: copy.lookup.account(ann),
        lambda: copy.lookup.by_login("ann@example.org"),
        lambda: copy.lookup.credential(ann),
        lambda: copy.lookup.is_local_domain("example.org"),
    )
    for ask in asks:
        with pytest.raises(Unavailable) as caught:
            ask()
        assert caught.value.component == "people"


def test_people_2_a_directory_without_a_domain_refuses_nobody(world: SimWorld) -> None:
    copy = Tape().folded(world)
    with pytest.raises(Unavailable):
        route(copy, "ann@example.org")
    with pytest.raises(Unavailable):
        copy.lookup.is_local_domain("example.org")
    assert route(copy, "ann@example.org", sending=True) == Remote(Address("ann", "example.org"))
