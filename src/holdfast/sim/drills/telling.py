"""Score cards as people read them: in a terminal, and as the page of the reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from holdfast.model.functions import FUNCTIONS
from holdfast.sim.drills.score import Behaviour, ScoreCard, Totals

_WIDTH = 11


def card(one: ScoreCard) -> str:
    """Some lines, without an end of the last."""
    lines = [f"{one.fault}  {one.title}", *(_line(*each) for each in _facts(one))]
    lines += [_line("note", each) for each in one.notes]
    return "\n".join(lines)


def _facts(one: ScoreCard) -> Iterator[tuple[str, str]]:
    yield "detected", _after(one.detected_after_s, "after {} s", "not")
    named = ", ".join(one.named) or "nothing"
    yield "named", f"{_after(one.named_after_s, 'after {} s: ', '')}{named} ({one.verdict or 'not judged'})"
    if one.wrong:
        yield "wrong", ", ".join(one.wrong)
    if one.affected:
        yield "whom", one.affected
    if one.noticed_after_s is not None:
        yield "notice", f"{one.noticed_after_s:g} s after the detection"
    if one.published_after_s is not None:
        yield "page", f"{one.published_after_s:g} s after the detection"
    if one.functions:
        yield "customers", "  ".join(_behaviour(name, each) for name, each in one.functions.items())
    if one.tries:
        yield "forbidden", "; ".join(one.forbidden[:5]) or f"none of {one.tries} answers"
        back = _after(one.returned_after_s, "{} s after the repair", "not")
        closed = _after(one.closed_after_s, "closed after {} s", "none closed")
        yield "returned", f"{back}; incidents: {closed}"


def _line(what: str, text: str) -> str:
    return f"  {what:{_WIDTH}} {text}"


def _after(seconds: float | None, text: str, never: str) -> str:
    return never if seconds is None else text.format(f"{seconds:g}")


def _behaviour(function: str, it: Behaviour) -> str:
    met = it.hit or it.others
    if it.hit and it.others and it.others != "ok":
        met += f" (others {it.others})"
    return f"{function} {met}" + ("" if it.good else f" (expected {it.expected})")


def totals(of: Totals) -> str:
    lines = [f"{of.drills} drills"]
    lines += [_line(what, text) for what, text in total_facts(of)]
    return "\n".join(lines)


def total_facts(of: Totals) -> Iterator[tuple[str, str]]:
    """What all of them came to, in words, and as it is aimed at."""
    yield "named", f"{_share(of.named)} of single faults exactly, {_share(of.chains)} of chains"
    yield "undecided", f"{of.undecided}; wrong causes published: {of.wrong}"
    yield "detected", f"{_share(of.detected)}; 99 % within {_s(of.detection_p99_s)}, slow or partial faults "
    yield "", f"within {_s(of.slow_detection_p99_s)}; named within {_s(of.naming_p99_s)}"
    yield "notice", f"99 % within {_s(of.notice_p99_s)} of the detection"
    yield "whom", f"{_share(of.affected_exact)} exact"
    yield "customers", f"{_share(of.behaved)} as expected; forbidden answers: {of.forbidden}"
    yield "returned", f"{_share(of.returned)} without a human"


def _share(share: float | None) -> str:
    return "–" if share is None else f"{share * 100:.1f} %"


def _s(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds:.1f} s"


# The page


def table(cards: Sequence[ScoreCard]) -> str:
    """Markdown: a row for each drill."""
    head = "| | fault | detected | named | cause | whom | notice | " + " | ".join(FUNCTIONS) + " | returned |"
    lines = [head, "|" + "---|" * (head.count("|") - 1)]
    for one in cards:
        cells = [
            one.fault,
            one.title,
            _after(one.detected_after_s, "{} s", "not"),
            _after(one.named_after_s, "{} s", "–"),
            f"{one.verdict}: {', '.join(one.wrong or one.named) or 'nothing'}",
            one.affected or "–",
            _after(one.noticed_after_s, "{} s", "–"),
            *(_cell(one.functions, each) for each in FUNCTIONS),
            _after(one.returned_after_s, "{} s", "not"),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _cell(functions: Mapping[str, Behaviour], function: str) -> str:
    it = functions.get(function)
    if it is None:
        return "–"
    met = (it.hit or it.others).replace("*", "\\*")
    return met if it.good else f"**{met}**"
