"""Second factors: what is right is right once, and what is wrong tells nothing."""

from __future__ import annotations

import pyotp
import pytest

from holdfast.directory.factors import STEP_S, Factors, recovery_digest
from holdfast.directory.passkeys import Passkeys, account_of, handle_of
from holdfast.directory.sealing import Sealing
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.people import Account, AccountRole, AccountState, FactorKind, SecondFactor
from holdfast.sim.world import SimWorld
from unit.directory.authenticator import Authenticator

ANN, BOB = 7, 8
HOST, ORIGIN = "mail.example.org", "https://mail.example.org:8443"
KEYS = "/data/keys/factors.key"


class Kept:
    """What a copy of the people knows."""

    def __init__(self) -> None:
        self.factors: list[tuple[SecondFactor, bytes]] = []

    def add(self, account: int, kind: FactorKind, secret: bytes) -> int:
        number = 100 + len(self.factors)
        self.factors.append((SecondFactor(number, account, kind, "", 0.0), secret))
        return number

    def factor_secrets(self, account: int) -> list[tuple[SecondFactor, bytes]]:
        return [each for each in self.factors if each[0].account == account]


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def factors(world: SimWorld, kept: Kept) -> Factors:
    return Factors(world, kept, Sealing.open(world, KEYS), issuer="Example Mail")


@pytest.fixture
def passkeys(world: SimWorld, kept: Kept) -> Passkeys:
    return Passkeys(world, kept, host=HOST, title="Example Mail", origins=[ORIGIN])


def phone(world: SimWorld, uri: str, *, wrong_by: float = 0.0) -> str:
    """The code that an app shows, made from the QR code alone."""
    app = pyotp.parse_uri(uri)
    assert isinstance(app, pyotp.TOTP) and app.issuer == "Example Mail"
    return app.at(int(world.clock.now() + wrong_by))


# Codes of the clock


def test_the_code_of_the_app_is_right_and_any_other_is_not(
    world: SimWorld, kept: Kept, factors: Factors
) -> None:
    new = factors.new_totp(ANN, "ann@example.org")
    assert "ann%40example.org" in new.uri or "ann@example.org" in new.uri
    assert factors.totp_fits(new.key, phone(world, new.uri))
    kept.add(ANN, FactorKind.TOTP, new.sealed)
    right = phone(world, new.uri)
    for wrong in ("", "12345", "abcdef", f"{(int(right) + 1) % 10**6:06}", right + "0", "１２３４５６"):
        assert not factors.totp_right(ANN, wrong)
    assert not factors.totp_right(BOB, right)
    assert factors.totp_right(ANN, f"{right[:3]} {right[3:]}")


def test_factor_1_a_code_is_taken_once(world: SimWorld, kept: Kept, factors: Factors) -> None:
    new = factors.new_totp(ANN, "ann")
    kept.add(ANN, FactorKind.TOTP, new.sealed)
    code = phone(world, new.uri)
    assert factors.totp_right(ANN, code)
    assert not factors.totp_right(ANN, code)
    assert not factors.totp_right(ANN, phone(world, new.uri, wrong_by=-STEP_S)), "nor one from before it"
    assert factors.totp_right(ANN, phone(world, new.uri, wrong_by=STEP_S))


@pytest.mark.parametrize(("wrong_by", "right"), [(-30, True), (30, True), (-61, False), (61, False)])
def test_a_clock_may_be_wrong_by_one_step(
    world: SimWorld, kept: Kept, factors: Factors, wrong_by: float, right: bool
) -> None:
    new = factors.new_totp(ANN, "ann")
    kept.add(ANN, FactorKind.TOTP, new.sealed)
    assert factors.totp_right(ANN, phone(world, new.uri, wrong_by=wrong_by)) is right


def test_the_codes_are_those_of_rfc_6238(world: SimWorld, factors: Factors) -> None:
    for seconds, code in ((59, "287082"), (1111111109, "081804"), (2000000000, "279037")):
        world.clock.skew += seconds - world.clock.now()
        assert factors.totp_fits(b"12345678901234567890", code)


def test_a_setup_can_be_carried_by_a_page_and_only_for_its_account(factors: Factors) -> None:
    new = factors.new_totp(ANN, "ann")
    assert factors.opened_totp(ANN, new.sealed, "ann") == new
    with pytest.raises(Unavailable):
        factors.opened_totp(BOB, new.sealed, "bob")


def test_a_key_that_cannot_be_opened_makes_no_code_wrong(
    world: SimWorld, kept: Kept, factors: Factors
) -> None:
    lost = factors.new_totp(ANN, "ann")
    kept.add(ANN, FactorKind.TOTP, lost.sealed)
    world.disk.remove(KEYS)
    other = Factors(world, kept, Sealing.open(world, KEYS), issuer="Example Mail")
    with pytest.raises(Unavailable) as caught:
        other.totp_right(ANN, phone(world, lost.uri))
    assert caught.value.component == "keys"
    assert world.journal.named("factors_unreadable")
    new = other.new_totp(ANN, "ann")
    kept.add(ANN, FactorKind.TOTP, new.sealed)
    assert other.totp_right(ANN, phone(world, new.uri)), "another app of the same person still works"


# Recovery codes


def test_factor_2_each_of_ten_codes_names_what_is_to_be_spent(kept: Kept, factors: Factors) -> None:
    new = factors.new_recovery()
    assert len(set(new.codes)) == 10
    number = kept.add(ANN, FactorKind.RECOVERY, new.secret)
    for code in new.codes:
        for typed in (code, code.upper(), code.replace("-", " "), code.replace("0", "o").replace("1", "l")):
            assert factors.recovery_right(ANN, typed) == (number, recovery_digest(code))
        assert factors.recovery_right(BOB, code) is None
    for wrong in ("", "0000-0000-0000-0000", new.codes[0][:-1], new.codes[0] + "0"):
        assert factors.recovery_right(ANN, wrong) is None


def test_factor_2_a_spent_code_is_none(kept: Kept, factors: Factors) -> None:
    new = factors.new_recovery()
    spent = recovery_digest(new.codes[0])
    kept.add(ANN, FactorKind.RECOVERY, new.secret.replace(spent, b""))
    assert factors.recovery_right(ANN, new.codes[0]) is None
    assert factors.recovery_right(ANN, new.codes[1]) is not None


# Passkeys


def account(number: int) -> Account:
    return Account(number, number, "ann@example.org", "Ann", 1, AccountState.ACTIVE, AccountRole.NONE, 1, 0.0)


def enrolled(kept: Kept, passkeys: Passkeys, key: Authenticator, number: int = ANN) -> int:
    question = passkeys.new(account(number))
    secret = passkeys.made(key.create(question.options), question.challenge)
    return kept.add(number, FactorKind.PASSKEY, secret)


def answered(passkeys: Passkeys, key: Authenticator, number: int = 0) -> object:
    """Whose key it is and which, or that it was refused."""
    question = passkeys.ask(number)
    try:
        return passkeys.right(key.get(question.options), question.challenge, number)[:2]
    except Refused as refused:
        return refused.reason


NO = Reason.BAD_CREDENTIALS


def test_a_passkey_tells_by_itself_whose_it_is(kept: Kept, passkeys: Passkeys) -> None:
    ann, bob, nobody = Authenticator(ORIGIN), Authenticator(ORIGIN), Authenticator(ORIGIN)
    first, second = enrolled(kept, passkeys, ann), enrolled(kept, passkeys, bob, BOB)
    assert answered(passkeys, ann) == (ANN, first)
    assert answered(passkeys, bob) == (BOB, second)
    nobody.handle = ann.handle
    assert answered(passkeys, nobody) is NO
    ann.handle = bob.handle
    assert answered(passkeys, ann) is NO


def test_behind_a_password_only_the_keys_of_that_account_count(kept: Kept, passkeys: Passkeys) -> None:
    ann, bob = Authenticator(ORIGIN), Authenticator(ORIGIN)
    first = enrolled(kept, passkeys, ann)
    enrolled(kept, passkeys, bob, BOB)
    assert answered(passkeys, ann, ANN) == (ANN, first)
    assert answered(passkeys, bob, ANN) is NO


def test_alone_a_key_must_have_made_sure_who_holds_it(kept: Kept, passkeys: Passkeys) -> None:
    key = Authenticator(ORIGIN)
    first = enrolled(kept, passkeys, key)
    key.verifies = False
    assert answered(passkeys, key) is NO
    assert answered(passkeys, key, ANN) == (ANN, first), "behind a password to hold it is enough"


def test_factor_3_a_counter_that_does_not_go_on_is_refused(kept: Kept, passkeys: Passkeys) -> None:
    key = Authenticator(ORIGIN, count=5)
    first = enrolled(kept, passkeys, key)
    assert answered(passkeys, key) == (ANN, first)
    key.count -= 1  # a copy of the key, used before
    assert answered(passkeys, key) is NO
    key.count += 5
    assert answered(passkeys, key) == (ANN, first)


def test_a_challenge_is_answered_once(kept: Kept, passkeys: Passkeys) -> None:
    key = Authenticator(ORIGIN)
    enrolled(kept, passkeys, key)
    question = passkeys.ask()
    answer = key.get(question.options)
    assert passkeys.right(answer, question.challenge).account == ANN
    with pytest.raises(Refused):
        passkeys.right(answer, question.challenge)
    with pytest.raises(Refused):
        passkeys.right(answer, passkeys.ask().challenge)


def test_a_key_answers_for_our_pages_only(kept: Kept, passkeys: Passkeys) -> None:
    key = Authenticator(ORIGIN)
    enrolled(kept, passkeys, key)
    key.origin = "https://mail.example.net"
    assert answered(passkeys, key) is NO
    question = passkeys.new(account(BOB))
    with pytest.raises(Refused):
        passkeys.made(key.create(question.options), question.challenge)


HOLLOW = '{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"!","signature":"!"}}'
STRANGE = ["", "{}", "[]", "null", '{"id": 1}', "\x00", "x" * 100_000, HOLLOW]


@pytest.mark.parametrize("answer", STRANGE, ids=range(len(STRANGE)))
def test_what_is_no_answer_is_refused_and_nothing_worse(
    world: SimWorld, passkeys: Passkeys, answer: str
) -> None:
    for number in (0, ANN):
        with pytest.raises(Refused):
            passkeys.right(answer, passkeys.ask(number).challenge, number)
    with pytest.raises(Refused):
        passkeys.made(answer, passkeys.new(account(ANN)).challenge)
    assert world.journal.named("passkey_refused")


def test_the_options_name_what_is_there_already(kept: Kept, passkeys: Passkeys) -> None:
    enrolled(kept, passkeys, Authenticator(ORIGIN))
    assert '"excludeCredentials": [{' in passkeys.new(account(ANN)).options
    assert '"allowCredentials": [{' in passkeys.ask(ANN).options
    assert '"allowCredentials": []' in passkeys.ask().options, "who is not signed in learns of no key"


def test_a_handle_is_the_accounts_and_nothing_else_is_one() -> None:
    assert account_of(handle_of(ANN)) == ANN
    assert account_of(None) == account_of(b"") == account_of(b"7") == account_of(bytes(64)) == 0
