"""Aims, the table, and the files that keep the figures."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any, NamedTuple

OURS = "holdfast"


class Aim(NamedTuple):
    """One line of the table. ``kind``: what ``target`` is compared with.

    times: our figure over the peer's, at least; share: our time over the peer's, at most;
    least, most: our figure itself. ``peer``: a word in the peer's name; '' takes the best.
    """

    measure: str
    title: str
    unit: str
    kind: str
    target: float
    peer: str = ""

    @property
    def smaller(self) -> bool:
        return self.kind in ("share", "most")

    @property
    def words(self) -> str:
        number = f"{self.target:,g}"
        against = f" {self.peer}" if self.peer else ""
        return {
            "times": f"≥ {number} ×{against}",
            "share": f"≤ {number} ×{against}",
            "least": f"≥ {number}",
            "most": f"≤ {number}",
        }[self.kind]


_D = "delivered durably, "
AIMS = (
    Aim("deliver-20x20/s", _D + "20 connections × 20", "/s", "times", 8),
    Aim("deliver-20x20 cpu ms", "… processor time per message", "ms", "most", 0.5),
    Aim("deliver-100x20/s", _D + "100 connections × 20", "/s", "times", 8),
    Aim("deliver-100x20 p99 ms", "… time to accept, p99", "ms", "most", 100),
    Aim("deliver-20x1/s", _D + "one message per connection, 20 at once", "/s", "times", 5),
    Aim("deliver-mixed/s", _D + "1 KiB to 5 MiB, mean 56 KiB", "/s", "times", 5),
    Aim("fetch-warm/s", "FETCH FLAGS UID SIZE ENVELOPE of 10,000, warm", "/s", "times", 3),
    Aim("fetch-cold/s", "… cold", "/s", "times", 3),
    Aim("fetch-body/s", "FETCH BODY.PEEK[] of 10,000, warm", "/s", "times", 3),
    Aim("store/s", "STORE +FLAGS on 10,000 (Dovecot doesn't sync it)", "/s", "least", 214_000),
    Aim("store-silent/s", "STORE +FLAGS.SILENT on 10,000 (likewise)", "/s", "least", 214_000),
    Aim("copy/s", "COPY of 10,000", "/s", "times", 1),
    Aim("move/s", "MOVE of 10,000", "/s", "times", 1),
    Aim("expunge/s", "EXPUNGE of 10,000", "/s", "times", 1, "sdbox"),
    Aim("append/s", "APPEND one by one", "/s", "times", 1.5),
    Aim("multiappend/s", "MULTIAPPEND × 100", "/s", "times", 0.5),
    Aim("session/s", "sign in, SELECT, 20 newest, log out; 50 at once", "/s", "times", 2),
    Aim("session-tls/s", "… in TLS", "/s", "times", 2),
    Aim("pop3-download/s", "POP3 download of 1,000", "/s", "times", 1.5),
    Aim("pop3-session/s", "POP3 session with UIDL, 50 at once", "/s", "times", 2),
    Aim("idle-plain kb", "memory per idle IMAP connection, plain", "KiB", "most", 8),
    Aim("idle-tls kb", "… in TLS", "KiB", "most", 40),
    Aim("exists p99 ms", "250 to untagged EXISTS, 300 clients, p99", "ms", "most", 10),
    Aim("start s", "start to all greetings, no accounts", "s", "most", 1.5),
    Aim("start-100k s", "start to all greetings, 100,000 accounts", "s", "most", 1.5),
    Aim("kill first s", "kill -9 of everything: first 250 again after", "s", "most", 0.4),
    Aim("kill lost", "… lost", "", "most", 0),
    Aim("kill doubled", "… doubled", "", "most", 0),
    Aim("kill stuck", "… stuck", "", "most", 0),
    Aim("rebuild-cell/s", "index of one cell rebuilt, the service running", "messages/s", "least", 5000),
    Aim("rebuild-all/s", "all indexes rebuilt by one command", "messages/s", "least", 5000),
    Aim("jmap list ms", "JMAP Email/query + get of 50 of 100,000, at the server", "ms", "most", 10),
    Aim("webmail open ms", "webmail to usable list, 100,000 messages, warm browser", "ms", "most", 1000),
    Aim("webmail offline ms", "… without a network", "ms", "most", 300),
    Aim("webmail key ms", "webmail search, a keystroke over 10,000 messages, offline", "ms", "most", 50),
    Aim("webmail first kb", "webmail's first view, compressed", "KB", "most", 200),
)
# Of what parts measure alone, what the table shows: measure → part and the way to its figure.
OF_PARTS = {
    "jmap list ms": ("jmap_server", "ms", "window"),
    "webmail open ms": ("webmail_browser", "ms", "open"),
    "webmail offline ms": ("webmail_browser", "ms", "offline"),
    "webmail key ms": ("webmail_browser", "ms", "keystroke"),
    "webmail first kb": ("webmail_browser", "first_view_kb"),
}


class Line(NamedTuple):
    aim: Aim
    ours: float
    peer: str
    theirs: float | None
    ratio: float | None
    met: bool


Runs = dict[str, dict[str, list[float]]]  # measure → peer → a value per run


def from_parts(programs: dict[str, Any]) -> Runs:
    """What parts measured, as lines of the table have it."""
    found: Runs = {}
    for measure, (part, *way) in OF_PARTS.items():
        if part in programs:
            value = programs[part]
            for step in way:
                value = value[step]
            found[measure] = {OURS: [float(value)]}
    return found


def lines(runs: Runs) -> list[Line]:
    found = []
    for aim in AIMS:
        values = runs.get(aim.measure, {})
        if OURS not in values:
            continue
        ours = statistics.median(values[OURS])
        others = {name: statistics.median(each) for name, each in values.items() if name != OURS}
        wanted = {name: value for name, value in others.items() if aim.peer in name} or others
        best = (min if aim.smaller else max)(wanted, key=lambda name: wanted[name]) if wanted else ""
        theirs = wanted.get(best)
        ratio = ours / theirs if theirs else None
        if aim.kind in ("times", "share"):
            met = ratio is not None and (ratio <= aim.target if aim.smaller else ratio >= aim.target)
        else:
            met = ours <= aim.target if aim.smaller else ours >= aim.target
        found.append(Line(aim, ours, best, theirs, ratio, met))
    return found


def figure(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.3g}"


def table(rows: list[Line]) -> str:
    """Markdown."""
    out = ["| work | ours | best peer | ratio | our aim | met |", "|---|---|---|---|---|---|"]
    for row in rows:
        unit = row.aim.unit if row.aim.unit.startswith("/") else f" {row.aim.unit}".rstrip()
        theirs = f"{figure(row.theirs)}{unit} ({row.peer})" if row.theirs is not None else "–"
        ratio = f"{row.ratio:.3g}" if row.ratio is not None else "–"
        met = "yes" if row.met else "**no**"
        ours = f"{figure(row.ours)}{unit}"
        out.append(f"| {row.aim.title} | {ours} | {theirs} | {ratio} | {row.aim.words} | {met} |")
    return "\n".join(out)


def keep(
    path: Path, machine: dict[str, Any], runs: Runs, failures: list[str], programs: dict[str, Any]
) -> None:
    medians = {
        measure: {peer: round(statistics.median(each), 4) for peer, each in values.items()}
        for measure, values in runs.items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps(
            {
                "machine": machine,
                "medians": medians,
                "ratios": {row.aim.measure: row.ratio for row in lines(runs)},
                "missed": [row.aim.measure for row in lines(runs) if not row.met],
                "runs": {
                    m: {p: [round(x, 4) for x in v] for p, v in each.items()} for m, each in runs.items()
                },
                "failures": failures,
                "programs": programs,
            },
            indent=1,
        )
        + "\n"
    )


def publish(path: Path, machine: dict[str, Any], runs: Runs, failures: list[str], also: str = "") -> None:
    """The page of figures, generated. ``also``: what has to be said of some of them."""
    rows = lines(runs)
    missed = [row.aim.title for row in rows if not row.met]
    version = machine["versions"]
    note = f" {machine['note'].strip().capitalize().rstrip('.')}." if machine.get("note") else ""
    text = f"""# Performance

Generated by `make bench`; every run is kept in `bench/results`. How it is measured: `bench/README.md`.

{machine["date"][:10]}, {machine["processor"]}, {machine["cores"]} cores, {machine["memory_gib"]} GiB,
Linux {machine["kernel"]}; Python {version["python"]},
Postfix {version["postfix"]}, Dovecot {version["dovecot"]};
medians of {machine["runs"]} runs, load average {machine["load_before"]:.1f} before.{note}
Absolute figures move from machine to machine: the ratios, taken in one run, are what counts.

{table(rows)}

{len(rows) - len(missed)} of {len(rows)} aims met.{also}"""
    if failures:
        text += "\n\nNot measured: " + "; ".join(failures) + "."
    path.write_text(text + "\n")


def publish_kept(kept: list[Path], path: Path) -> None:
    """The page from results kept earlier; the first says what machine it was."""
    runs: Runs = {}
    failures: list[str] = []
    read = [json.loads(each.read_text()) for each in kept]
    for each in read:
        runs |= each["runs"]
        failures += each["failures"]
    also = "".join(
        f"\n{' and '.join(each['programs'])}: {each['machine']['date'][:10]}, {each['machine']['note']}."
        for each in read[1:]
        if each["programs"] and each["machine"]["note"]
    )
    publish(path, read[0]["machine"], runs, failures, also)
