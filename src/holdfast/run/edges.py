"""What roles reach that is nobody else's to say."""

from __future__ import annotations

from holdfast.model.edges import register_edge, register_word

register_edge("socket/control", ("health",), "which processes are to run", without="that isn't known")
register_edge("socket/control", ("care",), "which processes there are", without="the console shows none")
register_edge("socket/relay", ("care",), "what an operator confirms", without="mail goes on as it goes")
register_edge("socket/auth", ("care",), "likewise", without="sign-ins are checked as they come")
register_edge("certificate/{name}", ("health",), "when it ends", without="that isn't known")
register_edge(
    "certificate/domain/{name}", ("setup",), "for its service names", without="its service names have no TLS"
)
register_edge("certificate/domain/{name}", ("health",), "when it ends", without="that isn't known")
register_edge("disk/{name}", ("health",), "how much room there is", without="that isn't known")
register_edge("door/health_http", ("webmail",), "the status feed", without="the webmail tells of no outage")
register_edge("dns", ("setup",), "which names lead here", without="certificates of new domains wait")
register_edge(
    "dns",
    ("signup", "password", "jmap", "admin"),
    "addresses of partners",
    without="partners are out of reach",
)

# files with secrets, as the configuration names them
register_edge(
    "secret/health.password", ("health", "watch", "care"), "to try doors with", without="less is tried"
)
register_edge("secret/relay.password", ("relay",), "to sign in at the smarthost with", to_run=True)
register_edge("secret/relay.password", ("watch",), "to try it with", without="the smarthost isn't tried")
register_edge("secret/gateways.{key}", ("watch",), "to try it with", without="that gateway isn't tried")
register_edge("secret/relay.second_password", ("relay",), "to sign in at the second one", to_run=True)
register_edge("secret/gateways.{key}", ("password", "signup"), "for a gateway", without="no codes by it")
register_edge("secret/gateways.{key}", ("care",), "for a gateway", without="no notices by it")
register_edge("secret/channels.{name}.secret", ("care",), "for a channel", without="no notices by it")
register_edge("secret/notices.alarms", ("care",), "where alarms go", without="nobody is woken up")
register_edge("secret/signup.contract_secret", ("signup",), "for contracts", without="numbers wait")
register_edge("secret/acme.key_secret", ("setup",), "a contract with the authority", to_run=True)
register_edge("secret/hooks.{name}.secret", ("admin",), "to sign with", to_run=True)
register_edge(
    "secret/directories.{name}.{key}",
    ("sources", "password", "admin", "submission", "imap", "pop3", "jmap"),
    "for a directory outside",
    without="that directory is out of reach",
)

register_edge("secret/vantages.{name}.key", ("watch",), "to ask it", without="what it sees isn't known")

register_word("supervisor", "socket/control", "supervisor")
register_word("health", "door/health_http", "process/health-{any}")
register_word("mta-sts", "door/setup_https", "process/setup-{any}")  # our own policy, as others get it
