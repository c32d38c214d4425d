"""`python -m bench [ROW …] [--runs 3] [--quick]`: Holdfast beside its peers, in one run on one machine.

For each row: the same load against each server in turn, A B A B …, never two at a time; the median of the
runs counts. Prints one table and writes `bench/results/<name>.json`. Rows: see `--list`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench import report
from bench.peers import ROOT, Holdfast, Peer, PostfixDovecot, machine, versions
from bench.rows import Program, Stage, delivery, idle, life, mailbox, sessions

PROGRAMS: dict[str, Program] = {
    name: program
    for rows in (delivery, mailbox, sessions, idle, life)
    for name, program in rows.PROGRAMS.items()
}
ACCOUNTS = 500
RESULTS = ROOT / "bench/results"
PAGE = ROOT / "docs/reference/performance.md"
# One part at a time, without a peer: `bench/<name>.py`, which prints JSON.
PARTS = (
    "packs",
    "mime",
    "imap_wire",
    "jmap_wire",
    "jmap_server",
    "webmail_browser",
    "intake",
    "store",
    "directory",
    "sign_in",
    "administration",
    "idle_connections",
    "password_change",
)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def play(rows: list[str], peers: list[Peer], runs: int, stage: Stage, failures: list[str]) -> report.Runs:
    found: report.Runs = {}
    for row in rows:
        for run in range(runs):
            for peer in peers:
                started = time.perf_counter()
                try:
                    measures = PROGRAMS[row](peer, run, stage)
                except Exception as error:
                    failures.append(f"{row}, {peer.name}, run {run}: {error!r}")
                    say(f"{row} {peer.name} failed: {traceback.format_exc()}")
                    continue
                for measure, value in measures.items():
                    found.setdefault(measure, {}).setdefault(peer.name, []).append(value)
                shown = "  ".join(f"{name}={report.figure(value)}" for name, value in measures.items())
                say(f"{row} {run} {peer.name}: {shown}  [{time.perf_counter() - started:.1f} s]")
    return found


def play_parts(names: list[str], failures: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in names:
        command = [sys.executable, str(ROOT / "bench" / f"{name}.py")]
        path = os.pathsep.join([str(ROOT / "src"), *sys.path])
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path})
        try:
            found[name] = json.loads(done.stdout)
            say(f"{name}: {json.dumps(found[name])}")
        except ValueError:
            failures.append(f"{name}: {done.stderr[-300:]}")
            say(f"{name} failed: {done.stderr[-2000:]}")
    return found


@contextlib.contextmanager
def _temporary_files() -> Iterator[Path]:
    """A folder that servers of other users get into, too; all temporary files are in it meanwhile."""
    before = os.environ.get("TMPDIR")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        Path(folder).chmod(0o755)
        try:
            os.environ["TMPDIR"], tempfile.tempdir = folder, None
            yield Path(folder)
        finally:
            tempfile.tempdir = None
            del os.environ["TMPDIR"]
            if before is not None:
                os.environ["TMPDIR"] = before


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("rows", nargs="*", help="which; all where none is named")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="smaller loads")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--page", action="store_true", help="write the page of figures from kept results")
    parser.add_argument("--peers", default="ours,sdbox,mdbox", help="also: hibernated")
    parser.add_argument("--name", default="", help="of the results file")
    parser.add_argument("--note", default="", help="kept in the results, such as that the machine was busy")
    options = parser.parse_args()
    if options.list:
        print("\n".join([*PROGRAMS, *PARTS]))
        return
    if options.page:
        report.publish_kept([RESULTS / f"{name}.json" for name in options.rows or ["all"]], PAGE)
        return
    unknown = set(options.rows) - {*PROGRAMS, *PARTS}
    if unknown:
        parser.error(f"no row {', '.join(sorted(unknown))}; there are: {', '.join([*PROGRAMS, *PARTS])}")
    rows = [row for row in PROGRAMS if row in options.rows or not options.rows]
    parts = [part for part in PARTS if part in options.rows or not options.rows]
    about = machine() | {
        "versions": versions(),
        "quick": options.quick,
        "runs": options.runs,
        "note": options.note,
    }
    failures: list[str] = []
    with _temporary_files() as folder:
        makers: dict[str, Callable[[], Peer]] = {
            "ours": lambda: Holdfast(folder, ACCOUNTS),
            "sdbox": lambda: PostfixDovecot(folder, "sdbox"),
            "mdbox": lambda: PostfixDovecot(folder, "mdbox"),
            "hibernated": lambda: PostfixDovecot(folder, "sdbox", hibernate=True),
        }
        peers: list[Peer] = []
        try:
            for each in options.peers.split(",") if rows else []:
                say(f"starting {each}")
                peers.append(makers[each]())
            found = play(rows, peers, options.runs, Stage(options.quick, folder), failures)
        finally:
            for peer in peers:
                peer.close()
    programs = play_parts(parts, failures)
    found |= report.from_parts(programs)
    about["load_after"] = os.getloadavg()[0]
    name = options.name or (
        "quick" if options.quick else "all" if not options.rows else "-".join(options.rows)
    )
    report.keep(RESULTS / f"{name}.json", about, found, failures, programs)
    print(report.table(report.lines(found)))
    if not options.rows and not options.quick:
        report.publish(PAGE, about, found, failures)
    for failure in failures:
        print(f"failed: {failure}")


if __name__ == "__main__":
    main()
