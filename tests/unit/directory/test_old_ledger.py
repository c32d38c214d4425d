"""A ledger from before tenants, contacts and keys: it folds as it did."""

from __future__ import annotations

from holdfast.directory import records as r
from holdfast.model.address import Address
from holdfast.model.errors import Refused
from holdfast.model.people import AccountRole, AccountState, Forward, Local, Many
from holdfast.sim.world import SimWorld
from unit.directory.people_tape import CHEAP, NOON, Tape, frame, route

# Bodies of frames as the first version wrote them, to the byte.
FRAMES = (
    "83a26973ab646f6d61696e5f6d616465a46e616d65ab6578616d706c652e6f7267a26174cb41d40ae3d0000000",
    "85a26973ab646f6d61696e5f6d616465a46e616d65ab6578616d706c652e6e6574a9736570617261746f72a12da96361"
    "7463685f616c6c91af616e6e406578616d706c652e6f7267a26174cb41d40ae3d0000000",
    "84a26973aa646f6d61696e5f736574a46e616d65ab6578616d706c652e6f7267a9736570617261746f72a13da26174cb"
    "41d40ae3d0400000",
    "83a26973ad637573746f6d65725f6d616465a46e616d65a5536d697468a26174cb41d40ae3d0400000",
    "88a26973ac6163636f756e745f6d616465a761646472657373af416e6e406578616d706c652e6f7267a463656c6c03a4"
    "6e616d65a3416e6ea8637573746f6d657204aa63726564656e7469616cd95d246172676f6e32696424763d3139246d3d"
    "382c743d312c703d31244141414141414141414141414141414141414141414124414141414141414141414141414141"
    "41414141414141414141414141414141414141414141414141414141a4726f6c65a56f776e6572a26174cb41d40ae3d0"
    "800000",
    "84a26973ac6163636f756e745f6d616465a761646472657373af626f62406578616d706c652e6f7267a463656c6c01a2"
    "6174cb41d40ae3d0800000",
    "84a26973ad616464726573735f6164646564a76163636f756e7405a761646472657373b1616e6e6965406578616d706c"
    "652e6f7267a26174cb41d40ae3d0c00000",
    "83a26973af616464726573735f72656d6f766564a761646472657373b1616e6e6965406578616d706c652e6f7267a261"
    "74cb41d40ae3d1000000",
    "84a26973ad616464726573735f6164646564a76163636f756e7406a761646472657373b1616e6e6965406578616d706c"
    "652e6f7267a26174cb41d40ae3d1400000",
    "84a26973a9616c6961735f736574a761646472657373b07465616d406578616d706c652e6f7267a77461726765747392"
    "af616e6e406578616d706c652e6f7267b37840656c736577686572652e6578616d706c65a26174cb41d40ae3d1800000",
    "84a26973a9616c6961735f736574a761646472657373af6f6c64406578616d706c652e6f7267a77461726765747391af"
    "626f62406578616d706c652e6f7267a26174cb41d40ae3d1800000",
    "83a26973ad616c6961735f72656d6f766564a761646472657373af6f6c64406578616d706c652e6f7267a26174cb41d4"
    "0ae3d1c00000",
    "84a26973ac6163636f756e745f6d616465a761646472657373af6f6c64406578616d706c652e6f7267a463656c6c00a2"
    "6174cb41d40ae3d2000000",
    "84a26973ab6163636f756e745f736574a76163636f756e7406a46e616d65a3426f62a26174cb41d40ae3d2400000",
    "84a26973aa63726564656e7469616ca76163636f756e7406aa63726564656e7469616cd95d246172676f6e3269642476"
    "3d3139246d3d382c743d312c703d31244141414141414141414141414141414141414141414124414141414141414141"
    "41414141414141414141414141414141414141414141414141414141414141414141a26174cb41d40ae3d2800000",
    "84a26973ad6163636f756e745f7374617465a76163636f756e740da57374617465a772656d6f766564a26174cb41d40a"
    "e3d2c00000",
    "84a26973ae62756c6b5f616e6e6f756e636564a5636f756e7401a6726561736f6ea474657374a26174cb41d40ae3d3000000",
    "83a26973ae686f6c65735f6163636570746564a6726561736f6ea474657374a26174cb41d40ae3d3400000",
    "84a26973ad6163636f756e745f7374617465a76163636f756e7406a57374617465a864697361626c6564a26174cb41d4"
    "0ae3d3800000",
    "84a26973ac6163636f756e745f6d616465a761646472657373b1616e6e6965406578616d706c652e6f7267a463656c6c"
    "00a26174cb41d40ae3d3c00000",
)


def taped() -> Tape:
    tape = Tape()
    for body in FRAMES:
        tape.items.append(frame(len(tape.items) + 1, bytes.fromhex(body)))
    return tape


def test_a_ledger_of_the_first_version_folds_as_it_did(world: SimWorld) -> None:
    copy = taped().folded(world)
    fold = copy.fold
    assert (fold.sequence, fold.holes, fold.refused) == (20, 0, 1)  # the last one: its name was taken
    ann, bob, old = copy.lists.account(5), copy.lists.account(6), copy.lists.account(13)
    assert (ann.login, ann.name, ann.cell, ann.customer) == ("Ann@example.org", "Ann", 3, 4)
    assert (ann.role, ann.state, ann.credential) == (AccountRole.OWNER, AccountState.ACTIVE, 5)
    assert (bob.name, bob.state, bob.credential) == ("Bob", AccountState.DISABLED, 15)
    assert (old.login, old.state, old.removed_at) == ("old@example.org", AccountState.REMOVED, NOON + 11)
    assert copy.lookup.credential(6) == (15, CHEAP)
    team = Many((Local(5, 3), Forward(Address("x", "elsewhere.example"))))
    assert route(copy, "team@example.org") == team
    assert route(copy, "ann=lists@example.org") == Local(5, 3, "lists")
    assert route(copy, "nobody@example.net") == Local(5, 3)
    assert [domain.separator for domain in copy.lists.domains()] == ["=", "-"]
    assert [customer.id for customer in copy.lists.customers()] == [4, 6, 13]


def test_an_address_that_was_taken_away_then_is_its_new_owners(world: SimWorld) -> None:
    """Before names were kept for ever; what was given then stays given."""
    copy = taped().folded(world)
    assert copy.lists.addresses(6) == ["annie@example.org", "bob@example.org"]
    assert copy.lists.addresses(5) == ["Ann@example.org"]


def test_people_6_an_address_that_is_given_up_today_is_kept(world: SimWorld) -> None:
    tape = taped()
    tape.add(r.AccountStateSet(at=NOON + 20, account=6, state=AccountState.ACTIVE))
    tape.add(r.AddressRemoved(at=NOON + 20, address="annie@example.org", kept=True))
    tape.add(r.AddressAdded(at=NOON + 21, account=5, address="annie@example.org"))
    copy = tape.folded(world)
    assert copy.fold.refused == 2
    assert copy.lists.addresses(5) == ["Ann@example.org"]
    try:
        found: object = route(copy, "annie@example.org")
    except Refused as error:
        found = error.reason.value
    assert found == "no such user"
