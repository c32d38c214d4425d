"""A second try is for few failures of tests with live processes, and for nothing else."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / ".ci" / "second_try.py"
MAIL, PAGE, RULE = (
    "tests/e2e/test_mail.py::test_a",
    "tests/web/test_page.py::test_b",
    "tests/unit/t.py::test_c",
)


def once_more(folder: Path, **lanes: tuple[int | str, list[str]]) -> list[str] | None:
    for lane, (code, tests) in lanes.items():
        (folder / f"{lane}.ended").write_text(f"{code}\n")
        cache = folder / lane / "v" / "cache"
        cache.mkdir(parents=True)
        if tests:
            (cache / "lastfailed").write_text(json.dumps(dict.fromkeys(tests, True)))
    spec = importlib.util.spec_from_file_location("second_try", SCRIPT)
    assert spec and spec.loader
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    found: list[str] | None = script.once_more(folder)
    return found


def test_where_all_passed_there_is_none(tmp_path: Path) -> None:
    assert once_more(tmp_path, whole=(0, []), units=(0, [])) == []


def test_few_that_failed_with_live_processes_are_tried_again(tmp_path: Path) -> None:
    assert once_more(tmp_path, whole=(1, [MAIL]), pages=(1, [PAGE]), units=(0, [])) == [PAGE, MAIL]


def test_what_holds_a_time_is_tried_again_wherever_it_lies(tmp_path: Path) -> None:
    assert once_more(tmp_path, timed=(1, [RULE]), whole=(0, [])) == [RULE]


@pytest.mark.parametrize(
    "lanes",
    [
        {"units": (1, [RULE])},
        {"whole": (1, [f"{MAIL}[{number}]" for number in range(5)])},
        {"whole": (2, [MAIL])},  # interrupted: who knows what was not tried
        {"whole": ("killed", [])},
        {"whole": (1, [MAIL]), "pages": ("killed", [])},
        {"whole": (1, [MAIL]), "units": (1, [RULE])},
        {"whole": (1, [])},  # it failed, and doesn't say where
    ],
    ids=["a rule", "too many", "interrupted", "killed", "one killed", "one of both", "unnamed"],
)
def test_all_else_has_failed(tmp_path: Path, lanes: dict[str, tuple[int | str, list[str]]]) -> None:
    assert once_more(tmp_path, **lanes) is None
