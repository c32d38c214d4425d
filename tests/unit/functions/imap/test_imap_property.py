"""Two sessions change one mailbox at random; what each client can know from its responses is the truth."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from unit.functions.imap.imap_service import Client, Service, message, play

LINE = re.compile(rb"(\d+) (EXISTS|EXPUNGE|RECENT|FETCH)")
FLAGS = re.compile(rb"FLAGS \(([^)]*)\)")
UID = re.compile(rb"UID (\d+)")


class Model:
    """A client's own picture of a mailbox: messages by number, each (uid or None, flags or None)."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.messages: list[list[object]] = []

    async def do(self, command: str | bytes, numbered: bool = False) -> str:
        reply = await self.client.do(command)
        for line in reply.lines:
            self.hear(line, numbered)
        return reply.status

    def hear(self, line: bytes, numbered: bool) -> None:
        found = LINE.match(line)
        if not found:
            return
        number = int(found[1])
        if found[2] == b"EXISTS":
            assert number >= len(self.messages), "EXISTS must not shrink a mailbox"
            self.messages += [[None, None] for _ in range(number - len(self.messages))]
        elif found[2] == b"EXPUNGE":
            assert not numbered, "EXPUNGE while FETCH, STORE or SEARCH is answered"
            del self.messages[number - 1]
        elif found[2] == b"FETCH":
            entry = self.messages[number - 1]
            if uid := UID.search(line):
                assert entry[0] in (None, int(uid[1])), "a number changed its message"
                entry[0] = int(uid[1])
            if flags := FLAGS.search(line):
                entry[1] = frozenset(flags[1].split()) - {b"\\Recent"}

    async def settle(self) -> list[tuple[object, object]]:
        """NOOP, then what is still unknown is asked for."""
        await self.do("NOOP")
        known = [list(entry) for entry in self.messages]
        await self.do("FETCH 1:* (UID FLAGS)" if self.messages else "NOOP", numbered=True)
        for before, after in zip(known, self.messages):
            for told, truth in zip(before, after):
                assert told in (None, truth), "the client was left with something else than the truth"
        return [(entry[0], entry[1]) for entry in self.messages]


numbers = st.integers(1, 6)
flags = st.lists(st.sampled_from(["\\Seen", "\\Flagged", "\\Deleted", "work"]), unique=True, max_size=3)
steps = st.one_of(
    st.tuples(st.just("append"), numbers, flags),
    st.tuples(
        st.just("store"), numbers, flags, st.sampled_from(["FLAGS", "+FLAGS", "-FLAGS"]), st.booleans()
    ),
    st.tuples(st.just("delete"), numbers),
    st.tuples(st.just("expunge")),
    st.tuples(st.just("copy"), numbers),
    st.tuples(st.just("move"), numbers),
    st.tuples(st.just("fetch"), numbers),
    st.tuples(st.just("noop")),
)
script = st.lists(st.tuples(st.integers(0, 1), steps), min_size=6, max_size=25)


async def carry_out(model: Model, step: tuple[object, ...]) -> None:
    what = step[0]
    count = len(model.messages)
    number = 1 + (int(str(step[1])) - 1) % count if len(step) > 1 and count else 0
    if what == "append":
        body = message(1)
        words = " ".join(step[2])  # type: ignore[arg-type]
        await model.do(b"APPEND INBOX (%b) {%d+}\r\n%b" % (words.encode(), len(body), body))
    elif what in ("expunge", "noop"):
        await model.do(str(what).upper())
    elif not number:
        return
    elif what == "store":
        silent = ".SILENT" if step[4] else ""
        words = " ".join(step[2])  # type: ignore[arg-type]
        await model.do(f"STORE {number}:* {step[3]}{silent} ({words})", numbered=True)
        if step[4]:  # what the client knows by itself
            for entry in model.messages[number - 1 :]:
                entry[1] = None
    elif what == "delete":
        await model.do(f"STORE {number} +FLAGS (\\Deleted)", numbered=True)
    elif what == "fetch":
        await model.do(f"FETCH 1:{number} (UID FLAGS)", numbered=True)
    else:
        await model.do(f"{str(what).upper()} {number} INBOX")


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(script)
def test_imapd_2_what_the_responses_tell_is_what_the_mailbox_holds(script):
    async def scene(service: Service) -> None:
        models = [Model(await service.client(select="INBOX")) for _ in range(2)]
        for _ in range(5):
            await carry_out(models[0], ("append", 1, ["work"]))
        for model in models:
            await model.settle()
        for who, step in script:
            await carry_out(models[who], step)
        pictures = [await model.settle() for model in models]
        assert pictures[0] == pictures[1]
        fresh = Model(await service.client())
        await fresh.do("SELECT INBOX")
        assert await fresh.settle() == pictures[0]

    with tempfile.TemporaryDirectory() as folder:
        play(Path(folder), scene)
