"""How often the cause is named, by the catalogue's faults in virtual time and by faults and maps by lot.

`python -m bench.diagnosis --seeds 20` writes bench/results/drills-simulated.json: hours on two cores.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import msgspec

from holdfast.sim.drills.score import ScoreCard, totals
from holdfast.sim.drills.simulated.play import HAMPERED, drill
from holdfast.sim.drills.simulated.rows import ROWS
from holdfast.sim.drills.simulated.unlisted import KINDS, judged

RESULT = Path(__file__).parent / "results" / "drills-simulated.json"


def by_lot(runs: int, wrong: float) -> dict[str, dict[str, float]]:
    found = {}
    for kind in KINDS:
        those = [judged(kind, seed, wrong) for seed in range(runs)]
        right, wrongly = sum(each.right for each in those), sum(each.wrong for each in those)
        found[kind] = {"runs": runs, "right": right / runs, "wrong": wrongly / runs}
    return found


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seeds", type=int, default=20)
    arguments.add_argument("--lots", type=int, default=200)
    arguments.add_argument("--faults", nargs="*", default=list(ROWS))
    arguments.add_argument("--hampered", nargs="*", default=list(HAMPERED))
    chosen = arguments.parse_args()
    result: dict[str, object] = {"seeds": chosen.seeds, "at": time.strftime("%Y-%m-%d")}
    result["by lot"] = {
        "no errors": by_lot(chosen.lots, 0.0),
        "5 % of trials wrong": by_lot(chosen.lots, 0.05),
    }
    for hampered in chosen.hampered:
        cards: list[ScoreCard] = []
        for id in chosen.faults:
            cards += [drill(id, seed, hampered).card for seed in range(chosen.seeds)]
            print(hampered or "plain", id, [each.verdict for each in cards[-chosen.seeds :]], flush=True)
        rows = {
            id: {
                "right": sum(each.verdict == "right" for each in cards if each.fault == id),
                "wrong": sorted({name for each in cards if each.fault == id for name in each.wrong}),
            }
            for id in chosen.faults
        }
        result[hampered or "plain"] = {"totals": msgspec.to_builtins(totals(cards)), "rows": rows}
        RESULT.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
