"""What the package `care` reaches, and the list it is given."""

from __future__ import annotations

from holdfast.model.edges import register_edge, register_word

register_edge("customers", ("people",), "whose accounts are where", without="it is told from an older list")
register_edge("customers", ("care",), "whose accounts are where", without="who is affected can't be counted")
register_edge("ledger/incidents", ("care",), "the record of outages")
register_edge("reports", ("care",), "what customers report", without="reports are taken by telephone alone")
register_edge("key/pages", ("care",), "forms, sealed", without="a form outlives no restart")

register_word("reports", "reports")
register_word("customers", "customers")
