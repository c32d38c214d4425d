"""A simulated machine for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from holdfast.sim.world import SimWorld, simulated


@pytest.fixture
def world() -> Iterator[SimWorld]:
    with simulated(1) as made:
        yield made
