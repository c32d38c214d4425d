"""How much processor time the week of August 2012 takes, as a drill.

python bench/story.py [--customers 100000] [--runs 3] [--output bench/results/story.json]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile


def measured(customers: int) -> float:
    """Seconds of all cores together."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-m", "holdfast.cli", "drill", "story", "--customers", str(customers)]
        words += ["--data", os.path.join(folder, "story")]
        subprocess.run(words, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--output", default="")
    given = parser.parse_args()
    runs = sorted(round(measured(given.customers), 1) for _ in range(given.runs))
    found = {"customers": given.customers, "cpu_s": runs, "median_s": statistics.median(runs)}
    text = json.dumps(found, indent=1)
    print(text)
    if given.output:
        with open(given.output, "w", encoding="utf-8") as file:
            file.write(f"{text}\n")


if __name__ == "__main__":
    main()
