"""The alert rules and the board that come with the program: everything they name exists."""

from __future__ import annotations

import importlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from holdfast.model.events import EVENTS
from holdfast.watch.words import METRICS, STATES, STEPS

ROOT = Path(__file__).parents[3]
RULES = ROOT / "deploy" / "prometheus" / "alerts.yml"
BOARD = ROOT / "deploy" / "grafana" / "holdfast.json"
PAGE = ROOT / "docs" / "operate" / "monitoring.md"


for package in ("packs", "care.reports"):
    importlib.import_module(f"holdfast.{package}.events")


def alerts() -> list[dict[str, object]]:
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    return list(group["rules"])


def board_expressions() -> list[str]:
    panels = json.loads(BOARD.read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel.get("targets", ())]


def wrong(expression: str) -> list[str]:
    """What an expression names that there isn't."""
    found = []
    for name, braces in re.findall(r"(holdfast_\w+)(\{[^}]*\})?", expression):
        metric = METRICS.get(re.sub(r"_(bucket|sum|count)$", "", name)) or METRICS.get(name)
        if metric is None or (name != metric.name) != (metric.kind == "histogram"):
            found.append(name)
            continue
        known = {"instance", "process", *metric.labels}
        found += [f"{name}: {label}" for label in re.findall(r"(\w+)\s*[!=]", braces) if label not in known]
    return found


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_an_alert_asks_for_what_there_is_and_says_what_it_means(rule):
    assert re.findall(r"holdfast_\w+", rule["expr"])
    assert not wrong(rule["expr"])
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"]["summary"].endswith(".")
    assert f"`{rule['alert']}`" in PAGE.read_text()


def test_alerts_name_events_and_states_that_there_are():
    text = RULES.read_text()
    for words in re.findall(r'event=~"([^"]+)"', text):
        assert set(words.split("|")) <= set(EVENTS)
    for words in re.findall(r'state=~?"([^"]+)"', text):
        assert set(words.split("|")) <= set(STATES)
    results = {step.labels["result"] for steps in STEPS.values() for step in steps if "result" in step.labels}
    assert {"=right", "=wrong", "=limited"} <= results


def test_every_panel_of_the_board_shows_metrics_that_there_are():
    assert len(board_expressions()) > 20
    assert not [each for expression in board_expressions() for each in wrong(expression)]


def test_every_metric_has_its_line_in_the_manual():
    missing = [name for name in METRICS if f"`{name}`" not in PAGE.read_text()]
    assert not missing


@pytest.mark.slow
def test_prometheus_own_tool_reads_the_rules():
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("not installed: promtool (Debian's package prometheus)")
    done = subprocess.run([promtool, "check", "rules", str(RULES)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
