"""App passwords, accounts with a second factor, directories outside: who comes in, by what, and where."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.directory import AuthClient, AuthService, People, PeopleWriter, SignIn
from holdfast.directory import auth as auth_module
from holdfast.directory.app_passwords import app_password_secret, is_within, new_app_password
from holdfast.directory.credentials import Parameters, hash_password, verify_password
from holdfast.directory.history import History
from holdfast.directory.requests import AccountAddMany, Made, NewAccount
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.limits import OUTSIDE_LIFE_S, WRONG_BURST
from holdfast.model.people import Account, AccountState, AppPassword, FactorKind
from holdfast.sim.world import SimWorld
from unit.directory.people_service import follow, seconds_until, serve

FAST = Parameters(memory_kib=64, passes=1, lanes=1)
HASH = hash_password("main", b"0" * 16, FAST)
AUTH = "/run/auth.sock"
PEER = "192.0.2.7"
NO, DISABLED = Reason.BAD_CREDENTIALS, Reason.USER_DISABLED


def play(world: SimWorld, main: Coroutine[Any, Any, None]) -> None:
    world.run(main)
    assert world.simulation.unhandled == []


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every password that argon2id was computed for."""
    seen: list[str] = []

    def counting(password: str, phc: str) -> bool:
        seen.append(password)
        return verify_password(password, phc)

    monkeypatch.setattr(auth_module, "verify_password", counting)
    return seen


class Directory:
    """One outside: it knows one password, or is away."""

    def __init__(self) -> None:
        self.password = "theirs"
        self.away = False
        self.too_old = False
        self.asked: list[str] = []

    def answers_for(self, account: Account) -> bool:
        return bool(account.source)

    def keeps(self, account: Account) -> bool:
        return not self.too_old

    def password_url(self, account: Account) -> str:
        return ""

    async def check(self, account: Account, password: str) -> bool:
        if self.away:
            raise Unavailable("source/ldap:staff", "no answer")
        self.asked.append(password)
        return password == self.password


class Desk:
    writer: PeopleWriter
    people: People

    def __init__(self, world: SimWorld) -> None:
        self.world = world
        self.outside = Directory()

    async def open(self) -> Desk:
        self.writer = await serve(self.world.process("people"))
        await self.writer.domain_add("example.org")
        self.ann = await self.writer.account_add("ann@example.org", credential=HASH)
        self.people = await follow(self.world.process("imap"), "imap")
        await AuthService.serve(self.world.process("auth"), AUTH)
        process = self.world.process("worker")
        self.history = History(process, "/data/history/worker.sqlite")
        self.sign_in = SignIn(
            process,
            self.people,
            AuthClient(process, AUTH),
            parameters=FAST,
            outside=self.outside,
            history=self.history,
        )
        return self

    async def check(
        self, password: str, function: str = "imap", peer: str = PEER, login: str = "ann@example.org"
    ) -> object:
        """Whether it lets in, or the reason of the refusal, or what is unavailable."""
        try:
            await self.sign_in.check(login, password, peer=peer, function=function)
        except Refused as error:
            return error.reason
        except Unavailable as error:
            return error.component
        return True

    async def add(self, **more: Any) -> tuple[str, AppPassword]:
        secret = new_app_password(self.world)
        made = await self.writer.app_password_add(self.ann.id, "phone", secret, **more)
        await self.settle()
        return secret, made

    async def second_factor(self) -> int:
        made = await self.writer.factor_add(self.ann.id, FactorKind.TOTP, "phone", b"sealed")
        await self.settle()
        return made.id

    async def settle(self) -> None:
        await seconds_until(self.world, lambda: self.people.position >= self.writer.durable)

    async def seen(self) -> list[tuple[str, str, str, int]]:
        rows = await self.history.read_all(self.ann.id)
        return sorted((row.function, row.result, row.program, row.count) for row in rows)


# The secret


def test_a_secret_is_eighty_bits_in_groups_and_never_the_same(world: SimWorld) -> None:
    made = {new_app_password(world) for _ in range(100)}
    assert len(made) == 100
    for each in made:
        assert each.startswith("hfapp-") and [len(part) for part in each.split("-")] == [5, 4, 4, 4, 4]


@pytest.mark.slow
@given(st.integers(0, 1 << 32), st.sampled_from([" ", "", "-", "\u2013", "\u00a0", " - "]), st.booleans())
def test_how_a_secret_is_typed_does_not_matter(number: int, between: str, upper: bool) -> None:
    letters = f"{number:016x}"
    secret = f"hfapp-{letters[:4]}-{letters[4:8]}-{letters[8:12]}-{letters[12:]}"
    typed = secret.replace("-", between)
    typed = f" {typed.upper() if upper else typed} "
    assert app_password_secret(typed) == app_password_secret(secret) != ""
    assert app_password_secret(typed.replace("0", "O").replace("1", "l")) == app_password_secret(secret)


@pytest.mark.parametrize(
    "other", ["", "hfapp", "hfapp-", "correct horse", "hfapp-0000-0000-0000-000", "x" * 5000]
)
def test_what_is_no_app_password_is_not_taken_for_one(other: str) -> None:
    assert app_password_secret(other) == ""


@pytest.mark.parametrize(
    ("peer", "networks", "within"),
    [
        ("192.0.2.7", ("192.0.2.0/24",), True),
        ("::ffff:192.0.2.7", ("192.0.2.0/24",), True),
        ("192.0.3.7", ("192.0.2.0/24", "192.0.3.7"), True),
        ("2001:db8::7", ("2001:db8::/32",), True),
        ("[2001:db8::7]", ("2001:db8::/32",), True),
        ("192.0.3.7", ("192.0.2.0/24", "2001:db8::/32"), False),
        ("", ("0.0.0.0/0",), False),
        ("local", ("0.0.0.0/0",), False),
        ("192.0.2.7", ("rubbish",), False),
    ],
)
def test_a_network_holds_its_addresses(peer: str, networks: tuple[str, ...], within: bool) -> None:
    assert is_within(peer, networks) is within


# At the door


def test_an_app_password_opens_the_doors_of_mail_programs_and_costs_no_hash(
    world: SimWorld, hashes: list[str]
) -> None:
    async def main() -> None:
        desk = await Desk(world).open()
        secret, _ = await desk.add()
        for function in ("imap", "pop3", "submission", "jmap"):
            assert await desk.check(secret, function) is True
        assert await desk.check(secret.upper().replace("-", " ")) is True
        assert hashes == []
        assert await desk.check(secret, "web") is NO, "the web takes the main password alone"
        assert await desk.check("main") is True

    play(world, main())


def test_one_that_was_just_made_is_not_called_wrong_by_a_copy_that_is_behind(world: SimWorld) -> None:
    async def main() -> None:
        desk = await Desk(world).open()
        secret = new_app_password(world)
        await desk.writer.app_password_add(desk.ann.id, "phone", secret)
        assert await desk.check(secret) is True

    play(world, main())


def test_another_accounts_app_password_opens_nothing(world: SimWorld) -> None:
    async def main() -> None:
        desk = await Desk(world).open()
        await desk.writer.account_add("bob@example.org", credential=HASH)
        secret, _ = await desk.add()
        assert await desk.check(secret, login="bob@example.org") is NO
        assert await desk.check(secret, login="nobody@example.org") is NO

    play(world, main())


def test_one_that_was_removed_stops_within_a_second(world: SimWorld) -> None:
    async def main() -> None:
        desk = await Desk(world).open()
        secret, made = await desk.add()
        assert await desk.check(secret) is True
        await desk.writer.app_password_rm(desk.ann.id, made.id)
        started = world.clock.monotonic()
        while await desk.check(secret) is not NO:
            assert world.clock.monotonic() - started < 1.0
            await world.clock.sleep(0.01)
        assert await desk.check("main") is True

    play(world, main())


def test_sign_3_scope_network_and_time_hold_and_the_journal_says_which_did_not(world: SimWorld) -> None:
    async def main() -> None:
        desk = await Desk(world).open()
        until = world.clock.now() + 3600
        secret, made = await desk.add(functions=("imap",), networks=("192.0.2.0/24",), expires_at=until)
        assert await desk.check(secret) is True
        assert await desk.check(secret, "submission") is NO
        assert await desk.check(secret, peer="198.51.100.1") is NO
        await world.clock.sleep(3601)
        assert await desk.check(secret) is NO, "however often it was right before"
        told = desk.sign_in._world.journal.named("app_password_refused")  # type: ignore[attr-defined]
        assert [each.keys["reason"] for each in told] == ["function", "network", "expired"]
        assert {each.keys["app_password"] for each in told} == {made.id}
        assert secret not in str([each.keys for each in told])

    play(world, main())


def test_a_disabled_account_is_told_so_by_its_app_password_too(world: SimWorld) -> None:
    async def main() -> None:
        desk = await Desk(world).open()
        secret, _ = await desk.add()
        await desk.writer.account_set(desk.ann.id, state=AccountState.DISABLED)
        await desk.settle()
        assert await desk.check(secret) is DISABLED

    play(world, main())


@pytest.mark.slow
def test_guessing_app_passwords_is_limited_as_guessing_passwords_is(
    world: SimWorld, hashes: list[str]
) -> None:
    async def main() -> None:
        desk = await Desk(world).open()
        secret, _ = await desk.add()
        for _ in range(WRONG_BURST):
            assert await desk.check(new_app_password(world)) is NO
        assert await desk.check(new_app_password(world)) == "auth/limit"
        assert len(hashes) == WRONG_BURST
        assert await desk.check(secret) is True, "PEOPLE-7: the owner's is right all the same"

    play(world, main())


# Two factors


def test_sign_1_with_a_second_factor_mail_programs_need_an_app_password(
    world: SimWorld, hashes: list[str]
) -> None:
    async def main() -> None:
        desk = await Desk(world).open()
        secret, _ = await desk.add()
        assert await desk.check("main") is True
        factor = await desk.second_factor()
        for function in ("imap", "pop3", "submission"):
            assert await desk.check("main", function) is NO
        assert await desk.check(secret) is True
        assert await desk.check("main", "web") is True, "the second factor is the web's to ask"
        assert await desk.check("wrong", "web") is NO
        await desk.writer.factor_rm(desk.ann.id, factor)
        await desk.settle()
        assert await desk.check("main") is True

    play(world, main())


@pytest.mark.slow
def test_sign_1_a_guess_at_the_mail_doors_does_not_tell_whether_it_was_the_main_password(
    world: SimWorld, hashes: list[str]
) -> None:
    async def main() -> None:
        desk = await Desk(world).open()
        assert await desk.check("main", "web") is True
        await desk.second_factor()
        cost = len(hashes)
        assert await desk.check("main") is NO
        assert len(hashes) == cost + 1, "as much work as for any other"
        for n in range(WRONG_BURST - 1):
            assert await desk.check(f"guess {n}") is NO
        assert await desk.check("guess") == "auth/limit"
        await world.clock.sleep(700)  # what was wrong is forgotten
        for n in range(WRONG_BURST):
            await desk.check(f"guess again {n}")
        assert await desk.check("main") == "auth/limit", "no answer of its own behind the limit either"

    play(world, main())


@pytest.mark.slow
def test_a_passkey_alone_leaves_no_door_to_the_main_password(world: SimWorld) -> None:
    async def main() -> None:
        desk = await Desk(world).open()
        secret, _ = await desk.add()
        await desk.writer.factor_add(
            desk.ann.id, FactorKind.PASSKEY, "key", b"\x82\xa2id\xc4\x01a\xa3key\xc4\x01k"
        )
        await desk.writer.account_set(desk.ann.id, passkey_only=True)
        await desk.settle()
        assert await desk.check("main", "web") is NO
        assert await desk.check("main") is NO
        assert await desk.check(secret) is True

    play(world, main())


# Changed meanwhile


def test_people_8_a_password_that_is_changed_while_it_is_checked_lets_nobody_in(world: SimWorld) -> None:
    async def main() -> None:
        desk = await Desk(world).open()
        other = hash_password("other", b"1" * 16, FAST)
        asked = desk.sign_in._auth
        assert isinstance(asked, AuthClient)
        ask = asked.ask

        async def slowly(question: Any) -> Any:
            verdict = await ask(question)
            if question.password == "main" and desk.people.credential(desk.ann.id).phc != other:
                await desk.writer.password_set(desk.ann.id, credential=other, sign_out=True)
                await desk.settle()
            return verdict

        asked.ask = slowly  # type: ignore[method-assign]
        assert await desk.check("main") is NO
        assert await desk.check("other") is True

    play(world, main())


# Directories outside


async def from_outside(desk: Desk, credential: str = "") -> None:
    new = NewAccount(address="staff@example.org", source="ldap:staff", external_id="7", credential=credential)
    await desk.writer.ask(AccountAddMany(accounts=(new,)), list[Made])
    await desk.settle()


STAFF = "staff@example.org"


def test_an_account_from_outside_is_asked_for_outside_and_not_for_each_connection(world: SimWorld) -> None:
    async def main() -> None:
        desk = await Desk(world).open()
        await from_outside(desk)
        for _ in range(5):
            assert await desk.check("theirs", login=STAFF) is True
        assert desk.outside.asked == ["theirs"]
        assert await desk.check("wrong", login=STAFF) is NO
        desk.outside.password = "changed"
        await world.clock.sleep(OUTSIDE_LIFE_S + 1)
        assert await desk.check("theirs", login=STAFF) is NO, "soon after it was changed there"
        assert await desk.check("main") is True and "main" not in desk.outside.asked

    play(world, main())


def test_sign_2_without_the_directory_outside_what_was_kept_lets_in_and_nothing_is_called_wrong(
    world: SimWorld,
) -> None:
    async def main() -> None:
        desk = await Desk(world).open()
        await from_outside(desk, hash_password("theirs", b"2" * 16, FAST))
        desk.outside.away = True
        assert await desk.check("theirs", login=STAFF) is True
        assert await desk.check("wrong", login=STAFF) == "source/ldap:staff"
        assert await desk.check("main") is True
        desk.outside.too_old = True
        assert await desk.check("theirs", login=STAFF) == "source/ldap:staff"
        desk.outside.away = False
        assert await desk.check("wrong", login=STAFF) is NO

    play(world, main())


def test_sign_2_without_the_directory_and_nothing_kept_it_is_unavailable(world: SimWorld) -> None:
    async def main() -> None:
        desk = await Desk(world).open()
        await from_outside(desk)
        desk.outside.away = True
        assert await desk.check("theirs", login=STAFF) == "source/ldap:staff"

    play(world, main())


@pytest.mark.slow
def test_guessing_at_a_directory_outside_is_limited_here(world: SimWorld) -> None:
    async def main() -> None:
        desk = await Desk(world).open()
        await from_outside(desk)
        for n in range(WRONG_BURST):
            assert await desk.check(f"guess {n}", login=STAFF) is NO
        assert await desk.check("one more", login=STAFF) == "auth/limit"
        assert len(desk.outside.asked) == WRONG_BURST

    play(world, main())


# History


@pytest.mark.slow
def test_everything_that_happens_to_an_account_is_in_its_history(world: SimWorld) -> None:
    async def main() -> None:
        desk = await Desk(world).open()
        secret, _ = await desk.add(functions=("imap",))
        for word, function in (
            ("main", "web"),
            ("main", "imap"),
            ("main", "imap"),
            ("wrong", "imap"),
            (secret, "imap"),
            (secret, "submission"),
        ):
            await desk.check(word, function)
        await desk.check("x", login="nobody@example.org")
        for n in range(WRONG_BURST):
            await desk.check(f"guess {n}", "pop3")
        await desk.writer.account_set(desk.ann.id, state=AccountState.DISABLED)
        await desk.settle()
        await desk.check("main")
        assert await desk.seen() == [
            ("imap", "disabled", "", 1),
            ("imap", "right", "", 2),
            ("imap", "right", "phone", 1),
            ("imap", "wrong", "", 1),
            ("pop3", "limited", "", 1),
            ("pop3", "wrong", "", WRONG_BURST - 1),
            ("submission", "not_here", "phone", 1),
            ("web", "right", "", 1),
        ]

    play(world, main())
