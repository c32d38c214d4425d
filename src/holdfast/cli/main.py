"""`holdfast`: the program, and what its errors look like."""

from __future__ import annotations

import os
import sys

from holdfast.model.errors import Refused, Unavailable

EXIT_REFUSED = 2
EXIT_UNAVAILABLE = 75  # EX_TEMPFAIL of sysexits.h: try again later


def main() -> None:
    """The program. CLI-2: a mistake is a sentence on standard error, never a traceback."""
    try:
        _run(sys.argv[1:])
    except Refused as refused:
        print(f"holdfast: {refused.text}", file=sys.stderr)
        sys.exit(EXIT_REFUSED)
    except Unavailable as unavailable:
        print(f"holdfast: not now: {unavailable}", file=sys.stderr)
        sys.exit(EXIT_UNAVAILABLE)
    except BrokenPipeError:  # `holdfast account list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # noqa: TID251
        sys.exit(0)
    except KeyboardInterrupt:
        sys.exit(130)


def _run(words: list[str]) -> None:
    """CLI-4: `serve` as a unit file has it waits for no other command and no parser of theirs."""
    from holdfast.cli import serving

    match words:
        case ["serve"]:
            serving.serve(None)
        case ["--config" | "-c", path, "serve"]:
            serving.serve(path)
        case _:
            from holdfast.cli.commands import app

            app()
