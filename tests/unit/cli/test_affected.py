"""`holdfast affected`: every count says by what it was made."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.care.affected import Scope, affected
from holdfast.cli.care import _show
from holdfast.world import real_world
from unit.care.snapshot import NOON, account, written


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        (Scope(), "exact: all accounts"),
        (Scope(frozenset({3})), "exact: all accounts whose mail lies in these cells"),
        (Scope(accounts=frozenset({1})), "exact: these accounts, by number"),
        (Scope(None, "part"), "at most these: what fails doesn't fail each time"),
        (Scope(None, "undecided"), "at most these: the cause isn't certain"),
    ],
)
def test_each_count_is_shown_with_by_what_it_was_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], scope: Scope, words: str
) -> None:
    world = real_world(level="error")
    _show(affected(world, written(world, tmp_path, [account(1, 1, 3)]), {"imap": scope}, NOON))
    shown = capsys.readouterr().out
    assert words in " ".join(shown.split()) and "1 of 1" in shown
