"""Other programs of the machine, run to their end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import NamedTuple


class Ended(NamedTuple):
    """``said``: what it wrote to both its outputs, as text."""

    code: int
    said: str


async def run_program(words: Sequence[str], given: bytes = b"") -> Ended:
    """Without a shell; ``given`` is its input. Whoever gives up waiting ends it. Raises ``OSError`` where
    there is no such program."""
    program = await asyncio.create_subprocess_exec(
        *words,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        said, _ = await program.communicate(given)
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            program.kill()
        await program.wait()
        raise
    assert program.returncode is not None
    return Ended(program.returncode, said.decode(errors="replace"))
