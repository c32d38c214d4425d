"""`python -m holdfast.sim [scenario|all] [--seed N | --seeds n [--first N]]`: many universes, or one again.

A scenario is a module with ``run(seed)``, which raises if the system broke a promise.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import traceback

# By name: `holdfast.sim.<name>`.
SCENARIOS = ("packs", "mail")


def play(name: str, seed: int) -> bool:
    """One universe. Says what went wrong, and the command that plays it again."""
    try:
        importlib.import_module(f"holdfast.sim.{name}").run(seed)
    except Exception:
        traceback.print_exc()
        print(
            f"\n{name}, seed {seed}: failed. Again: python -m holdfast.sim {name} --seed {seed}",
            file=sys.stderr,
        )
        return False
    return True


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m holdfast.sim", description="Simulated universes.")
    parser.add_argument("scenario", nargs="?", default="all", choices=("all", *SCENARIOS))
    parser.add_argument("--seed", type=int, help="play this one only")
    parser.add_argument("--seeds", type=int, default=1000, help="how many, of each scenario (default 1000)")
    parser.add_argument("--first", type=int, default=0, help="the first seed (default 0)")
    chosen = parser.parse_args(arguments)
    names = SCENARIOS if chosen.scenario == "all" else (chosen.scenario,)
    seeds = range(chosen.first, chosen.first + chosen.seeds) if chosen.seed is None else (chosen.seed,)
    for name in names:
        for seed in seeds:
            if not play(name, seed):
                return 1
        print(f"{name}: {len(seeds)} {'universe' if len(seeds) == 1 else 'universes'}, all well")
    return 0


if __name__ == "__main__":
    sys.exit(main())
