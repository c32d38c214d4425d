"""What the package `watch` reaches, for whoever uses it."""

from __future__ import annotations

from holdfast.model.edges import EVERY, register_edge, register_word

register_edge("metrics/{process}", EVERY, "counts", without="what it counts isn't told")
register_edge("metrics/{any}", ("health",), "counts", without="what that process counts isn't known")
register_edge("door/{door}", ("health",), "tries", without="that door is said not to work")
register_edge("partner/traces", EVERY, "spans", without="spans are lost")

register_edge("ledger/incidents", ("watch",), "the record of outages")

register_word("metrics", "metrics/{any}")
register_word("incidents", "ledger/incidents")
