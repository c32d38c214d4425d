"""POP3 as machines, both ends: RFC 1939, CAPA (2449), STLS (2595), SASL (5034), response codes (3206)."""

from holdfast.wire.pop3.client import Client, ClientError, Response
from holdfast.wire.pop3.server import (
    Command,
    Server,
    ServerSettings,
    SignIn,
    StartTls,
    State,
    reply_for,
)

__all__ = [
    "Client",
    "ClientError",
    "Command",
    "Response",
    "Server",
    "ServerSettings",
    "SignIn",
    "StartTls",
    "State",
    "reply_for",
]
