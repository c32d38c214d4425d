"""Drills on real processes: the fault is put in from outside, and what came of it is judged by customers'
answers, the record and what is published. One of the catalogue."""

from __future__ import annotations

import json

import pytest

from holdfast.sim.drills.real.runner import Patience, drill, service
from holdfast.sim.drills.real.vantages import NAMES
from holdfast.sim.drills.score import BRIEFLY_S, ScoreCard
from holdfast.world import real_world, run
from web.webmail import needs_build

pytestmark = [pytest.mark.slow, needs_build]

# Longer than what is only a delay to customers: else it hurts nobody, and whom it hits is not judged.
SOON = Patience(least_s=BRIEFLY_S + 6.0, most_s=25.0, slow_s=25.0, after_s=30.0, closed=False)


def test_a_process_that_is_killed_again_and_again_is_named_and_nobody_else_suffers(tmp_path):
    async def held() -> list[ScoreCard]:
        world = real_world(level="error")
        async with service(world, print, str(tmp_path)) as place:
            found = [await drill(place, "F05", print, SOON)]
            seen = await place.holdfast("vantage", "check", "--json")
            assert [row["vantage"] for row in map(json.loads, seen.splitlines())] == list(NAMES)
            described = await place.holdfast("vantage", "describe", NAMES[0])
            assert 'recipient = "canary-1@example.org"' in described
            return [each for each in found if isinstance(each, ScoreCard)]

    [card] = run(held())
    assert card.verdict == "right" and card.named == ("process/jmap-0",), card
    assert card.detected_after_s is not None and card.detected_after_s < 15
    assert card.affected == "exact"
    assert card.functions["webmail"].hit == "t", "who comes to its door is told to come again (RUN-11)"
    assert card.forbidden == ()
    assert {name for name, each in card.functions.items() if each.hit or each.others != "ok"} == {"webmail"}
    assert card.returned_after_s is not None
