"""Pictures of the status page as SVG: bars of days, and an estimate as an interval.

What they show stands beside them in words and tables; colour is never alone: bars differ in height, too.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

from holdfast.care.status.lines import Day

_HEIGHTS = {"works": 20, "degraded": 27, "fails": 34, "unknown": 8}
_STEP, _BAR, _TALL = 6, 4, 36
_WIDE, _LOW = 400, 44


def bars(days: Sequence[Day], title: str) -> Markup:
    """One for each day, the taller the worse."""
    drawn = "".join(
        f'<rect class="day {day.state}" x="{place * _STEP}" y="{_TALL - _HEIGHTS[day.state]}"'
        f' width="{_BAR}" height="{_HEIGHTS[day.state]}" rx="1"/>'
        for place, day in enumerate(days)
    )
    size = f'viewBox="0 0 {len(days) * _STEP - (_STEP - _BAR)} {_TALL}" preserveAspectRatio="none"'
    return Markup(f'<svg class="bars" role="img" aria-label="{escape(title)}" {size}>{drawn}</svg>')


def interval(began: float, now: float, low: float, likely: float, high: float, title: str) -> Markup:
    """From the beginning on: what has passed, the interval, and its likeliest moment."""
    end = max(high, now) + (max(high, now) - began) * 0.06

    def place(at: float) -> float:
        return round(8 + (at - began) / max(end - began, 1.0) * (_WIDE - 16), 1)

    here, first, middle, last = place(now), place(low), place(likely), place(high)
    return Markup(
        f'<svg class="interval" role="img" aria-label="{escape(title)}" viewBox="0 0 {_WIDE} {_LOW}">'
        f'<rect class="track" x="8" y="20" width="{_WIDE - 16}" height="6" rx="3"/>'
        f'<rect class="passed" x="8" y="20" width="{max(here - 8, 0):g}" height="6" rx="3"/>'
        f'<rect class="span" x="{first}" y="12" width="{max(last - first, 2):g}" height="22" rx="6"/>'
        f'<path class="likely" d="M{middle} 14l8 9-8 9-8-9z"/>'
        f'<path class="now" d="M{here} 6v34"/></svg>'
    )
