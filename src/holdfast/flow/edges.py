"""What the package `flow` reaches, for whoever uses it."""

from __future__ import annotations

from holdfast.model.edges import register_edge, register_word

_ACCEPTS = ("mx", "submission", "relay", "jmap")
_PAGES = ("password", "signup")

register_edge("ledger/{process}", ("mx", "submission", "relay"), "mail as it was accepted")
register_edge("ledger/{process}", ("jmap",), "mail as it was accepted", without="nothing can be sent by it")
register_edge("ledger/{process}", _PAGES, "messages of its own", without="no codes or notices by mail")
register_edge(
    "ledger/submission-{worker}", ("jmap",), "how much was sent", without="sending limits count less"
)
register_edge(
    "ledger/jmap-{worker}", ("submission",), "how much was sent", without="sending limits count less"
)
register_edge(
    "socket/relay",
    ("mx", "submission", "jmap", *_PAGES),
    "mail to elsewhere",
    without="mail to elsewhere waits",
)

# the relay
register_edge("ledger/queue", ("relay",), "what was tried, and with what end")
register_edge("ledger/{intake}", ("relay",), "mail to elsewhere", without="mail that came by it waits")
register_edge("dns", ("relay",), "where mail goes", without="mail to elsewhere waits")
register_edge("elsewhere", ("relay",), "mail", without="mail to elsewhere waits")
register_edge("partner/relay", ("relay",), "all mail to elsewhere", without="mail to elsewhere waits")

register_word("relay", "socket/relay", "process/relay-{any}")
register_word("relay/onward", "partner/relay", "elsewhere")
register_word("relay/names", "dns", "partner/relay")  # … where that is looked up
