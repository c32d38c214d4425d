"""What client set-up and certificates reach."""

from __future__ import annotations

from holdfast.model.edges import register_edge, register_word

register_edge("acme/account", ("setup",), "the account there, and challenges", without="nothing is renewed")
register_edge("partner/acme", ("setup",), "certificates", without="certificates aren't renewed")

register_word("acme", "partner/acme", "acme/account", "dns")
