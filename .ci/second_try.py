"""Which tests of a run are tried once more, alone, and what became of the whole: second_try.py FOLDER.

FOLDER has of each lane its pytest cache, ``LANE``, and how pytest ended, ``LANE.ended``: its code, or a word
where it never came to that. Ends with 0 when every lane passed, or every test that failed passed at its
second try.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

AT_MOST = 4  # more than so many are no accident
ALIVE = ("tests/e2e/", "tests/web/")  # with processes, sockets, browsers and the clock of the machine
PYTEST = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider")
PASSED, SOME_FAILED = "0", "1"  # pytest's codes: of all else (interrupted, none found) there is no second try


def failed(lane: Path) -> list[str]:
    """Node ids, as pytest wrote them down."""
    told = lane / "v" / "cache" / "lastfailed"
    return sorted(json.loads(told.read_text())) if told.exists() else []


def once_more(folder: Path) -> list[str] | None:
    """What is to be tried again: nothing where all passed, None where a second try would be no answer."""
    ended = {each.stem: each.read_text().strip() for each in folder.glob("*.ended")}
    again = {lane: failed(folder / lane) for lane, code in sorted(ended.items()) if code != PASSED}
    found = [test for tests in again.values() for test in tests]
    alive = all(lane == "timed" or test.startswith(ALIVE) for lane, tests in again.items() for test in tests)
    if {*ended.values()} <= {PASSED, SOME_FAILED} and all(again.values()) and len(found) <= AT_MOST and alive:
        return found
    print("no second try:", *found, sep="\n  ", flush=True)
    return None


def main(folder: Path) -> int:
    again = once_more(folder)
    if not again:
        return int(again is None)
    print("a second try, alone, of what failed beside other things:", *again, sep="\n  ", flush=True)
    # each in a process of its own: one with a browser leaves an event loop behind
    passes = [subprocess.run([*PYTEST, each]).returncode == 0 for each in again]
    if all(passes):
        print("passed only at the second try:", *again, sep="\n  ", flush=True)
    return int(not all(passes))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
