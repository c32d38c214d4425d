"""Autoconfiguration as Thunderbird, Evolution, K-9 and others read it.

Its format: "Configuration file format" of the Thunderbird project, version 1.1, and
draft-ietf-mailmaint-autoconfig.
"""

from __future__ import annotations

from xml.etree import ElementTree as Xml

from holdfast.functions.setup.servers import Security, Server, Servers

PATHS = ("/mail/config-v1.1.xml", "/.well-known/autoconfig/mail/config-v1.1.xml")
_DESCRIPTIONS = {"en": "Settings for mail programs", "de": "Einstellungen für Mailprogramme"}
_SOCKETS = {Security.TLS: "SSL", Security.STARTTLS: "STARTTLS"}


def config_xml(domain: str, title: str, servers: Servers, page: str, jmap: str = "") -> bytes:
    """The answer for a domain, whoever asks. ``title``: whose mail it is; ``page``: URL for people; ``jmap``:
    of the session object, '' for none. Programs take the first server that they understand."""
    root = Xml.Element("clientConfig", version="1.1")
    provider = Xml.SubElement(root, "emailProvider", id=domain)
    for tag, text in (("domain", domain), ("displayName", title), ("displayShortName", title)):
        Xml.SubElement(provider, tag).text = text
    for server in servers.incoming:
        _add(provider, "incomingServer", server)
    if jmap:
        element = Xml.SubElement(provider, "incomingServer", type="jmap")
        Xml.SubElement(element, "url").text = jmap
        Xml.SubElement(element, "username").text = "%EMAILADDRESS%"
        for way in ("OAuth2", "basic"):
            Xml.SubElement(element, "authentication").text = way
    for server in servers.outgoing:
        _add(provider, "outgoingServer", server)
    if page:
        help_page = Xml.SubElement(provider, "documentation", url=page)
        for language, text in (
            ("en", "Settings for mail programs"),
            ("de", "Einstellungen für Mailprogramme"),
        ):
            Xml.SubElement(help_page, "descr", lang=language).text = text
    return bytes(Xml.tostring(root, encoding="utf-8", xml_declaration=True))


def _add(provider: Xml.Element, tag: str, server: Server) -> None:
    element = Xml.SubElement(provider, tag, type=server.kind)
    for name, text in (
        ("hostname", server.hostname),
        ("port", str(server.port)),
        ("socketType", _SOCKETS[server.security]),
        ("username", "%EMAILADDRESS%"),
        ("authentication", "password-cleartext"),
    ):
        Xml.SubElement(element, name).text = text
