"""What the package `care` reaches, and the list it is given."""

from __future__ import annotations

from holdfast.model.edges import register_edge, register_word

register_edge("customers", ("people",), "whose accounts are where", without="it is told from an older list")
register_edge("customers", ("care",), "whose accounts are where", without="who is affected can't be counted")
register_edge("copy/{any}", ("care",), "whom an old one doesn't know", without="it may hit all who use it")
register_edge("ledger/incidents", ("care",), "the record of outages")
register_edge("disk/data", ("care",), "what the watch sees now, what is published", without="that stays old")
register_edge("reports", ("care",), "what customers report", without="reports are taken by telephone alone")
register_edge("key/pages", ("care",), "forms, sealed", without="a form outlives no restart")

register_edge("notices", ("care",), "who was told what", without="nobody is told by himself")
register_edge("partner/sms", ("care",), "notices", without="they go by the next way there is")
register_edge("partner/smarthost", ("care",), "notices", without="they go by the next way there is")
register_edge("partner/channel/{name}", ("care",), "notices", without="they go by the next way there is")
register_edge("partner/alarms", ("care",), "the staff's alarm", without="nobody is woken up by it")
register_edge("partner/publish/{name}", ("care",), "the status page", without="an older page is shown there")

register_word("notices", "notices")
register_word("partner/channel/{name}", "partner/channel/{name}")
register_word("partner/alarms", "partner/alarms")
register_word("reports", "reports")
register_word("customers", "customers")
register_word("console", "disk/data")  # whose tokens open it
