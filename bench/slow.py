"""How often calm traffic is called slow, and how soon what is ten times as slow is.

    python bench/slow.py [--months 4] [--output bench/results/slow.json]

One JSON object: alarms by the scatter of the values and how much of it lasts from one to the next (30 days
each, ``months`` of each kind), and after how many rounds of ten seconds a slowing by ten was found.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from holdfast.sim.weather import DAY, calm
from holdfast.watch.scores import Series

SPREADS = (0.2, 0.3, 0.5)
LASTS = (0.0, 0.8, 0.9, 0.97)


def alarms(seed: int, spread: float, lasts: float) -> int:
    """Of 30 days: how often it began to be slow."""
    series, found, before = Series(), 0, False
    for each in calm(Random(seed), 30 * DAY, spread, lasts):
        series.add(each)
        found += series.slow and not before
        before = series.slow
    return found


def found_after(seed: int, spread: float, lasts: float) -> int:
    """Rounds; 0 where twelve weren't enough."""
    series = Series()
    for number, each in enumerate(calm(Random(seed), DAY + 12, spread, lasts)):
        series.add(each * 10 if number >= DAY else each)
        if number >= DAY and series.slow:
            return number - DAY + 1
    return 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--months", type=int, default=4)
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    kinds = {f"scatter {spread}, {lasts} lasts": (spread, lasts) for spread in SPREADS for lasts in LASTS}
    result = {
        "months_of_each": given.months,
        "alarms": {
            name: sum(alarms(seed, *kind) for seed in range(given.months)) for name, kind in kinds.items()
        },
        "rounds_until_found": {
            name: sorted(found_after(100 + seed, *kind) for seed in range(20)) for name, kind in kinds.items()
        },
    }
    text = json.dumps(result, indent=2)
    print(text)
    if given.output:
        given.output.write_text(text + "\n")


if __name__ == "__main__":
    main()
