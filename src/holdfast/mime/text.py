"""What a part says as text, and the first words of a message. RFC 2045 §6, RFC 3676, RFC 8970."""

from __future__ import annotations

import binascii
import html
import re

from holdfast.mime import defects as d
from holdfast.mime.charsets import charset_text
from holdfast.mime.defects import Defect
from holdfast.mime.structure import LEAF, MESSAGE, Part
from holdfast.mime.words import base64_bytes
from holdfast.model.limits import PREVIEW_BODY_BYTES, PREVIEW_CHARACTERS, PREVIEW_PARTS

_IDENTITY = frozenset({"7bit", "8bit", "binary", ""})
_UUENCODED = frozenset({"x-uuencode", "uuencode", "x-uue", "uue"})


def decode_bytes(part: Part, limit: int | None = None, defects: list[Defect] | None = None) -> bytes:
    """The body without its transfer encoding. ``limit``: of the encoded body only so many bytes."""
    end = part.end if limit is None else min(part.end, part.body_start + limit)
    body = part.message[part.body_start : end]
    encoding = part.encoding
    if encoding in _IDENTITY or part.kind != LEAF:
        return body
    whole = True
    if encoding == "quoted-printable":
        return binascii.a2b_qp(body)
    if encoding == "base64":
        body = body.translate(None, b"\r\n\t ")
        body, whole = base64_bytes(body if end == part.end else body[: len(body) // 4 * 4])
    elif encoding in _UUENCODED:
        body, whole = _uudecoded(body)
    elif defects is not None:
        defects.append(Defect(d.ENCODING_UNKNOWN, part.start))
    if not whole and defects is not None:
        defects.append(Defect(d.ENCODING_DAMAGED, part.body_start))
    return body


_UU_BODY = re.compile(rb"^begin [0-7]{3,4}[^\n]*\n(.*?)^(?:end|`|\Z)", re.MULTILINE | re.DOTALL)


def _uudecoded(body: bytes) -> tuple[bytes, bool]:
    match = _UU_BODY.search(body)
    if match is None:
        return body, False
    out = []
    whole = True
    for line in match[1].splitlines():
        try:
            out.append(binascii.a2b_uu(line))
        except binascii.Error:
            whole = False
    return b"".join(out), whole


def decode_text(part: Part, limit: int | None = None, defects: list[Defect] | None = None) -> str:
    """A leaf's body as text in its charset; never fails. Line ends stay as they are."""
    charset = "us-ascii" if part.declared is None else part.declared.charset
    return charset_text(decode_bytes(part, limit, defects), charset, defects, part.body_start)


def text_parts(root: Part) -> list[Part]:
    """The leaves of type text that aren't attachments, in their order, embedded messages left out."""
    if root.kind == LEAF:
        return [root] if root.type == "text" and not _attached(root) else []
    found = []
    stack = list(reversed(root.children)) if root.kind != MESSAGE else []
    while stack:
        part = stack.pop()
        if part.kind == LEAF:
            if part.type == "text" and not _attached(part):
                found.append(part)
        elif part.kind != MESSAGE:
            stack.extend(reversed(part.children))
    return found


def _attached(part: Part) -> bool:
    if b"content-disposition" not in part.known:
        return False
    typed = part.disposition
    return typed is not None and typed.main == "attachment"


def preview(root: Part) -> str:
    """At most PREVIEW_CHARACTERS of what the message says, on one line. '' when it says nothing.

    The first plain text that isn't empty, else the first HTML. Quoted lines are left out when
    there is something else.
    """
    fallback = None
    for part in text_parts(root)[:PREVIEW_PARTS]:
        if part.subtype == "html":
            fallback = fallback or part
        elif text := _first_words(part):
            return text
    return "" if fallback is None else _first_words(fallback)


def _first_words(part: Part) -> str:
    """Looks into the begin of a text first, and farther when that says too little."""
    is_html = part.subtype == "html"
    words = ""
    for limit in (PREVIEW_BODY_BYTES, 32 * PREVIEW_BODY_BYTES):
        text = decode_text(part, limit)
        words = _one_line(html_text(text) if is_html else text)
        if words.endswith("…") or part.size <= limit:
            break
    return words


# Format and control characters: some mail begins with a hundred of them, so that the preview is empty.
_INVISIBLE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2060\ufeff\u00ad\u034f]+")


def _one_line(text: str) -> str:
    """The words of the first lines that aren't quoted; of all lines when those say nothing."""
    head = text[: 2 * PREVIEW_CHARACTERS]
    if ">" not in head and "|" not in head and "-----" not in head:
        # Most mail: no line of it is left out, and of plain letters none.
        line = " ".join(head.split())
        if len(line) > PREVIEW_CHARACTERS and line.isascii() and line.isprintable():
            return _shortened(line)
    return _line_by_line(text)


def _line_by_line(text: str) -> str:
    words: list[str] = []
    length = 0
    for line in text.splitlines():
        if line[:1] in ">|" or line.startswith("-----"):
            continue
        if pieces := line.split():
            words += pieces
            length += len(line)
            if length > 2 * PREVIEW_CHARACTERS:
                break
    line = " ".join(words or text[: 16 * PREVIEW_CHARACTERS].split())[: 8 * PREVIEW_CHARACTERS]
    if not line.isprintable():
        line = " ".join(_INVISIBLE.sub("", line).split())
    return _shortened(line) if len(line) > PREVIEW_CHARACTERS else line


def _shortened(line: str) -> str:
    cut = line.rfind(" ", PREVIEW_CHARACTERS // 2, PREVIEW_CHARACTERS)
    return line[: cut if cut > 0 else PREVIEW_CHARACTERS - 1] + "…"


_UNSEEN = re.compile(r"(?is)<(head|style|script|title)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)")
_TAG = re.compile(r"<[^<>]*(?:>|\Z)")


def html_text(source: str) -> str:
    """The words of an HTML text, for search and preview; no claim to layout."""
    return html.unescape(_TAG.sub(" ", _UNSEEN.sub(" ", source)))
