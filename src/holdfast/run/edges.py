"""What roles reach that is nobody else's to say."""

from __future__ import annotations

from holdfast.model.edges import register_edge, register_word

register_edge("socket/control", ("health",), "which processes are to run", without="that isn't known")
register_edge("certificate/{name}", ("health",), "when it ends", without="that isn't known")
register_edge("disk/{name}", ("health",), "how much room there is", without="that isn't known")
register_edge("door/health_http", ("webmail",), "the status feed", without="the webmail tells of no outage")
register_edge("dns", ("setup",), "which names lead here", without="certificates of new domains wait")
register_edge(
    "dns",
    ("signup", "password", "jmap", "admin"),
    "addresses of partners",
    without="partners are out of reach",
)

register_word("supervisor", "socket/control", "supervisor")
register_word("health", "door/health_http", "process/health-{any}")
register_word("mta-sts", "door/setup_https", "process/setup-{any}")  # our own policy, as others get it
