"""What a canary's way comes to: every end of it has its word."""

from __future__ import annotations

import asyncio
import contextlib
import errno
from functools import partial
from types import SimpleNamespace

import pytest

from holdfast.model.errors import Unavailable
from holdfast.watch.canaries import mailing, paging
from holdfast.watch.canaries.returns import Returns
from holdfast.watch.canaries.visiting import Page
from holdfast.watch.canaries.walk import Walk, attempt
from holdfast.watch.canaries.words import Account, Result, Unsure
from holdfast.watch.clients import Fault, Turned
from holdfast.world import real_world, run

OWN = Account("canary@example.org", "one", "other", "app")


def tried(error: Exception | None, *, stands: bool | None = None, own: bool = True) -> Result:
    async def work(walk: Walk) -> None:
        walk.account = OWN if own else None
        walk.begin("sign-in")
        if error is not None:
            raise error

    async def asked(account: Account) -> bool | None:
        assert account == OWN
        return stands

    return run(attempt(real_world(level="error"), "canary/imap", work, asked))


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (None, "works"),
        (Fault("sign-in", "no"), "fails"),
        (Fault("sign-in", "later", partly=True), "degraded"),
        (Turned("NO [UNAVAILABLE]", temporary=True), "fails"),
        (ConnectionResetError("gone"), "fails"),
        (OSError(errno.EMFILE, "too many open files"), "unknown"),
        (Unavailable("webmail", "answered 503"), "fails"),
        (Unavailable("webmail", "answered 429"), "unknown"),
        (Unsure("there is no door"), "unknown"),
        (ValueError("not a number"), "fails"),
        (ZeroDivisionError(), "unknown"),
    ],
)
def test_canary_1_each_end_has_its_word_and_its_step(error, state):
    result = tried(error)
    assert result.finding.state == state
    assert result.finding.step == ("" if error is None else "sign-in")
    assert [each.step for each in result.passed] == ["connect", "sign-in"][: 2 if error is None else 1]
    assert not result.ours


def test_canary_2_a_refusal_is_judged_by_what_other_doors_say_of_the_same_account():
    refused = Turned("NO [AUTHENTICATIONFAILED] wrong", temporary=False)
    assert tried(refused, stands=True).finding.state == "fails"
    everywhere = tried(refused, stands=False)
    assert (everywhere.finding.state, everywhere.ours) == ("unknown", True)
    alone = tried(refused, stands=None)
    assert (alone.finding.state, alone.ours) == ("unknown", False)
    full = tried(Turned("452 4.2.2 full", temporary=True, full=True))
    assert (full.finding.state, full.ours) == ("unknown", True)


@pytest.mark.timed
def test_canary_1_a_step_without_an_answer_ends_in_time_and_is_named():
    async def work(walk: Walk) -> None:
        walk.begin("SELECT")
        walk.may_take(0.05)
        await asyncio.Event().wait()

    async def nobody(account: Account) -> bool | None:
        return None

    finding = run(attempt(real_world(level="error"), "canary/imap", work, nobody)).finding
    assert (finding.state, finding.step, finding.said) == ("fails", "SELECT", "no answer in time")
    assert finding.took_s < 2.0


def test_a_page_is_read_for_its_hidden_fields_and_what_it_says_is_wrong():
    page = Page(
        b'<form><input type="hidden" name="csrf" value="a&amp;b"></form><p class="notice good">Done</p>'
        b'<div class="notice bad" id="wrong"><p><a href="#new">Too short</a></p></div><p>more</p>'
    )
    assert page.hidden == {"csrf": "a&b"}
    assert page.wrong == "Too short"
    assert {"good", "bad"} <= page.classes


def test_canary_4_a_password_that_was_changed_later_than_it_was_asked_for_costs_one_wrong_guess():
    """What was taken durably is carried out when its writer is back: from then on the other one is right."""
    own = Account("canary-2@example.org", "first", "second", "")
    guesses: list[str] = []

    class Door:
        async def sign_in(self, login: str, word: str) -> None:
            guesses.append(word)
            if word != "second":
                raise Turned("wrong", temporary=False)

    door, ground = Door(), SimpleNamespace(stood={})

    async def thrice() -> list[str]:
        return [await paging._enter(ground, door, own) for _ in range(3)]  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(paging, "_visitor", lambda *_: contextlib.nullcontext(door))
        assert run(thrice()) == ["second"] * 3
    assert guesses.count("first") == 1


class Elsewhere:
    """A canary's ground on which nothing is sent. ``back``: subjects there. ``shut``: nobody can look.
    ``comes_in``: mail from others does."""

    def __init__(self, *, shut: bool = False) -> None:
        self.world = real_world(level="error")
        self.outside, self.token = "canary@elsewhere.example", "token"
        self.first = OWN
        self.returns = Returns()
        self.back: list[str] = []
        self.shut = shut
        self.comes_in = True
        for number in range(3):  # a hundredth of a second is usual
            self.returns.sent(str(number), 0.0)
            self.returns.back(str(number), 0.01)

    @contextlib.asynccontextmanager
    async def imap(self, account, steps):
        if self.shut:
            raise ConnectionRefusedError("nobody is there")
        yield self

    async def do(self, command: object) -> list[object]:
        return []

    def goes(self) -> Result:
        async def found(imap: object, subject: str) -> tuple[int, ...]:
            return (1,) if subject in self.back else ()

        async def submit(ground: object, walk: Walk, to: str, subject: str) -> None:
            assert to == self.outside

        async def come_in(ground: object, walk: Walk, subject: str) -> None:
            assert not subject.startswith(f"{mailing.OUT} {self.token}"), "it would be taken for what is back"
            if not self.comes_in:
                raise ConnectionRefusedError("no door")

        async def nobody(account: Account) -> bool | None:
            return None

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(mailing, "_come_in", come_in)
            patched.setattr(mailing, "_found", found)
            patched.setattr(mailing, "_submit", submit)
            patched.setattr("holdfast.watch.canaries.returns.CANARY_BACK_S", 0.05)
            work = partial(mailing.relay, self)  # type: ignore[arg-type]
            return run(attempt(self.world, "canary/relay", work, nobody))


@pytest.mark.timed
def test_canary_7_what_isnt_back_when_it_usually_is_is_degraded_and_found_when_it_comes_late():
    ground = Elsewhere()
    finding = ground.goes().finding
    assert (finding.state, finding.step) == ("degraded", "back") and "0.0 s at most" in finding.said
    ground.token, ground.back = "next", [f"{mailing.OUT} token", f"{mailing.OUT} next"]
    assert ground.goes().finding.state == "works"
    assert ground.returns.missing() == []


@pytest.mark.timed
def test_canary_7_where_no_mail_comes_in_it_is_not_said_to_be_lost_elsewhere():
    ground = Elsewhere()
    ground.comes_in = False
    finding = ground.goes().finding
    assert (finding.state, finding.step) == ("unknown", "back") and "no door" in finding.said


def test_canary_7_when_nobody_can_look_for_what_comes_back_it_is_unknown():
    finding = Elsewhere(shut=True).goes().finding
    assert (finding.state, finding.step) == ("unknown", "back") and "nobody is there" in finding.said
