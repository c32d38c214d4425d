"""SASL PLAIN and LOGIN: both ends against each other, and what each must refuse."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.model.errors import Refused
from holdfast.wire import sasl
from holdfast.wire.sasl import Cancelled, Challenge, Credentials

_words = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=40)


def _run(mechanism: str, credentials: Credentials, *, initial: bool) -> Credentials:
    client, server = sasl.client(mechanism, credentials), sasl.server(mechanism)
    assert client and server
    step = server.step(client.initial() if initial else None)
    for _ in range(4):
        if isinstance(step, Credentials):
            return step
        step = server.step(client.respond(step.line))
    raise AssertionError("no end")


@given(_words, _words, st.sampled_from(sasl.MECHANISMS), st.booleans())
def test_the_server_gets_what_the_client_was_given(
    login: str, password: str, mechanism: str, initial: bool
) -> None:
    assert _run(mechanism, Credentials("", login, password), initial=initial) == ("", login, password)


def test_plain_carries_whom_to_act_as() -> None:
    assert _run("plain", Credentials("boss", "anna", "x"), initial=True).authorize == "boss"


def test_login_asks_for_the_name_and_then_for_the_password() -> None:
    server = sasl.server("LOGIN")
    assert server
    assert server.step(None) == Challenge(b"VXNlcm5hbWU6")
    assert server.step(b"YW5uYQ==") == Challenge(b"UGFzc3dvcmQ6")
    assert server.step(b"eA==") == Credentials("", "anna", "x")


@pytest.mark.parametrize(
    "line",
    [
        b"YW5uY",  # not a whole number of groups
        b"!!!!",
        sasl.encode(b"anna\0secret"),  # two fields
        sasl.encode(b"\0anna\0sec\0ret"),  # four
        sasl.encode(b"\0anna\0"),  # no password
        sasl.encode(b"\0\0secret"),  # no name
        sasl.encode(b"\0ann\xff\0secret"),  # not UTF-8
        sasl.encode(b"\0anna\0" + b"x" * 2000),
        b"=",
        b"Y" * 20_000,
    ],
)
def test_a_malformed_plain_response_is_refused(line: bytes) -> None:
    """SASL-1, SASL-2."""
    server = sasl.server("PLAIN")
    assert server
    with pytest.raises(Refused):
        server.step(line)


@pytest.mark.parametrize("mechanism", sasl.MECHANISMS)
def test_a_star_cancels(mechanism: str) -> None:
    server = sasl.server(mechanism)
    assert server
    server.step(None)
    with pytest.raises(Cancelled):
        server.step(b"*")


def test_an_unknown_mechanism_is_none() -> None:
    assert sasl.server("CRAM-MD5") is None
    assert sasl.client("CRAM-MD5", Credentials("", "a", "b")) is None


def test_credentials_never_show_the_password() -> None:
    """SASL-3."""
    assert "hunter2" not in repr(Credentials("", "anna", "hunter2"))


def test_a_client_does_not_answer_a_challenge_too_many() -> None:
    client = sasl.client("LOGIN", Credentials("", "a", "b"))
    assert client
    client.respond(b"")
    client.respond(b"")
    with pytest.raises(Refused):
        client.respond(b"")
