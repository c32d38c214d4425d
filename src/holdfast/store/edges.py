"""What the package `store` reaches, for whoever uses it."""

from __future__ import annotations

from holdfast.model.edges import register_edge, register_word

_READ = ("imap", "pop3", "jmap", "password", "admin")
_TELL = ("mx", "submission", "relay", "signup")  # and have nothing else to do with it

register_edge("cell-{cell}/index", _READ, "mailboxes", without="its accounts' mail can't be read")
register_edge("cell-{cell}/index", ("store",), "mailboxes", without="mail of its accounts waits to be seen")
register_edge("ledger/{intake}", _READ, "messages", without="messages that came by it can't be read whole")
register_edge("ledger/{intake}", ("store",), "messages", without="messages that came by it wait to be seen")
register_edge("ledger/mail", ("store",), "every change of mail", to_run=True)
register_edge(
    "ledger/mail", _READ, "messages", without="messages put there by mail programs can't be read whole"
)
register_edge("socket/store", _READ, "changes of mail", without="mail can be read, and not changed")
register_edge("socket/store", _TELL, "what it has accepted", without="new mail is kept and not yet seen")

register_word("cell-{cell}/index", "cell-{cell}/index")
register_word("store", "socket/store", "process/store-{any}", "ledger/mail")
register_word("packs", "ledger/{ledger}")
