"""Sealed secrets: they open with their key, for what they belong to, and otherwise say why not."""

from __future__ import annotations

import pytest

from holdfast.directory.sealing import Sealing, add_key, make_keys, read_keys
from holdfast.model.errors import Unavailable
from holdfast.sim.world import SimWorld

PATH = "/data/keys/factors.key"


def test_what_was_sealed_opens_again_also_in_another_process(world: SimWorld) -> None:
    sealing = Sealing.open(world, PATH)
    sealed = sealing.seal(b"secret", b"account 7")
    assert b"secret" not in sealed
    assert sealing.unseal(sealed, b"account 7") == b"secret"
    assert Sealing.open(world.process("other"), PATH).unseal(sealed, b"account 7") == b"secret"


def test_nothing_is_sealed_twice_alike(world: SimWorld) -> None:
    sealing = Sealing.open(world, PATH)
    assert len({sealing.seal(b"secret", b"") for _ in range(20)}) == 20


def test_it_opens_for_nobody_else(world: SimWorld) -> None:
    sealing = Sealing.open(world, PATH)
    sealed = sealing.seal(b"secret", b"account 7")
    for belongs in (b"account 8", b""):
        with pytest.raises(Unavailable) as caught:
            sealing.unseal(sealed, belongs)
        assert caught.value.component == "keys"


def test_every_damage_is_seen_and_is_no_wrong_secret(world: SimWorld) -> None:
    sealing = Sealing.open(world, PATH)
    sealed = sealing.seal(b"secret", b"")
    for at in range(len(sealed)):
        with pytest.raises(Unavailable):
            sealing.unseal(sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :], b"")
        with pytest.raises(Unavailable):
            sealing.unseal(sealed[:at], b"")


def test_a_new_key_seals_from_the_next_start_on_and_the_old_one_still_opens(world: SimWorld) -> None:
    old = Sealing.open(world, PATH)
    before = old.seal(b"secret", b"")
    id_ = add_key(world, PATH)
    new = Sealing.open(world, PATH)
    after = new.seal(b"secret", b"")
    assert new.sealed_with(after) == id_ != new.sealed_with(before)
    assert new.unseal(before, b"") == b"secret"
    assert old.unseal(after, b"") == b"secret", "an unknown key is looked for"


def test_a_key_that_is_gone_is_named_and_comes_back_with_its_file(world: SimWorld) -> None:
    sealed = Sealing.open(world, PATH).seal(b"secret", b"")
    kept = world.disk.read(PATH)
    world.disk.remove(PATH)
    sealing = Sealing.open(world, PATH)  # makes another: no key of it opens what was sealed
    with pytest.raises(Unavailable) as caught:
        sealing.unseal(sealed, b"")
    assert sealing.sealed_with(sealed) in caught.value.text
    world.disk.write_atomic(PATH, kept)
    assert sealing.unseal(sealed, b"") == b"secret"


def test_the_file_is_made_once(world: SimWorld) -> None:
    assert make_keys(world, PATH)
    [key] = read_keys(world, PATH)
    assert not make_keys(world, PATH)
    assert read_keys(world, PATH) == [key]


@pytest.mark.parametrize(
    "content", [b"", b"# nothing\n", b"00 AAAA\n", b"0011223\n", b"00112233 !!!\n", b"\xff\n"]
)
def test_a_damaged_file_is_not_taken_for_an_empty_one(world: SimWorld, content: bytes) -> None:
    world.disk.make_folder("/data/keys")
    world.disk.write_atomic(PATH, content)
    sealing = Sealing.open(world, PATH)
    with pytest.raises(Unavailable) as caught:
        sealing.seal(b"secret", b"")
    assert caught.value.component == "keys"
    assert world.disk.read(PATH) == content


def test_an_unreadable_file_keeps_nothing_from_starting(world: SimWorld) -> None:
    sealed = Sealing.open(world, PATH).seal(b"secret", b"")
    broken = world.platter.fail("read", PATH)
    sealing = Sealing.open(world, PATH)
    with pytest.raises(Unavailable):
        sealing.unseal(sealed, b"")
    broken.lift()
    assert sealing.unseal(sealed, b"") == b"secret"
