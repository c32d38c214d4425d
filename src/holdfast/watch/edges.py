"""What the package `watch` reaches, for whoever uses it."""

from __future__ import annotations

from holdfast.model.edges import EVERY, register_edge, register_word

register_edge("metrics/{process}", EVERY, "counts", without="what it counts isn't told")
register_edge("metrics/{any}", ("health", "watch"), "counts", without="what that process counts isn't known")
register_edge("door/{door}", ("health", "watch"), "tries", without="that door is said not to work")
register_edge("partner/traces", EVERY, "spans", without="spans are lost")

register_edge("vantage/{name}", ("watch",), "what is seen from there", without="that isn't known")

register_edge("ledger/incidents", ("watch",), "the record of outages", without="it goes on in memory")
register_edge("socket/watch", ("care",), "what is to be written down", without="it is written down later")
_LOOKED_AT = "it is said not to work"
for _component in (
    *("disk/{name}", "ledger/{any}", "certificate/{any}", "cell-{cell}/index", "dns", "machine"),
    *("copy/{any}", "history/{any}", "sessions/{any}", "proofs/{any}", "key/{any}", "sources/{any}"),
    *("acme/account", "admin/{any}", "signup/requests", "uploads", "customers", "reports", "notices"),
    *("partner/relay", "elsewhere"),
):
    register_edge(_component, ("watch",), "checks", without=_LOOKED_AT)
for _component in ("socket/control", "socket/people", "socket/store", "socket/auth", "socket/relay"):
    register_edge(_component, ("watch",), "checks, accounts of canaries, remedies", without=_LOOKED_AT)

register_word("metrics", "metrics/{any}")
for _scheme in ("http", "https"):  # a page of ours, as a canary asks for it
    register_word(f"{_scheme}://{{place}}", "door/{door}")
register_word("vantage/{name}", "vantage/{name}")
register_word("watch", "socket/watch", "process/watch-{any}")
register_word("incidents", "ledger/incidents")
