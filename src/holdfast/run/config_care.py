"""Sections of those who watch and care: what is tried and how often, and what follows from it."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

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


class Remedies(Section, frozen=True):
    mode: Annotated[
        Literal["on", "dry-run", "off"],
        Meta(description="on: what `rules` names is carried out; dry-run: it is only said what would be."),
    ] = "on"
    rules: Annotated[
        list[Literal["restart", "reroute", "hold", "drain"]],
        Meta(description="What is carried out without asking (docs/operate/remedies.md)."),
    ] = field(default_factory=lambda: ["restart"])
    probability: Annotated[
        float, Meta(description="Of the diagnosis, at least, before anything is done.", ge=0.9, le=1)
    ] = 0.95
    stands_s: Annotated[
        float, Meta(description="For so many seconds the diagnosis must have stood.", ge=0)
    ] = 10.0
    per_hour: Annotated[int, Meta(description="Most that is carried out in an hour.", ge=0, le=60)] = 4
    roll_pause_s: Annotated[
        float,
        Meta(description="Seconds between two processes of a rolling restart, for faults to be seen.", ge=0),
    ] = 0.0
