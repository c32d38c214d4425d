"""Drills on real processes: the fault is put in from outside, and what came of it is judged by customers'
answers, the record and what is published. Two of the catalogue, on one service."""

from __future__ import annotations

import pytest

from holdfast.sim.drills.real.runner import Patience, drill, service
from holdfast.sim.drills.score import ScoreCard
from holdfast.world import real_world, run
from web.webmail import needs_build

pytestmark = [pytest.mark.slow, needs_build]

SOON = Patience(least_s=6.0, most_s=25.0, slow_s=25.0, after_s=30.0, closed=False)


def test_a_process_that_is_killed_again_and_again_is_named_and_nobody_else_suffers(tmp_path):
    async def held() -> list[ScoreCard]:
        world = real_world(level="error")
        async with service(world, print, str(tmp_path)) as place:
            found = [await drill(place, "F05", print, SOON)]
            return [each for each in found if isinstance(each, ScoreCard)]

    [card] = run(held())
    assert card.verdict == "right" and card.named == ("process/jmap-0",), card
    assert card.detected_after_s is not None and card.detected_after_s < 15
    assert card.affected in ("exact", "")  # '': customers met it too briefly for whom it hits to be judged
    assert card.forbidden == ()
    assert {name for name, each in card.functions.items() if each.hit or each.others != "ok"} == {"webmail"}
    assert card.returned_after_s is not None
