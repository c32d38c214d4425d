"""The map in words and as a drawing."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

from holdfast.cli.reference import map_picture
from holdfast.model.findings import Finding, State
from holdfast.model.functions import FUNCTIONS
from holdfast.run import mapping
from holdfast.run.config import Config, Gateways
from holdfast.run.config_care import Vantage
from holdfast.run.sections import Secret
from holdfast.watch import outline, picture
from holdfast.watch.colours import colours
from holdfast.watch.depends import DependencyMap
from holdfast.watch.diagnosis.report import NamedCause, Report, Rival
from holdfast.watch.outline import Needs, folded

ROOT = Path(__file__).parents[3]
SVG = "{http://www.w3.org/2000/svg}"


@cache
def default() -> DependencyMap:
    return mapping.dependency_map(Config())


def needs(function: str) -> Needs:
    return next(each for each in outline.needs_of(default()) if each.function == function)


def test_map_3_no_function_is_gone_with_a_process_behind_it():
    behind = {f"process/{role}-0" for role in ("store", "people", "auth", "relay")}
    for each in outline.needs_of(default()):
        assert behind.isdisjoint(each.hard), each.function


def test_map_3_what_waits_says_what_it_costs():
    for each in outline.needs_of(default()):
        assert all(each.soft.values()), each.function
    assert needs("receive").soft["process/store-0"] == "new mail is kept and not yet seen"
    assert needs("send").soft["ledger/queue"] == "mail to elsewhere waits"
    assert needs("imap").soft["cell-07/index"] == "its accounts' mail can't be read"


def test_map_3_what_is_beside_a_function_may_all_be_at_fault():
    met = needs("password")
    assert {"process/mx-0", "process/imap-0", "process/jmap-0"} <= set(met.beside)
    assert not set(met.beside) & {*met.hard, *met.soft}


def test_many_that_differ_in_a_number_are_told_as_one():
    cells = [f"cell-{n:02d}/index" for n in range(64)]
    assert folded(["dns", *cells, "process/imap-1", "process/imap-0"]) == [
        "cell-00/index … cell-63/index (64)",
        "dns",
        "process/imap-0",
        "process/imap-1",
    ]


def test_the_words_have_each_function_and_the_json_has_everything():
    assert [line for line in outline.text(default()).splitlines() if line and line[0] != " "] == list(
        FUNCTIONS
    )
    found = json.loads(outline.json(default()))
    assert {each["id"] for each in found["components"]} == default().components.keys()
    assert len(found["reaches"]) == len(default().reaches) and found["trials"][0]["steps"]


def drawn(known: DependencyMap) -> ElementTree.Element:
    return ElementTree.fromstring(picture.svg(known))


def test_the_drawing_is_described_and_each_box_and_line_has_its_name():
    root = drawn(default())
    named = {
        root.find(f"{SVG}{name}").get("id"): root.find(f"{SVG}{name}").text for name in ("title", "desc")
    }
    assert root.get("role") == "img" and set(root.get("aria-labelledby").split()) == named.keys()
    assert "mx can't do without" in named["desc"]
    assert all(each.find(f"{SVG}title").text for each in root.iter(f"{SVG}g"))
    boxes = {each.find(f"{SVG}title").text for each in root.iter(f"{SVG}g")}
    assert {f"function/{each}" for each in FUNCTIONS} | {"process/relay", "index", "ledger/mail"} <= boxes


def test_no_box_of_the_drawing_lies_on_another_or_outside():
    many = Config(gateways=Gateways(sms_url="https://sms.example", mail_smarthost="smart.example:587"))
    for known in (default(), mapping.dependency_map(many)):
        root = drawn(known)
        width = float(root.get("viewBox").split()[2])
        rows: dict[str, list[tuple[float, float]]] = {}
        for box in root.iter(f"{SVG}rect"):
            rows.setdefault(box.get("y"), []).append((float(box.get("x")), float(box.get("width"))))
        assert len(rows) == 6
        for row in map(sorted, rows.values()):
            ends = [x + wide for x, wide in row]
            assert row[0][0] >= 0 and ends[-1] <= width
            assert all(end < x for end, (x, _) in zip(ends, row[1:]))


def test_the_drawing_in_the_pages_is_what_the_code_says():
    assert (ROOT / "docs" / "operate" / "map.svg").read_text(encoding="utf-8") == map_picture(), "make docs"


NOON = 1_345_032_000.0


def finding(trial: str, state: State, step: str = "", at: float = NOON) -> Finding:
    return Finding(trial, "", state, step, "", at, 0.1)


def coloured(*findings: Finding, report: Report | None = None) -> dict[str, State]:
    return colours(default(), findings, report, NOON + 5)


def test_nothing_is_green_that_no_trial_went_through():
    assert set(coloured().values()) == {"unknown"}
    found = coloured(finding("mx/mx", "fails", "RCPT"))
    assert found["door/mx"] == found["process/mx-0"] == found["supervisor"] == "works"
    assert found["copy/mx-0"] == "unknown"  # the step that failed says nothing good of what it uses
    assert coloured(finding("mx/mx", "works"))["copy/mx-0"] == "works"
    assert coloured(finding("mx/mx", "works", at=NOON - 3600))["copy/mx-0"] == "unknown"
    assert coloured(finding("mx/mx", "unknown", "RCPT"))["door/mx"] == "unknown"


def test_what_is_named_is_red_and_what_is_suspected_is_amber_whatever_went_through():
    named = Report(verdict="named", probability=0.99, causes=(NamedCause(component="copy/mx-0", since=NOON),))
    undecided = Report(
        verdict="undecided",
        probability=0.5,
        runners_up=(Rival(components=("copy/mx-0",), probability=0.5), Rival(components=(), probability=0.4)),
    )
    works = finding("mx/mx", "works")
    assert coloured(works, report=named)["copy/mx-0"] == "fails"
    assert coloured(works, report=undecided)["copy/mx-0"] == "degraded"
    assert coloured(works, finding("disk/data", "degraded", "room"))["disk/data"] == "degraded"


def test_a_box_of_many_is_as_its_worst_and_says_so_without_colour():
    states: dict[str, State] = dict.fromkeys(default().components, "works")
    states["cell-07/index"] = "fails"
    root = ElementTree.fromstring(picture.svg(default(), states, inline=True))
    said = {each.find(f"{SVG}title").text: each.find(f"{SVG}text").text for each in root.iter(f"{SVG}g")}
    assert said["index: fails"] == "✕ index of each cell ×64"
    assert said["ledger/mail: works"].startswith("✓") and said["function/imap: unknown"] == "? imap"
    assert root.find(f"{SVG}style") is None  # a page that forbids inline styles has them elsewhere


def test_ways_from_vantage_points_are_one_box_however_many_there_are():
    places = {each: Vantage(url=f"http://{each}", key=Secret("file:/k")) for each in ("east", "west")}
    known = mapping.dependency_map(Config(vantages=places))
    ways = [each for each in known.components if each.startswith("transit/")]
    root = ElementTree.fromstring(picture.svg(known, dict.fromkeys(known.components, "works")))
    said = [text for each in root.iter(f"{SVG}g") if (text := each.find(f"{SVG}text")) is not None]
    drawn = {each.text for each in said}
    assert {f"✓ ways from vantage points ×{len(ways)}", "✓ vantage points ×2"} <= drawn
    assert not any("east" in str(each) for each in drawn)
