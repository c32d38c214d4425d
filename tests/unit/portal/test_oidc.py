"""What a provider's word has to be like to count; how it comes here is tested in tests/web."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.model.errors import Refused
from holdfast.model.limits import OIDC_SKEW_S
from holdfast.portal.oidc import Flow, Provider, ProviderSettings, _Claims
from holdfast.world import real_world

ISSUER = "https://id.example.org"
FRESH_S = 900.0


@pytest.fixture(scope="module")
def provider() -> Provider:
    return Provider(real_world(level="error"), ProviderSettings("works", ISSUER, "mail"))


def check(provider: Provider, *, again: bool = False, **claims: Any) -> None:
    now = provider._world.clock.now()
    flow = Flow("works", "state", "nonce", "verifier", "/", again, now)
    said = {"iss": ISSUER, "sub": "7", "aud": "mail", "exp": now + 60, "iat": now, "nonce": "nonce"}
    provider._check(_Claims(**{**said, **claims}), flow, FRESH_S)


def test_a_right_word_counts(provider: Provider) -> None:
    now = provider._world.clock.now()
    check(provider)
    check(provider, aud=["mail", "other"], azp="mail")
    check(provider, exp=now - OIDC_SKEW_S + 5, iat=now + OIDC_SKEW_S - 5)
    check(provider, auth_time=now - FRESH_S)


@pytest.mark.parametrize(
    ("what", "claims"),
    [
        ("issuer", {"iss": "https://id.example.com"}),
        ("audience", {"aud": "other"}),
        ("party", {"aud": ["mail", "other"]}),
        ("party", {"azp": "other"}),
        ("nonce", {"nonce": ""}),
        ("end", {"exp": 1.0}),
        ("beginning", {"nbf": 4e9}),
        ("age", {"auth_time": 1.0}),
        ("subject", {"sub": ""}),
    ],
)
def test_oidc_1_a_word_for_another_time_place_or_flow_counts_for_nothing(
    provider: Provider, what: str, claims: dict[str, Any]
) -> None:
    with pytest.raises(Refused) as refused:
        check(provider, **claims)
    assert refused.value.text.endswith(what)


def test_who_was_to_show_it_anew_has_to(provider: Provider) -> None:
    earlier = provider._world.clock.now() - 2 * OIDC_SKEW_S
    check(provider, auth_time=earlier)
    with pytest.raises(Refused):
        check(provider, again=True, auth_time=earlier)
