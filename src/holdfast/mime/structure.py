"""A message's parts with exact offsets, in one pass. RFC 2046 §5.1, RFC 5322 §2.1.

MIME-1  never raises, whatever the bytes are.
MIME-2  offsets nest: a part lies inside its parent, siblings don't overlap, header + body = part.
MIME-3  linear: the pass goes forward only; each search remembers how far it looked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from holdfast.mime import defects as d
from holdfast.mime.defects import Defect
from holdfast.mime.fields import Field, iterate, known
from holdfast.mime.media import Parameters, Typed, content_type, disposition, transfer_encoding
from holdfast.model.limits import HEADER_BYTES, MIME_DEPTH, MIME_PARTS

LEAF, MULTIPART, MESSAGE = 0, 1, 2

_NO_TYPE = Typed(b"", b"", (), True, "", "", b"")
_OPAQUE = content_type(b"application/octet-stream")
_TRIES = 64
BOUNDARY_BYTES = 80  # RFC 2046 §5.1.1: at most 70; what is longer is compared up to here


class Part:
    """One part: header ``message[start:body_start]``, body ``message[body_start:end]``.

    ``kind``: LEAF, MULTIPART (``children`` are its parts) or MESSAGE (``children[0]`` is the
    embedded message). ``known``: the header's fields that ENVELOPE and BODYSTRUCTURE need. The
    line end before a boundary line belongs to the boundary, not to the part.
    """

    __slots__ = ("_lines", "body_start", "children", "declared", "end", "kind", "known", "message", "start")

    message: bytes
    start: int
    body_start: int
    end: int
    kind: int
    declared: Typed | None  # the Content-Type; None when the header has none that counts
    known: dict[bytes, list[bytes]]
    children: list[Part]

    def __init__(self, message: bytes, start: int) -> None:
        self.message = message
        self.start = start
        self.body_start = self.end = start
        self.kind = LEAF
        self.declared = None
        self.children = []
        self._lines = -1

    @property
    def type(self) -> str:
        """Lower case; text/plain when none is declared or it is malformed (RFC 2045 §5.2)."""
        if self.declared is not None and self.declared.subtype:
            return self.declared.main
        return "message" if self.kind == MESSAGE else "text"

    @property
    def subtype(self) -> str:
        if self.declared is not None and self.declared.subtype:
            return self.declared.minor
        return "rfc822" if self.kind == MESSAGE else "plain"

    @property
    def parameters(self) -> Parameters:
        return () if self.declared is None else self.declared.parameters

    def parameter(self, name: bytes) -> bytes | None:
        """The first value of a Content-Type parameter, compared in lower case."""
        for key, value in self.parameters:
            if key.lower() == name:
                return value
        return None

    @property
    def encoding(self) -> str:
        """Content-Transfer-Encoding in lower case, '7bit' when there is none."""
        token = transfer_encoding(self.known.get(b"content-transfer-encoding", ()))
        return "7bit" if token is None else token.decode("ascii", "replace").lower()

    @property
    def disposition(self) -> Typed | None:
        return disposition(self.known.get(b"content-disposition", ()))

    @property
    def size(self) -> int:
        """Octets of the body as it stands, encoded (MIME-5)."""
        return self.end - self.body_start

    @property
    def lines(self) -> int:
        """Line ends in the body. Each byte is counted once, however deep the parts nest."""
        if self._lines < 0:
            count = self.message.count
            total = 0
            at = self.body_start
            for child in self.children:
                total += count(b"\n", at, child.body_start) + child.lines
                at = child.end
            self._lines = total + count(b"\n", at, self.end)
        return self._lines

    def fields(self) -> Iterator[Field]:
        """All header fields in their order."""
        return iterate(self.message, self.start, self.body_start)

    def walk(self) -> Iterator[Part]:
        """This part and all below it, in the order they stand in the message."""
        stack = [self]
        while stack:
            part = stack.pop()
            yield part
            stack.extend(reversed(part.children))


class Root(Part):
    """The message itself, and what is wrong with it (``defects``: structure only; see ``inspect``)."""

    __slots__ = ("defects",)

    def __init__(self, message: bytes, start: int) -> None:
        super().__init__(message, start)
        self.defects: list[Defect] = []


def parse(message: bytes) -> Root:
    """The structure of any bytes. Never raises (MIME-1)."""
    return _Pass(message).run()


class _Pass:
    """One walk through a message. ``open``: the parts not yet ended, outermost first;
    ``boundaries``: for each open multipart with a boundary (its index in ``open``, the boundary)."""

    __slots__ = (
        "bare",
        "boundaries",
        "count",
        "crlf",
        "length",
        "message",
        "needle",
        "open",
        "pattern",
        "root",
        "seen",
    )

    def __init__(self, message: bytes) -> None:
        self.message = message
        self.length = len(message)
        self.root = Root(message, 0)
        self.open: list[Part] = [self.root]
        self.boundaries: list[tuple[int, bytes]] = []
        self.count = 1
        self.crlf = self.bare = -1
        self.seen = 0
        self.needle = b"\n--"
        self.pattern: re.Pattern[bytes] | None = None

    def run(self) -> Root:
        part: Part = self.root
        whole = True
        digest = False
        at = 0
        while True:
            at, cut = self.header(part, whole, digest)
            if part.kind == MESSAGE:
                part, whole, digest = self.child(part, at), True, False
                part.known = {}
                if self.count <= MIME_PARTS and not cut:
                    continue
            if self.count > MIME_PARTS:
                break
            following = self.next_part(at)
            if following is None:
                break
            part, digest, whole = following[0], following[1], False
        for part in self.open:
            part.end = self.length
        if self.boundaries and self.count <= MIME_PARTS:
            for index, _ in self.boundaries:
                self.defect(d.BOUNDARY_UNCLOSED, self.open[index].start)
        return self.root

    def defect(self, code: str, offset: int) -> None:
        if len(self.root.defects) < MIME_PARTS:
            self.root.defects.append(Defect(code, offset))

    def child(self, parent: Part, at: int) -> Part:
        """A new part below ``parent``; the one too many is opaque and takes the rest."""
        part = Part(self.message, at)
        parent.children.append(part)
        self.open.append(part)
        self.count += 1
        if self.count > MIME_PARTS:
            part.known = {}
            part.declared = _OPAQUE
            self.defect(d.TOO_MANY_PARTS, at)
        return part

    def header(self, part: Part, whole: bool, digest: bool) -> tuple[int, bool]:
        """Reads a part's header: its end, its fields, its kind. Returns where its body begins, and
        whether a boundary cut the header, so that there is no body."""
        start = part.start
        cut = False
        stop, ended = self.header_end(start)
        if self.boundaries and self.message.find(self.needle, max(start - 1, 0), stop) >= 0:
            found = self.next_boundary(start, stop)
            if found is not None:
                stop, ended, cut = max(self.before_line(found[0]), start), False, True
                self.defect(d.HEADER_CUT, stop)
        part.body_start = stop
        part.known = fields = known(b"\n" + self.message[start:stop], whole)
        raw = fields.get(b"content-type")
        if raw is None:
            if whole and b"mime-version" not in fields:
                _forget_content(fields)
            if digest:
                part.kind = MESSAGE
        else:
            self.declare(part, raw[0], ended)
        if part.kind != LEAF and len(self.open) > MIME_DEPTH:
            self.defect(d.TOO_DEEP, start)
            part.kind = LEAF
            part.declared = _OPAQUE
            if self.boundaries and self.boundaries[-1][0] == len(self.open) - 1:
                self.boundaries.pop()
                self.boundaries_changed()
        return stop, cut

    def declare(self, part: Part, raw: bytes, ended: bool) -> None:
        part.declared = typed = content_type(raw)
        if not typed.well_formed:
            self.defect(d.TYPE_MALFORMED, part.start)
        main = typed.main
        if main == "multipart":
            if not typed.subtype:
                part.declared = _OPAQUE
                return
            part.kind = MULTIPART
            boundary = part.parameter(b"boundary")
            if boundary is None:
                self.defect(d.BOUNDARY_MISSING, part.start)
            elif ended:
                self.boundaries.append((len(self.open) - 1, boundary[:BOUNDARY_BYTES]))
                self.boundaries_changed()
        elif main == "message" and typed.minor == "rfc822":
            part.kind = MESSAGE

    def header_end(self, start: int) -> tuple[int, bool]:
        """Where the body begins, and whether an empty line (not the end of all) ended the header."""
        message = self.message
        if message.startswith(b"\n", start):
            return start + 1, True
        if message.startswith(b"\r\n", start):
            return start + 2, True
        blank = self.find_blank(start)
        limit = start + HEADER_BYTES
        if blank > limit:
            self.defect(d.HEADER_TOO_LARGE, start)
            return message.rfind(b"\n", start, limit) + 1 or limit, False
        if blank < 0 or blank > self.length:
            if start < self.length:
                self.defect(d.HEADER_UNENDED, start)
            return self.length, False
        return blank, True

    def find_blank(self, start: int) -> int:
        """The offset behind the next empty line; behind the message's end when there is none.

        What was searched before isn't searched again (MIME-3): ``crlf`` is the next LF CR LF, and
        there is no LF LF from the last place asked to ``seen`` but at ``bare``.
        """
        if self.crlf < start:
            found = self.message.find(b"\n\r\n", start)
            self.crlf = found if found >= 0 else self.length
        if self.bare < start:
            begin = max(start, self.seen)
            if begin < self.crlf:
                self.bare = self.message.find(b"\n\n", begin, self.crlf + 1)
                self.seen = self.bare if self.bare >= 0 else self.crlf
        if start <= self.bare < self.crlf:
            return self.bare + 2
        return self.crlf + 3

    def before_line(self, line: int) -> int:
        """The offset of the line end that stands before a line."""
        return line - 2 if self.message.startswith(b"\r\n", line - 2) else line - 1

    def boundary_at(self, line: int) -> tuple[int, bool] | None:
        """The boundary that the line at ``line`` bears: its index, and whether it is the closing one.

        The longest that the line begins with, the innermost of equals; one that is the whole line wins.
        """
        begin = line + 2
        if len(self.boundaries) == 1:  # it was searched for in full
            return 0, self.message.startswith(b"--", begin + len(self.boundaries[0][1]))
        text = self.message[begin : begin + BOUNDARY_BYTES + 4]
        cut = text.find(b"\n")
        whole = text
        if cut >= 0:
            whole = text[:cut]
            if whole.endswith(b"\r"):
                whole = whole[:-1]
        complete = (len(whole), len(whole) - 2 if whole.endswith(b"--") else -1)
        best = -1
        size = -1
        for index in range(len(self.boundaries) - 1, -1, -1):
            boundary = self.boundaries[index][1]
            if len(boundary) > size and whole.startswith(boundary):
                best = index
                size = len(boundary)
                if size in complete:
                    break
        if best < 0:
            return None
        return best, text.startswith(b"--", size)

    def next_part(self, at: int) -> tuple[Part, bool] | None:
        """Goes on to the next boundary line that opens a part: (the part, whether in a digest)."""
        message = self.message
        while self.boundaries:
            found = self.next_boundary(at, self.length)
            if found is None:
                return None
            line, index, closing = found
            depth = self.boundaries[index][0]
            self.close(depth, max(self.before_line(line), at))
            end = message.find(b"\n", line)
            if closing or index + 1 < len(self.boundaries):
                del self.boundaries[index if closing else index + 1 :]
                self.boundaries_changed()
            if closing and not self.open[depth].children:
                self.defect(d.BOUNDARY_UNUSED, line)
            if end < 0:
                return None
            at = end + 1
            if not closing:
                container = self.open[depth]
                declared = container.declared or _NO_TYPE
                return self.child(container, at), declared.minor == "digest"
        return None

    def boundaries_changed(self) -> None:
        """What all boundary lines begin with is searched for: the longer, the faster."""
        if not self.boundaries:
            common = b""
        elif len(self.boundaries) == 1:
            common = self.boundaries[0][1]
        else:
            first, last = min(self.boundaries, key=_text)[1], max(self.boundaries, key=_text)[1]
            size = 0
            for one, other in zip(first, last):
                if one != other:
                    break
                size += 1
            common = first[:size]
        self.needle = b"\n--" + common
        self.pattern = None

    def next_boundary(self, at: int, stop: int) -> tuple[int, int, bool] | None:
        """The next line from ``at`` (a line's begin) to ``stop`` that bears a boundary: its offset, the
        boundary's index, and whether it closes. After many lines that only look so, a pattern takes over."""
        find = self.message.find
        begin = at
        for _ in range(_TRIES):
            # One byte is found many times faster than several, and what base64 encodes has no dash.
            dash = find(b"-", begin, stop)
            found = find(self.needle, max(dash - 1, 0), stop) if dash >= 0 else -1
            if found < 0:
                return None
            bears = self.boundary_at(found + 1)
            if bears is not None:
                return found + 1, *bears
            begin = found + 3
        if self.pattern is None:
            texts = b"|".join(re.escape(text) for _, text in self.boundaries)
            self.pattern = re.compile(b"\n--(?:" + texts + b")")
        match = self.pattern.search(self.message, begin, stop)
        bears = None if match is None else self.boundary_at(match.start() + 1)
        return None if match is None or bears is None else (match.start() + 1, *bears)

    def close(self, depth: int, end: int) -> None:
        """Ends all parts below the multipart at ``depth``."""
        for part in self.open[depth + 1 :]:
            part.end = end
        for index, _ in reversed(self.boundaries):
            if index <= depth:
                break
            self.defect(d.BOUNDARY_UNCLOSED, self.open[index].start)
        del self.open[depth + 1 :]


def _text(boundary: tuple[int, bytes]) -> bytes:
    return boundary[1]


def _forget_content(found: dict[bytes, list[bytes]]) -> None:
    """Without MIME-Version and Content-Type a message isn't MIME: its other Content fields don't count."""
    for name in [name for name in found if name.startswith(b"content-")]:
        del found[name]
