"""`holdfast drill --simulated` and `drill story`: on a provider of many machines, in virtual time."""

from __future__ import annotations

import os
from collections.abc import Sequence

from holdfast.cli import terminal
from holdfast.model.errors import Reason, Refused

STORY = "STORY"


def simulated(ids: Sequence[str], seeds: int, hampered: str, as_json: bool) -> bool:
    """A line for each drill and the totals; whether all causes were right."""
    import msgspec

    from holdfast.sim.drills import telling
    from holdfast.sim.drills.score import totals
    from holdfast.sim.drills.simulated.play import HAMPERED, drill

    how = next((each for each in HAMPERED if each == hampered), None)
    if how is None:
        there = ", ".join(each for each in HAMPERED if each)
        raise Refused(Reason.BAD_SYNTAX, f"--hampered {hampered}: there are {there}")
    cards = []
    for id in ids:
        for seed in range(seeds):
            card = drill(id, seed, how).card
            cards.append(card)
            if as_json:
                print(msgspec.json.encode(card).decode(), flush=True)
            elif seeds == 1:
                print(telling.card(card) + "\n", flush=True)
            elif card.verdict != "right":
                print(f"{id} seed {seed}: {card.verdict}: {', '.join(card.named) or 'nothing'}", flush=True)
    if len(cards) > 1 and not as_json:
        print(telling.totals(totals(cards)))
    return all(each.verdict == "right" for each in cards)


def rows() -> list[str]:
    from holdfast.sim.drills.simulated.rows import ROWS

    return list(ROWS)


def story(folder: str, seed: int, customers: int) -> None:
    """Writes it and says where."""
    from holdfast.sim.drills.story import tell

    folder = os.path.abspath(folder or "story")
    if os.path.isdir(folder) and os.listdir(folder):
        raise Refused(Reason.BAD_SYNTAX, f"{folder} isn't empty: name another one with --data")
    terminal.say("the week of 15 August 2012, in simulated time …")
    told = tell(folder, seed, customers, max(customers // 50, 20))
    terminal.say(f"{told.files} files; begin with {folder}/index.html")
