"""What administration reaches."""

from __future__ import annotations

from holdfast.model.edges import register_edge, register_word

register_edge("admin/kept", ("admin",), "requests already answered, and imports", to_run=True)
register_edge("admin/hooks", ("admin",), "how far each hook is", without="hooks are told some things again")
register_edge("partner/hook/{name}", ("admin",), "what changes among people", without="it hears of it later")

register_word("partner/hook/{name}", "partner/hook/{name}")
register_word("admin")  # imports, where they aren't served
