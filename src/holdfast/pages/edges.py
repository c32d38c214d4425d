"""What the package `pages` reaches, for whoever uses it."""

from __future__ import annotations

from holdfast.model.edges import register_edge, register_word

_SITES = ("password", "signup", "admin", "jmap", "setup")

register_edge("key/pages", _SITES, "sessions, sealed", to_run=True)
register_edge(
    "sessions/{process}", (*_SITES, "care"), "sign-outs", without="a sign-out holds in its own process alone"
)
register_edge(
    "sessions/{role}-{any}", (*_SITES, "care"), "sign-outs", without="sign-outs elsewhere aren't heard of"
)

register_word("pace")
