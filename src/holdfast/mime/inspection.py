"""Everything that is wrong with a message, for diagnosis and judging: more than parsing must look at."""

from __future__ import annotations

import re

from holdfast.mime import defects as d
from holdfast.mime.defects import Defect
from holdfast.mime.structure import Root

_BARE_LF = re.compile(rb"(?<!\r)\n").search
_BARE_CR = re.compile(rb"\r(?!\n)").search


def inspect(root: Root) -> list[Defect]:
    """The structure's defects, then the first bare LF, bare CR and NUL, then what is odd in headers."""
    message = root.message
    found = list(root.defects)
    for code, match in ((d.BARE_LF, _BARE_LF(message)), (d.BARE_CR, _BARE_CR(message))):
        if match is not None:
            found.append(Defect(code, match.start()))
    nul = message.find(b"\0")
    if nul >= 0:
        found.append(Defect(d.NUL, nul))
    for part in root.walk():
        header = message[part.start : part.body_start]
        if not header.isascii():
            try:
                header.decode("utf-8")
            except UnicodeDecodeError as error:
                found.append(Defect(d.HEADER_8BIT, part.start + error.start))
        found += [Defect(d.HEADER_NO_COLON, field.start) for field in part.fields() if not field.name][:1]
    return found
