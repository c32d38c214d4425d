"""What may be wrong with a message: registered codes, never an exception (MIME-1)."""

from __future__ import annotations

from typing import NamedTuple


class Defect(NamedTuple):
    """``code``: a key of ``DEFECTS``; ``offset``: where in the message (0-based, bytes)."""

    code: str
    offset: int


DEFECTS: dict[str, str] = {}


def register(code: str, meaning: str) -> str:
    """Called at import by the module that finds the defect; a code is registered once."""
    if code in DEFECTS:
        raise ValueError(f"defect {code} registered twice")
    DEFECTS[code] = meaning
    return code


HEADER_UNENDED = register("header-unended", "the header ends without an empty line")
HEADER_CUT = register("header-cut", "a boundary line stands inside a header, which ends there")
HEADER_TOO_LARGE = register("header-too-large", "more header than HEADER_BYTES: the rest is body")
HEADER_8BIT = register("header-8bit", "bytes above 127 in a header that are not UTF-8")
HEADER_NO_COLON = register("header-no-colon", "a header line without a colon")
BOUNDARY_MISSING = register("boundary-missing", "a multipart type without boundary parameter")
BOUNDARY_UNUSED = register("boundary-unused", "a multipart without any part")
BOUNDARY_UNCLOSED = register("boundary-unclosed", "a multipart that ends without its closing line")
TYPE_MALFORMED = register("type-malformed", "a Content-Type that isn't type/subtype")
ENCODING_UNKNOWN = register("encoding-unknown", "a Content-Transfer-Encoding nobody knows: read as binary")
ENCODING_DAMAGED = register("encoding-damaged", "a body that isn't what its transfer encoding says")
CHARSET_UNKNOWN = register("charset-unknown", "a charset nobody knows: read as UTF-8 or Latin-1")
CHARSET_DAMAGED = register("charset-damaged", "bytes that aren't of the charset named")
WORD_MALFORMED = register("word-malformed", "an encoded word that can't be decoded, shown as it is")
TOO_DEEP = register("too-deep", "parts nested deeper than MIME_DEPTH: one opaque leaf")
TOO_MANY_PARTS = register("too-many-parts", "more than MIME_PARTS parts: the rest is one opaque leaf")
BARE_LF = register("bare-lf", "a line that ends with LF alone")
BARE_CR = register("bare-cr", "a CR without LF")
NUL = register("nul", "a NUL byte")
