"""The webmail's own tests and types, by its own tools; and a package that brings it along."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def build(word: str) -> None:
    done = subprocess.run(
        [ROOT / ".ci" / "webmail", sys.executable, word], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_webmail_keeps_its_own_rules():
    build("types")
    build("test")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_wheel_made_where_there_is_no_node_brings_the_webmail(tmp_path):
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    tree = tmp_path / "tree"
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    for name in names:
        if (ROOT / name).is_file() and not name.startswith(("tests/", "docs/", "bench/")):
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            os.link(ROOT / name, tree / name)
    bare = os.environ | {"PATH": without_node(tmp_path)}
    command = [python, "-m", "pip", "wheel", "--no-deps", "-q", "-w", tmp_path / "out", tree]
    done = subprocess.run(command, env=bare, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = (tmp_path / "out").glob("holdfast-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    below = "holdfast/functions/webmail/static/"
    assert {below + "index.html", below + "sw.js", below + "frame.html"} <= set(names)
    assert not [name for name in names if "node_modules" in name]


def without_node(folder: Path) -> str:
    """The programs of this machine but for node and npm."""
    bare = folder / "bin"
    bare.mkdir()
    for place in os.environ["PATH"].split(os.pathsep):
        for program in Path(place).iterdir() if Path(place).is_dir() else ():
            link = bare / program.name
            if program.name not in ("node", "npm", "npx", "nodejs") and not link.exists():
                link.symlink_to(program)
    return str(bare)
