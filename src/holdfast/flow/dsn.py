"""Reports to senders: what became of their message. RFC 3464, RFC 6522, RFC 3461 §6."""

from __future__ import annotations

from typing import Literal, NamedTuple

from holdfast.model.limits import DSN_FULL_BYTES

Action = Literal["failed", "delayed", "relayed"]

_SUBJECT = {
    "failed": "Your message could not be delivered",
    "delayed": "Your message is delayed",
    "relayed": "Your message was passed on",
}
_SAYS = {
    "failed": "could not be delivered to the recipients below. It will not be tried again.",
    "delayed": "has not been delivered yet. It is tried again until {until}; you need not send it again.",
    "relayed": "was passed on to a server that does not confirm delivery.",
}


class Report(NamedTuple):
    """``recipients``: (address, orcpt, reply of the other side). ``message``: as it was sent."""

    action: Action
    host: str
    to: str
    recipients: tuple[tuple[str, str, str], ...]
    message: bytes
    date: str  # RFC 5322 date-time, now
    arrived: str
    boundary: str
    until: str = ""
    envid: str = ""
    full: bool = False  # RET=FULL: the whole message is given back


def status_of(reply: str, action: Action) -> str:
    """The enhanced status code of a reply's text, or the class's own. RFC 3463."""
    words = reply.split()
    for word in words[:2]:
        parts = word.split(".")
        if len(parts) == 3 and all(part.isdecimal() for part in parts):
            return word
    return {"failed": "5.0.0", "delayed": "4.0.0", "relayed": "2.0.0"}[action]


def _text(text: str) -> str:
    """One line of printable ASCII; what came from elsewhere breaks nothing."""
    return "".join(ch if " " <= ch <= "~" else "?" for ch in text)


def write(report: Report) -> bytes:
    """The report as a message, lines ended by CRLF."""
    boundary = report.boundary
    parts = [
        _head(report),
        f"--{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{_human(report)}",
        f"--{boundary}\r\nContent-Type: message/delivery-status\r\n\r\n{_machine(report)}",
    ]
    text = "".join(parts).encode("utf-8", "replace")
    whole = report.full and len(report.message) <= DSN_FULL_BYTES
    header_end = report.message.find(b"\r\n\r\n")
    given = report.message if whole or header_end < 0 else report.message[: header_end + 2]
    kind = b"message/rfc822" if whole else b"text/rfc822-headers"
    eight = b"Content-Transfer-Encoding: 8bit\r\n" if not given.isascii() else b""
    return b"".join(
        (
            *(text, b"--", boundary.encode(), b"\r\nContent-Type: ", kind, b"\r\n", eight, b"\r\n"),
            *(given, b"\r\n--", boundary.encode(), b"--\r\n"),
        )
    )


def _head(report: Report) -> str:
    return (
        f"From: Mail Delivery System <postmaster@{report.host}>\r\n"
        f"To: <{report.to}>\r\n"
        f"Subject: {_SUBJECT[report.action]}\r\n"
        f"Date: {report.date}\r\n"
        f"Message-ID: <{report.boundary}@{report.host}>\r\n"
        "MIME-Version: 1.0\r\n"
        "Auto-Submitted: auto-replied\r\n"
        "Content-Type: multipart/report; report-type=delivery-status;\r\n"
        f' boundary="{report.boundary}"\r\n\r\n'
    )


def _human(report: Report) -> str:
    says = _SAYS[report.action].format(until=report.until)
    lines = [f"This is {report.host}. Your message", says, ""]
    for address, _, reply in report.recipients:
        lines += [f"<{address}>:", f"    {_text(reply)}", ""]
    return "\r\n".join(lines) + "\r\n"


def _machine(report: Report) -> str:
    lines = [f"Reporting-MTA: dns; {report.host}"]
    if report.envid:
        lines.append(f"Original-Envelope-Id: {_text(report.envid)}")
    lines += [f"Arrival-Date: {report.arrived}", ""]
    for address, orcpt, reply in report.recipients:
        if orcpt:
            lines.append(f"Original-Recipient: {_text(orcpt)}")
        kind = "rfc822" if address.isascii() else "utf-8"
        lines += [
            f"Final-Recipient: {kind}; {address}",
            f"Action: {report.action}",
            f"Status: {status_of(reply, report.action)}",
            f"Diagnostic-Code: smtp; {_text(reply)}",
            "",
        ]
    return "\r\n".join(lines) + "\r\n"
