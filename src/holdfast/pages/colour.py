"""A brand's colour as readable text and buttons: WCAG 2.2, success criterion 1.4.3."""

from __future__ import annotations

import re

OURS = "#1f5f8b"
LIGHT = "#f4f6f8"  # the darkest light ground it stands on
DARK = "#242a31"  # the lightest dark one
WHITE = "#ffffff"
READABLE = 4.5

_HEX = re.compile(r"#[0-9a-f]{6}")


def readable(colour: str) -> str:
    """The colour if white text on it, and it on white, can be read; else ours."""
    colour = colour.lower()
    if _HEX.fullmatch(colour) and contrast(colour, LIGHT) >= READABLE:
        return colour
    return OURS


def in_the_dark(colour: str) -> str:
    """The colour, mixed with as much white as it takes to be read on a dark page."""
    for share in range(0, 101, 5):
        mixed = _mix(colour, WHITE, share / 100)
        if contrast(mixed, DARK) >= READABLE + 0.5:
            return mixed
    return WHITE


def sheet(colour: str) -> str:
    """A style sheet that sets the brand's colour, as far as it can be read."""
    light = readable(colour)
    dark = in_the_dark(light)
    return f":root{{--brand:{light}}}\n@media(prefers-color-scheme:dark){{:root{{--brand:{dark}}}}}\n"


def contrast(one: str, other: str) -> float:
    """1 to 21, by relative luminance."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    def linear(channel: int) -> float:
        part = channel / 255
        return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(each) for each in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _mix(colour: str, other: str, share: float) -> str:
    pairs = zip(_channels(colour), _channels(other))
    return "#" + "".join(f"{round(one + (two - one) * share):02x}" for one, two in pairs)
