"""Records as the text of a zone. RFC 1035 §5.1."""

from __future__ import annotations

from collections.abc import Iterable

from holdfast.flow.records.wanted import Holder, Wanted

STRING_BYTES = 255  # of one character-string: RFC 1035 §3.3.14

_HEADINGS = {
    Holder.DOMAIN: "the domain's zone",
    Holder.HOST: "the zone of the mail server's own name",
    Holder.REVERSE: "the reverse zone: set by whoever gave you the address",
}


def zone_text(records: Iterable[Wanted]) -> str:
    """Zone text, grouped by who holds the zone; what only its owner can fill in stands in a comment."""
    lines: list[str] = []
    records = list(records)
    for holder, heading in _HEADINGS.items():
        mine = [each for each in records if each.holder is holder]
        if mine:
            lines += ["", f"; {heading}"] if lines else [f"; {heading}"]
        for each in mine:
            lines.append(f"; {each.why}")
            lines.append(record_line(each))
    return "\n".join(lines) + "\n"


def record_line(record: Wanted) -> str:
    """``example.org. IN MX 10 mail.example.org.``"""
    if not record.value:
        return f"; {record.name}. IN {record.kind} <the public address of this machine>"
    if record.kind == "HTTPS":
        return f"; {record.name}: {record.value}"
    value = _strings(record.value) if record.kind == "TXT" else record.value
    return f"{record.name}. IN {record.kind} {value}"


def _strings(text: str) -> str:
    """A TXT value in quotes, cut into strings that are short enough."""
    pieces = [text[at : at + STRING_BYTES] for at in range(0, len(text), STRING_BYTES)]
    return " ".join('"' + piece.replace("\\", "\\\\").replace('"', '\\"') + '"' for piece in pieces)
