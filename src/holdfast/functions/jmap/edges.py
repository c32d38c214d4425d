"""What JMAP reaches."""

from __future__ import annotations

from holdfast.model.edges import register_edge, register_word

register_edge("key/vapid", ("jmap",), "who pushes", to_run=True)
register_edge("sessions/tokens", ("jmap",), "tokens taken", without="a stolen refresh token isn't noticed")
register_edge("uploads", ("jmap",), "what was uploaded", without="nothing can be attached")
register_edge("partner/push", ("jmap",), "that something is new", without="some devices hear of it later")

register_word("uploads", "uploads")
register_word("push", "partner/push")
