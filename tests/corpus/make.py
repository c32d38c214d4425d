"""Makes the corpus: ``python tests/corpus/make.py`` writes the messages, the same ones each time.

``--ask`` also asks Dovecot (as root) and writes what it says beside each message as
``.expected.json``; for those in ``compare.DIFFERENCES`` the part named there is our own answer.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent.parent / "src")]

from corpus import kinds, shapes  # noqa: E402

MESSAGES = HERE / "messages"


def messages() -> Iterator[tuple[str, bytes]]:
    """Every message with its name."""
    for source in (kinds, shapes):
        yield from source.messages()


def write() -> list[tuple[str, bytes]]:
    made = list(messages())
    names = [name for name, _ in made]
    if len(set(names)) != len(names):
        raise SystemExit(f"names twice: {sorted({n for n in names if names.count(n) > 1})}")
    MESSAGES.mkdir(exist_ok=True)
    for old in MESSAGES.iterdir():
        if old.name.split(".")[0] not in set(names):
            old.unlink()
    for name, message in made:
        (MESSAGES / f"{name}.eml").write_bytes(message)
    return made


def ask(made: list[tuple[str, bytes]]) -> None:
    from corpus import compare
    from corpus.dovecot import reference

    with reference() as server:
        answers = server.ask([message for _, message in made])
    for (name, message), answer in zip(made, answers):
        own = compare.ours(message)
        for item in compare.DIFFERENCES.get(name, ((), ""))[0]:
            answer[item] = own[item]
        compare.write(MESSAGES / f"{name}.expected.json", answer)


if __name__ == "__main__":
    written = write()
    print(len(written), "messages,", sum(len(message) for _, message in written), "bytes")
    if "--ask" in sys.argv:
        ask(written)
