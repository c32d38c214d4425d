"""What account creation reaches."""

from __future__ import annotations

from holdfast.model.edges import register_edge, register_word

register_edge("signup/requests", ("signup",), "requests that wait")
register_edge(
    "partner/contracts", ("signup",), "numbers of contracts", without="they are checked when it is back"
)

register_edge("key/canary", ("signup",), "by which our canary is known", without="it can't sign up")

register_word("signup", "signup/requests")
register_word("partner/contracts", "partner/contracts")
