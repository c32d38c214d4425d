"""Reads transcripts and plays them over any line of bytes; see README.md."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

FOLDER = Path(__file__).parent
REPLY_S = 60.0  # a server that says nothing for so long has said the wrong thing


class Wrong(AssertionError):
    """What the server said is not what the transcript says."""


@dataclass(frozen=True)
class Step:
    kind: str  # 'C' line, 'L' literal, 'S' expected, '!' forbidden, 'T' line and then TLS
    connection: int
    text: str
    line: int


@dataclass
class Given:
    kind: str  # 'message' or 'mailbox'
    name: str
    flags: str = ""
    lines: list[str] = field(default_factory=list)

    @property
    def message(self) -> bytes:
        return b"".join(line.encode() + b"\r\n" for line in self.lines)


@dataclass
class Transcript:
    path: Path
    title: str = ""
    standard: str = ""
    peer: str = ""
    given: list[Given] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    @property
    def protocol(self) -> str:
        return self.path.parent.name


_STEP = re.compile(r"(!?)([CST])(\d?)(:|\|) ?(.*)")


def read(path: Path) -> Transcript:
    """Parse a file; every mistake in it is an error that names the line."""
    found = Transcript(path)
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.startswith("#"):
            _comment(found, line[1:].strip())
        elif not line.strip():
            continue
        elif line.startswith("given: "):
            kind, _, rest = line[7:].partition(" ")
            name, _, flags = rest.partition(" ")
            assert kind in ("message", "mailbox") and name, f"{path.name}:{number}: given what?"
            found.given.append(Given(kind, name, flags))
        elif line.startswith("|"):
            assert found.given and not found.steps, f"{path.name}:{number}: a message line without given:"
            found.given[-1].lines.append(line[2:] if line.startswith("| ") else line[1:])
        else:
            found.steps.append(_step(path, number, line))
    assert found.title and found.standard and found.peer, f"{path.name}: title, standard and peer are needed"
    assert any(step.kind == "S" for step in found.steps), f"{path.name}: nothing is expected"
    return found


def _comment(found: Transcript, text: str) -> None:
    key, colon, value = text.partition(":")
    if colon and key in ("standard", "peer"):
        setattr(found, key, value.strip())
    elif not found.title:
        found.title = text


def _step(path: Path, number: int, line: str) -> Step:
    match = _STEP.fullmatch(line)
    assert match, f"{path.name}:{number}: not a transcript line: {line!r}"
    forbidden, kind, connection, mark, text = match.groups()
    if mark == "|":
        assert kind == "C", f"{path.name}:{number}: only the client sends literals"
        kind = "L"
    return Step("!" if forbidden else kind, int(connection or 1), text, number)


def transcripts(protocol: str) -> list[Path]:
    return sorted((FOLDER / protocol).glob("*.txt"))


class Wire(Protocol):
    """A connection as the player needs it."""

    async def send(self, data: bytes) -> None: ...

    async def receive(self) -> bytes:
        """Some bytes; b'' at the end."""

    async def start_tls(self) -> None: ...

    async def close(self) -> None: ...


class Connect(Protocol):
    async def __call__(self) -> Wire: ...


class TcpWire:
    """A real socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int, *, host: str = "127.0.0.1") -> TcpWire:
        return cls(*await asyncio.open_connection(host, port))

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def receive(self) -> bytes:
        return await self._reader.read(65536)

    async def start_tls(self) -> None:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        await self._writer.start_tls(context)

    async def close(self) -> None:
        self._writer.close()


_LITERAL = re.compile(rb"\{(\d+)\}\Z")


class _Side:
    """One connection's dialogue: cuts lines (with IMAP literals inside) and matches them."""

    def __init__(self, wire: Wire, literals: bool) -> None:
        self.wire = wire
        self._literals = literals
        self._buffer = b""
        self.lines: list[str] = []  # since the client's last line
        self.forbidden: list[tuple[re.Pattern[str], Step]] = []
        self._ended = False

    async def expect(self, pattern: re.Pattern[str], step: Step) -> re.Match[str]:
        while True:
            line = self._cut()
            if line is None:
                if self._ended:
                    raise Wrong(
                        f"line {step.line}: expected {step.text!r}, the connection ended; got {self.lines}"
                    )
                await self._more(step)
                continue
            self.lines.append(line)
            if found := pattern.fullmatch(line):
                return found

    async def _more(self, step: Step) -> None:
        try:
            data = await asyncio.wait_for(self.wire.receive(), REPLY_S)
        except TimeoutError:
            raise Wrong(f"line {step.line}: expected {step.text!r}, got only {self.lines}") from None
        self._buffer += data
        self._ended = not data

    def _cut(self) -> str | None:
        """The next whole line, literals included."""
        at = 0
        while True:
            end = self._buffer.find(b"\r\n", at)
            if end < 0:
                return None
            literal = _LITERAL.search(self._buffer[:end]) if self._literals else None
            if literal is None:
                break
            at = end + 2 + int(literal.group(1))
            if len(self._buffer) < at:
                return None
        line, self._buffer = self._buffer[:end], self._buffer[end + 2 :]
        return line.decode("utf-8", "replace")

    def check_forbidden(self) -> None:
        """Called before the client speaks again: nothing forbidden came."""
        for pattern, step in self.forbidden:
            for line in self.lines:
                if pattern.fullmatch(line):
                    raise Wrong(f"line {step.line}: {line!r} must not be sent")
        self.forbidden = []
        self.lines = []


async def play(transcript: Transcript, connect: Connect, words: Mapping[str, str]) -> None:
    """Play it over connections that ``connect`` opens. Raises ``Wrong``."""
    names = dict(words)
    sides: dict[int, _Side] = {}
    try:
        for index, step in enumerate(transcript.steps):
            side = sides.get(step.connection)
            if side is None:
                side = sides[step.connection] = _Side(await connect(), transcript.protocol == "imap")
            await _play_step(transcript, index, step, side, names)
        for side in sides.values():
            side.check_forbidden()
    finally:
        for side in sides.values():
            await side.wire.close()


async def _play_step(
    transcript: Transcript, index: int, step: Step, side: _Side, names: dict[str, str]
) -> None:
    if step.kind == "!":
        side.forbidden.append((_pattern(step.text, names), step))
    elif step.kind == "S":
        found = await side.expect(_pattern(step.text, names), step)
        names.update({f"<{name}>": value for name, value in found.groupdict().items()})
    elif step.kind == "L":
        last = index + 1 >= len(transcript.steps) or transcript.steps[index + 1].kind != "L"
        ends_command = last and transcript.protocol == "imap"
        await side.wire.send(_fill(step.text, names).encode() + (b"\r\n\r\n" if ends_command else b"\r\n"))
    else:
        side.check_forbidden()
        text = _fill(step.text, names).replace("{@", f"{{{_literal_size(transcript, index, names)}")
        await side.wire.send(text.encode() + b"\r\n")
        if step.kind == "T":
            await side.expect(re.compile("(\\S+ OK|\\+OK|220).*"), step)
            await side.wire.start_tls()


def _literal_size(transcript: Transcript, index: int, names: Mapping[str, str]) -> int:
    """Bytes of the ``C|`` lines that follow."""
    size = 0
    for step in transcript.steps[index + 1 :]:
        if step.kind == "L":
            size += len(_fill(step.text, names).encode()) + 2
        elif size or step.kind in "CT":
            break
    return size


def _fill(text: str, names: Mapping[str, str]) -> str:
    for name, value in names.items():
        text = text.replace(name if name.startswith("<") else f"{{{name}}}", value)
    return text


def _pattern(text: str, names: Mapping[str, str]) -> re.Pattern[str]:
    """``*`` is any text, ``<name>`` a captured word; everything else is itself, case ignored."""
    parts = []
    for part in re.split(r"(\*|<[a-z]\w*>)", _fill(text, names)):
        if part == "*":
            parts.append(".*")
        elif re.fullmatch(r"<[a-z]\w*>", part):
            parts.append(f"(?P<{part[1:-1]}>[^\\s()\\[\\]]+)")
        else:
            parts.append(re.escape(part))
    # An untagged line begins with '* ': there the star is itself.
    pattern = "".join(parts)
    if text.startswith("* "):
        pattern = r"\*" + pattern.removeprefix(".*")
    return re.compile(pattern, re.IGNORECASE | re.DOTALL)
