"""What watching and caring cost at rest: the share of one processor core, over a minute, with 64 cells.

    python bench/watching.py [--seconds 60] [--output bench/results/watching.json]

The demonstration as it is, with every role, an account of the canaries in each cell, and nobody else. The
minute begins when each cell has been signed in to and nothing is at fault. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from holdfast.run import control
from holdfast.watch.now import Now, read_now
from holdfast.world import real_world

CELLS = 64
READY_S = 300.0
ROLES = ("watch-0", "care-0")


def until(true: Callable[[], Any]) -> Any:
    end = time.monotonic() + READY_S
    while not (found := true()):
        if time.monotonic() > end:
            raise SystemExit(f"not ready within {READY_S:g} s")
        time.sleep(0.5)
    return found


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def is_calm(now: Now | None) -> bool:
    if now is None or now.report is not None:
        return False
    cells = [each for each in now.findings if "/cell-" in each.trial]
    return len(cells) == CELLS and all(each.state in ("works", "unknown") for each in now.findings)


def measured(data: Path, seconds: float) -> dict[str, Any]:
    world = real_world(level="error")
    until(lambda: is_calm(read_now(world, str(data / "watch" / "now.json"))))
    status = control.ask(str(data / "run" / "ctl.sock"), {"do": "status"})
    pids = {each["process"]: each["pid"] for each in status["processes"]}
    load, began = os.getloadavg()[0], time.monotonic()
    before = {name: cpu_s(pid) for name, pid in pids.items()}
    time.sleep(seconds)
    took = time.monotonic() - began
    spent = {name: (cpu_s(pid) - before[name]) / took for name, pid in pids.items()}
    now = read_now(world, str(data / "watch" / "now.json"))
    assert is_calm(now), "something was at fault meanwhile"
    return {
        "bench": "watching",
        "cells": CELLS,
        "seconds": round(took, 1),
        "load_before": round(load, 2),
        **{f"{name.partition('-')[0]}_share": round(spent[name], 4) for name in ROLES},
        "all_others_share": round(sum(share for name, share in spent.items() if name not in ROLES), 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--output")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "holdfast.cli", "demo", "--data", folder]
        quiet = subprocess.DEVNULL
        demo = subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True)
        try:
            found = measured(Path(folder) / "data", args.seconds)
        finally:
            demo.send_signal(signal.SIGTERM)
            demo.wait(timeout=60)
    text = json.dumps(found, indent=2)
    print(text)
    if args.output:
        Path(args.output).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
