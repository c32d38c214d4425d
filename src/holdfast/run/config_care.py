"""Sections of those who watch and care: what is tried and how often, and what follows from it."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from holdfast.run.sections import Section


class Watch(Section, frozen=True):
    probe_s: Annotated[
        float, Meta(description="Each door is tried about every so many seconds.", ge=0.5, le=60)
    ] = 2.0
    canary_s: Annotated[
        float,
        Meta(description="Each function is used as a customer does about every so many seconds.", ge=10),
    ] = 60.0
    canaries: Annotated[
        bool, Meta(description="Canaries run by themselves; their accounts are made where they are missing.")
    ] = True
