"""What the package `directory` reaches, for whoever uses it."""

from __future__ import annotations

from holdfast.model.edges import register_edge, register_word

_SIGN_IN = ("submission", "imap", "pop3", "jmap", "password", "admin")
_OUTSIDE = ("submission", "imap", "pop3", "jmap", "password")  # where people of directories outside sign in
_NEEDS_PEOPLE = (
    *("mx", "submission", "imap", "pop3", "jmap", "relay", "sources", "password", "signup", "admin"),
)
_COPIES = (*_NEEDS_PEOPLE, "store", "setup")

# the copy of each process, and what it follows
register_edge("copy/{process}", _NEEDS_PEOPLE, "who has which address")
register_edge("copy/{process}", ("store",), "quotas", without="who has no room isn't known")
register_edge("copy/{process}", ("setup",), "domains", without="which domains are ours isn't known")
register_edge("ledger/people", _COPIES, "what changed", without="its copy of the directory ages")
register_edge("socket/people", _COPIES, "what changes", without="its copy ages, and nobody can be changed")
register_edge("copy/{process}-audit", ("admin",), "who changed what", without="the audit trail isn't shown")

# the one that writes
register_edge("ledger/people", ("people",), "every change", to_run=True)
register_edge("copy/people-writer", ("people",), "what changes are decided by", to_run=True)

# signing in
register_edge(
    "socket/auth", _SIGN_IN, "passwords", without="passwords are checked in the process itself, and slower"
)
register_edge(
    "load/sign-in",
    _SIGN_IN,
    "a turn among all password checks",
    without="passwords that nobody remembers are checked later",
)
register_edge("history/{any}", ("auth",), "sign-ins", without="under load, who is known has to wait as well")
register_edge("history/{process}", _SIGN_IN, "sign-ins", without="sign-ins aren't noted")
register_edge(
    "history/{any}", ("jmap", "password", "admin"), "sign-ins", without="some sign-ins aren't shown"
)
register_edge(
    "key/factors", ("jmap", "password", "admin"), "second factors", without="second factors wait for the key"
)
register_edge(
    "source/{name}", _OUTSIDE, "passwords", without="who never signed in here with one of its passwords waits"
)

# directories outside
register_edge("source/{name}", ("sources",), "its people", without="changes there wait")
register_edge(
    "sources/{name}", ("sources",), "what it has led to", without="everybody there is looked at anew"
)

# changes that wait for the people process
register_edge(
    "ledger/password-asked-{worker}",
    ("password",),
    "changes that wait",
    without="nothing can be changed while the people process is gone",
)
register_edge("ledger/signup-asked-{worker}", ("signup",), "accounts to be made")

register_word("people", "copy/{process}", "socket/people", "process/people-{any}", "ledger/people")
register_word("people/copy", "copy/people-writer")  # what changes are decided by
register_word("auth", "socket/auth", "process/auth-{any}")
register_word("auth/load", "load/sign-in")
register_word("auth/limit")
register_word("keys", "key/{name}")
register_word("source/{name}", "source/{name}")
register_word("password-asked-{number}", "ledger/password-asked-{number}")
register_word("signup-asked-{number}", "ledger/signup-asked-{number}")
