"""swaks: mail from outside and mail from customers, with every kind of TLS and of sign-in."""

from __future__ import annotations

import pytest

from e2e.programs import bodies, letter, needs, run
from e2e.service import DOMAIN, HOST, password, until

needs("swaks")
pytestmark = pytest.mark.slow


@pytest.fixture
def swaks(crowd, tmp_path, person):
    """Sends from outside, or where a sender is named as the person that signs in."""

    def call(door, *words, sender="you@example.net", to="", subject="x", status=0, secret=""):
        if sender.endswith(DOMAIN) and secret != "none":
            words += ("--auth-user", f"{person}@{DOMAIN}", "--auth-password", secret or password(person))
        message = tmp_path / "message"
        message.write_bytes(letter(subject).replace(b"\r\n", b"\n"))
        done = run(
            "swaks", "--server", HOST, "--port", crowd.ports[door], "--timeout", "20s",
            "--from", sender, "--to", to or f"{person}@{DOMAIN}", "--data", f"@{message}", *words,
            home=tmp_path, check=False,
        )  # fmt: skip
        said = done.stdout.decode(errors="replace")
        assert done.returncode == status, said
        return said

    return call


@pytest.mark.parametrize("words", [(), ("--tls",), ("--pipeline",), ("--tls", "--pipeline")])
def test_a_message_from_outside_comes_in(crowd, person, swaks, words):
    said = swaks("mx", *words, subject="in")
    assert "2.0.0 taken as" in said
    assert ("=== TLS started" in said) == ("--tls" in words)
    until(lambda: crowd.subjects(person) == ["in"])
    assert bodies(crowd, person) == [letter("in") + b"\r\n"]  # swaks ends DATA with a line of its own


def test_mx_relays_for_nobody_and_knows_who_is_not_there(swaks):
    assert "550 5.7.1" in swaks("mx", to="friend@example.net", status=24)
    assert "550 5.1.1" in swaks("mx", to=f"nobody@{DOMAIN}", status=24)


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize(("door", "tls"), [("submission", "--tls"), ("submissions", "--tls-on-connect")])
def test_a_customer_sends(crowd, person, swaks, door, tls, mechanism):
    swaks(door, tls, "--auth", mechanism, sender=f"{person}@{DOMAIN}", subject="out")
    until(lambda: crowd.subjects(person) == ["out"])


def test_a_wrong_password_sends_nothing(person, swaks):
    assert "535 5.7.8" in swaks("submission", "--tls", sender=f"{person}@{DOMAIN}", secret="wrong", status=28)


def test_who_has_not_signed_in_sends_nothing(person, swaks):
    said = swaks("submission", "--tls", sender=f"{person}@{DOMAIN}", secret="none", status=23)
    assert "530 5.7.0" in said


def test_nobody_sends_under_the_address_of_another(swaks):
    assert "550 5.7.1" in swaks("submission", "--tls", sender=f"p129@{DOMAIN}", status=23)
