"""What the package `world` reaches, for whoever uses it."""

from __future__ import annotations

from holdfast.model.edges import EVERY, register_edge, register_word

register_edge("journal", EVERY, "what happens", without="what happens isn't written down")
register_edge(
    "certificate/{name}",
    ("submission", "imap", "pop3", "password", "signup", "admin", "jmap", "webmail"),
    "certificate and key of its doors",
)
register_edge(
    "certificate/{name}",
    ("mx", "setup", "care"),
    "certificate and key of its doors",
    without="it is served without TLS alone",
)

register_word("dns", "dns")
register_word("memory/{what}")
