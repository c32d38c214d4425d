"""Autodiscover as Outlook asks: XML by POST ("plain old XML", MS-OXDSCLI), and JSON of version 2."""

from __future__ import annotations

import datetime
from typing import NamedTuple
from xml.etree import ElementTree as Xml
from xml.parsers import expat

from holdfast.functions.setup.servers import Kind, Security, Server, Servers
from holdfast.model.errors import Reason, Refused

PATH = "/autodiscover/autodiscover.xml"
REQUEST_SCHEMA = "http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"
ANSWER_SCHEMA = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
OUTLOOK_SCHEMA = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"

INVALID_REQUEST = 600  # MS-OXDSCLI §2.2.4.1.1.2
NO_SUCH_SCHEMA = 601
DEPTH = 8

_TYPES = {"imap": "IMAP", "pop3": "POP3", "smtp": "SMTP"}


class Question(NamedTuple):
    """``address``: '' when none was given. ``schema``: of the answer that is understood."""

    address: str
    schema: str


def read_question(body: bytes) -> Question:
    """Raises ``Refused(BAD_SYNTAX)`` for what is no such request.

    SETUP-3: document types, and with them entities, aren't read at all.
    """
    found = {"EMailAddress": "", "AcceptableResponseSchema": ""}
    path: list[str] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        path.append(name.rpartition("\n")[2])
        if len(path) > DEPTH:
            raise Refused(Reason.BAD_SYNTAX, "nested too deeply")

    def text(data: str) -> None:
        if path[1:-1] == ["Request"] and path[-1] in found:
            found[path[-1]] += data

    def forbid(*_: object) -> None:
        raise Refused(Reason.BAD_SYNTAX, "a document type isn't read")

    parser = expat.ParserCreate(namespace_separator="\n")
    parser.StartElementHandler = start
    parser.EndElementHandler = lambda name: path.pop()
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = forbid
    try:
        parser.Parse(body, True)
    except expat.ExpatError as error:
        raise Refused(Reason.BAD_SYNTAX, f"not XML: {error}") from None
    return Question(found["EMailAddress"].strip(), found["AcceptableResponseSchema"].strip())


def answer_xml(address: str, title: str, servers: Servers) -> bytes:
    """The settings; ``address`` is the user name, as it was asked for."""
    root = Xml.Element("Autodiscover", xmlns=ANSWER_SCHEMA)
    response = Xml.SubElement(root, "Response", xmlns=OUTLOOK_SCHEMA)
    user = Xml.SubElement(response, "User")
    Xml.SubElement(user, "DisplayName").text = title
    account = Xml.SubElement(response, "Account")
    Xml.SubElement(account, "AccountType").text = "email"
    Xml.SubElement(account, "Action").text = "settings"
    # Outlook takes the first of each type; the best stand first.
    kinds: tuple[Kind, ...] = ("imap", "pop3", "smtp")
    for kind in kinds:
        server = servers.best(kind)
        if server is not None:
            _add(account, address, server)
    return bytes(Xml.tostring(root, encoding="utf-8", xml_declaration=True))


def _add(account: Xml.Element, address: str, server: Server) -> None:
    protocol = Xml.SubElement(account, "Protocol")
    fields = [
        ("Type", _TYPES[server.kind]),
        ("Server", server.hostname),
        ("Port", str(server.port)),
        ("DomainRequired", "off"),
        ("LoginName", address),
        ("SPA", "off"),
        ("SSL", "on" if server.security is Security.TLS else "off"),
        ("Encryption", "SSL" if server.security is Security.TLS else "TLS"),
        ("AuthRequired", "on"),
    ]
    if server.kind == "smtp":
        fields += [("UsePOPAuth", "off"), ("SMTPLast", "off")]
    for name, text in fields:
        Xml.SubElement(protocol, name).text = text


def error_xml(code: int, text: str, now: float) -> bytes:
    """MS-OXDSCLI §2.2.4.1.1.2: an answer that says what was wrong with the question."""
    root = Xml.Element("Autodiscover", xmlns=ANSWER_SCHEMA)
    response = Xml.SubElement(root, "Response")
    time = datetime.datetime.fromtimestamp(now, datetime.UTC).strftime("%H:%M:%S.%f")
    error = Xml.SubElement(response, "Error", Time=time, Id="0")
    Xml.SubElement(error, "ErrorCode").text = str(code)
    Xml.SubElement(error, "Message").text = text
    Xml.SubElement(error, "DebugData")
    return bytes(Xml.tostring(root, encoding="utf-8", xml_declaration=True))
