"""What the package `portal` reaches, for whoever uses it."""

from __future__ import annotations

from holdfast.model.edges import register_edge, register_word

_REACHING = ("password", "signup")

register_edge("proofs/{role}", ("signup",), "codes on their way")
register_edge("proofs/{role}", ("password",), "codes on their way", without="nobody is let in by a code")
register_edge("partner/sms", _REACHING, "codes and notices", without="phones can't be reached")
register_edge(
    "partner/smarthost", _REACHING, "codes and notices", without="codes by mail wait for our own relay"
)
register_edge(
    "source/oidc:{name}", ("password", "admin"), "who signs in by it", without="nobody signs in by it"
)

register_word("partner/sms", "partner/sms")
register_word("partner/smarthost", "partner/smarthost")
register_word("proofs", "proofs/{role}")
# a gateway that doesn't answer at all
register_word("phone", "partner/sms")
register_word("address", "partner/smarthost", "ledger/{process}")
