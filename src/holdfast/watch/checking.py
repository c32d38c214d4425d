"""What a check of a component says."""

from __future__ import annotations

from typing import NamedTuple

from holdfast.model.findings import State


class Said(NamedTuple):
    """``step``, ``text``: '' where all is well."""

    state: State = "works"
    step: str = ""
    text: str = ""


WELL = Said()
