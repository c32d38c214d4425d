"""What is compared, and what may differ between two right answers.

Free by the RFCs and so made equal before: quoted or literal form (``sexpr`` reads both alike), the
case of type, subtype, parameter names, encodings and charsets, and the order of parameters.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from corpus.sexpr import plain, read_only
from holdfast.mime import bodystructure, envelope, parse

# name → (the items in which we knowingly differ, why). README.md tells it in full.
_BODY = ("BODYSTRUCTURE", "BODY")
_OCTETS = ((*_BODY, "RFC822.SIZE"), "sizes are octets as they stand; Dovecot makes every line end CRLF")
_SIZE = (("RFC822.SIZE",), _OCTETS[1])
_BOUNDARY = (_BODY, "the line end before a boundary is the boundary's (RFC 2046 §5.1.1)")
DIFFERENCES: dict[str, tuple[tuple[str, ...], str]] = {
    "line-ends-bare-lf": _OCTETS,
    "line-ends-mixed": _OCTETS,
    "line-ends-lf-in-header": _SIZE,
    "line-ends-lf-in-parameter": _SIZE,
    "line-ends-bare-cr": _OCTETS,
    "line-ends-cr-at-end": _OCTETS,
    "line-ends-cr-before-crlf": _SIZE,
    "digest-header-cut": _BOUNDARY,
    "embedded-header-cut": _BOUNDARY,
    "embedded-base64": _BOUNDARY,
    "bounce-header-cut": _BOUNDARY,
}


def ours(message: bytes) -> dict[str, Any]:
    """Our answers, plain."""
    root = parse(message)
    return {
        "ENVELOPE": plain(read_only(envelope(root))),
        "BODYSTRUCTURE": plain(read_only(bodystructure(root))),
        "BODY": plain(read_only(bodystructure(root, extended=False))),
        "RFC822.SIZE": len(message),
    }


def write(path: Path, answer: dict[str, Any]) -> None:
    items = ("ENVELOPE", "BODYSTRUCTURE", "BODY", "RFC822.SIZE")
    lines = [f" {json.dumps(item)}: {json.dumps(answer[item])}" for item in items]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="ascii")


def same(item: str, one: Any, other: Any) -> bool:
    if item in ("BODY", "BODYSTRUCTURE"):
        return bool(_body(one) == _body(other))
    return bool(one == other)


def _body(value: Any) -> Any:
    if not isinstance(value, list) or not value:
        return value
    count = 0
    while count < len(value) and isinstance(value[count], list):
        count += 1
    if count:
        extended = [
            _parameters(v) if n == 0 else _disposition(v) if n == 1 else v
            for n, v in enumerate(value[count + 1 :])
        ]
        return [*map(_body, value[:count]), value[count].lower(), *extended]
    out = [*map(str.lower, value[:2]), _parameters(value[2]), *value[3:5], value[5].lower(), *value[6:]]
    begin = 7 + (out[0] == "text")
    if out[:2] == ["message", "rfc822"] and len(out) > 9 and isinstance(out[8], list):
        out[8] = _body(out[8])
        begin = 10
    if len(out) > begin + 1:
        out[begin + 1] = _disposition(out[begin + 1])
    return out


def _disposition(value: Any) -> Any:
    return value and [value[0].lower(), _parameters(value[1])]


def _parameters(value: Any) -> Any:
    if not value:
        return value
    pairs = [(name.lower(), text) for name, text in zip(value[::2], value[1::2])]
    return sorted((name, text.lower() if name == "charset" else text) for name, text in pairs)
